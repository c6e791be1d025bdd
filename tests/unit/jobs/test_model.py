from __future__ import annotations

import hashlib
import math
from dataclasses import FrozenInstanceError, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.errors import InvalidJob
from crawler.jobs.model import MAX_WHY_CHARACTERS, Job, Limits, check_job_id, job_id, sentence

SECRET = b"0123456789abcdef"


def a_job(**values) -> Job:
    return Job(**{"id": "j", "secret": SECRET, "spider": "books", **values})


# --- ids ---


def test_the_same_order_has_the_same_id():
    assert job_id("acme", "key", 0) == job_id("acme", "key")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("acme", "key", 0), ("acme", "key", 1)),
        (("acme", "key", 0), ("acme", "other", 0)),
        (("acme", "key", 0), ("emca", "key", 0)),
        (("ab", "c", 0), ("a", "bc", 0)),
        (("a", "1", 11), ("a", "11", 1)),
        (("", "a", 0), ("a", "", 0)),
    ],
)
def test_another_client_key_or_generation_is_another_job(one, other):
    assert job_id(*one) != job_id(*other)


def test_an_id_never_changes_from_release_to_release():
    assert job_id("acme", "order-1", 0) == "adrjflnroeaoiedfu4nb2uq6ci"


@given(st.text(), st.text(), st.integers(0))
def test_an_id_is_26_characters_that_can_stand_anywhere(client, key, generation):
    made = job_id(client, key, generation)
    assert len(made) == 26
    assert set(made) <= set("abcdefghijklmnopqrstuvwxyz234567")
    assert check_job_id(made) == made


def test_a_key_that_is_no_unicode_has_an_id_too():
    assert check_job_id(job_id("acme", "\ud800"))


@pytest.mark.parametrize("text", ["a", "7", "_", "nightly-2026.11_22", "A" * 64])
def test_ids_that_people_type_are_kept(text):
    assert check_job_id(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "..",
        ".a",
        "-a",
        "a b",
        "a/b",
        "a\n",
        "a:b",
        "{a}",
        "\N{LATIN SMALL LETTER E WITH ACUTE}",
        "a" * 65,
        "a%",
    ],
)
def test_what_is_no_id_is_refused_with_what_one_is(text):
    with pytest.raises(InvalidJob) as raised:
        check_job_id(text)
    assert str(raised.value) == (
        f'{text!r} is no id of a job; use 1 to 64 of A-Z, a-z, 0-9, ".", "_" and "-", the first one no "." or "-"'
    )


def test_a_very_long_id_is_shown_in_part():
    with pytest.raises(InvalidJob, match=r"'a{80}' is no id"):
        check_job_id("a" * 80)
    with pytest.raises(InvalidJob, match=r"'a{80}\.\.\.' is no id"):
        check_job_id("a" * 1_000_000)


# --- values ---


def test_a_job_of_a_spider_has_no_recipe():
    assert (a_job().recipe_text, a_job().recipe_sha256) == ("", "")


def test_the_hash_of_a_recipe_is_filled_in():
    job = a_job(spider="", recipe="shop", recipe_text="name: \N{LATIN SMALL LETTER E WITH ACUTE}")
    assert job.recipe_sha256 == hashlib.sha256(b"name: \xc3\xa9").hexdigest()
    assert replace(job) == job


def test_a_secret_is_not_shown():
    assert "0123456789abcdef" not in repr(a_job())
    assert "secret" not in repr(a_job())


def test_the_text_of_a_recipe_is_not_shown_either():
    assert "name: shop" not in repr(a_job(spider="", recipe_text="name: shop"))


def test_jobs_are_frozen():
    with pytest.raises(FrozenInstanceError):
        a_job().spider = "other"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"id": "a b"}, "'a b' is no id of a job"),
        ({"secret": b"x" * 15}, "the secret of a job has 16 to 64 bytes, not 15"),
        ({"secret": b"x" * 65}, "not 65"),
        ({"spider": ""}, "this one has neither"),
        ({"recipe_text": "name: a"}, "this one has both"),
        ({"spider": "", "recipe_text": "a", "recipe_sha256": "ab"}, "recipe_sha256 is ab, but the text's is ca978112"),
        ({"recipe_sha256": "ab"}, "recipe_sha256 is ab"),
        ({"request_sha256": "ab"}, "request_sha256 is 'ab'; it has 64 digits of 0-9 and a-f"),
        ({"request_sha256": "AB" * 32}, "request_sha256 is 'ABAB"),
        ({"generation": -1}, "generation of a job is -1; it is from 0 to"),
        ({"max_workers": 0}, "max_workers of a job is 0; it is from 1 to"),
        ({"created_ms": -1}, "created_ms of a job is -1; it is from 0 to"),
        ({"created_ms": 10**15}, "created_ms of a job is 1000000000000000; it is from 0 to 999999999999999"),
    ],
)
def test_an_impossible_job_is_refused(values, message):
    with pytest.raises(InvalidJob) as raised:
        a_job(**values)
    assert message in str(raised.value)


@pytest.mark.parametrize("edge", [{"secret": b"x" * 16}, {"secret": b"x" * 64}, {"created_ms": 10**15 - 1}])
def test_the_edges_are_possible(edge):
    assert a_job(**edge)


@pytest.mark.parametrize("name", ["requests", "items", "bytes", "duration_s", "browser_s", "queue_timeout_s"])
@pytest.mark.parametrize("limit", [0, -1, math.inf, math.nan])
def test_a_limit_is_above_zero_and_finite(name, limit):
    with pytest.raises(InvalidJob, match=rf"limits\.{name} is {limit}"):
        Limits(**{name: limit})


def test_no_limit_is_none():
    assert Limits() == Limits(requests=None, duration_s=None)
    assert Limits(requests=1, duration_s=0.001)


# --- why ---


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", ""),
        ("  waits\n for\ta slot ", "waits for a slot"),
        ("a\x1d\x85b", "a b"),
        ("lone \ud800 half", "lone ? half"),
        ("x" * MAX_WHY_CHARACTERS, "x" * MAX_WHY_CHARACTERS),
        ("x" * (MAX_WHY_CHARACTERS + 1), "x" * (MAX_WHY_CHARACTERS - 3) + "..."),
    ],
)
def test_a_why_is_one_line_of_limited_length(text, line):
    assert sentence(text) == line
    assert sentence(line) == line
