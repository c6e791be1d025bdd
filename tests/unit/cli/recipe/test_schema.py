"""`crawlery recipe schema`."""

import json

import pytest


def test_schema_is_that_of_the_language_an_item_or_the_inputs(recipes, run):
    assert "pages" in json.loads(run("schema"))["properties"]
    assert "price" in json.loads(run("schema", "chairs"))["properties"]
    assert "price" in json.loads(run("schema", "chairs", "--item", "chair"))["properties"]
    assert "site" in json.loads(run("schema", "chairs", "--inputs"))["properties"]


@pytest.mark.parametrize(
    "arguments",
    [["--inputs"], ["--item", "chair"], ["chairs", "--item", "sofa"], ["chairs", "--item", "chair", "--inputs"]],
)
def test_a_schema_that_there_is_not_is_refused(recipes, arguments, run):
    run("schema", *arguments, code=2)
