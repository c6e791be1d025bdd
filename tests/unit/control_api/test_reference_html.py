"""The reference as a page: complete, safe, usable without seeing it, and nothing in it leads nowhere."""

from __future__ import annotations

import itertools
import re
from copy import deepcopy

import pytest
from lxml import html

from control_api.app import description
from control_api.openapi import operations
from control_api.reference import as_html


@pytest.fixture(scope="module")
def spec():
    return description()


@pytest.fixture(scope="module")
def page(spec):
    return html.document_fromstring(as_html(spec))


def test_the_page_has_every_call_and_every_member_of_every_object(spec, page):
    text = page.text_content()
    for path, method, operation in operations(spec):
        article = page.get_element_by_id(operation["operationId"])
        shown = article.text_content()
        assert f"{method.upper()}{path}" in shown
        assert operation.get("x-scope", "needs no key") in shown
        assert set(operation["responses"]) <= set(re.findall(r"\b[2-5]\d\d\b", shown))
        assert f'curl {"" if method == "get" else f"-X {method.upper()} "}"$API' in shown
    for name, schema in spec["components"]["schemas"].items():
        shown = page.get_element_by_id(f"object-{name.lower()}").text_content()
        assert all(member in shown for member in schema["properties"]), name
    assert spec["info"]["title"] in text


def test_the_page_runs_nothing_and_loads_nothing(page):
    assert page.xpath("//script | //link | //img | //iframe | //form | //object | //embed") == []
    assert page.xpath("//@src | //@style | //@*[starts-with(name(), 'on')]") == []
    assert {link for link in page.xpath("//@href") if not link.startswith("#")} == {"/openapi.json"}
    assert "url(" not in page.xpath("string(//style)")


def test_every_link_of_the_page_leads_somewhere_and_nothing_has_two_places(page):
    ids = page.xpath("//@id")
    assert len(ids) == len(set(ids))
    assert {link[1:] for link in page.xpath("//@href") if link.startswith("#")} <= set(ids)
    assert len(page.xpath("//nav//a")) > 30


def test_the_page_can_be_used_without_seeing_it(page):
    assert page.get("lang") == "en"
    assert [len(page.xpath(f"//{name}")) for name in ("h1", "main", "nav", "title")] == [1, 1, 1, 1]
    levels = [int(heading.tag[1]) for heading in page.xpath("//main//h1 | //main//h2 | //main//h3 | //main//h4")]
    assert all(deeper <= level + 1 for level, deeper in itertools.pairwise(levels))
    assert page.xpath("//table//th[not(@scope)]") == []
    assert page.xpath("//pre[not(@tabindex)] | //div[@class='scroll'][not(@aria-label)]") == []
    assert page.xpath("//body/*[1]/@href") == ["#content"]


def test_what_a_description_says_is_text_and_no_markup(spec):
    hostile = deepcopy(spec)
    mark = "<script>alert(1)</script>\"'><img src=x>"
    hostile["info"]["title"] = mark
    operation = hostile["paths"]["/v1/jobs"]["post"]
    operation["summary"] = operation["description"] = operation["x-scope"] = mark
    operation["requestBody"]["content"]["application/json"]["example"] = {mark: [mark, 1, None, True]}
    hostile["components"]["schemas"]["JobOrder"]["properties"]["recipe"]["description"] = mark
    page = html.document_fromstring(as_html(hostile))
    assert page.xpath("//script | //img") == []
    assert page.text_content().count("<script>") >= 7
