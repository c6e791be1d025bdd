"""The description of the API: valid OpenAPI 3.1, complete, and the same wherever it is asked for."""

from __future__ import annotations

import json
import re

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from control_api.openapi import operations


@pytest.fixture
def spec(api):
    return api.app.extensions["crawlery-spec"]()


def walk(value, path=()):
    yield path, value
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in members:
        yield from walk(member, (*path, key))


def errors_of(example, schema, spec):
    """What is wrong with an example; references of its schema point into the description."""
    whole = {"components": spec["components"], **schema}
    checker = Draft202012Validator(whole, format_checker=Draft202012Validator.FORMAT_CHECKER)
    return [error.message for error in checker.iter_errors(example)]


def test_it_is_openapi_3_1(spec):
    assert spec["openapi"] == "3.1.0"
    assert list(OpenAPIV31SpecValidator(spec).iter_errors()) == []


def test_it_is_served_as_it_is_made(api, spec):
    answer = api.get("/openapi.json")
    assert (answer.status_code, answer.mimetype, answer.json) == (200, "application/json", json.loads(json.dumps(spec)))


def test_it_has_every_call_under_v1(api, spec):
    described = {(path, method.upper()) for path, method, _ in operations(spec)}
    rules = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method)
        for rule in api.app.url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
        if rule.rule.startswith("/v1/")
    }
    assert rules <= described
    assert len(rules) > 20


def test_each_call_says_what_it_does_what_it_needs_and_all_that_it_answers(spec):
    ids = []
    for path, method, call in operations(spec):
        ids.append(call["operationId"])
        assert call["summary"].endswith("."), path
        assert call["description"], path
        assert len(call["tags"]) == 1, path
        assert {"500"} < set(call["responses"]), path
        if path.startswith("/v1/"):
            assert call["x-scope"], path
            assert call["security"] == [{"key": []}], path
            assert {"400", "401", "413", "429", "500", "503"} < set(call["responses"]), path
        for status, answer in call["responses"].items():
            assert ("$ref" in answer) == (int(status) >= 400), (path, method, status)
    assert len(ids) == len(set(ids))


def test_every_field_parameter_header_and_tag_is_explained(spec):
    silent = []
    for path, value in walk(spec):
        if path[-2:-1] == ("properties",) and path[:2] == ("components", "schemas") and len(path) == 5:
            silent += [] if value.get("description") else [path]
        if path[-2:-1] == ("parameters",) or (path[:2] == ("components", "headers") and len(path) == 3):
            silent += [] if value.get("description") else [path]
    silent += [tag["name"] for tag in spec["tags"] if not tag.get("description")]
    assert silent == []


def test_requests_are_closed_and_answers_are_open(spec):
    schemas = spec["components"]["schemas"]
    closed = {name for name, schema in schemas.items() if schema.get("additionalProperties") is False}
    ours = {
        "JobOrder",
        "ReplayOrder",
        "PublishOrder",
        "PreviewOrder",
        "ValidateOrder",
        "Limits",
        "ClientOrder",
        "ClientChange",
        "Quotas",
        "KeyOrder",
        "Rotation",
    }
    assert closed == ours | {"ScrapeOrder", "ScrapeOptions", "RecipeCheck"}


def test_each_example_is_valid(spec):
    checked = 0
    for path, value in walk(spec):
        if not isinstance(value, dict):
            continue
        examples = [value["example"]] if "schema" in value and "example" in value else []
        if "schema" in value and isinstance(value.get("examples"), dict):
            examples += [example["value"] for example in value["examples"].values()]
        for example in examples:
            checked += 1
            assert errors_of(example, value["schema"], spec) == [], (path, example)
    for name, schema in spec["components"]["schemas"].items():
        for member, field in schema["properties"].items():
            for example in field.get("examples", ()):
                checked += 1
                assert errors_of(example, field, spec) == [], (name, member, example)
    assert checked > 150


