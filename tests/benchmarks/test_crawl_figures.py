"""What `make bench` and `make bench-compare` make of the runs of crawls."""

from __future__ import annotations

import json
import re
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from crawls import compare
from crawls.figures import BARS, Bar, compared, of_bar, ratio, short_bars, worse
from crawls.report import (
    BEGIN,
    END,
    PLOT,
    WHAT,
    figures_table,
    plot,
    ratios_table,
    short_table,
    write_page,
    written_page,
)
from crawls.run import check_rows, main
from crawls.runs import CrawlWrong, Run
from crawls.variants import VARIANTS

ROOT = Path(__file__).parents[2]


def runs(*cpu_s, wall_s=2.0, peak_mib=100.0):
    return [
        {"cpu_s": each, "wall_s": wall_s, "process_cpu_s": each + 1, "process_wall_s": wall_s + 1, "peak_mib": peak_mib}
        for each in cpu_s
    ]


def record(*crawls, size="48 KB", short=(), not_measured=None):
    """Of tuples: competitor, transport, its CPU seconds."""
    machine = {"cpu": "a processor", "cores": 2, "kernel": "6.1", "python": "3.11", "nginx": "1.22", "load_before": 0.1}
    return {
        "machine": {**machine, "packages": {"scrapy": "2.19.0"}},
        "repetitions": 3,
        "pages": 1000,
        "short_pages": 211,
        "crawls": [{"size": size, "variant": name, "transport": how, "runs": runs(*cpu)} for name, how, cpu in crawls],
        "short": [{"size": size, "variant": name, "transport": "plain", "runs": runs(*cpu)} for name, cpu in short],
        "not_measured": not_measured or {},
    }


OLD = record(
    ("ours", "plain", (1.0, 1.0, 2.0)), ("hand", "plain", (6.0, 7.0, 10.0)), ("limit", "plain", (0.5, 0.5, 1.0))
)


def test_a_ratio_is_the_median_of_those_of_the_repetitions():
    where = {"size": "48 KB", "transport": "plain"}
    assert ratio(OLD, **where, ours="ours", than="hand") == 6.0  # of 6, 7 and 5
    assert ratio(OLD, **where, ours="ours", than="colly") is None
    assert ratio(OLD, size="7 KB", transport="plain", ours="ours", than="hand") is None


def test_crawls_that_give_other_rows_have_no_figures():
    one, other = (
        Run(cpu_s=1.0, wall_s=1.0, process_cpu_s=1.0, process_wall_s=1.0, peak_mib=1.0, rows=rows) for rows in "ab"
    )
    check_rows({("ours", "plain"): [one, one], ("ours", "br"): [one], ("hand", "plain"): [one]})
    with pytest.raises(
        CrawlWrong, match=r"rows differ, so nothing was measured:\n  a: ours \(plain\)\n  b: hand \(br\)"
    ):
        check_rows({("ours", "plain"): [one, one], ("hand", "br"): [other]})


def test_a_competitor_that_there_is_not_is_told(capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["--only", "ours,hnad"])
    assert "--only: hnad is none of ours, hand" in capsys.readouterr().err


def test_a_bar_is_held_up_to_its_value():
    assert Bar(size="48 KB", than="hand", at_least=6.0).held(6.0)
    assert not Bar(size="48 KB", than="hand", at_least=6.0).held(5.99)
    assert Bar(size="48 KB", than="limit", at_most=2.0).held(0.5)
    assert not Bar(size="48 KB", than="limit", at_most=2.0).held(0.49)


def test_the_bars_are_those_that_were_promised():
    promised = {(bar.size, bar.transport, bar.ours, bar.than): bar.at_least or -bar.at_most for bar in BARS}
    for size, ci1, limit in (("48 KB", 4.5, -1.8), ("7 KB", 4.0, -2.8)):
        plain = {
            "hand": 6.0,
            "hand-ci1": ci1,
            "limit": limit,
            "crawlee-parsel": 5.0,
            "crawlee-lexbor": 1.5,
            "colly": 2.0,
        }
        for than, value in plain.items():
            assert promised.pop((size, "plain", "ours", than)) == value
        assert promised.pop((size, "plain", "ours-xpath", "hand-xpath")) == 2.0
        for transport in ("gzip", "br", "https/1.1", "https/2"):
            assert promised.pop((size, transport, "ours", "hand-ci1")) == 4.0
    assert not promised


def test_a_bar_that_is_short_is_told_and_one_that_was_not_measured_is_not():
    assert short_bars(OLD) == ["ours, 48 KB, plain: 2.00 times what limit takes, at most 1.8 is wanted"]
    slower = record(("ours", "plain", (2.0,)), ("hand", "plain", (6.0,)))
    assert short_bars(slower) == ["ours, 48 KB, plain: 3.00 times as fast as hand, 6 is wanted"]


