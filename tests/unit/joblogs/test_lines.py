"""Records are found in the bytes of a log, whoever has written them."""

from __future__ import annotations

from crawler.joblogs.lines import LEVELS, last_start, records_in

LOG = b"""told to go
2026-11-29 12:00:01 [scrapy.core.engine] INFO: Spider opened
2026-11-29 12:00:02 [scrapy.core.scraper] ERROR: Spider error
Traceback (most recent call last):
  File "x.py", line 1
{"event": "\\"level\\": \\"critical\\"", "level": "debug", "logger": "a", "timestamp": "2026-11-29T12:00:03.000Z"}
2026-11-29 12:00:04 [a] NOTICE: own level
"""


def shown(raw):
    return [(LEVELS[each.rank], each.time, raw[each.start : each.end].count(b"\n")) for each in records_in(raw)]


def test_each_record_has_its_level_its_time_and_the_lines_behind_it():
    assert shown(LOG) == [
        ("warning", "", 1),
        ("info", "2026-11-29 12:00:01", 1),
        ("error", "2026-11-29 12:00:02", 3),
        ("debug", "2026-11-29 12:00:03", 1),
        ("info", "2026-11-29 12:00:04", 1),
    ]


def test_records_are_all_of_the_bytes():
    found = records_in(LOG)
    assert b"".join(LOG[each.start : each.end] for each in found) == LOG
    assert records_in(b"") == []


def test_the_last_beginning_within_some_bytes_is_found():
    second = LOG.index(b"2026-11-29 12:00:02")
    assert last_start(LOG, within=second + 60) == second
    assert last_start(LOG, within=5) == 0
    assert last_start(b"x\n" * 100, within=100) == 0
