from __future__ import annotations

import json
import logging

import pytest

from crawler.log import MAX_MESSAGE_CHARACTERS, HarmlessFormatter, harmless, json_formatter


@pytest.mark.parametrize(
    ("text", "tame"),
    [
        ("plain – שלום 你好 😀\ttab", "plain – שלום 你好 😀\ttab"),
        ("\x1b[2J\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]8;;http://evil\x1b\\link", "link"),
        ("bell\x07 back\x08 null\x00 cr\r", "bell\\u0007 back\\u0008 null\\u0000 cr\\u000d"),
        ("turned \u202egnp.exe", "turned \\u202egnp.exe"),
        ("\u2028line\u2066isolate\x9bcsi", "\\u2028line\\u2066isolate\\u009bcsi"),
        ("one\n2026-01-01 [root] ERROR: forged", "one\n    2026-01-01 [root] ERROR: forged"),
    ],
)
def test_what_could_fool_a_reader_is_taken_out(text, tame):
    assert harmless(text) == tame


def test_what_is_too_long_is_cut_and_says_so():
    cut = harmless("x" * 50_000)
    assert len(cut) < MAX_MESSAGE_CHARACTERS + 100
    assert cut.endswith("... (50,000 characters)")


def record(message: str, *args, **kwargs) -> logging.LogRecord:
    return logging.LogRecord("some.logger", logging.WARNING, __file__, 1, message, args, kwargs.get("exc_info"))


def test_lines_look_as_before_and_the_record_is_left_alone():
    entry = record("page %s", "\x1b[31mx")
    line = HarmlessFormatter(logging.Formatter("%(levelname)s %(name)s %(message)s")).format(entry)
    assert line == "WARNING some.logger page x"
    assert entry.args == ("\x1b[31mx",)


def test_json_lines_hold_one_record_each():
    error = ValueError("broken")
    entry = record("two\nlines of %s", "\u202ex", exc_info=(ValueError, error, None))
    line = json_formatter().format(entry)
    assert "\n" not in line
    parsed = json.loads(line)
    assert parsed["event"] == "two\nlines of \\u202ex"
    assert (parsed["level"], parsed["logger"]) == ("warning", "some.logger")
    assert parsed["timestamp"].endswith("Z")
    assert "ValueError: broken" in parsed["exception"]
