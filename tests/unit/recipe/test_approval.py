"""What a check of a pushed recipe reports, in a folder of its own."""

from __future__ import annotations

import pytest
from recipe_pushes import PAGE, goods, tar

from crawler.recipe.approval import approve


@pytest.fixture
def report(tmp_path, monkeypatch):
    """The report on a text and its pages: `report(goods(), {"good.html": PAGE})`."""

    def make(text, pages=None, *, may_be_untested=False):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "goods.yaml").write_text(text)
        if pages is not None:
            (tmp_path / "pages.tar").write_bytes(tar(pages))
        return approve("goods", may_be_untested=may_be_untested)

    return make


def test_a_recipe_whose_tests_pass_passes_with_what_is_shown_of_it(report):
    found = report(goods(), {"good.html": PAGE})
    assert (found["standing"], found["problems"], found["untested"]) == ("passed", [], [])
    assert [(test["snapshot"], test["passed"]) for test in found["tests"]] == [("good.html", True)]
    assert found["facts"]["description"] == "Goods of one page"
    assert list(found["facts"]["items"]) == ["good"]
    assert list(found["facts"]["inputs"]["properties"]) == ["site"]


def test_a_recipe_whose_test_fails_is_rejected_with_the_difference(report):
    found = report(goods(expect="Chair"), {"good.html": PAGE}, may_be_untested=True)
    assert (found["standing"], found["problems"]) == ("rejected", ["1 of 1 tests have failed"])
    assert found["tests"][0]["problems"] == ["name: expected 'Chair', found 'Stool'"]


@pytest.mark.parametrize("pages", [None, {}, {"other.html": PAGE}])
def test_a_test_without_its_page_is_a_problem_of_the_recipe(report, pages):
    found = report(goods(), pages)
    assert found["standing"] == "rejected"
    assert "good.html" in "".join(found["problems"]) or pages == {}


def test_a_page_type_without_a_test_is_untested_unless_that_is_wanted(report):
    text = goods().partition("tests:")[0]
    found = report(text)
    assert (found["standing"], found["untested"]) == ("untested", ["good"])
    assert report(text, may_be_untested=True)["standing"] == "passed"


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (("pages:", "pagse:"), "pagse"),
        (("name: goods", "name: others"), "others"),
        (("description:", "extends: shop@1\ndescription:"), "shop"),
        (("description:", "extends: goods@1\ndescription:"), "circle"),
        (("snapshot: good.html", "snapshot: ../../../etc/passwd"), "outside"),
        (("fields:", "fetch: {headers: {Authorization: Bearer x}}, fields:"), "secret"),
        (("fields:", "fetch: {headers: {Cookie: a=b}}, fields:"), "secret"),
        (("fields:", "fetch: {headers: {x-api-key: abc}}, fields:"), "secret"),
    ],
)
def test_what_is_wrong_with_a_text_is_told(report, change, word):
    found = report(goods().replace(*change), {"good.html": PAGE})
    assert found["standing"] == "rejected"
    assert word in " ".join(found["problems"])
    assert "facts" not in found
