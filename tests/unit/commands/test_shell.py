"""`rule(...)` of `scrapy shell` on whatever the response is."""

import pytest
from scrapy.http import HtmlResponse, JsonResponse

from crawler.commands.shell import Command, RuleShortcut

PAGE = HtmlResponse(
    "https://x.example/p", body="<h1>Oak</h1><b>1</b><b>2</b><i>€5.00</i>".encode(), encoding="utf-8", status=200
)


@pytest.fixture
def shell():
    variables = {"response": PAGE}
    Command().update_vars(variables)
    return variables


@pytest.mark.parametrize(
    ("rule", "value"),
    [("h1", "Oak"), ("{css: b, all: true}", ["1", "2"]), ({"css": "h1", "process": ["upper"]}, "OAK")],
)
def test_a_rule_gives_its_value(shell, rule, value):
    assert shell["rule"](rule) == value


def test_a_missing_value_is_none_with_a_remark(shell, capsys):
    assert shell["rule"](".none") is None
    assert capsys.readouterr().out == "missing: 0 matches\n"


def test_a_failed_step_says_why(shell, capsys):
    assert shell["rule"]("{css: h1, process: [price]}") is None
    assert "step 1 (price)" in capsys.readouterr().out


def test_more_than_one_match_is_remarked(shell, capsys):
    assert shell["rule"]("b") == "1"
    assert capsys.readouterr().out == "2 matches, the first that is not missing was taken\n"


def test_a_wrong_rule_is_a_message_and_no_exception(shell, capsys):
    assert shell["rule"]("{cs: h1}") is None
    assert "unknown key 'cs'" in capsys.readouterr().out


def test_the_rule_reads_the_response_of_the_moment(shell):
    shell["response"] = JsonResponse(
        "https://x.example/api", body=b'{"a": [1]}', headers={"Content-Type": "application/json"}
    )
    assert shell["rule"]("a[0]") == 1


def test_without_a_response_it_says_what_to_do(capsys):
    assert RuleShortcut({})("h1") is None
    assert "fetch(url) first" in capsys.readouterr().out
