"""Requests from templates: what is filled in, what is left out, and what is no request."""

from __future__ import annotations

from decimal import Decimal

import pytest

from crawler.recipe.made_requests import made_request
from crawler.recipe.model import RequestSpec
from crawler.recipe.template import compile_value, parse_template

SCOPES = {"inputs": {"list": ["a", "b"], "yes": True, "price": Decimal("1.50")}, "carried": {}, "item": {}, "row": {}}


def made(url, *, base_url="", **parts):
    values = {name: {key: compile_value(value) for key, value in given.items()} for name, given in parts.items()}
    return made_request(RequestSpec(url=parse_template(url), **values), "page", SCOPES, base_url=base_url)


def test_a_list_repeats_its_name_and_what_is_missing_is_left_out():
    request = made(
        "https://a.test/x?y=1", query={"l": "{{ inputs.list }}", "none": "{{ inputs.none }}", "yes": "{{ inputs.yes }}"}
    )
    assert request.url == "https://a.test/x?y=1&l=a&l=b&yes=true"


def test_a_url_may_be_relative_to_a_page():
    assert made("../x", base_url="https://a.test/b/c/").url == "https://a.test/b/x"


@pytest.mark.parametrize(
    ("url", "said"),
    [("{{ inputs.none }}", "is empty with these inputs"), ("mailto:x", "no http(s) URL"), ("x", "no http")],
)
def test_what_leads_to_no_page_is_said_in_a_sentence(url, said):
    assert said in made(url)


def test_a_json_body_has_exact_digits():
    spec = RequestSpec(url=parse_template("https://a.test/"), json_body=compile_value({"p": "{{ inputs.price }}"}))
    request = made_request(spec, "page", SCOPES)
    assert (request.body, request.headers) == (b'{"p":1.50}', (("Content-Type", "application/json"),))
