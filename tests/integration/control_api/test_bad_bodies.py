"""Bodies that are no good: every call that takes one refuses all of them, says where they are wrong, and stays up."""

from __future__ import annotations

import json

import pytest
from api_in_process import api_in_process
from api_people import new_key, new_people
from valkey_server import Database

from control_api.openapi import operations

ORDER = {"recipe": "shop", "inputs": {"site": "http://127.0.0.1:9"}}

#: A good body of each operation that takes one.
GOOD = {
    "create_job": ORDER,
    "create_client": {"id": "new-client"},
    "change_client": {"name": "another"},
    "create_key": {"client": "alice", "scopes": ["jobs:read"]},
    "rotate_key": {"grace_s": 60},
    "init_scrape": {"siteUrl": "http://127.0.0.1:9", "recipe": "shop"},
    "old_recipe_validate": {"recipe": "shop"},
}

JSON = "application/json"


class Calls:
    """Calls that take a body, as an administrator."""

    def __init__(self, app, url: str) -> None:
        self.client = app.test_client()
        self.key = new_people(url).root
        victim = new_key(url, "alice").split("_")[2]
        self.operations = {
            operation["operationId"]: (
                path.format_map({"client_id": "alice", "key_id": victim}),
                method.upper(),
                operation,
            )
            for path, method, operation in operations(app.extensions["crawlery-spec"]())
            if "requestBody" in operation
        }

    def __call__(self, name, body, content_type=JSON, *, headers=None, query=None):
        path, method, operation = self.operations[name]
        answer = self.client.open(
            path,
            method=method,
            data=body if isinstance(body, bytes) else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.key}", **(headers or {})},
            content_type=content_type,
            query_string=query,
        )
        assert answer.status_code < 500, answer.text
        assert str(answer.status_code) in operation["responses"], (name, answer.status_code)
        if answer.status_code >= 400:
            is_replaced = path.startswith("/api/")
            assert answer.mimetype == ("application/json" if is_replaced else "application/problem+json")
            assert len(answer.data) < 20_000
        return answer

    def wrong(self, name, body, **given) -> dict[str, str]:
        """Message by pointer of a body that is refused with 400."""
        answer = self(name, body, **given)
        assert answer.status_code == 400, answer.text
        if "error" in answer.json:  # as the replaced system says it
            code, errors = answer.json["error"]["code"], answer.json["error"]["details"]
        else:
            code, errors = answer.json["code"], answer.json["errors"]
        assert code in ("bad_request", "VALIDATION_ERROR")
        return {error["pointer"]: error["message"] for error in errors}


@pytest.fixture(scope="module")
def calls(valkey_server, _database_numbers, tmp_path_factory):
    database = Database(server=valkey_server, number=next(_database_numbers))
    database.flush()
    with api_in_process(database.url, tmp_path_factory.mktemp("files")) as app:
        yield Calls(app, database.url)


def nested(depth: int, opened: bytes = b"[", closed: bytes = b"]", inner: bytes = b"") -> bytes:
    return opened * depth + inner + closed * depth


