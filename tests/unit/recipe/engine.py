"""Runs a recipe given as text on a page given as text, for the tests of the engine."""

from __future__ import annotations

import textwrap

from crawler.recipe.extract import extract_page
from crawler.recipe.loader import load_recipe_text
from crawler.recipe.model import PageInput, PageRequest

HEAD = """\
schema_version: 1
name: sample
version: "1.0.0"
"""


def recipe_of(body: str, *, head: str = HEAD):
    return load_recipe_text(head + textwrap.dedent(body))


def item_recipe(fields: str, *, contract: dict[str, str] | None = None, page: str = ""):
    """A recipe with one page type `page` and one item `thing`; the contract's types default to string."""
    rules = textwrap.indent(textwrap.dedent(fields).strip(), " " * 6)
    names = [line.split(":")[0].strip() for line in textwrap.dedent(fields).strip().splitlines() if line[0] != " "]
    types = dict.fromkeys(names, "{type: string}") | (contract or {})
    lines = "\n".join(f"      {name}: {spec}" for name, spec in types.items())
    keys = textwrap.indent(textwrap.dedent(page).strip(), " " * 4)
    return recipe_of(
        "start: [{urls: 'https://shop.test/', page: page}]\n"
        "pages:\n  page:\n    follow: [{links: a.never, page: page, carry: {c: h1}}]\n"
        f"{keys}\n    item: thing\n    fields:\n{rules}\n"
        f"items:\n  thing:\n    version: 1\n    fields:\n{lines}\n"
    )


def run(recipe, body: str | bytes, *, page="page", url="https://shop.test/p/1", trace=False, request=None, **given):
    raw = body.encode() if isinstance(body, str) else body
    asked = request or PageRequest(url=url, page=page, carried=given.pop("carried", {}))
    headers = {"content-type": given.pop("content_type", "text/html; charset=utf-8")}
    inputs = given.pop("inputs", {})
    return extract_page(
        recipe, PageInput(request=asked, url=url, body=raw, headers=headers, inputs=inputs, **given), trace=trace
    )


def row(recipe, body: str, **given):
    result = run(recipe, body, **given)
    assert not result.rejects, result.rejects
    [only] = result.rows
    return only.values
