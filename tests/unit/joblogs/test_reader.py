"""What workers write is read as it was written: from its end, on from a place, and only what is looked for."""

from __future__ import annotations

from log_workers import KEYS, all_backwards, all_forwards, line, texts

from crawler.joblogs.lines import Level
from crawler.joblogs.reader import JobLogs


def test_the_last_records_of_all_workers_come_in_the_order_of_their_times(worker, logs):
    one, two = worker("s1"), worker("s2", started_ms=2)
    one.says(line(1, "a") + line(3, "c"))
    two.says(line(2, "b") + line(4, "d"), ended=True)
    page = logs.newest(limit=3)
    assert texts(page) == ["b", "c", "d"]
    assert page.records[0].worker == "node-1-s2"
    assert texts(logs.newest(limit=3, before=page.earlier)) == ["a"]
    assert logs.newest(limit=3, before=page.earlier).earlier is None
    assert texts(logs.newest(limit=9, worker="node-1-s1")) == ["a", "c"]


def test_a_job_without_logs_has_none(logs):
    page = logs.newest(limit=10)
    assert (page.records, page.earlier, logs.is_empty) == ((), None, True)
    assert logs.after(page.next, limit=10).records == ()


def test_a_reader_goes_on_where_it_was_whoever_comes_and_goes(worker, logs):
    one = worker("s1")
    one.says(line(1, "a"))
    places = logs.newest(limit=10).next
    assert logs.after(places, limit=10).records == ()
    one.says(line(2, "b") + "cut in the mid")
    two = worker("s2", started_ms=2)
    two.says(line(3, "c") + line(4, "d"), ended=True)
    one.says("st\n", ended=True)
    found, places = all_forwards(logs, places, limit=1)
    assert found == ["b\ncut in the midst", "c", "d"]
    assert logs.after(places, limit=10).records == ()


def test_levels_and_texts_are_looked_for_in_all_of_a_long_log(worker, logs):
    one = worker()
    total, rare = 20_000, {5, 8_000, 19_999}
    filler = "x" * 80
    said = [(f"Page {n} Needle", "ERROR") if n in rare else (f"{n} {filler}", "INFO") for n in range(total)]
    one.says("".join(line(n // 12, text, level) for n, (text, level) in enumerate(said)), ended=True)
    assert len(one.writer._index.pieces) >= 3
    expected = [f"Page {n} Needle" for n in sorted(rare)]
    assert all_backwards(logs, limit=2, level=Level.ERROR) == expected
    assert all_backwards(logs, limit=100, text="nEEDLE") == expected
    assert all_backwards(logs, limit=100, text="no such text") == []
    every = all_backwards(logs, limit=4000)
    assert len(every) == total
    assert every == all_forwards(logs, logs.newest(limit=1, before=None, worker="nobody").next, limit=4000)[0]


def test_a_call_without_time_comes_a_step_further_all_the_same(worker, objects):
    worker("s1").says("".join(line(n, str(n)) for n in range(20)), ended=True)
    worker("s2", started_ms=2).says("".join(line(n, str(n)) for n in range(20)))
    hurried = JobLogs(objects, KEYS, budget_s=0)
    assert len(all_backwards(hurried, limit=100)) == 40
