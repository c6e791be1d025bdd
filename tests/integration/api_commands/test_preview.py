"""`crawlery recipe preview`: what is sent, and what a person sees of the answer."""

from __future__ import annotations

import json

URL = "https://shop.test/p/1"
RECIPE = """\
schema_version: 1
name: chairs
version: "1.0.0"
inputs: {n: {type: integer, default: 1}}
start: [{urls: "https://shop.test/", page: chair}]
pages: {chair: {item: chair, fields: {name: h1}}}
items: {chair: {version: 1, fields: {name: {type: string}}}}
"""
MISS = {"selector": "css: .sale .price", "part": ".sale", "matches": 1, "note": ""}
FOUND = {
    "page": "chair",
    "url": URL,
    "status": 200,
    "size_bytes": 34_120,
    "kind": "html",
    "encoding": "utf-8",
    "outcome": "ok",
    "error": "",
    "cause": "",
    "rows": [{"price": 49.9}],
    "rows_found": 1,
    "rejects": [],
    "rejects_found": 0,
    "links": [{"page": "chair", "found": 2, "urls": []}],
    "next": "https://shop.test/?p=2",
    "fields": [{"path": "price", "value": "49.90", "source": "css: .price", "selectors": [MISS]}],
    "misses": [],
}


def test_a_recipe_of_the_api_is_named_and_the_answer_is_shown(api, crawlery):
    api.on("POST", "/v1/recipes/preview", FOUND)
    shown = crawlery("recipe", "preview", "chairs", URL, "--page", "chair").stdout.splitlines()
    assert api.requests[0].json() == {"recipe": "chairs", "url": URL, "page": "chair"}
    assert shown == [
        URL,
        "status 200, 34,120 bytes, html, utf-8",
        "page type chair: ok, 1 row",
        "  price  49.9  css: .price",
        "         css: .sale .price: matches nothing; `.sale` matches 1",
        "follow 2 links to chair",
        "next   https://shop.test/?p=2",
    ]
    assert json.loads(crawlery("recipe", "preview", "chairs", URL, "--json").stdout)["rows"] == [{"price": 49.9}]


def test_a_file_and_a_saved_page_are_handed_over(api, crawlery):
    api.on("POST", "/v1/recipes/preview", FOUND)
    (crawlery.folder / "chairs.yaml").write_text(RECIPE)
    (crawlery.folder / "oak.html").write_text("<h1>Oak</h1>")
    crawlery("recipe", "preview", "./chairs.yaml", "oak.html", "--url", URL, "-i", "n=2")
    assert api.requests[0].json() == {
        "recipe_text": RECIPE,
        "inputs": {"n": 2},
        "url": URL,
        "body": "<h1>Oak</h1>",
        "content_type": "text/html",
    }
    assert "no such file" in crawlery("recipe", "preview", "chairs", "elm.html", code=2).stderr


def test_inputs_of_a_recipe_of_the_api_have_its_types(api, crawlery):
    api.on("GET", "/v1/recipes/chairs", {"name": "chairs", "inputs": {"properties": {"n": {"type": "integer"}}}})
    api.on("POST", "/v1/recipes/preview", {**FOUND, "error": "PathGone: it is not there"})
    done = crawlery("recipe", "preview", "chairs", URL, "-i", "n=2", "-i", "s=3", code=2)
    assert api.requests[-1].json()["inputs"] == {"n": 2, "s": "3"}
    assert "PathGone: it is not there" in done.stderr