def test_patterns_mean_the_same_to_whoever_reads_them(spec):
    """No Python in them, and anchored: JSON Schema searches, and reads them as JavaScript does."""
    patterns = {value["pattern"] for _, value in walk(spec) if isinstance(value, dict) and "pattern" in value}
    patterns = {pattern for pattern in patterns if isinstance(pattern, str)}
    assert len(patterns) > 5
    for pattern in patterns:
        assert re.search(r"^\^.*\$$", pattern), pattern
        assert not re.search(r"\\[AZsSwWdDbBx]|\(\?P", pattern), pattern


# --- what calling by the description has found ------------------------------------------------------------------------


def test_a_query_is_refused_where_a_call_takes_none(api, people):
    answer = api.get("/v1/me?limit=3&all", key=people.alice)
    assert answer.status_code == 400
    assert [error["pointer"] for error in answer.json["errors"]] == ["/query/all", "/query/limit"]
    assert api.get("/v1/me?limit=3").status_code == 401
    assert api.get("/health?from=probe").status_code == 200


def test_a_whole_number_may_be_written_with_a_fraction_of_zero(api, people):
    order = {"recipe": "shop", "max_workers": 3.0, "limits": {"requests": 1e3}}
    made = api.post("/v1/jobs", key=people.alice, json=order)
    assert (made.status_code, made.json["max_workers"]) == (201, 3)
    assert api.get(made.headers["Location"], key=people.alice).json["limits"] == {"requests": 1000}
    assert api.post("/v1/jobs", key=people.alice, json={"recipe": "shop", "max_workers": 3.5}).status_code == 400


@pytest.mark.parametrize(
    ("time", "status"),
    [
        ("2999-12-31T23:59:59-10:00", 201),
        ("9999-12-31T23:59:59-10:00", 400),  # in UTC it is in the year 10000, which cannot be written
        ("2030-02-30T00:00:00Z", 400),
        ("2030-W01-1T00:00:00Z", 400),
        ("2030-01-01 00:00:00Z", 400),
        ("2030-01-01T00:00:00", 400),
        ("1970-01-01T00:00:00+10:00", 400),
    ],
)
def test_times_are_those_of_rfc_3339_that_can_be_written_again(api, people, time, status):
    answer = api.post("/v1/keys", key=people.root, json={"client": "alice", "scopes": ["admin"], "expires_at": time})
    assert answer.status_code == status
    assert api.get("/v1/keys", key=people.root).status_code == 200


def test_the_largest_quota_is_one_that_is_taken(api, people, spec):
    most = spec["components"]["schemas"]["Quotas"]["properties"]["running_jobs"]["maximum"]
    for quota, status in ((most, 201), (most + 1, 400)):
        answer = api.post("/v1/clients", key=people.root, json={"id": f"c{quota}", "quotas": {"running_jobs": quota}})
        assert answer.status_code == status


@pytest.mark.parametrize("name", ["two\nlines", "\x85", "turned\u202eround", "zero\u200bwidth", "\ufeff"])
def test_names_hold_nothing_that_is_not_seen(api, people, name):
    assert api("PATCH", "/v1/clients/alice", key=people.root, json={"name": name}).status_code == 400
    assert (
        api("PATCH", "/v1/clients/alice", key=people.root, json={"name": "Å. Müller & 株式会社 🪿"}).status_code == 200
    )


@pytest.mark.parametrize(
    "site", ["https://[A29A7CBC]:36325/", "https://[::1", "ftp://a", "https://", "https://a b/", f"https://{'x' * 500}"]
)
def test_addresses_that_cannot_be_taken_apart_are_refused(api, people, site):
    asked = api.get("/api/recipes/getBySite", key=people.alice, query_string={"siteUrl": site})
    ordered = api.post("/api/scrape/init", key=people.alice, json={"recipe": "shop", "siteUrl": site})
    assert [answer.status_code for answer in (asked, ordered)] == [400, 400]
