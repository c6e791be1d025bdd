"""Steps on URLs."""

import pytest

from crawler.recipe.steps import StepError, StepFailed, build_step, run_steps
from crawler.recipe.values import MISSING

BASE = "https://shop.example/shop/page.html"


def run(name, argument, value):
    return run_steps([build_step(name, argument)], value, base_url=BASE)


@pytest.mark.parametrize(
    ("name", "argument", "value", "result"),
    [
        ("canonical_url", MISSING, "../p?b=2&a=1#x", "https://shop.example/p?a=1&b=2"),
        ("canonical_url", MISSING, "HTTPS://Shop.Example/a b", "https://shop.example/a%20b"),
        ("canonical_url", MISSING, "https://other.example", "https://other.example/"),
        ("query_param", "id", "/p?x=1&id=a%20b&id=2", "a b"),
        ("query_param", "id", "/p?x=1", MISSING),
        ("query_param", "id", "/p?id=", MISSING),
        ("url_encode", MISSING, "כ/ &", "%D7%9B%2F%20%26"),
        ("url_decode", MISSING, "a%20b+c", "a b+c"),
        ("url_decode", {"plus": "blank"}, "a%20b+c", "a b c"),
        ("url_decode", MISSING, "100%", "100%"),
    ],
)
def test_a_step_on_a_url(name, argument, value, result):
    assert run(name, argument, value) == result


@pytest.mark.parametrize(
    "value",
    [
        "http://a b/",
        "http://" + "é" * 70 + ".example/",
        "/\ud800",
        "mailto:a@b.example",
        "javascript:void(0)",
        "http://[::1",
        {"url": "/"},
    ],
)
def test_canonical_url_fails_on_what_is_no_http_url(value):
    with pytest.raises(StepFailed):
        run("canonical_url", MISSING, value)


def test_query_param_fails_on_what_is_no_url():
    with pytest.raises(StepFailed, match="no URL"):
        run("query_param", "id", "http://[?id=1")


@pytest.mark.parametrize(
    ("name", "argument"),
    [("canonical_url", "x"), ("query_param", MISSING), ("query_param", 5), ("url_encode", "x"), ("url_decode", "plus")],
)
def test_a_wrong_argument_is_refused(name, argument):
    with pytest.raises(StepError):
        build_step(name, argument)