#: name -> body, and where it is said to be wrong.
NO_JSON = {
    "empty": (b"", "/body"),
    "only spaces": (b"  ", "/body"),
    "cut off": (b'{"a": ', "/body"),
    "two values": (b"{} {}", "/body"),
    "a comment": (b"{} // no", "/body"),
    "a comma too many": (b'{"a": 1,}', "/body"),
    "single quotes": (b"{'a': 1}", "/body"),
    "a byte order mark": (b"\xef\xbb\xbf{}", "/body"),
    "UTF-16": ('{"a": 1}'.encode("utf-16"), "/body"),
    "overlong UTF-8": (b'{"a": "\xc0\xaf"}', "/body"),
    "overlong UTF-8 in a key": (b'{"\xc0\xaf": 1}', "/body"),
    "a surrogate in UTF-8": (b'{"a": "\xed\xa0\x80"}', "/body"),
    "bytes beyond Unicode": (b'{"a": "\xf5\x80\x80\x80"}', "/body"),
    "half a surrogate pair": (b'{"a": "\\ud800"}', "/body"),
    "the other half": (b'{"a": "x\\udc00y"}', "/body"),
    "half a surrogate pair in a key": (b'{"\\ud800": 1}', "/body"),
    "surrogates in wrong order": (b'{"a": "\\udc00\\ud800"}', "/body"),
    "a raw line feed in a text": (b'{"a": "x\ny"}', "/body"),
    "NaN": (b'{"a": NaN}', "/body"),
    "Infinity": (b'{"a": Infinity}', "/body"),
    "minus Infinity": (b'{"a": -Infinity}', "/body"),
    "a number beyond doubles": (b'{"a": 1e999}', "/body"),
    "a number beneath them": (b'{"a": -1e999}', "/body"),
    "an integer of 5,000 digits": (b'{"a": ' + b"9" * 5000 + b"}", "/body"),
    "an integer of 400 digits": (b'{"a": ' + b"9" * 400 + b"}", "/body/a"),
    "an integer of 65 bits": (b'{"a": {"b": [18446744073709551616]}}', "/body/a/b/0"),
    "a negative one of 65 bits": (b'{"a": -9223372036854775809}', "/body/a"),
    "NUL": (b'{"a": {"b": ["x", "\\u0000"]}}', "/body/a/b/1"),
    "NUL in a key": (b'{"a": {"\\u0000": 1}}', "/body/a"),
    "a key twice": (b'{"a": 1, "a": 1}', "/body"),
    "a key twice, further in": (b'{"a": [{"b": {"c": 1, "c": 2}}]}', "/body"),
    "a key twice, written differently": (b'{"a": 1, "\\u0061": 2}', "/body"),
    "33 deep": (nested(33), "/body/0/0/0"),
    "100 deep": (nested(100, b'{"a":', b"}", b"1"), "/body/a/a/a"),
    "10,000 deep": (nested(10_000), "/body"),
    "10,000 deep, of objects": (nested(10_000, b'{"a":', b"}", b"1"), "/body"),
    "10,000 deep and cut off": (nested(10_000)[:10_000], "/body"),
    "null": (b"null", "/body"),
    "true": (b"true", "/body"),
    "a number": (b"1", "/body"),
    "a text": (b'"{}"', "/body"),
    "an array": (b"[]", "/body"),
    "an array of a good body": (b"[{}]", "/body"),
}


def test_every_operation_with_a_body_is_tried(calls):
    assert set(calls.operations) == set(GOOD)


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize("bad", NO_JSON)
def test_what_is_no_json_object_is_refused_with_the_place(calls, name, bad):
    body, pointer = NO_JSON[bad]
    assert list(calls.wrong(name, body)) == [pointer]


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "text/plain",
        "application/jsonx",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json; charset=latin-1",
        "application/json; charset=utf-16",
        "application/problem+json",
        "text/json",
        "json",
        "application/json, text/plain",
    ],
)
def test_another_type_of_body_is_refused(calls, name, content_type):
    assert calls(name, GOOD[name], content_type).status_code == 415


@pytest.mark.parametrize("name", GOOD)
def test_a_packed_body_is_refused(calls, name):
    answer = calls(name, GOOD[name], headers={"Content-Encoding": "gzip"})
    assert answer.status_code == 415


@pytest.mark.parametrize(
    "content_type", ["application/json; charset=utf-8", 'application/json;charset="UTF-8"', "Application/JSON"]
)
def test_json_in_utf8_is_taken_however_its_type_is_written(calls, content_type):
    assert calls("change_client", GOOD["change_client"], content_type).status_code == 200


@pytest.mark.parametrize("name", GOOD)
def test_a_body_over_the_limit_is_refused_before_it_is_parsed(calls, name):
    assert calls(name, b"[" * (1024 * 1024 + 1)).status_code == 413
    assert calls(name, b"[" * (1024 * 1024)).status_code == 400


