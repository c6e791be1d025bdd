"""Methods, slashes and paths: what the app has, and what it says to whoever asks for something else."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import socket

import httpx
import pytest

from control_api.openapi import operations


def test_every_operation_knows_its_methods_and_says_which_to_others(calls, callers):
    methods: dict[str, set[str]] = {}
    for path, method, _ in operations(calls.app.extensions["crawlery-spec"]()):
        methods.setdefault(path, {"OPTIONS"}).add(method.upper())
    for path, known in methods.items():
        known.update({"HEAD"} if "GET" in known else ())
        url = re.sub(r"\{\w+\}", "x", path.replace("{kind}", "parent"))
        for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"):
            if method in known:
                continue
            for key in ("", callers.root):
                answer = calls(method, url, key)
                assert (answer.status_code, answer.headers["Allow"]) == (405, ", ".join(sorted(known))), (method, path)
                said = answer.text.lower()
                assert method == "HEAD" or '"code": "method_not_allowed"' in said
        options = calls("OPTIONS", url)
        assert (options.status_code, set(options.headers["Allow"].split(", "))) == (200, known)
        assert options.data == b""


def test_head_is_get_without_the_body(calls, callers):
    for path, key in (
        ("/v1/me", callers.alice),
        ("/v1/jobs", callers.alice),
        ("/health", ""),
        ("/v1/me", ""),
    ):
        get, head = calls("GET", path, key), calls("HEAD", path, key)
        assert (head.status_code, head.data, head.mimetype) == (get.status_code, b"", get.mimetype)


def test_a_method_in_a_header_is_not_believed(calls, callers):
    made = calls("POST", "/v1/jobs", callers.alice, json={"recipe": "shop"})
    answer = calls("GET", f"{made.headers['Location']}", callers.alice, headers={"X-HTTP-Method-Override": "DELETE"})
    assert answer.json["state"] == "queued"


# --- slashes and paths ---


def test_a_slash_at_the_end_changes_nothing(calls, callers):
    for path in ("/v1/jobs", "/v1/me", "/v1/recipes/shop", "/health"):
        plain, slashed = (calls("GET", each, callers.alice) for each in (path, f"{path}/"))
        assert (plain.status_code, slashed.status_code) == (200, 200)
        assert slashed.json == plain.json
    made = calls("POST", "/v1/jobs/", callers.alice, json={"recipe": "shop"})
    assert (made.status_code, made.headers["Location"]) == (201, f"/v1/jobs/{made.json['id']}")


@pytest.mark.parametrize(
    "path",
    ["//v1/jobs", "/v1//jobs", "/v1/jobs//pause", "/V1/jobs", "/v1", "/", "/v1/jobs/a/b/c", "/v1/recipes/..%2fshop"],
)
def test_other_paths_are_none_and_nobody_is_redirected(calls, callers, path):
    for key in ("", callers.root):
        answer = calls("GET", path, key)
        assert (answer.status_code, answer.json["code"]) == (404, "not_found")
        assert "Location" not in answer.headers


@pytest.mark.parametrize(
    "job", ["a%00b", "%ed%a0%80", "%ff", "a%0d%0ab", ".", "..", "%2e%2e", "a" * 5000, "%F0%9F%92%A9", "*"]
)
def test_ids_that_are_none_are_unknown(calls, callers, job):
    for path in (
        f"/v1/jobs/{job}",
        f"/v1/jobs/{job}/results",
        f"/v1/keys/{job}",
        f"/v1/clients/{job}",
        f"/v1/recipes/{job}",
    ):
        answer = calls("GET", path, callers.root)
        assert (answer.status_code, answer.json["code"]) == (404, "not_found"), path


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


def test_bodies_over_the_limit_are_refused_over_sockets(new_process, shared_database, callers):
    process = new_process(redis_url=shared_database.url, API_MAX_BODY_BYTES=str(LIMIT))
    huge, chunked = f"Content-Length: {10 * 1024 * 1024}", "Transfer-Encoding: chunked"
    for path, length, key in (
        ("/v1/jobs", huge, callers.alice),
        ("/v1/jobs", huge, ""),
        ("/v1/me", huge, callers.alice),
        ("/nowhere", huge, ""),
        ("/v1/jobs", chunked, callers.alice),
        ("/v1/clients", chunked, callers.root),
    ):
        status, problem, rest = refused(process.url, path, length, key)
        assert (status, problem["code"], rest) == (413, "too_large", b""), (path, length)
    # a key is asked for before a body without a length is looked at
    assert refused(process.url, "/v1/jobs", chunked, "")[0] == 401
    headers = {"Authorization": f"Bearer {callers.alice}", "Content-Type": "application/json"}
    chunks = httpx.post(f"{process.url}/v1/jobs", headers=headers, content=iter([b'{"recipe":', b'"shop"}']))
    assert chunks.status_code == 201
    deep = httpx.post(f"{process.url}/v1/jobs", headers=headers, content=b"[" * LIMIT)
    assert (deep.status_code, deep.json()["errors"][0]["pointer"]) == (400, "/body")
    answer = httpx.options(
        f"{process.url}/v1/jobs", headers={"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    )
    assert (answer.status_code, answer.headers.get("Access-Control-Allow-Origin")) == (200, None)
    assert process.stop() == 0
