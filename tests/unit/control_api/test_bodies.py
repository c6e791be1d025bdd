from __future__ import annotations

import json
import socket
import threading
import tracemalloc

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from control_api.bodies import MAX_DEPTH, BoundedRequest, parse_json, read_json
from control_api.problems import MAX_ERRORS, Problem

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)


def refused(raw: bytes) -> list[tuple[str, str]]:
    with pytest.raises(Problem) as problem:
        parse_json(raw)
    assert problem.value.code == "bad_request"
    return list(problem.value.errors)


@given(VALUES)
@settings(max_examples=200)
def test_what_json_can_say_is_read_as_it_was_said(value):
    assert parse_json(json.dumps(value).encode()) == value
    assert parse_json(json.dumps(value, ensure_ascii=False).encode()) == value


@given(st.binary(max_size=60))
@settings(max_examples=500)
def test_no_bytes_break_the_reader_and_what_it_takes_other_readers_take_too(raw):
    found = read_or_none(raw)
    assert found is None or json.loads(raw) == found[0]


def read_or_none(raw: bytes) -> list | None:
    try:
        return [parse_json(raw)]
    except Problem:
        return None


def test_values_are_as_deep_as_the_limit_and_no_deeper():
    for opened, closed in ((b"[", b"]"), (b'{"a":', b"}")):
        inner = b"1" if b":" in opened else b""
        parse_json(opened * MAX_DEPTH + inner + closed * MAX_DEPTH)
        ((pointer, message),) = refused(opened * (MAX_DEPTH + 1) + inner + closed * (MAX_DEPTH + 1))
        assert pointer in ("/body/0/0/0", "/body/a/a/a")
        assert message == "is nested deeper than 32"


@pytest.mark.parametrize("depth", [100, 1_000, 10_000, 100_000])
def test_no_depth_ends_the_process(depth):
    for raw in (b"[" * depth + b"]" * depth, b"[" * depth, b'{"a":' * depth + b"1" + b"}" * depth):
        ((_, message),) = refused(raw)
        assert message.startswith(("is nested deeper than 32", "is no JSON"))


def test_all_wrong_places_are_named_in_order():
    raw = b'{"b": ["\\u0000", 99999999999999999999], "a": {"\\u0000": 1}, "c~/": -99999999999999999999}'
    assert refused(raw) == [
        ("/body/a", "has a key that holds the character NUL"),
        ("/body/b/0", "holds the character NUL"),
        ("/body/b/1", "is too large a number"),
        ("/body/c~0~1", "is too large a number"),
    ]


def test_integers_of_64_bits_are_kept_and_no_longer_ones():
    assert parse_json(b"[-9223372036854775808, 18446744073709551615]") == [-(2**63), 2**64 - 1]
    assert [pointer for pointer, _ in refused(b"[-9223372036854775809, 18446744073709551616]")] == [
        "/body/0",
        "/body/1",
    ]


def test_a_key_that_occurs_twice_is_shown_shortened():
    ((pointer, message),) = refused(b'{"' + b"k" * 500 + b'": 1, "' + b"k" * 500 + b'": 2}')
    assert pointer == "/body"
    assert message == f"has the key '{'k' * 80}...' twice in one object"


def test_a_key_of_different_objects_may_be_the_same():
    assert parse_json(b'[{"a": 1}, {"a": {"a": 2}}]') == [{"a": 1}, {"a": {"a": 2}}]


def test_a_first_reader_that_takes_more_changes_nothing(monkeypatch):
    monkeypatch.setattr("msgspec.json.decode", json.loads)
    assert refused(b'{"a": ["\\ud800", "x\\udc00"], "\\ud800": 1}') == [
        ("/body", "has a key that holds half of a surrogate pair"),
        ("/body/a/0", "holds half of a surrogate pair"),
        ("/body/a/1", "holds half of a surrogate pair"),
    ]
    assert [pointer for pointer, _ in refused(b"[NaN, Infinity, 1e999]")] == ["/body/0", "/body/1", "/body/2"]
    monkeypatch.setattr("msgspec.json.decode", lambda raw: {})
    ((pointer, message),) = refused(b"{")
    assert (pointer, message[:11]) == ("/body", "is no JSON:")


