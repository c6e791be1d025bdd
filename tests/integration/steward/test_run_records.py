"""Copies of what earlier runs were like, in the store: by job, once each, and not for ever."""

from __future__ import annotations

from crawler.jobs.run_records import KEEP_MS, RedisRunRecords


def test_records_are_kept_by_job_replaced_and_dropped(bench):
    records = RedisRunRecords(bench.store, series="a" * 26)
    assert bench.run(records.all()) == {}
    for job, record in (("j1", b"one"), ("j2", b"two"), ("j1", b"one again")):
        bench.run(records.put(job, record))
    assert bench.run(records.all()) == {"j1": b"one again", "j2": b"two"}
    bench.run(records.drop([]))
    bench.run(records.drop(["j1", "never-there"]))
    assert bench.run(records.all()) == {"j2": b"two"}


def test_a_series_that_has_no_runs_any_more_leaves_the_store(bench):
    bench.run(RedisRunRecords(bench.store, series="b" * 26).put("j1", b"one"))
    left_ms = bench.run(bench.store.command("PTTL", f"crawlery:{{series:{'b' * 26}}}:runs"))
    assert KEEP_MS - 60_000 < left_ms <= KEEP_MS


def test_series_are_kept_apart(bench):
    bench.run(RedisRunRecords(bench.store, series="c" * 26).put("j1", b"one"))
    assert bench.run(RedisRunRecords(bench.store, series="d" * 26).all()) == {}
