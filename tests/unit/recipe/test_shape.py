"""Shapes report every fault at its place, with the nearest allowed word, and keep what is right."""

import jsonschema
import pytest

from crawler.recipe.diagnostics import Report
from crawler.recipe.shape import ByKind, Key, ListOf, Named, NamedMap, Schemas, UserMap, Variants, one_or_list
from crawler.recipe.shape_scalars import Boolean, Integer, Text
from crawler.recipe.yaml_nodes import Broken, plain
from crawler.recipe.yaml_reader import read_yaml

COLOUR = NamedMap(
    keys=(
        Key("name", Text(), "Name", required=True),
        Key("depth", Integer(minimum=1, maximum=9), "Depth"),
        Key("shown", Boolean(), "Shown"),
    ),
    later=("gloss",),
    elsewhere={"hue": "goes with paint"},
)


def check(shape, text):
    report = Report()
    root = read_yaml(f"x: {text}\n" if not text.startswith("\n") else f"x:{text}\n", file="r.yaml", report=report)
    checked = shape.check(root.get("x"), ("x",), report)
    return checked, report.problems()


def messages(shape, text):
    return [f"{p.line}:{p.column} {p.path}: {p.message}; {p.hint}" for p in check(shape, text)[1]]


@pytest.mark.parametrize(
    ("shape", "text", "message", "hint"),
    [
        (ListOf(member=Text()), "a", "must be a list, not the text 'a'", "as a list: [a]"),
        (ListOf(member=Text()), "{a: b}", "must be a list, not a map", "begin each member with `- `"),
        (ListOf(member=Text()), "[]", "is an empty list", "write a member, or delete the key"),
        (UserMap(value=Text(), keys="name"), "[]", "must be a map, not a list", None),
        (UserMap(value=Text(), keys="name"), "{}", "is an empty map", "write a member, or delete the key"),
        (ByKind(noun="text", scalar=Text()), "[a]", "must be text, not a list", None),
    ],
)
def test_a_value_of_another_kind_is_refused_with_the_cure(shape, text, message, hint):
    checked, problems = check(shape, text)
    assert [(problem.message, problem.hint) for problem in problems] == [(message, hint)]
    assert isinstance(checked, Broken)


@pytest.mark.parametrize(
    ("shape", "text"),
    [
        (ListOf(member=Integer()), "[1, 2]"),
        (one_or_list(Text()), "[a, b]"),
        (one_or_list(Text()), "a"),
        (UserMap(value=Integer(), keys="name"), "{a: 1}"),
        (COLOUR, "{name: red, depth: 3, shown: true}"),
    ],
)
def test_what_fits_is_kept_and_fits_the_json_schema_too(shape, text):
    checked, problems = check(shape, text)
    assert problems == ()
    value = plain(checked)
    jsonschema.Draft202012Validator(shape.schema(Schemas())).validate(float(value) if text == "2.5" else value)


def test_all_faults_of_a_map_are_reported_at_once_each_in_its_place():
    assert messages(COLOUR, "\n  nmae: red\n  depth: ten\n  gloss: 1\n  hue: 2\n  quite_other: 3") == [
        "2:3 x.nmae: unknown key 'nmae'; did you mean 'name'?",
        "3:10 x.depth: must be a whole number, not the text 'ten'; None",
        "4:3 x.gloss: 'gloss' is not available in this version; delete it",
        "5:3 x.hue: 'hue' does not belong here; goes with paint",
        "6:3 x.quite_other: unknown key 'quite_other'; allowed here: name, depth, shown",
    ]


def test_a_missing_key_is_reported_with_what_it_is_for_unless_it_is_there_misspelt():
    assert messages(COLOUR, "{depth: 1}") == ["1:4 x: the key 'name' is missing; add it: Name"]
    assert len(messages(COLOUR, "{nam: red}")) == 1


def test_a_refused_value_is_dropped_from_a_map_and_marks_it_incomplete():
    checked, _ = check(COLOUR, "{name: red, depth: ten}")
    assert plain(checked) == {"name": "red"}
    assert not checked.complete


