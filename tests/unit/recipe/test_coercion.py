"""Values get their field's type without losing anything, or are refused."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.recipe.coercion import compile_field
from crawler.recipe.fields import Broken, Reader
from crawler.recipe.values import MISSING

BASE = "https://shop.example/c/d;p?q"


def accept(value, **written):
    reader = Reader()
    spec = reader.spec(written, ())
    reader.finish()
    return compile_field(spec)(value, BASE)


@pytest.mark.parametrize(
    ("kind", "value", "accepted"),
    [
        ("string", "a\N{NO-BREAK SPACE}b ", "a\N{NO-BREAK SPACE}b "),
        ("string", "\ud83d \ud83d\ude00", "\ufffd \U0001f600"),
        ("string", 12, "12"),
        ("string", Decimal("12.50"), "12.50"),
        ("string", 0, "0"),
        ("integer", "12", 12),
        ("integer", "-3", -3),
        ("integer", 12, 12),
        ("integer", Decimal("12.0"), 12),
        ("integer", 10**30, 10**30),
        ("decimal", "12.50", Decimal("12.50")),
        ("decimal", "1290.00", Decimal("1290.00")),
        ("decimal", 5, Decimal(5)),
        ("decimal", 19.9, Decimal("19.9")),
        ("decimal", Decimal("0.10"), Decimal("0.10")),
        ("number", "1e3", Decimal(1000)),
        ("number", 5, 5),
        ("number", "5", Decimal(5)),
        ("number", 0.5, Decimal("0.5")),
        ("boolean", True, True),
        ("boolean", False, False),
        ("boolean", "true", True),
        ("boolean", "false", False),
        ("array", ["a", 1, None, MISSING, ["b", None]], ["a", 1, ["b", None]]),
        ("array", [0, False], [0, False]),
        ("array", [0.5, {"a": MISSING}], [Decimal("0.5"), {"a": None}]),
        ("object", {"a": 1, "b": {"c": 1.5, "d": MISSING}}, {"a": 1, "b": {"c": Decimal("1.5"), "d": None}}),
        ("object", {"\ud83d": ["\ude00"]}, {"\ufffd": ["\ufffd"]}),
        ("object", {}, {}),
    ],
)
def test_what_fits_is_accepted_exactly(kind, value, accepted):
    result = accept(value, type=kind)
    assert result == accepted
    assert type(result) is type(accepted)
    assert str(result) == str(accepted)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("string", True),
        ("string", ["a"]),
        ("string", {"a": 1}),
        ("string", float("nan")),
        ("integer", "12.0"),
        ("integer", "1,000"),
        ("integer", "007"),
        ("integer", "12 pieces"),
        ("integer", "١٢"),
        ("integer", True),
        ("integer", 1.5),
        ("integer", ["1"]),
        ("decimal", "1,5"),
        ("decimal", "£5"),
        ("decimal", "1e3"),
        ("decimal", False),
        ("decimal", Decimal("NaN")),
        ("decimal", Decimal("1e999999")),
        ("decimal", {"amount": 1}),
        ("number", "1e999"),
        ("number", "many"),
        ("number", True),
        ("boolean", 1),
        ("boolean", "yes"),
        ("boolean", "True"),
        ("boolean", ["true"]),
        ("array", "a"),
        ("array", {"a": 1}),
        ("array", [b"x"]),
        ("array", [float("inf")]),
        ("object", "a"),
        ("object", ["a"]),
    ],
)
def test_what_would_need_a_guess_is_refused_for_its_type(kind, value):
    with pytest.raises(Broken) as broken:
        accept(value, type=kind)
    assert broken.value.rule == "type"
    assert broken.value.message


@pytest.mark.parametrize("kind", ["string", "integer", "decimal", "boolean", "array", "object"])
@pytest.mark.parametrize("value", [None, MISSING, "", " \n", [], [None, ""]])
def test_a_missing_value_is_null_or_refused_where_it_is_required(kind, value):
    assert accept(value, type=kind) is None
    with pytest.raises(Broken, match="is missing") as broken:
        accept(value, type=kind, required=True)
    assert broken.value.rule == "required"


@pytest.mark.parametrize(
    ("reference", "url"),
    [
        ("g", "https://shop.example/c/g"),
        ("./g/", "https://shop.example/c/g/"),
        ("/g", "https://shop.example/g"),
        ("//cdn.example/g", "https://cdn.example/g"),
        ("?y", "https://shop.example/c/d;p?y"),
        ("#s", "https://shop.example/c/d;p?q#s"),
        (";x", "https://shop.example/c/;x"),
        ("../../../g", "https://shop.example/g"),
        ("http://other.example/a?b#c", "http://other.example/a?b#c"),
        ("HTTP://other.example", "HTTP://other.example"),
        ("/a b/כיסא.jpg?x=é", "https://shop.example/a%20b/%D7%9B%D7%99%D7%A1%D7%90.jpg?x=%C3%A9"),
        ("/a%20b", "https://shop.example/a%20b"),
        ("https://דוגמה.example/", "https://xn--6dbfcmu1b.example/"),
    ],
)
def test_a_url_becomes_absolute_and_ascii(reference, url):
    result = accept(reference, type="string", format="uri")
    assert result.isascii()
    if "דוגמה" not in reference:
        assert result == url


@pytest.mark.parametrize(
    "value",
    [
        "mailto:a@b.example",
        "javascript:void(0)",
        "data:image/png;base64,AA",
        "http://[::1",
        "ftp://a/b",
        "http:///x",
        "http://a b/",
        "http://a<b/",
        "http://é..example/",
    ],
)
def test_only_http_urls_are_urls(value):
    with pytest.raises(Broken, match="no http") as broken:
        accept(value, type="string", format="uri")
    assert broken.value.rule == "format"


def test_members_of_a_list_have_their_own_rules():
    urls = accept(["a", None, "/b"], type="array", items={"type": "string", "format": "uri"})
    assert urls == ["https://shop.example/c/a", "https://shop.example/b"]
    with pytest.raises(Broken) as broken:
        accept(["1", "x"], type="array", items={"type": "integer"})
    assert (broken.value.inside, broken.value.rule) == ("[]", "type")
    assert broken.value.message.startswith("member 2: ")


def test_objects_have_their_properties_first_and_keep_the_others():
    written = {"sku": {"type": "string", "required": True}, "price": {"type": "decimal"}}
    variants = {"type": "array", "items": {"type": "object", "properties": written}}
    assert accept([{"x": 0.5, "price": "1.50", "sku": 7}, {"sku": "b"}], **variants) == [
        {"sku": "7", "price": Decimal("1.50"), "x": Decimal("0.5")},
        {"sku": "b", "price": None},
    ]
    with pytest.raises(Broken) as broken:
        accept([{"sku": "a"}, {"price": "1"}], **variants)
    assert (broken.value.inside, broken.value.rule) == ("[].sku", "required")
    with pytest.raises(Broken) as broken:
        accept(["a"], **variants)
    assert (broken.value.inside, broken.value.rule) == ("[]", "type")


def test_a_value_nested_without_end_is_refused():
    value: list = ["x"]
    for _ in range(5000):
        value = [value]
    with pytest.raises(Broken, match="nested deeper"):
        accept(["x", value], type="array")


def test_a_hundred_levels_are_not_too_many():
    value: list = ["x"]
    for _ in range(99):
        value = [value]
    assert accept(value, type="array") == value
    with pytest.raises(Broken, match="nested deeper"):
        accept([value], type="array")


def test_an_accepted_value_is_a_copy():
    value = {"a": [1]}
    accept(value, type="object")["a"].append(2)
    assert value == {"a": [1]}


JSON_LIKE = st.recursive(
    st.none()
    | st.just(MISSING)
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.decimals()
    | st.text(max_size=20)
    | st.text(alphabet=st.sampled_from("0123456789.,-+eE:/#?%[]@ T"), max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=8,
)
SPECS = [
    *({"type": kind} for kind in ("string", "integer", "number", "decimal", "boolean", "array", "object")),
    *({"type": "string", "format": name} for name in ("uri", "date", "date-time", "email")),
    {"type": "string", "pattern": r"^\w+$", "min_length": 2, "max_length": 3},
    {"type": "decimal", "minimum": 0, "maximum": 1},
    {"type": "array", "items": {"type": "string", "format": "uri"}, "min_items": 1, "max_items": 2},
    {"type": "array", "items": {"type": "object", "properties": {"a": {"type": "integer", "required": True}}}},
]


@pytest.mark.parametrize("written", SPECS, ids=str)
@given(value=JSON_LIKE)
def test_any_value_is_accepted_or_broken_and_nothing_else(written, value):
    try:
        accepted = accept(value, **written)
    except Broken as broken:
        assert broken.rule  # noqa: PT017 - either outcome is right
    else:
        assert accept(accepted, **written) == accepted, "accepting is done once and for all"


class Written(str):
    """Text that is no plain text to the short ways, and the same to all else."""

    __slots__ = ()


def outcome(value, written):
    try:
        return accept(value, **written)
    except Broken as broken:
        return broken.rule, broken.message, broken.inside


TEXTS = (
    st.text(max_size=20)
    | st.text(alphabet=st.sampled_from("0123456789.,-+eE:/#?%[]@ T\u00a0"), max_size=20)
    | st.sampled_from(["/a", "https://shop.example/a", "1.50", "0", " ", "", "\ud83d", "99" * 200, "9" * 400, "à"])
)


@pytest.mark.parametrize(
    "written", [*SPECS, {"type": "string", "required": True}, {"type": "array", "items": {"type": "string"}}], ids=str
)
@given(texts=st.lists(TEXTS, max_size=3))
def test_the_short_ways_accept_what_the_long_ones_do(written, texts):
    for value in (texts, *texts[:1]):
        slowly = [*map(Written, value)] if isinstance(value, list) else Written(value)
        assert outcome(value, written) == outcome(slowly, written)