def test_pairs_of_surrogates_are_one_character():
    assert parse_json(rb'"\ud83d\ude00"') == "\U0001f600"


def a_request(content_type: str | None, body: bytes = b"{}", *, limit: int = 1_000, **headers: str) -> BoundedRequest:
    app = Flask("test")
    app.request_class = BoundedRequest
    app.config["MAX_CONTENT_LENGTH"] = limit + 1
    environ = app.test_request_context(method="POST", data=body, content_type=content_type, headers=headers)
    environ.push()
    request = environ.request
    environ.pop()
    request.max_content_length = limit + 1
    return request


@pytest.mark.parametrize(
    "content_type", ["application/json", "Application/JSON; charset=UTF-8", "application/json; v=1"]
)
def test_json_is_json_however_its_type_is_written(content_type):
    assert read_json(a_request(content_type)) == {}


@pytest.mark.parametrize(
    ("content_type", "detail"),
    [
        (None, "The body is of no type"),
        ("text/plain", "The body is text/plain"),
        ("application/json; charset=latin-1", "The body must be UTF-8"),
    ],
)
def test_another_type_is_refused(content_type, detail):
    with pytest.raises(Problem, match=detail) as problem:
        read_json(a_request(content_type))
    assert problem.value.status == 415


def test_a_packed_body_is_refused():
    with pytest.raises(Problem, match="leave out Content-Encoding") as problem:
        read_json(a_request("application/json", **{"Content-Encoding": "gzip"}))
    assert problem.value.status == 415


def test_a_body_of_the_limit_is_given_and_one_byte_more_is_not():
    assert a_request("application/json", b"1" * 1_000).get_data() == b"1" * 1_000
    assert a_request("application/json", b"\xff1").get_data(as_text=True) == "\ufffd1"
    with pytest.raises(RequestEntityTooLarge):
        a_request("application/json", b"1" * 1_001).get_data()


@pytest.mark.parametrize("length", ["100", None])
def test_a_body_that_does_not_arrive_is_not_waited_for_for_ever(monkeypatch, length):
    monkeypatch.setattr("control_api.bodies.BODY_PATIENCE_S", 0.05)
    ours, theirs = socket.socketpair()
    with ours, theirs, ours.makefile("rb") as stream:
        theirs.sendall(b"[")
        environ = {"REQUEST_METHOD": "POST", "wsgi.input": stream, "gunicorn.socket": ours}
        environ |= {"CONTENT_LENGTH": length} if length else {"wsgi.input_terminated": True}
        request = BoundedRequest(environ)
        request.max_content_length = 1_000
        if length:
            with pytest.raises(ClientDisconnected):
                request.get_data()
        else:  # what the end of such a body is, gunicorn knows
            assert request.get_data() == b"["
        ours.sendall(b"too slow")
        assert theirs.recv(100) == b"too slow"


def test_a_connection_whose_body_has_arrived_is_left_alone():
    ours, theirs = socket.socketpair()
    with ours, theirs, ours.makefile("rb") as stream:
        theirs.sendall(b"[]next")
        request = BoundedRequest({"wsgi.input": stream, "CONTENT_LENGTH": "2", "gunicorn.socket": ours})
        assert request.get_data() == b"[]"
        assert stream.read(4) == b"next"
        timers = [thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)]
        assert all(timer.finished.is_set() for timer in timers)


@pytest.mark.parametrize("inside", [["\0"] * 20_000, {f"{number}\0": 1 for number in range(20_000)}])
def test_of_very_many_wrong_places_below_a_long_key_only_some_are_named(inside):
    raw = json.dumps({"k" * 300_000: inside}).encode()
    tracemalloc.start()
    try:
        found = refused(raw)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(found) == MAX_ERRORS
    assert most < 100_000_000  # all of them would be 6 GB
