"""Steps on HTML that is kept as text."""

import pytest

from crawler.recipe.steps import StepError, build_step, run_steps
from crawler.recipe.values import MISSING


def run(name, argument, value):
    return run_steps([build_step(name, argument)], value, base_url="")


@pytest.mark.parametrize(
    ("name", "argument", "value", "result"),
    [
        ("html_unescape", MISSING, "&lt;b&gt; &amp;amp; &#1492;", "<b> &amp; ה"),
        ("safe_html", MISSING, '<a href="javascript:x()" onclick="y()">a</a>', '<a rel="noopener noreferrer">a</a>'),
        ("safe_html", MISSING, "<style>p{}</style><p style='x'>a</p><iframe src=x></iframe>", "<p>a</p>"),
        ("safe_html", MISSING, "a < b & c", "a &lt; b &amp; c"),
        ("safe_html", {"tags": ["B"]}, "<p>a <b>b</b></p>", "a <b>b</b>"),
        ("safe_html", MISSING, "half a pair: \ud83d", "half a pair: \ufffd"),
        ("safe_html", MISSING, "<script>x</script>", MISSING),
    ],
)
def test_a_step_on_html(name, argument, value, result):
    assert run(name, argument, value) == result


@pytest.mark.parametrize(
    "argument", ["p", {}, {"tags": "p"}, {"tags": [1]}, {"tags": ["script"]}, {"tag": ["p"]}, {"tags": ["p", "iframe"]}]
)
def test_elements_that_run_code_cannot_be_allowed(argument):
    with pytest.raises(StepError):
        build_step("safe_html", argument)


@pytest.mark.parametrize(
    ("html", "clean"),
    [
        ('<img src="/a.jpg">', '<img src="https://shop.test/a.jpg">'),
        ('<img src="../a.jpg" onerror="x()">', '<img src="https://shop.test/p/a.jpg">'),
        ('<img src="https://cdn.test/a.jpg">', '<img src="https://cdn.test/a.jpg">'),
        ('<img src="//cdn.test/a.jpg">', '<img src="https://cdn.test/a.jpg">'),
        ('<a href="javascript:x()">a</a>', '<a rel="noopener noreferrer">a</a>'),
        ('<a href="java\tscript:x()">a</a>', '<a rel="noopener noreferrer">a</a>'),
        ('<a href="data:text/html,x">a</a>', '<a rel="noopener noreferrer">a</a>'),
        (
            '<a href="b?c=1">a</a>',
            '<a href="https://shop.test/p/q/b?c=1" rel="noopener noreferrer">a</a>',
        ),
        ("<svg><style><img src=x onerror=x()></style></svg>", '<img src="https://shop.test/p/q/x">'),
        ("<math><mtext><table><mglyph><style><img src=x onerror=x()>", None),
    ],
)
def test_what_is_kept_can_be_shown_elsewhere_and_runs_nothing(html, clean):
    found = run_steps([build_step("safe_html")], html, base_url="https://shop.test/p/q/")
    assert "onerror=" not in str(found)
    if clean is not None:
        assert (found if found is not MISSING else "") == clean
