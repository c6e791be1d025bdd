"""The description: what it says of every operation, so that a client can be made of it."""

from __future__ import annotations

import re

import pytest

from control_api.openapi import operations
from control_api.problems import CODES


@pytest.fixture(scope="module")
def spec(calls):
    return calls("GET", "/openapi.json").json


def references(value):
    if isinstance(value, dict):
        yield from ([value["$ref"]] if "$ref" in value else [])
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def resolved(value, spec):
    """The value itself, in place of a reference to it."""
    if "$ref" not in value:
        return value
    at = spec
    for step in value["$ref"].removeprefix("#/").split("/"):
        at = at[step]
    return at


def test_what_is_referred_to_is_there(spec):
    found = set(references(spec))
    assert found
    assert all(resolved({"$ref": reference}, spec) for reference in found)


def test_every_operation_has_a_name_of_its_own_a_sentence_and_its_answers(spec):
    names = [operation["operationId"] for _, _, operation in operations(spec)]
    assert len(names) == len(set(names)) > 30
    for path, method, operation in operations(spec):
        assert operation["summary"], path
        assert any(status < "400" for status in operation["responses"]), (path, method)
        assert "500" in operation["responses"]
        assert "default" not in operation["responses"]


def test_every_operation_with_a_key_says_what_a_key_can_run_into(spec):
    for path, method, operation in operations(spec):
        statuses = set(operation["responses"])
        if operation.get("security") == [{"key": []}]:
            assert {"401", "429", "503"} <= statuses, (path, method)
            assert operation["x-scope"] == "any key" or "403" in statuses
        if "requestBody" in operation:
            assert {"400", "413", "415"} <= statuses, (path, method)
            is_push = operation["operationId"] == "put_recipe"
            kinds = ["application/yaml", "multipart/form-data"] if is_push else ["application/json"]
            assert list(operation["requestBody"]["content"]) == kinds
        if "{" in path:
            assert "404" in statuses
        declared = {parameter["name"] for parameter in operation.get("parameters", ()) if parameter["in"] == "path"}
        whole = spec["paths"][path].get("parameters", ())
        declared |= {parameter["name"] for parameter in whole if parameter["in"] == "path"}
        assert declared == set(re.findall(r"\{(\w+)\}", path))


def test_problems_are_described_as_they_are_answered(spec):
    for path, _, operation in operations(spec):
        for status, said in operation["responses"].items():
            answer = resolved(said, spec)
            if status >= "400":
                expected = "application/json" if path.startswith("/api/") else "application/problem+json"
                assert list(answer["content"]) == [expected]
            if status in ("429", "503"):
                assert resolved(answer["headers"]["Retry-After"], spec)["schema"]["minimum"] == 1
    assert spec["components"]["schemas"]["Problem"]["properties"]["code"]["enum"] == sorted(CODES)


def test_calls_that_are_safe_to_repeat_take_an_idempotency_key(spec):
    taking = {
        operation["operationId"]
        for _, _, operation in operations(spec)
        if "Idempotency-Key" in {parameter.get("name") for parameter in operation.get("parameters", ())}
    }
    assert taking == {"create_job", "replay_job", "init_scrape"}


def test_a_body_that_the_description_names_is_the_one_that_is_taken(spec):
    order = spec["components"]["schemas"]["JobOrder"]
    assert order["additionalProperties"] is False
    assert set(order["properties"]) == {
        *("recipe", "recipe_text", "inputs", "priority", "max_workers", "limits", "tags"),
    }
