"""JavaScript's objects and arrays, read as data: what is understood, null or refused, and at what cost."""

import json
import random
import time
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.errors import ParseRefused
from crawler.recipe.js_literal import find_literal


def value(text, **options):
    return find_literal(text, **options).value


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("{a: 1, $b: 2, _c3: 3, 'd e': 4, \"f\": 5, 6: 7, é: 8}",
         {"a": 1, "$b": 2, "_c3": 3, "d e": 4, "f": 5, "6": 7, "é": 8}),
        ("{a: 'x', b: \"y\", c: `z`}", {"a": "x", "b": "y", "c": "z"}),
        (r"['it\'s', 'é\x41\u{1F600}', '\ud83d\ude00', 'a\nb\t\\', 'a\
b', '\q\0']", ["it's", "éA😀", "😀", "a\nb\t\\", "ab", "q\0"]),
        (r"['\ud83d', '\u{110000}']", ["\ufffd", "\U0010ffff"]),
        ("[1, -2, +3, 4.50, .5, 5., 1e3, 0x1F, 0b11, 0o17, 1_000, 12n]",
         [1, -2, 3, Decimal("4.50"), Decimal("0.5"), Decimal(5), Decimal("1E+3"), 31, 3, 15, 1000, 12]),
        ("[true, false, null, undefined, NaN, !0, !1, void 0]", [True, False, None, None, None, True, False, None]),
        ("[1, 2,]", [1, 2]),
        ("{a: 1,}", {"a": 1}),
        ("[1,,2]", [1, None, 2]),
        ("{a: [], b: {}, c: [{}, []]}", {"a": [], "b": {}, "c": [{}, []]}),
        ("{ // one\n a: /* two } */ 1, /* three */ }", {"a": 1}),
        ("{a: JSON.parse('{\"b\": 1.50}'), c: JSON . parse( `[1]` )}", {"a": {"b": Decimal("1.50")}, "c": [1]}),
        ("{a: 1, a: 2}", {"a": 2}),
        ("{a: 9007199254740993, b: 0.1000}", {"a": 9007199254740993, "b": Decimal("0.1000")}),
        ("{a: '</script>', b: '//no comment', c: '{'}", {"a": "</script>", "b": "//no comment", "c": "{"}),
    ],
)  # fmt: skip
def test_literals_are_read(text, read):
    found = find_literal(f"window.state = {text};")
    assert found.value == read
    assert str(found.value) == str(read)
    assert found.expressions == 0


@pytest.mark.parametrize(
    ("text", "read", "expressions"),
    [
        ("{a: f(), b: 1}", {"a": None, "b": 1}, 1),
        ("{a: x, b: window.location.href, c: 1}", {"a": None, "b": None, "c": 1}, 2),
        (
            "{a: 'x' + 'y', b: 1 + 2, c: [1][0], d: {e: 1}.e, f: 3}",
            {"a": None, "b": None, "c": None, "d": None, "f": 3},
            4,
        ),
        ("{a: function (b, c) { return {d: ','} }, e: (f, g) => [f, g], h: 1}", {"a": None, "e": None, "h": 1}, 2),
        ("{a: new Date(2024, 1), b: /x+/g.test(x), c: `a${b}`, d: 1}", {"a": None, "b": None, "c": None, "d": 1}, 3),
        ("{...others, [key]: 1, method() { return 1 }, short, a: 1}", {"a": 1}, 4),
        (
            "{a: b ? {c: 1} : [2, 3], d: -e, f: !g, h: typeof i, j: 1}",
            {"a": None, "d": None, "f": None, "h": None, "j": 1},
            4,
        ),
        ("[f(1, 2), 3]", [None, 3], 1),
        ("{a: JSON.parse('{broken'), b: JSON.parse(c), d: 1}", {"a": None, "b": None, "d": 1}, 2),
    ],
)
def test_what_is_no_literal_is_null_and_counted(text, read, expressions):
    found = find_literal(f"x = {text}")
    assert (found.value, found.expressions) == (read, expressions)


@pytest.mark.parametrize(
    ("script", "read"),
    [
        ("window.a = {x: 1}; window.b = {y: 2};", {"x": 1}),
        ("window.dataLayer = window.dataLayer || []; dataLayer.push({x: 1});", {"x": 1}),
        ("(window.q = window.q || []).push(['set', {x: 1}])", ["set", {"x": 1}]),
        ("callback({x: 1})", {"x": 1}),
        ("gtag('event', 'view', {x: 1})", {"x": 1}),
        ("const a = cond ? {x: 1} : null", {"x": 1}),
        ("export default {x: 1}", {"x": 1}),
        ("if (a) { b() } else { c() } for (;;) { d() } x => { e() }; y = {x: 1}", {"x": 1}),
        ("function f(a) { if (a[0]) { return {x: 1} } }", {"x": 1}),
        ("a[0] = 1; b[c] = {x: 1}", {"x": 1}),
        ("var s = '= {y: 2}'; // = {y: 3}\n/* = {y: 4} */ var t = {x: 1}", {"x": 1}),
        ("var s = 'it is // {'; t = {x: 1}", {"x": 1}),
        ("var r = /['\"]/; t = {x: 1}", {"x": 1}),
        ("self.state = JSON.parse('{\"x\": 1}')", {"x": 1}),
        ("a = [1].concat([2]); b = {x: 1}", {"x": 1}),
        ("a = {}; b = []; c = 1", {}),
        ("\ufeff  {x: 1}", {"x": 1}),
        ("<!-- \n {x: 1} //-->", {"x": 1}),
        ("a = {b: c d}; e = {x: 1}", {"x": 1}),
    ],
)
def test_the_first_value_of_a_script_that_is_not_empty_is_found(script, read):
    assert value(script) == read


