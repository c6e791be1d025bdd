"""Bodies that are no good: every call that takes one refuses all of them, says where, and stays up."""

from __future__ import annotations

import json

import pytest
from api_bodies import GOOD, ORDER


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


def test_every_operation_with_a_body_is_tried(body_calls):
    assert set(body_calls.operations) == set(GOOD)


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize("bad", NO_JSON)
def test_what_is_no_json_object_is_refused_with_the_place(body_calls, name, bad):
    body, pointer = NO_JSON[bad]
    assert list(body_calls.wrong(name, body)) == [pointer]


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
def test_another_type_of_body_is_refused(body_calls, name, content_type):
    assert body_calls(name, GOOD[name], content_type).status_code == 415


@pytest.mark.parametrize("name", GOOD)
def test_a_packed_body_is_refused(body_calls, name):
    answer = body_calls(name, GOOD[name], headers={"Content-Encoding": "gzip"})
    assert answer.status_code == 415


@pytest.mark.parametrize(
    "content_type", ["application/json; charset=utf-8", 'application/json;charset="UTF-8"', "Application/JSON"]
)
def test_json_in_utf8_is_taken_however_its_type_is_written(body_calls, content_type):
    assert body_calls("change_client", GOOD["change_client"], content_type).status_code == 200


@pytest.mark.parametrize("name", GOOD)
def test_a_body_over_the_limit_is_refused_before_it_is_parsed(body_calls, name):
    assert body_calls(name, b"[" * (1024 * 1024 + 1)).status_code == 413
    assert body_calls(name, b"[" * (1024 * 1024)).status_code == 400


@pytest.mark.parametrize("name", GOOD)
def test_keys_that_are_not_known_are_errors_all_of_them(body_calls, name):
    body = {**GOOD[name], "created_ms": 1, "a/b~c": 2, "": 3}
    assert set(body_calls.wrong(name, body)) == {"/body/created_ms", "/body/a~1b~0c", "/body/"}


@pytest.mark.parametrize("name", GOOD)
def test_an_answer_names_a_few_of_very_many_errors_and_cuts_long_names(body_calls, name):
    many = body_calls.wrong(name, {**GOOD[name], **{f"k{number}": 1 for number in range(20_000)}})
    assert len(many) == 50
    (long,) = body_calls.wrong(name, {**GOOD[name], "k" * 100_000: 1})
    assert long == "/body/" + "k" * 494 + "..."


def test_a_body_as_deep_as_it_may_be_is_parsed(body_calls):
    order = ORDER | {"inputs": {"site": json.loads(nested(30))}}
    answer = body_calls("create_job", order)
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "/body/inputs/site")


def test_inputs_of_any_kind_are_refused_by_the_recipe_and_never_break_the_api(body_calls):
    for value in (None, True, 0, -1.5, "", [], {}, {"a": [1]}, "\x07", "\u202e", "http://[", "x" * 100_000):
        answer = body_calls("create_job", {"recipe": "shop", "inputs": {"site": value}})
        assert answer.status_code == 422, (value, answer.text)
        assert answer.json["errors"][0]["pointer"] == "/body/inputs/site"


def test_recipes_as_text_that_are_none_are_refused_by_meaning(body_calls):
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
        answer = body_calls("create_job", {"recipe_text": text})
        assert (answer.status_code, answer.json["code"]) == (422, "unprocessable"), text
    assert set(body_calls.wrong("create_job", {"recipe_text": ""})) == {"/body/recipe_text"}


@pytest.mark.parametrize("name", ["create_key", "rotate_key"])
def test_calls_that_answer_a_secret_take_no_idempotency_key_and_name_what_else_is_wrong(body_calls, name):
    key = {"Idempotency-Key": "a"}
    header = "/header/Idempotency-Key"
    assert set(body_calls.wrong(name, GOOD[name], headers=key)) == {header}
    assert set(body_calls.wrong(name, GOOD[name] | {"x": 1}, headers=key)) == {header, "/body/x"}
    assert set(body_calls.wrong(name, b"{", headers=key)) == {header, "/body"}


@pytest.mark.parametrize("name", ["create_job", "init_scrape"])
def test_an_idempotency_key_that_is_none_is_named_with_what_is_wrong_in_the_body(body_calls, name):
    header = "/header/Idempotency-Key"
    for key in ("", "x" * 129, "\u00e9", "a\tb"):
        wrong = {"headers": {"Idempotency-Key": key}}
        assert set(body_calls.wrong(name, GOOD[name], **wrong)) == {header}
        assert set(body_calls.wrong(name, GOOD[name] | {"x": 1}, **wrong)) == {header, "/body/x"}
        assert set(body_calls.wrong(name, b"{", **wrong)) == {header, "/body"}


@pytest.mark.parametrize("name", GOOD)
def test_calls_without_arguments_take_no_query(body_calls, name):
    assert set(body_calls.wrong(name, GOOD[name], query={"a/b": "1", "c": "2"})) == {"/query/a~1b", "/query/c"}