@pytest.mark.parametrize("name", GOOD)
def test_keys_that_are_not_known_are_errors_all_of_them(calls, name):
    body = {**GOOD[name], "created_ms": 1, "a/b~c": 2, "": 3}
    assert set(calls.wrong(name, body)) == {"/body/created_ms", "/body/a~1b~0c", "/body/"}


@pytest.mark.parametrize("name", GOOD)
def test_an_answer_names_a_few_of_very_many_errors_and_cuts_long_names(calls, name):
    many = calls.wrong(name, {**GOOD[name], **{f"k{number}": 1 for number in range(20_000)}})
    assert len(many) == 50
    (long,) = calls.wrong(name, {**GOOD[name], "k" * 100_000: 1})
    assert long == "/body/" + "k" * 494 + "..."


LONG = "x" * 101

WRONG_TYPES = {
    "create_job": [
        (
            {"recipe": 7, "inputs": [], "priority": 1, "max_workers": "7", "limits": [], "tags": "x"},
            {"recipe", "inputs", "priority", "max_workers", "limits", "tags"},
        ),
        (dict.fromkeys(("recipe", "inputs", "priority", "max_workers", "limits", "tags")),) * 2,
        ({"recipe": "shop", "recipe_text": 1, "max_workers": True}, {"", "recipe_text", "max_workers"}),
        ({"max_workers": 1.0, "tags": [True, "a b", "a,b", "ok"]}, {"", "max_workers", "tags/0", "tags/1", "tags/2"}),
        (ORDER | {"max_workers": 0}, {"max_workers"}),
        (ORDER | {"max_workers": 101}, {"max_workers"}),
        (ORDER | {"max_workers": -1}, {"max_workers"}),
        (ORDER | {"priority": "urgent", "inputs": {"": 1, LONG: 1}}, {"priority", "inputs/", f"inputs/{LONG}"}),
        (
            ORDER
            | {
                "limits": {
                    "requests": True, "items": "1", "bytes": 1.0, "duration_s": False, "browser_s": "1",
                    "queue_timeout_s": 0, "pages": 1,
                }
            },
            {f"limits/{name}" for name in ("requests", "items", "bytes", "duration_s", "browser_s", "pages")}
            | {"limits/queue_timeout_s"},
        ),
        (ORDER | {"limits": {"requests": 0, "duration_s": -1, "bytes": 10**16}},
         {"limits/requests", "limits/duration_s", "limits/bytes"}),
        (ORDER | {"tags": [f"t{number}" for number in range(21)]}, {"tags"}),
        (ORDER | {"tags": ["", "t" * 65, "\x07", "a\u0085b", "\u202egnp.exe", "\u200b", "\ufeff"]},
         {f"tags/{number}" for number in range(7)}),
        (ORDER | {"recipe": "../shop"}, {"recipe"}),
        (ORDER | {"recipe": "shop\n"}, {"recipe"}),
        (ORDER | {"recipe": "shop\u202e"}, {"recipe"}),
        (ORDER | {"recipe": "shop@"}, {"recipe"}),
    ],
    "create_client": [
        (
            {"id": 1, "name": True, "rate_limit": 600, "quotas": []},
            {"id", "name", "rate_limit", "quotas"},
        ),
        ({"name": "without an id"}, {"id"}),
        ({"id": "a/b", "rate_limit": "fast", "name": "a\nb"}, {"id", "rate_limit", "name"}),
        ({"id": "jobs", "name": "\u202egnp.exe"}, {"id", "name"}),
        ({"id": ".a", "name": "\x1b[31m", "rate_limit": "600/minute\n"}, {"id", "name", "rate_limit"}),
        ({"id": "a" * 65, "name": "n" * 101, "rate_limit": "0/minute"}, {"id", "name", "rate_limit"}),
        (
            {"id": "x", "quotas": {"running_jobs": "7", "jobs_per_day": 1.0, "requests_per_day": True, "z": 1}},
            {f"quotas/{name}" for name in ("running_jobs", "jobs_per_day", "requests_per_day", "z")},
        ),
        ({"id": "x", "quotas": {"running_jobs": -1, "jobs_per_day": 10**12 + 1}},
         {"quotas/running_jobs", "quotas/jobs_per_day"}),
        ({"id": "x", "quotas": None, "name": None}, {"quotas", "name"}),
    ],
    "change_client": [
        ({"id": "bob"}, {"id"}),
        ({"disabled": 1, "name": 1, "rate_limit": None}, {"disabled", "name", "rate_limit"}),
        ({"disabled": "true"}, {"disabled"}),
        ({"disabled": None, "quotas": {"running_jobs": 1.5}}, {"disabled", "quotas/running_jobs"}),
    ],
    "create_key": [
        ({}, {"client", "scopes"}),
        ({"client": True, "scopes": "admin", "note": 7, "expires_at": 5}, {"client", "scopes", "note", "expires_at"}),
        ({"client": "alice", "scopes": []}, {"scopes"}),
        ({"client": "alice", "scopes": ["jobs:read"] * 9}, {"scopes"}),
        ({"client": "alice", "scopes": ["jobs:read", "Admin", 1, None]}, {"scopes/1", "scopes/2", "scopes/3"}),
        ({"client": "", "scopes": ["admin"], "note": "n" * 201}, {"client", "note"}),
        *(
            (GOOD["create_key"] | {"expires_at": when}, {"expires_at"})
            for when in (
                *("", "soon", "2100-01-01", "2100-01-01T00:00:00", "1969-12-31T23:59:59Z", "2100-02-30T00:00:00Z"),
                *("9999-12-31T23:59:59-12:00", "10000-01-01T00:00:00Z", "0001-01-01T00:00:00+12:00", True, 1.5, {}),
                "2020-01-01T00:00:00Z",
            )
        ),
    ],
    "rotate_key": [
        ({"grace_s": True}, {"grace_s"}),
        ({"grace_s": "7"}, {"grace_s"}),
        ({"grace_s": 1.0}, {"grace_s"}),
        ({"grace_s": -1}, {"grace_s"}),
        ({"grace_s": 7 * 24 * 3600 + 1}, {"grace_s"}),
        ({"grace_s": None, "x": 1}, {"grace_s", "x"}),
    ],
    "init_scrape": [
        ({}, {"siteUrl", "recipe"}),
        ({"siteUrl": 1, "recipe": 2, "options": []}, {"siteUrl", "recipe", "options"}),
        ({"site_url": "x", "recipe": LONG, "options": None}, {"siteUrl", "site_url", "recipe", "options"}),
        *(
            ({"siteUrl": url, "recipe": ""}, {"siteUrl", "recipe"})
            for url in ("", "a.example", "ftp://a.example", "javascript:alert(1)", "http://", "http://a b", "http://[x")
        ),
        (
            GOOD["init_scrape"]
            | {
                "options": {
                    "maxProducts": "7", "categories": "x", "retryOnFailure": 1, "maxRetries": True,
                    "max_products": 1,
                }
            },
            {f"options/{name}" for name in ("maxProducts", "categories", "retryOnFailure", "maxRetries")}
            | {"options/max_products"},
        ),
        (GOOD["init_scrape"] | {"options": {"maxProducts": 0, "categories": [1, "", "c" * 2001], "maxRetries": 101}},
         {"options/maxProducts", "options/maxRetries", *(f"options/categories/{n}" for n in range(3))}),
    ],
    "old_recipe_validate": [
        ({}, {"recipe"}),
        ({"recipe": 1, "x": 2}, {"recipe", "x"}),
        ({"recipe": ""}, {"recipe"}),
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "number"), [(name, n) for name, all_ in WRONG_TYPES.items() for n in range(len(all_))]
)
def test_all_wrong_places_are_named_at_once_and_no_other(calls, name, number):
    body, places = WRONG_TYPES[name][number]
    assert set(calls.wrong(name, body)) == {f"/body/{place}" if place else "/body" for place in places}


