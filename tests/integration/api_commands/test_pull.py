"""`crawlery recipe pull` when what comes is not what was named: no file of it is left."""

from __future__ import annotations

import hashlib

import pytest
from recipe_pushes import PAGE, goods, tar
from stand_in_api import served


@pytest.mark.parametrize(
    ("content", "sha256", "said"),
    [
        (tar({"good.html": PAGE}), "0" * 64, "have come damaged"),
        (b"no tar", "", "no tar archive"),
        (tar({"../good.html": PAGE}), "", "no name of a saved page"),
    ],
)
def test_pages_that_are_not_those_that_were_named_are_refused(crawlery, api, content, sha256, said):
    recipe = {"name": "goods", "version": "1.0.0", "text": goods(), "pages_url": f"{api.url}/pages"}
    recipe["pages_sha256"] = sha256 or hashlib.sha256(content).hexdigest()
    api.on("GET", "/v1/recipes/goods", recipe)
    api.on("GET", "/pages", served(content))
    assert said in crawlery("recipe", "pull", "goods", code=2).stderr
    assert not list(crawlery.folder.rglob("*.yaml"))
    assert not list(crawlery.folder.rglob("*.html"))


def test_a_recipe_without_pages_is_one_file(crawlery, api):
    api.on("GET", "/v1/recipes/goods", {"name": "goods", "version": "1.0.0", "text": goods()})
    assert crawlery("recipe", "pull", "goods@1.0.0").stdout == "recipes/goods.yaml  1.0.0, current\n"
    assert api.requests[-1].query == {"version": ["1.0.0"]}
    assert (crawlery.folder / "recipes" / "goods.yaml").read_text() == goods()
