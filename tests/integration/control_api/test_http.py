"""What HTTP asks of every answer: headers, methods, request ids, CORS, slashes, and who may read the description."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import socket

import httpx
import pytest
from api_in_process import api_in_process
from api_people import new_people
from valkey_server import Database

from control_api.gate import OPEN, needs
from control_api.openapi import operations

SECURE = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "Cache-Control": "no-store",
}
OURS, THEIRS = "https://app.example.com", "https://evil.example"
TOKEN = "t" * 8 + "-of-metrics"


class Calls:
    def __init__(self, app, people) -> None:
        self.app, self.people = app, people

    def __call__(self, method, path, key="", headers=None, **given):
        headers = dict(headers or {}) | ({"Authorization": f"Bearer {key}"} if key else {})
        return self.app.test_client().open(path, method=method, headers=headers, **given)


@pytest.fixture(scope="module")
def database(valkey_server, _database_numbers):
    database = Database(server=valkey_server, number=next(_database_numbers))
    database.flush()
    return database


@pytest.fixture(scope="module")
def people(database):
    return new_people(database.url)


@pytest.fixture(scope="module")
def new_calls(database, people, tmp_path_factory):
    """Makes an API that is configured differently: as a context."""

    def make(**changes):
        return api_in_process(database.url, tmp_path_factory.mktemp("files"), **changes)

    return make


@pytest.fixture(scope="module")
def calls(new_calls, people):
    with new_calls(cors_origins=(OURS, "http://localhost:3000"), metrics_token=TOKEN) as app:
        yield Calls(app, people)


# --- headers of every answer ---


@pytest.mark.parametrize(
    ("call", "key", "status"),
    [
        ("GET /health", "", 200),
        ("GET /v1/me", "alice", 200),
        ("GET /docs", "", 200),
        ("GET /openapi.json", "", 200),
        ("OPTIONS /v1/jobs", "", 200),
        ("HEAD /v1/me", "alice", 200),
        ("GET /v1/jobs?limit=0", "alice", 400),
        ("GET /v1/me", "", 401),
        ("GET /v1/keys", "alice", 403),
        ("GET /v1/jobs/unknown", "alice", 404),
        ("GET /nowhere", "", 404),
        ("DELETE /v1/jobs", "", 405),
        ("POST /v1/jobs", "alice", 415),
    ],
)
def test_every_answer_has_the_headers_of_security_and_an_id(calls, people, call, key, status):
    answer = calls(*call.split(), getattr(people, key, ""))
    assert answer.status_code == status
    assert {name: answer.headers.get(name) for name in SECURE} == SECURE
    assert re.fullmatch(r"[0-9a-f]{32}", answer.headers["X-Request-Id"])
    assert "Server" not in answer.headers
    if status >= 400:
        assert answer.mimetype == "application/problem+json"
        assert answer.json["request_id"] == answer.headers["X-Request-Id"]


def test_a_failure_of_the_api_itself_has_them_too_and_tells_nothing(new_calls, people):
    with new_calls() as app:

        def fail():
            raise RuntimeError("postgres://user:secret@host")

        app.view_functions["system.show_version"] = needs(OPEN)(fail)
        answer = Calls(app, people)("GET", "/version")
    assert (answer.status_code, answer.json["code"]) == (500, "internal")
    assert {name: answer.headers.get(name) for name in SECURE} == SECURE
    assert "secret" not in answer.text
    assert answer.json["request_id"] in answer.headers["X-Request-Id"]


@pytest.mark.parametrize(
    "given", ["a", "A" * 128, "3f1c.-_Z", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"]
)
def test_a_request_keeps_the_id_that_its_caller_gave_it(calls, given):
    assert calls("GET", "/nowhere", headers={"X-Request-Id": given}).headers["X-Request-Id"] == given
    assert calls("GET", "/nowhere", headers={"X-Request-Id": given}).json["request_id"] == given


@pytest.mark.parametrize(
    "given", ["", "A" * 129, "a b", "a\tb", "<script>", 'a"b', "\u00e9", "a,b", "a/b", "a;b", "%0a"]
)
def test_an_id_that_is_unfit_for_a_log_is_replaced(calls, given):
    answer = calls("GET", "/nowhere", headers={"X-Request-Id": given})
    assert re.fullmatch(r"[0-9a-f]{32}", answer.headers["X-Request-Id"])
    assert answer.json["request_id"] == answer.headers["X-Request-Id"]


def test_two_requests_never_have_the_same_id(calls):
    assert len({calls("GET", "/health").headers["X-Request-Id"] for _ in range(20)}) == 20


def test_answers_to_those_who_show_a_key_say_what_is_left_of_the_rate_and_no_others(calls, people):
    names = {"RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"}
    for path in ("/v1/me", "/v1/keys", "/v1/jobs/unknown", "/v1/jobs?limit=0"):
        answer = calls("GET", path, people.alice)
        assert all(answer.headers[name].isdigit() for name in names)
        assert int(answer.headers["RateLimit-Reset"]) >= 1
    for path in ("/v1/me", "/health", "/nowhere"):
        assert not names & set(calls("GET", path).headers.keys())


# --- methods ---


def test_every_operation_knows_its_methods_and_says_which_to_others(calls, people):
    methods: dict[str, set[str]] = {}
    for path, method, _ in operations(calls.app.extensions["crawlery-spec"]()):
        methods.setdefault(path, {"OPTIONS"}).add(method.upper())
    for path, known in methods.items():
        known.update({"HEAD"} if "GET" in known else ())
        url = re.sub(r"\{\w+\}", "x", path.replace("{kind}", "parent"))
        for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"):
            if method in known:
                continue
            for key in ("", people.root):
                answer = calls(method, url, key)
                assert (answer.status_code, answer.headers["Allow"]) == (405, ", ".join(sorted(known))), (method, path)
                said = answer.text.lower()
                assert method == "HEAD" or '"code": "method_not_allowed"' in said
        options = calls("OPTIONS", url)
        assert (options.status_code, set(options.headers["Allow"].split(", "))) == (200, known)
        assert options.data == b""


def test_head_is_get_without_the_body(calls, people):
    for path, key in (("/v1/me", people.alice), ("/v1/jobs", people.alice), ("/health", ""), ("/v1/me", "")):
        get, head = calls("GET", path, key), calls("HEAD", path, key)
        assert (head.status_code, head.data, head.mimetype) == (get.status_code, b"", get.mimetype)


def test_a_method_in_a_header_is_not_believed(calls, people):
    made = calls("POST", "/v1/jobs", people.alice, json={"recipe": "shop"})
    answer = calls("GET", f"{made.headers['Location']}", people.alice, headers={"X-HTTP-Method-Override": "DELETE"})
    assert answer.json["state"] == "queued"


# --- slashes and paths ---


def test_a_slash_at_the_end_changes_nothing(calls, people):
    for path in ("/v1/jobs", "/v1/me", "/v1/recipes/shop", "/health"):
        plain, slashed = (calls("GET", each, people.alice) for each in (path, f"{path}/"))
        assert (plain.status_code, slashed.status_code) == (200, 200)
        assert slashed.json == plain.json
    made = calls("POST", "/v1/jobs/", people.alice, json={"recipe": "shop"})
    assert (made.status_code, made.headers["Location"]) == (201, f"/v1/jobs/{made.json['id']}")


@pytest.mark.parametrize(
    "path",
    ["//v1/jobs", "/v1//jobs", "/v1/jobs//pause", "/V1/jobs", "/v1", "/", "/v1/jobs/a/b/c", "/v1/recipes/..%2fshop"],
)
def test_other_paths_are_none_and_nobody_is_redirected(calls, people, path):
    for key in ("", people.root):
        answer = calls("GET", path, key)
        assert (answer.status_code, answer.json["code"]) == (404, "not_found")
        assert "Location" not in answer.headers


@pytest.mark.parametrize(
    "job", ["a%00b", "%ed%a0%80", "%ff", "a%0d%0ab", ".", "..", "%2e%2e", "a" * 5000, "%F0%9F%92%A9", "*"]
)
def test_ids_that_are_none_are_unknown(calls, people, job):
    for path in (
        f"/v1/jobs/{job}",
        f"/v1/jobs/{job}/results",
        f"/v1/keys/{job}",
        f"/v1/clients/{job}",
        f"/v1/recipes/{job}",
    ):
        answer = calls("GET", path, people.root)
        assert (answer.status_code, answer.json["code"]) == (404, "not_found"), path


# --- CORS ---


PREFLIGHT = {
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization, content-type, idempotency-key",
}


def cors_headers(answer) -> set[str]:
    return {name for name in answer.headers.keys() if name.startswith("Access-Control-")}  # noqa: SIM118 - not a dict


@pytest.mark.parametrize("path", ["/v1/jobs", "/v1/jobs/x/cancel", "/v1/keys/x/rotate"])
def test_a_preflight_of_a_site_that_is_listed_passes_without_a_key(calls, path):
    answer = calls("OPTIONS", path, headers={"Origin": OURS, **PREFLIGHT})
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == OURS
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]
    allowed = answer.headers["Access-Control-Allow-Headers"].lower()
    assert all(name in allowed for name in ("authorization", "content-type", "idempotency-key"))
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert "Origin" in answer.headers["Vary"]


@pytest.mark.parametrize(
    "origin",
    [
        *(
            THEIRS,
            "null",
            "https://app.example.com.evil.example",
            "https://evil-app.example.com",
            "http://app.example.com",
        ),
        *(
            "https://app.example.com:444",
            "https://appXexample.com",
            "https://app.example.com/",
            "http://localhost:30001",
            "*",
        ),
    ],
)
def test_other_sites_get_no_header(calls, people, origin):
    for method, key in (("OPTIONS", ""), ("GET", people.alice), ("GET", "")):
        answer = calls(method, "/v1/jobs", key, headers={"Origin": origin, **PREFLIGHT})
        assert not cors_headers(answer)


def test_answers_to_a_site_that_is_listed_can_be_read_by_it_errors_included(calls, people):
    for key, path, status in (
        (people.alice, "/v1/me", 200),
        ("", "/v1/me", 401),
        (people.alice, "/v1/keys", 403),
        ("", "/nowhere", 404),
    ):
        answer = calls("GET", path, key, headers={"Origin": OURS})
        assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (status, OURS)
        shown = answer.headers["Access-Control-Expose-Headers"]
        assert all(name in shown for name in ("Location", "Retry-After", "X-Request-Id", "Idempotent-Replayed"))


def test_without_a_list_no_site_gets_a_header(new_calls, people):
    with new_calls() as app:
        for method in ("OPTIONS", "GET"):
            assert not cors_headers(Calls(app, people)(method, "/v1/jobs", people.alice, headers={"Origin": OURS}))


# --- the description ---


@pytest.mark.parametrize("path", ["/docs", "/openapi.json"])
def test_who_may_read_the_description_is_a_matter_of_configuration(new_calls, people, path):
    with new_calls(docs="open") as opened, new_calls(docs="key") as keyed, new_calls(docs="off") as off:
        answers = {
            name: [Calls(app, people)("GET", path, key).status_code for key in ("", "nonsense", people.alice)]
            for name, app in {"open": opened, "key": keyed, "off": off}.items()
        }
    assert answers == {"open": [200, 200, 200], "key": [401, 401, 200], "off": [404, 404, 404]}


def test_the_description_is_the_same_for_everybody_and_holds_no_script(calls):
    spec = calls("GET", "/openapi.json")
    assert spec.json["openapi"] == "3.1.0"
    page = calls("GET", "/docs")
    assert page.mimetype == "text/html"
    assert "<script" not in page.text


# --- metrics ---


def test_figures_are_for_whoever_shows_the_token_as_bearer(calls, people):
    def ask(authorization):
        return calls("GET", "/metrics", headers={"Authorization": authorization} if authorization else {})

    assert ask(f"Bearer {TOKEN}").status_code == 200
    assert ask(f"bearer {TOKEN}").status_code == 200
    for wrong in ("", TOKEN, f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer ", f"Bearer {people.root}", "Bearer \u00e9"):
        answer = ask(wrong)
        assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer"), wrong


# --- over sockets ---


LIMIT = 65536


def refused(url: str, path: str, length: str, key: str) -> tuple[int, dict, bytes]:
    """Sends the head of a request and a little more than the limit of its body, and waits.

    Status, problem, and what comes behind the answer until the connection is closed.
    """
    host, port = url.removeprefix("http://").split(":")
    authorization = f"Authorization: Bearer {key}\r\n" if key else ""
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\n{authorization}Content-Type: application/json\r\n{length}\r\n\r\n"
    piece = b"[" * (LIMIT + 70_000)
    if "chunked" in length:
        head = head.replace("Host:", "Connection: close\r\nHost:")  # or it would wait a while for the rest
        piece = f"{len(piece):x}\r\n".encode() + piece + b"\r\n"
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(head.encode() + piece)
        reply = http.client.HTTPResponse(connection)
        reply.begin()
        problem = json.loads(reply.read())
        rest = b""
        with contextlib.suppress(ConnectionResetError):
            rest = connection.recv(1000)
    return reply.status, problem, rest


def test_bodies_over_the_limit_are_refused_over_sockets_before_their_end(new_process, database, people):
    process = new_process(redis_url=database.url, API_MAX_BODY_BYTES=str(LIMIT))
    huge, chunked = f"Content-Length: {10 * 1024 * 1024}", "Transfer-Encoding: chunked"
    for path, length, key in (
        ("/v1/jobs", huge, people.alice),
        ("/v1/jobs", huge, ""),
        ("/v1/me", huge, people.alice),
        ("/nowhere", huge, ""),
        ("/v1/jobs", chunked, people.alice),
        ("/v1/clients", chunked, people.root),
    ):
        status, problem, rest = refused(process.url, path, length, key)
        assert (status, problem["code"], rest) == (413, "too_large", b""), (path, length)
    # a key is asked for before a body without a length is looked at
    assert refused(process.url, "/v1/jobs", chunked, "")[0] == 401
    headers = {"Authorization": f"Bearer {people.alice}", "Content-Type": "application/json"}
    chunks = httpx.post(f"{process.url}/v1/jobs", headers=headers, content=iter([b'{"recipe":', b'"shop"}']))
    assert chunks.status_code == 201
    deep = httpx.post(f"{process.url}/v1/jobs", headers=headers, content=b"[" * LIMIT)
    assert (deep.status_code, deep.json()["errors"][0]["pointer"]) == (400, "/body")
    answer = httpx.options(f"{process.url}/v1/jobs", headers={"Origin": OURS, **PREFLIGHT})
    assert (answer.status_code, answer.headers.get("Access-Control-Allow-Origin")) == (200, None)
    assert process.stop() == 0