def test_a_body_as_deep_as_it_may_be_is_parsed(calls):
    order = ORDER | {"inputs": {"site": json.loads(nested(30))}}
    answer = calls("create_job", order)
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "/body/inputs")


def test_inputs_of_any_kind_are_refused_by_the_recipe_and_never_break_the_api(calls):
    for value in (None, True, 0, -1.5, "", [], {}, {"a": [1]}, "\x07", "\u202e", "http://[", "x" * 100_000):
        answer = calls("create_job", {"recipe": "shop", "inputs": {"site": value}})
        assert answer.status_code == 422, (value, answer.text)
        assert answer.json["errors"][0]["pointer"] == "/body/inputs"


def test_recipes_as_text_that_are_none_are_refused_by_meaning(calls):
    for text in (
        "\x01",
        "a: [",
        "- 1",
        "&a [*a]",
        "!!python/object:os.system {}",
        "\ufeff",
        "a: &a\n b: *a",
        "7",
        "{" * 9000,
    ):
        answer = calls("create_job", {"recipe_text": text})
        assert (answer.status_code, answer.json["code"]) == (422, "unprocessable"), text
    assert set(calls.wrong("create_job", {"recipe_text": ""})) == {"/body/recipe_text"}


@pytest.mark.parametrize("name", ["create_key", "rotate_key"])
def test_calls_that_answer_a_secret_take_no_idempotency_key_and_name_what_else_is_wrong(calls, name):
    key = {"Idempotency-Key": "a"}
    header = "/header/Idempotency-Key"
    assert set(calls.wrong(name, GOOD[name], headers=key)) == {header}
    assert set(calls.wrong(name, GOOD[name] | {"x": 1}, headers=key)) == {header, "/body/x"}
    assert set(calls.wrong(name, b"{", headers=key)) == {header, "/body"}


