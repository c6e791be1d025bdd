from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.errors import InvalidJob
from crawler.exports.keys import (
    JobKeys,
    check_client,
    file_name,
    intent_job,
    intent_key,
    kind_of,
    recipe_version_key,
    recipe_version_of,
    recipe_versions_prefix,
    run_key,
    run_of,
    runs_prefix,
)

FORGED = ["", ".", "..", "a/b", "../b", "a\\b", "a\0", "a\n", "-a", ".a", "é", "a" * 65, "a b", "a%2fb"]


def test_the_keys_of_a_job_lie_below_its_client_and_its_id():
    keys = JobKeys("acme", "monday")
    assert keys.prefix == "acme/monday/"
    assert keys.manifest == "acme/monday/manifest.json"
    assert keys.record == "acme/monday/job.json"
    assert keys.log("worker-1.log") == "acme/monday/log/worker-1.log"
    assert re.fullmatch(r"acme/monday/segments/000007-[0-9a-f]{16}\.jsonl\.zst", keys.new_segment(7))
    assert re.fullmatch(r"acme/monday/files/books-[0-9a-f]{16}\.csv", keys.new_file("books", "csv"))
    assert intent_key("monday") == "jobs/monday/intent.json"
    assert repr(keys) == "JobKeys('acme', 'monday')"


def test_what_is_written_twice_never_has_one_key():
    keys = JobKeys("acme", "monday")
    assert len({keys.new_segment(1) for _ in range(100)} | {keys.new_file("a", "csv") for _ in range(100)}) == 200


@pytest.mark.parametrize("text", FORGED)
def test_an_id_that_could_name_something_else_is_refused(text):
    for make in (lambda: JobKeys(text, "monday"), lambda: JobKeys("acme", text), lambda: intent_key(text)):
        with pytest.raises(InvalidJob, match="is no id of a"):
            make()


def test_no_client_is_called_like_the_folder_of_intents():
    with pytest.raises(InvalidJob, match='not "jobs"'):
        JobKeys("jobs", "monday")
    assert check_client("jobs2") == "jobs2"


@pytest.mark.parametrize("name", [*FORGED[:-3], "a" * 101])
def test_a_log_has_a_plain_name(name):
    with pytest.raises(ValueError, match="is no name of a log"):
        JobKeys("acme", "monday").log(name)


@pytest.mark.parametrize("ending", ["", "CSV", "c/v", "..", "a" * 17])
def test_a_file_has_a_plain_ending(ending):
    with pytest.raises(ValueError, match="is no ending"):
        JobKeys("acme", "monday").new_file("books", ending)


def test_segments_are_counted_from_one():
    with pytest.raises(ValueError, match="from 1"):
        JobKeys("acme", "monday").new_segment(0)


@settings(deadline=None)
@given(st.text(max_size=150))
def test_whatever_an_export_is_called_its_key_stays_where_it_belongs(name):
    key = JobKeys("acme", "monday").new_file(name, "csv")
    assert re.fullmatch(r"acme/monday/files/[A-Za-z0-9_][A-Za-z0-9._-]*-[0-9a-f]{16}\.csv", key)


def test_names_that_are_plain_stay_as_they_are():
    assert file_name("books_2.v1-x") == "books_2.v1-x"
    assert file_name("../Bücher") == "B-cher"
    assert file_name("…") == "rows"


@pytest.mark.parametrize(
    ("key", "job"),
    [
        ("jobs/monday/intent.json", "monday"),
        ("jobs/monday/manifest.json", None),
        ("acme/monday/intent.json", None),
        ("jobs/-x/intent.json", None),
        ("jobs/a/b/intent.json", None),
        ("jobs", None),
    ],
)
def test_the_job_of_an_intent_is_read_from_its_key(key, job):
    assert intent_job(key) == job


@pytest.mark.parametrize(
    "key",
    [
        "",
        "a",
        ".crawlery-check",
        "a/b",
        "a/b/c",
        "a/b/c/d",
        "a/b/segments",
        "a/b/segments/c/d",
        "jobs/b/intent.jsonl",
        "-recipes",
        "-recipes/texts",
        "-recipes/others/c",
        "-recipes/texts/c/d",
        "-recipes/versions/a/b/1.0.0/no-push.json",
    ],
)
def test_what_is_no_object_of_a_job_is_of_no_kind(key):
    assert kind_of(key) is None


def test_each_object_of_a_job_is_of_one_kind_whatever_the_job_is_called():
    for job in ("monday", "segments", "files", "log", "intent.json", "manifest.json"):
        keys = JobKeys("acme", job)
        made = (keys.new_segment(1), keys.new_file("a", "csv"), keys.log("job.json"))
        made += (keys.manifest, keys.record, keys.orphans, intent_key(job))
        kinds = ["segment", "file", "log", "manifest", "record", "orphans", "intent"]
        assert [kind_of(key) for key in made] == kinds


def test_a_push_of_a_recipe_is_found_by_its_key():
    key = recipe_version_key("acme", "goods", "1.0.0-rc.1", pushed_ms=1_700_000_000_000, sha256="0a" * 32)
    assert kind_of(key) == "version"
    assert recipe_version_of(key) == ("acme", "goods", "1.0.0-rc.1", 1_700_000_000_000)
    assert key.startswith(recipe_versions_prefix("acme"))
    assert recipe_version_of(f"{key}x") is None
    for name, version in (("a/b", "1.0.0"), ("goods", "../x"), ("", "1.0.0")):
        with pytest.raises(ValueError, match="is no name or version"):
            recipe_version_key("acme", name, version, pushed_ms=1, sha256="0a" * 32)
    with pytest.raises(InvalidJob):
        recipe_version_key("-acme", "goods", "1.0.0", pushed_ms=1, sha256="0a" * 32)


def test_figures_of_runs_lie_where_no_client_is():
    key = run_key("acme", "shop", "a" * 32, at_ms=7, job="monday-1.json")
    assert key == f"-runs/acme/shop/{'a' * 32}/000000000000007-monday-1.json.json"
    assert run_of(key) == ("a" * 32, 7, "monday-1.json")
    assert (kind_of(key), kind_of("acme/monday/override.json")) == ("run", "override")
    assert key.startswith(runs_prefix("acme", "shop"))
    with pytest.raises(InvalidJob):
        JobKeys("-series", "monday")


@pytest.mark.parametrize("key", ["", "-runs/acme/shop/x/1-j.json", "acme/monday/manifest.json", "-runs/a/b/c/d/e"])
def test_other_keys_are_none_of_runs(key):
    assert run_of(key) is None


@pytest.mark.parametrize(
    ("recipe", "series"),
    [("../x", "a" * 32), ("", "a" * 32), ("shop", "../" + "a" * 29), ("shop", "A" * 32), ("shop", "")],
)
def test_a_run_without_a_proper_recipe_or_series_has_no_key(recipe, series):
    with pytest.raises(ValueError, match=r"."):
        run_key("acme", recipe, series, at_ms=1, job="j")