@pytest.mark.parametrize(
    "text",
    ["", "   ", "alert(1)", "<p>no script</p>", "{", "a = {", "a = {b", "a = {b:", "a = {b: 1", "a = [1, 2", "a = [1}",
     "a = {b: 1]", "a = {b: 1; c: 2}", "a = {b: }", "a = {b: 'x}", "a = {b 1}", "if (x) { y }", "JSON.parse('{')",
     "JSON.parse(x)", "x => {a: 1}",
     '{"a": "the "good" one", "offers": {"price": 5}}', '{"a": "x" "b": {"c": 1}}'],
)  # fmt: skip
def test_what_holds_no_value_is_refused(text):
    with pytest.raises(ParseRefused):
        find_literal(text)


def test_parameters_of_a_function_that_is_called_at_once_have_their_values():
    found = find_literal(
        "window.__NUXT__=(function(a,b,c,d){c.x=1;return {layout:a,data:[{p:b,q:c,r:d,s:!1,t:e}]}}"
        "('default',5,void 0,{}));"
    )
    assert found.value == {"layout": "default", "data": [{"p": 5, "q": None, "r": {}, "s": False, "t": None}]}
    assert found.expressions == 1
    assert value("x = function(a){return {b:a}}(f());") == {"b": None}


def test_an_argument_that_stands_everywhere_does_not_make_a_page_larger_than_its_square():
    members = ",".join(f"a{number}:a" for number in range(20_000))
    found = find_literal(f"x=(function(a){{return {{{members}}}}})('{'x' * 100_000}')")
    assert sum(len(member or "") for member in found.value.values()) < 2_000_000


def test_careless_json_may_break_lines_inside_texts_and_hold_no_expressions():
    assert value('{"a": "two\nlines",}', loose=True) == {"a": "two\nlines"}
    for text in ('{"a": f()}', 'x {"a": 1', '{"a": "the "good" one", "b": {"c": 1}}', "alert(1)"):
        with pytest.raises(ParseRefused):
            find_literal(text, loose=True)
    with pytest.raises(ParseRefused):
        find_literal('x = {"a": "two\nlines"}')


def test_values_nest_as_deep_as_json_may():
    assert value("x = " + "[" * 100 + "1" + "]" * 100)
    for deep in ("[" * 101 + "1" + "]" * 101, "{a:" * 99 + "JSON.parse('[[[1]]]')" + "}" * 99):
        with pytest.raises(ParseRefused):
            find_literal(f"x = {deep}")


def test_long_numbers_stay_text():
    assert value("[" + "1" * 5_000 + ",1e999999999]") == ["1" * 5_000, "1e999999999"]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(st.lists(json_values, min_size=1), st.booleans())
@settings(max_examples=60, deadline=None)
def test_json_is_read_as_json(members, ascii_only):
    text = json.dumps(members, ensure_ascii=ascii_only)
    try:
        text.encode()
    except UnicodeEncodeError:
        return
    expected = json.loads(text)
    if json.dumps(expected, ensure_ascii=True).count("\\ud"):
        return  # half surrogate pairs become U+FFFD
    assert value(f"var x = {text};") == expected


PIECES = ["{", "}", "[", "]", "(", ")", ",", ":", "=", "'", '"', "`", "/", "*", "//", "\\", "a", "1", "!0",
          "JSON.parse(", "function(a){return ", "}(", "...", ";", "\n", " ", "${",
          "<!--", "void 0", "return", "é", "\ud800"]  # fmt: skip


def test_whatever_the_text_is_it_is_read_or_refused():
    chance = random.Random(7)
    for _ in range(5_000):
        text = "".join(chance.choices(PIECES, k=chance.randrange(40)))
        for loose in (False, True):
            try:
                json.dumps(find_literal(text, loose=loose).value, default=str)
            except ParseRefused:
                continue


MEGABYTE = {
    "objects": "x=["
    + ",".join(f"{{id:{n},name:'Chair {n}',price:{n}.50,'tags':[\"a\",'b'],}}" for n in range(20_000))
    + "]",
    "pairs": "x={" + ",".join(f"a{n}:{n}" for n in range(90_000)) + "}",
    "ones": "x=[" + "1," * 500_000 + "]",
    "escapes": "x=[" + "'\\u0041\\n'," * 90_000 + "]",
    "calls": "x=[" + "f(1)," * 200_000 + "]",
    "empty objects": "x=[" + "{}," * 330_000 + "]",
}
HOSTILE = {
    "brackets": "x=" + "[" * 1_000_000,
    "beginnings of objects": "={" * 500_000,
    "beginnings of arrays": "=[" * 500_000,
    "beginnings with keys": "={a:f(" * 200_000,
    "quotes": "='" * 500_000,
    "backslashes": "x={a:'" + "\\" * 1_000_000,
    "comments": "/*" * 500_000,
    "templates": "`" * 999_999,
    "parses": "=JSON.parse('{')" * 60_000,
    "functions": "function(" * 100_000,
    "function and blanks": "function" + " " * 1_000_000,
    "calls that never come": "x=function(a){return {b:a}}" + " " * 1_000_000,
    "members without names": "x={" + "...a," * 200_000,
    "holes": "x=[" + "," * 1_000_000,
    "blanks": " \n" * 500_000,
    "digits": "x=[" + "1" * 1_000_000,
}  # fmt: skip


@pytest.mark.parametrize("name", [*MEGABYTE, *HOSTILE])
def test_a_megabyte_is_read_or_refused_soon(name):
    text = {**MEGABYTE, **HOSTILE}[name]
    started = time.process_time()
    try:
        find_literal(text)
        assert name not in HOSTILE or name == "calls that never come"
    except ParseRefused:
        assert name in HOSTILE
    assert time.process_time() - started < 8
