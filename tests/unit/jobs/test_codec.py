from __future__ import annotations

import datetime as dt
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.errors import InvalidJob
from crawler.jobs.codec import (
    MAX_JOB_BYTES,
    STATUS_FIELDS,
    VERSION,
    decode_job,
    decode_status,
    encode_job,
    encode_status,
    status_from_fields,
    stored_job,
)
from crawler.jobs.model import Intended, Job, JobStatus, Limits, Outcome, Priority, State
from crawler.wire import Undecodable

words = st.text(max_size=20)
counts = st.none() | st.integers(1, 2**63)
seconds = st.none() | st.floats(0.001, 1e9)
times = st.integers(0, 10**15 - 1)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | words | st.decimals(allow_nan=False) | st.dates(),
    lambda inner: st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(words, inner),
    max_leaves=5,
)
limits = st.builds(
    Limits,
    requests=counts,
    items=counts,
    bytes=counts,
    duration_s=seconds,
    browser_s=seconds,
    queue_timeout_s=seconds,
)
programs = st.fixed_dictionaries({"spider": st.text(min_size=1)}) | st.fixed_dictionaries(
    {"recipe": words, "recipe_text": st.text(min_size=1)}
)
jobs = st.builds(
    lambda program, **rest: Job(**program, **rest),
    programs,
    id=st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}", fullmatch=True),
    secret=st.binary(min_size=16, max_size=64),
    client=words,
    generation=st.integers(0, 2**63),
    inputs=st.dictionaries(words, values),
    priority=st.sampled_from(Priority),
    max_workers=st.integers(1, 1_000),
    limits=limits,
    tags=st.lists(words).map(tuple),
    webhook=words,
    request_sha256=st.just("") | st.from_regex(r"[0-9a-f]{64}", fullmatch=True),
    created_ms=times,
)
statuses = st.builds(
    JobStatus,
    state=st.sampled_from(State),
    intended=st.none() | st.sampled_from(Intended),
    outcome=st.none() | st.sampled_from(Outcome),
    why=words,
    epoch=st.integers(1, 2**63),
    version=st.integers(1, 2**63),
    queued_ms=times,
    started_ms=st.none() | times,
    finishing_ms=st.none() | times,
    finished_ms=st.none() | times,
)


def a_job(**changes) -> Job:
    return Job(**{"id": "j", "secret": b"0123456789abcdef", "spider": "books", **changes})


@settings(max_examples=100, deadline=None)
@given(jobs)
def test_a_job_comes_out_as_it_went_in(job):
    decoded = decode_job(encode_job(job))
    assert decoded == job
    assert repr(decoded.inputs) == repr(job.inputs)
    assert decoded.secret == job.secret


@settings(max_examples=100, deadline=None)
@given(statuses)
def test_a_status_comes_out_as_it_went_in(status):
    assert decode_status(encode_status(status)) == status


@settings(max_examples=100, deadline=None)
@given(statuses)
def test_a_status_comes_out_of_plain_fields_whether_empty_ones_are_there_or_not(status):
    texts = ["" if getattr(status, name) is None else str(getattr(status, name)) for name in STATUS_FIELDS]
    assert status_from_fields([text.encode() for text in texts]) == status
    assert status_from_fields([text.encode() or None for text in texts]) == status


def test_inputs_keep_types_that_msgpack_would_lose():
    inputs = {"price": Decimal("2.50"), "since": dt.date(2026, 11, 22), "sizes": (1, 2), "tags": {"a"}}
    assert decode_job(encode_job(a_job(inputs=inputs))).inputs == inputs


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"inputs": {"a": [object()]}}, r"job j cannot be stored: inputs\.a\[0\]: object is no plain value"),
        ({"inputs": {"a": 2**64}}, "job j cannot be stored: "),
        ({"client": "\ud800"}, "job j cannot be stored: .*surrogates"),
        ({"inputs": {"a": "x" * MAX_JOB_BYTES}}, "job j has 1,048,[0-9]+ bytes; at most 1,048,576 are stored"),
    ],
)
def test_what_cannot_be_stored_is_refused(changes, message):
    with pytest.raises(InvalidJob, match=message):
        encode_job(a_job(**changes))


