"""The text of a recipe, compiled apart: what is wrong with it, and with inputs for it, all at once."""

from __future__ import annotations

import re

from recipe_pushes import goods


def validated(api, people, text, **more):
    answer = api.post("/v1/recipes/validate", key=people.alice, json={"recipe_text": text, **more})
    assert answer.status_code == 200, answer.text
    return answer.json


def test_a_recipe_without_a_fault_is_valid_and_is_not_kept(api, people):
    assert validated(api, people, goods()) == {"valid": True, "name": "goods", "problems": [], "input_problems": []}
    assert api.get("/v1/recipes/goods", key=people.alice).status_code == 404


def test_everything_that_is_wrong_is_named_with_its_place(api, people):
    text = goods(css="'h1:nope'").replace("description:", "descripton:")
    found = validated(api, people, text)
    assert (found["valid"], found["name"]) == (False, "")
    assert any("descripton" in each and "did you mean" in each for each in found["problems"])
    assert any(":nope" in each for each in found["problems"])
    assert all(re.match(r"<recipe>:\d+:\d+: ", each) for each in found["problems"])


def test_inputs_are_looked_at_if_they_are_there(api, people):
    assert validated(api, people, goods(), inputs={"site": "https://a.example"})["valid"]
    found = validated(api, people, goods(), inputs={"sites": 1})
    assert not found["valid"]
    assert {each["pointer"] for each in found["input_problems"]} == {"/body/inputs/site", "/body/inputs/sites"}


def test_what_costs_too_much_is_a_problem_of_the_recipe(api, people):
    text = goods().replace("name: h1", "name: {css: h1, process: [{regex: '" + "(a{1,200}){1,200}" * 30 + "'}]}")
    found = validated(api, people, text)
    assert not found["valid"]


def test_its_word_is_no_name_of_a_recipe(api, people):
    assert api.get("/v1/recipes/validate", key=people.alice).status_code == 405