@pytest.mark.parametrize("name", ["create_job", "init_scrape"])
def test_an_idempotency_key_that_is_none_is_named_with_what_is_wrong_in_the_body(calls, name):
    header = "/header/Idempotency-Key"
    for key in ("", "x" * 129, "\u00e9", "a\tb"):
        wrong = {"headers": {"Idempotency-Key": key}}
        assert set(calls.wrong(name, GOOD[name], **wrong)) == {header}
        assert set(calls.wrong(name, GOOD[name] | {"x": 1}, **wrong)) == {header, "/body/x"}
        assert set(calls.wrong(name, b"{", **wrong)) == {header, "/body"}


@pytest.mark.parametrize("name", GOOD)
def test_calls_without_arguments_take_no_query(calls, name):
    assert set(calls.wrong(name, GOOD[name], query={"a/b": "1", "c": "2"})) == {"/query/a~1b", "/query/c"}


def test_what_stands_in_a_query_is_checked_with_all_its_places(calls):
    def wrong(query):
        answer = calls.client.get(f"/v1/jobs?{query}", headers={"Authorization": f"Bearer {calls.key}"})
        assert answer.status_code == 400, answer.text
        return {error["pointer"] for error in answer.json["errors"]}

    assert wrong("state=queued&state=x&outcome=y&limit=0&tag=a%00&recipe=/&client=/&cursor=&x=1&created_after=now") == {
        *("/query/state/1", "/query/outcome/0", "/query/limit", "/query/tag", "/query/recipe", "/query/client"),
        *("/query/cursor", "/query/x", "/query/created_after"),
    }
    for limit in ("201", "-1", "1.0", "+1", "1e1", "", "%D9%A1", "9" * 5000, "true"):
        assert wrong(f"limit={limit}") == {"/query/limit"}
    for cursor in ("AAAA", "%ff", "%C3%A9", "bnVsbA", "W10", "W1tbW1tb" * 30):
        assert wrong(f"cursor={cursor}") == {"/query/cursor"}


def test_a_key_that_is_made_is_none_of_a_wrong_request(calls):
    headers = {"Authorization": f"Bearer {calls.key}"}
    before = calls.client.get("/v1/keys", headers=headers).json["keys"]
    for body, _ in WRONG_TYPES["create_key"]:
        calls.wrong("create_key", body)
    assert calls.client.get("/v1/keys", headers=headers).json["keys"] == before
