"""Chains of steps: the catalogue, what fits, how lists and missing values go through."""

from decimal import Decimal
from importlib.metadata import EntryPoint

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.recipe.steps import (
    Step,
    StepDefinition,
    StepError,
    StepFailed,
    StepInfo,
    build_step,
    catalogue,
    chain_gives,
    check_chain,
    registry,
    run_steps,
)
from crawler.recipe.steps.definition import text_step
from crawler.recipe.values import MISSING

BASE = "https://shop.example/shop/page.html"

INFOS = {info.name: info for info in catalogue()}


def steps(*written) -> list[Step]:
    return [build_step(one) if isinstance(one, str) else build_step(*next(iter(one.items()))) for one in written]


def test_the_catalogue_has_every_step_of_the_language():
    named = """
        strip squeeze lower upper replace regex prepend append split join slice map number integer price date
        canonical_url query_param unique limit truncate reject html_unescape url_encode url_decode slug safe_html
    """
    assert set(named.split()) <= set(INFOS)


@pytest.mark.parametrize("name", INFOS)
def test_each_step_does_what_its_example_says(name):
    argument, value, output = INFOS[name].example
    result = run_steps([build_step(name, argument)], value, base_url=BASE)
    assert result == output
    assert type(result) is type(output)


@pytest.mark.parametrize("name", INFOS)
def test_each_step_is_described(name):
    info = INFOS[name]
    assert info.summary.endswith(".")
    assert bool(info.argument) or (info.example[0] is MISSING and not info.options)


@pytest.mark.parametrize("name", INFOS)
def test_each_step_refuses_an_option_that_it_does_not_have(name):
    options = {"nonsense_option": 1, "with": 5} if name != "map" else {"values": {"a": 1}, "nonsense_option": 1}
    with pytest.raises(StepError, match=f"^`{name}` "):
        build_step(name, options)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("trim", "strip"),
        ("Strip", "strip"),
        ("stripp", "strip"),
        ("canonical-url", "canonical_url"),
        ("lowercase", "lower"),
        ("first", "slice: 0"),
        ("int", "integer"),
        ("xyzzy", "the steps are strip, "),
    ],
)
def test_an_unknown_step_gets_the_name_that_was_meant(name, hint):
    with pytest.raises(StepError, match="there is no step") as error:
        build_step(name)
    assert hint in error.value.hint


@pytest.mark.parametrize(
    ("chain", "starts", "index"),
    [
        (["strip", {"join": ","}], "one", 1),
        ([{"limit": 2}], "one", 0),
        (["unique"], "one", 0),
        ([{"slice": [1]}], "one", 0),
        ([{"split": ","}, {"join": "-"}, "unique"], "one", 2),
        ([{"split": ","}, {"slice": 0}, "unique"], "unknown", 2),
        ([{"join": ","}, {"join": ","}], "list", 1),
    ],
)
def test_a_list_step_on_one_value_is_found_before_it_runs(chain, starts, index):
    wrong = check_chain(steps(*chain), starts=starts)
    assert wrong is not None
    assert wrong[0] == index
    assert "`all: true`" in wrong[1]


@pytest.mark.parametrize(
    ("chain", "starts", "gives"),
    [
        ([], "one", "one"),
        ([], "unknown", "unknown"),
        (["strip"], "list", "list"),
        (["strip"], "unknown", "unknown"),
        ([{"split": ","}], "one", "list"),
        ([{"join": ","}], "unknown", "one"),
        ([{"slice": -1}], "list", "one"),
        ([{"slice": [0, 2]}], "list", "list"),
        ([{"regex": {"pattern": "a", "all": True}}], "one", "list"),
        ([{"split": ","}, "unique", {"limit": 3}], "one", "list"),
    ],
)
def test_a_chain_that_fits_says_what_comes_out(chain, starts, gives):
    assert check_chain(steps(*chain), starts=starts) is None
    assert chain_gives(steps(*chain), starts=starts) == gives


@pytest.mark.parametrize(
    ("chain", "value", "result"),
    [
        ([], "a", "a"),
        ([], " ", MISSING),
        (["upper"], ["a", None, "", "b", MISSING], ["A", "B"]),
        ([{"regex": r"\d+"}], ["a1", "b", "c3"], ["1", "3"]),
        ([{"regex": r"\d+"}], ["a", "b"], MISSING),
        ([{"reject": "^a"}, {"join": ","}], ["a", "ab"], MISSING),
        ([{"split": ","}], ["a,b", "c"], ["a", "b", "c"]),
        ([{"join": "|"}], ["a", "", None, 5, True], "a|5|true"),
        ([{"join": "|"}], "a", "a"),
        ([{"limit": 2}], "a", ["a"]),
        (["strip", "integer"], MISSING, MISSING),
        (["integer"], "0", 0),
        ([{"map": {"a": None}}, "upper"], "a", MISSING),
        ([{"map": {"true": False}}], True, False),
        (["strip"], [], MISSING),
    ],
)
def test_lists_and_missing_values_go_through_a_chain(chain, value, result):
    got = run_steps(steps(*chain), value, base_url=BASE)
    assert got == result
    assert type(got) is type(result)