def test_a_refused_value_of_the_authors_own_key_leaves_its_name_known():
    checked, problems = check(UserMap(value=Integer(), keys="name"), "{a: 1, b: x}")
    assert [problem.path for problem in problems] == ["x.b"]
    assert list(checked.by_key) == ["a", "b"]
    assert isinstance(checked.get("b"), Broken)


def test_a_key_of_the_authors_own_may_be_refused_and_its_value_is_still_checked():
    shape = UserMap(value=Integer(), keys="name", name=lambda name: None if name.islower() else f"'{name}' shouts")
    assert messages(shape, "{A: x, b: 1}") == [
        "1:5 x.A: 'A' shouts; None",
        "1:8 x.A: must be a whole number, not the text 'x'; None",
    ]


def test_hundreds_of_unknown_keys_are_counted():
    keys = ", ".join(f"key_number_{number}: 1" for number in range(300))
    assert messages(COLOUR, f"{{name: red, {keys}}}")[-1].endswith("and 100 more problems; None")


def test_wrong_members_of_a_list_are_reported_by_their_number():
    assert messages(ListOf(member=Integer()), "[1, a, 2, b]") == [
        "1:8 x[1]: must be a whole number, not the text 'a'; None",
        "1:14 x[3]: must be a whole number, not the text 'b'; None",
    ]


ONE_OF = NamedMap(keys=(Key("a", Text(), "A"), Key("b", Text(), "B"), Key("c", Text(), "C")), one_of=("a", "b"))


def test_keys_that_exclude_each_other_are_reported_at_the_second():
    assert messages(ONE_OF, "{a: x, b: y}") == ["1:11 x.b: 'a' and 'b' exclude each other; keep one of a or b"]


def test_one_of_several_keys_must_be_there():
    assert messages(ONE_OF, "{c: x}") == ["1:4 x: one of a or b is missing; None"]


def test_a_key_may_need_another_beside_it():
    shape = NamedMap(keys=ONE_OF.keys, together={"a": ("c",)})
    assert messages(shape, "{a: x}") == ["1:5 x.a: 'a' needs 'c' beside it; None"]


VARIANTS = Variants(
    variants={
        "css": NamedMap(
            keys=(Key("css", Text(), "CSS"), Key("all", Boolean(), "All")), elsewhere={"meta": "one source"}
        ),
        "meta": NamedMap(keys=(Key("meta", Text(), "Meta"),), elsewhere={"all": "goes with css"}),
    },
    noun="a rule",
    later=("jsonld",),
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{css: a, all: true}", []),
        ("{meta: a, all: true}", ["1:14 x.all: 'all' does not belong here; goes with css"]),
        ("{css: a, meta: b}", ["1:13 x.meta: 'meta' does not belong here; one source"]),
        ("{all: true}", ["1:4 x: one of css or meta is missing; None"]),
        ("{csss: a}", ["1:5 x.csss: unknown key 'csss'; did you mean 'css'?"]),
        ("{jsonld: a}", ["1:5 x.jsonld: 'jsonld' is not available in this version; delete it"]),
        ("[a]", ["1:4 x: must be a rule, not a list; None"]),
    ],
)
def test_the_key_that_is_there_decides_which_others_belong_to_it(text, expected):
    assert messages(VARIANTS, text) == expected


def test_a_shape_may_contain_itself():
    shape = Named(name="tree", shape=lambda: tree)
    tree = NamedMap(keys=(Key("name", Text(), "Name"), Key("below", ListOf(member=shape), "Below")))
    assert messages(shape, "{name: a, below: [{name: b, below: [{nam: c}]}]}") == [
        "1:41 x.below[0].below[0].nam: unknown key 'nam'; did you mean 'name'?"
    ]
    schemas = Schemas()
    assert shape.schema(schemas) == {"$ref": "#/$defs/tree"}
    assert schemas.definitions["tree"]["properties"]["below"]["items"] == {"$ref": "#/$defs/tree"}


def test_the_schema_of_a_map_describes_and_requires_its_keys():
    schema = COLOUR.schema(Schemas())
    assert schema["required"] == ["name"]
    assert schema["additionalProperties"] is False
    assert schema["properties"]["depth"] == {"description": "Depth", "type": "integer", "minimum": 1, "maximum": 9}
