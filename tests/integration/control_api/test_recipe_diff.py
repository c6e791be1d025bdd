"""The difference between two versions that a client has pushed, over the pages that were pushed with them."""

from __future__ import annotations

import io

import pytest
from recipe_pushes import goods, tar

PAGE = b"<h1>Stool</h1><h2>Low stool</h2>"


@pytest.fixture(scope="module")
def pushed(calls, callers):
    """Two versions of `goods`, the second with a page of its own, and one of `bare` without pages."""

    def push(name, version, css, pages):
        text = goods(name, version=version, css=css)
        form = {"recipe": (io.BytesIO(text.encode()), "goods.yaml")}
        form |= {"pages": (io.BytesIO(tar(pages)), "pages.tar")} if pages else {}
        answer = calls("PUT", f"/v1/recipes/{name}", callers.alice, data=form, content_type="multipart/form-data")
        assert answer.status_code == 202, answer.text

    push("goods", "1.0.0", "h1", {"good.html": b"<h1>Old page</h1>"})
    push("goods", "1.1.0", "h2", {"good.html": PAGE})
    push("bare", "1.0.0", "h1", {})


@pytest.fixture
def diff(calls, callers, pushed):
    def call(name="goods", key=callers.alice, **query):
        return calls("GET", f"/v1/recipes/{name}/diff", key, query_string=query)

    return call


def test_two_versions_are_compared_on_the_pages_of_the_later_one(diff):
    answer = diff(**{"from": "1.0.0", "to": "1.1.0"})
    assert answer.status_code == 200, answer.text
    found = answer.json
    assert (found["old"]["version"], found["new"]["version"], found["pages"]) == ("1.0.0", "1.1.0", 1)
    (one,) = found["differences"]
    assert (one["kind"], one["changes"]) == ("changed", [{"path": "name", "old": "Stool", "new": "Low stool"}])
    name = found["items"]["good"]["fields"]["name"]
    assert (name["changed"], name["old"]["rate"], name["new"]["rate"]) == (1, 1.0, 1.0)
    assert diff(**{"from": "1.0.0", "to": "1.1.0", "limit": 0}).json["left_out"] == 1
    assert diff(**{"from": "1.1.0", "to": "1.1.0"}).json["same"] is True


def test_a_version_that_is_not_there_and_pages_that_were_never_pushed_are_told(diff):
    answer = diff(**{"from": "1.0.0", "to": "9.0.0"})
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json["errors"]] == ["/query/to"]
    assert diff(**{"from": "1.0.0"}).json["errors"][0]["pointer"] == "/query/to"  # none has passed its check yet
    assert "saved pages" in diff("bare", **{"from": "1.0.0", "to": "1.0.0"}).json["detail"]


def test_a_recipe_of_another_client_is_as_unknown_as_none(diff, callers):
    query = {"from": "1.0.0", "to": "1.1.0"}
    others = diff(key=callers.bob, **query)
    none = diff("never", key=callers.bob, **query)
    assert (others.status_code, others.json["detail"]) == (404, none.json["detail"])
    assert diff(key=callers.root, client="alice", **query).status_code == 200