def test_a_failure_says_which_step_of_the_chain_it_was():
    with pytest.raises(StepFailed) as failure:
        run_steps(steps("strip", "lower", "integer"), ["1", "x"], base_url=BASE)
    assert (failure.value.index, failure.value.name) == (2, "integer")
    assert "'x'" in str(failure.value)


def test_a_step_runs_alone_too():
    step = build_step("price", {"which": "lowest"})
    assert (step.name, step.argument, step.takes, step.gives) == ("price", {"which": "lowest"}, "element", "element")
    assert step.apply("5.00 - 7.00", base_url=BASE) == Decimal("5.00")
    with pytest.raises(StepFailed) as failure:
        step.apply("none", base_url=BASE)
    assert failure.value.name == "price"


#: Steps that take objects too.
OF_OBJECTS = ("slug", "woocommerce_attributes")


@pytest.mark.parametrize(
    "name", [name for name, info in INFOS.items() if info.takes == "element" and name not in OF_OBJECTS]
)
def test_an_element_step_refuses_an_object_with_a_clear_message(name):
    with pytest.raises(StepFailed, match="got an object"):
        build_step(name, INFOS[name].example[0]).apply({"a": 1}, base_url=BASE)


# --- steps of other packages ------------------------------------------------------------------------------------------

SHOUT = StepDefinition(
    info=StepInfo(name="shout", summary="Shouts.", example=(MISSING, "a", "a!")),
    build=lambda argument: text_step(lambda text: text + "!"),
)
TAKEN = StepDefinition(info=StepInfo(name="strip", summary="x.", example=(MISSING, "a", "a")), build=SHOUT.build)
NOT_A_STEP = "just text"


@pytest.fixture
def installed(monkeypatch):
    """Steps named by entry points, as installed packages bring them."""

    def install(name: str, attribute: str) -> None:
        point = EntryPoint(name=name, value=f"{__name__}:{attribute}", group=registry.ENTRY_POINT_GROUP)
        monkeypatch.setitem(
            __import__("sys").modules, __name__, __import__("sys").modules.get(__name__) or _this_module()
        )
        monkeypatch.setattr(registry, "entry_points", lambda group: (point,) if group == point.group else ())
        registry._definitions.cache_clear()

    yield install
    monkeypatch.undo()
    registry._definitions.cache_clear()


def _this_module():
    import types

    module = types.ModuleType(__name__)
    module.__dict__.update(globals())
    return module


def test_an_entry_point_adds_a_step(installed):
    installed("shout", "SHOUT")
    assert run_steps(steps("upper", "shout"), "a", base_url=BASE) == "A!"
    assert "shout" in {info.name for info in catalogue()}


@pytest.mark.parametrize(
    ("name", "attribute", "message"),
    [
        ("strip", "TAKEN", "there is a step of that name already"),
        ("loud", "SHOUT", "names a step called `shout`"),
        ("shout", "NOT_A_STEP", "no StepDefinition"),
    ],
)
def test_an_entry_point_that_cannot_be_a_step_is_refused(installed, name, attribute, message):
    installed(name, attribute)
    with pytest.raises(StepError, match=message):
        build_step("strip")


# --- anything a page can hold -----------------------------------------------------------------------------------------

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.decimals()
    | st.text(max_size=30)
    | st.text(alphabet=st.sampled_from("0123456789.,' -€$%+:/TZabc\N{NO-BREAK SPACE}\u200f&;#?=<>"), max_size=30)
)
JSON_LIKE = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
MORE_ARGUMENTS = {
    "price": [{"which": "highest", "free": 0, "decimal": ","}],
    "number": [MISSING],
    "integer": [{"decimal": ","}],
    "date": [MISSING, {"formats": ["unix", "unix_ms"]}, {"languages": ["he", "en"], "order": "DMY", "as": "datetime"}],
    "regex": [{"pattern": r"\w+", "all": True}, r"(a)?\d"],
    "replace": [{"text": "a", "with": ""}, {"pattern": "(.)", "with": r"\1\1"}],
    "truncate": [{"length": 5, "words": False, "end": "..."}],
    "slice": [0, [-2, None]],
    "split": [{"pattern": r"\s*"}],
    "map": [{"values": {"^a": 1}, "by": "regex", "else": None}, {"true": 1}],
    "safe_html": [{"tags": ["p"]}],
}


@pytest.mark.parametrize("name", INFOS)
@settings(max_examples=120, deadline=None)
@given(value=JSON_LIKE)
def test_no_step_raises_anything_but_a_failure_of_its_own_kind(name, value):
    for argument in [INFOS[name].example[0], *MORE_ARGUMENTS.get(name, [])]:
        step = build_step(name, argument)
        try:
            result = run_steps([step], value, base_url=BASE)
        except StepFailed as failure:
            assert str(failure)  # noqa: PT017 - either outcome is right
        else:
            assert result is MISSING or isinstance(result, str | int | Decimal | list | dict | float)