def written(content: object, version: object = VERSION) -> bytes:
    return msgspec.msgpack.encode((version, content))


def fields_of(job: Job, **changes: object) -> dict:
    return {**msgspec.msgpack.decode(encode_job(job))[1], **changes}


@pytest.mark.parametrize(
    ("encoded", "message"),
    [
        (b"", "truncated"),
        (b"\xc1", r"b'\\xc1'"),
        (b"not msgpack", "b'not msgpack'"),
        (written({}), "missing required field `id`"),
        (written([1]), "Expected `object`"),
        (written(fields_of(a_job()), 2), "version 2 of the format; this reader knows 1"),
        (written(fields_of(a_job()), "1"), "Expected `int`"),
        (written(fields_of(a_job(), id="a b")), "'a b' is no id of a job"),
        (written(fields_of(a_job(), limits={"requests": 0})), "a limit is above 0"),
        (written(fields_of(a_job(), priority="urgent")), "Invalid enum value 'urgent'"),
        (written(fields_of(a_job(), inputs={"a": msgspec.msgpack.Ext(99, b"\xc0")})), "unknown extension 99"),
        (written(fields_of(a_job(), inputs=[1])), "Expected `object`"),
        (encode_job(a_job()) + b"x", "trailing"),
    ],
)
def test_what_is_no_job_is_one_error_that_shows_it(encoded, message):
    with pytest.raises(Undecodable, match=message) as raised:
        decode_job(encoded)
    assert str(raised.value).startswith(f"{encoded[:40]!r}...: ")


def test_nesting_without_end_is_the_same_error():
    deep = b"\x91" * 100_000 + b"\xc0"
    with pytest.raises(Undecodable):
        decode_job(b"\x92\x01\x82\xa2id\xa1j\xa6inputs\x81\xa1a" + deep)


def test_an_error_does_not_show_the_secret():
    encoded = written(fields_of(a_job(), webhook=7))
    with pytest.raises(Undecodable) as raised:
        decode_job(encoded)
    assert "0123456789" not in str(raised.value)


def test_a_reader_skips_what_it_does_not_know_and_fills_in_what_is_missing():
    fields = fields_of(a_job(), colour="blue")
    del fields["tags"]
    assert decode_job(written(fields)) == a_job()


def test_a_job_of_a_time_when_nobody_kept_what_was_sent_can_be_read():
    fields = fields_of(a_job(request_sha256="0f" * 32))
    assert fields.pop("request_sha256") == "0f" * 32
    assert decode_job(written(fields)) == a_job()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([None] * len(STATUS_FIELDS), "missing required field `state`"),
        ([b"gone", *[None] * 5, b"5", *[None] * 3], "Invalid enum value 'gone'"),
        ([b"queued", *[None] * 5, b"soon", *[None] * 3], "Expected `int`"),
        ([b"queued", *[None] * 9], "missing required field `queued_ms`"),
        ([b"\xff", *[None] * 5, b"5", *[None] * 3], "Invalid enum value"),
    ],
)
def test_fields_that_are_no_status_are_one_error_that_shows_them(values, message):
    with pytest.raises(Undecodable, match=message) as raised:
        status_from_fields(values)
    assert str(raised.value).startswith("{")


def test_what_is_no_status_is_one_error():
    with pytest.raises(Undecodable, match="Invalid enum value 'gone'"):
        decode_status(written({"state": "gone", "queued_ms": 1}))


def test_a_stored_job_is_its_record_and_the_time_at_which_it_was_accepted():
    assert stored_job(encode_job(a_job()), b"12") == a_job(created_ms=12)


@pytest.mark.parametrize("created_ms", [None, b"", b"-1", b"soon", b"1.5", b"1" * 16])
def test_a_stored_job_without_such_a_time_cannot_be_read(created_ms):
    with pytest.raises(Undecodable, match="no time at which a job was accepted"):
        stored_job(encode_job(a_job()), created_ms)