@pytest.mark.parametrize(("cpu_s", "lines"), [(1.0, 0), (1.1, 0), (1.12, 1), (2.0, 1)])
def test_a_ratio_may_be_a_tenth_less_than_before(cpu_s, lines):
    old = record(("ours", "plain", (1.0,)), ("hand", "plain", (6.0,)))
    new = record(("ours", "plain", (cpu_s,)), ("hand", "plain", (6.0,)))
    assert len(worse(old, new)) == lines
    assert worse(new, old) == []


def test_what_is_worse_is_said_in_a_line():
    old = record(("ours", "br", (1.0,)), ("hand-ci1", "br", (6.0,)), ("hand", "br", (6.0,)))
    new = record(("ours", "br", (1.5,)), ("hand-ci1", "br", (6.0,)))
    assert worse(old, new) == ["ours, 48 KB, br: 4.00 times as fast as hand-ci1, was 6.00: 33% less"]
    assert compared(old, new) == 1


def test_comparing_ends_with_a_status_that_a_job_can_use(tmp_path, capsys):
    old, new, other = (tmp_path / name for name in ("old", "new", "other"))
    old.write_text(json.dumps(record(("ours", "plain", (1.0,)), ("hand", "plain", (6.0,)))))
    new.write_text(json.dumps(record(("ours", "plain", (2.0,)), ("hand", "plain", (6.0,)))))
    other.write_text(json.dumps(record(("limit", "plain", (1.0,)))))
    assert compare.main([str(old), str(old)]) == 0
    assert compare.main([str(old), str(new)]) == 1
    assert "worse: ours, 48 KB, plain: 3.00 times as fast as hand, was 6.00" in capsys.readouterr().out
    assert compare.main([str(old), str(other)]) == 2
    assert compare.main([str(tmp_path / "none"), str(new)]) == 2
    assert "is written by `make bench RECORD=1`" in capsys.readouterr().err


def test_the_tables_have_medians_and_say_what_is_held_and_what_is_not():
    assert "| 48 KB | plain | a recipe | 1,000 | 500 | 50% |  | 100 |" in figures_table(OLD)
    assert f"| 48 KB | plain | {WHAT['hand']} | 7,000 | 500 | 350% | 6.00 | 100 |" in figures_table(OLD)
    rows = ratios_table(OLD)
    assert f"| 48 KB | plain | a recipe | {WHAT['hand']} | at least 6 | 6.00 | held |" in rows
    assert f"| 48 KB | plain | a recipe | {WHAT['limit']} | at most 1.8 | 2.00 | **short** |" in rows
    assert f"| 48 KB | plain | a recipe | {WHAT['colly']} | at least 2 |  | not measured |" in rows
    assert not any("7 KB |" in row and "48" not in row for row in rows)


def test_the_short_crawl_is_told_as_whole_processes():
    rows = short_table(record(short=[("ours", (0.5, 0.7, 0.6))]))
    assert rows[0].startswith("| 211 pages of")
    assert rows[2] == "| 48 KB | a recipe | 1.60 | 3.00 |"
    assert short_table(OLD) == []


def test_the_page_is_written_anew_between_its_markers(tmp_path):
    page = tmp_path / "performance.md"
    page.write_text(f"# Before\n\n{BEGIN}\nold figures\n{END}\n\nAfter\n")
    write_page(page, record(("ours", "plain", (1.0,)), not_measured={"colly": "go is missing"}))
    text = page.read_text()
    assert text.startswith(f"# Before\n\n{BEGIN}\n")
    assert text.endswith(f"\nNot measured: colly (go is missing).\n{END}\n\nAfter\n")
    assert "old figures" not in text
    assert written_page(text, OLD) == written_page(written_page(text, OLD), OLD)
    assert page.with_name(PLOT).exists()
    with pytest.raises(ValueError, match="has no lines"):
        written_page("no markers", OLD)


def test_the_picture_has_a_bar_for_each_that_was_measured():
    tree = ET.fromstring(plot(OLD))
    bars = [each for each in tree.iter("{http://www.w3.org/2000/svg}rect") if each.get("class")]
    widths = {each.get("class"): float(each.get("width")) for each in bars}
    assert set(widths) == {"ours", "other", "limit"}
    assert widths["ours"] * 7 == pytest.approx(widths["other"], rel=0.01)


def test_every_competitor_has_a_name_for_readers_and_every_bar_is_of_one():
    names = {variant.name for variant in VARIANTS}
    assert names == set(WHAT)
    assert {bar.than for bar in BARS} | {bar.ours for bar in BARS} <= names
    for bar in BARS:
        (ours,) = (variant for variant in VARIANTS if variant.name == bar.ours)
        assert bar.transport in ours.transports


def test_the_committed_page_has_room_for_the_figures():
    assert re.search(f"{re.escape(BEGIN)}.*{re.escape(END)}", (ROOT / "docs/performance.md").read_text(), re.DOTALL)


def test_a_ratio_of_a_bar_is_that_of_its_competitors():
    assert of_bar(OLD, Bar(size="48 KB", than="limit", at_most=1.8)) == 0.5
