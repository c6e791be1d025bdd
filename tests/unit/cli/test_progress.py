"""The progress line says what a person wants to know, and fits a terminal."""

import io

from rich.console import Console

from crawler.cli.progress import PRINTED_EVERY_S, JobProgress, ProgressDisplay, Rate, Snapshot, progress_text

BUSY = Snapshot(
    elapsed_s=65.4, pages=1234, rows=1200, rejected=3, errors=1, waiting=40, delay_s=0.05, stopping=True
)  # fmt: skip


def test_the_line_holds_pages_rate_rows_rejects_errors_and_delay():
    assert progress_text("books", BUSY, 8.25).plain == (
        "books  1:05  1,234 pages (8.2/s), 1,200 rows, 3 rejected, 1 error, 40 waiting, delay 0.05 s, stopping"
    )


def test_what_is_nothing_is_left_out():
    text = progress_text("books", Snapshot(elapsed_s=1.0, pages=1, rows=1), 1.0).plain
    assert text == "books  0:01  1 page (1.0/s), 1 row"


def test_the_rate_is_that_of_the_last_seconds():
    rate = Rate()
    assert rate.of(Snapshot(elapsed_s=0.0)) == 0.0
    assert rate.of(Snapshot(elapsed_s=5.0, pages=50)) == 10.0
    rate.of(Snapshot(elapsed_s=10.0, pages=50))
    assert rate.of(Snapshot(elapsed_s=15.0, pages=50)) == 0.0


def test_a_shared_job_is_shown_as_a_whole_beside_the_own_part():
    snapshot = Snapshot(elapsed_s=5, pages=3, rows=1, waiting=9, job=JobProgress(found=1200, settled=40, rows=30))
    assert progress_text("books", snapshot, 0.6).plain == (
        "books  0:05  3 pages (0.6/s), 1 row; job: 40 of 1,200 settled, 30 rows"
    )


def test_without_a_terminal_each_snapshot_is_a_plain_line():
    stream = io.StringIO()
    with ProgressDisplay("books", Console(file=stream, width=80)) as display:
        assert display.every_s == PRINTED_EVERY_S
        display.show(BUSY)
    assert stream.getvalue().count("\n") == 1
    assert "\x1b" not in stream.getvalue()


def test_on_a_terminal_the_line_is_drawn_anew_and_gone_at_the_end():
    stream = io.StringIO()
    with ProgressDisplay("books", Console(file=stream, width=80, force_terminal=True)) as display:
        display.show(BUSY)
        display.show(BUSY)
    assert "\x1b[2K" in stream.getvalue()


def test_a_timer_that_fires_twice_prints_once():
    stream = io.StringIO()
    with ProgressDisplay("books", Console(file=stream, width=80)) as display:
        for elapsed_s in (4.999, 5.0, 10.0):
            display.show(Snapshot(elapsed_s=elapsed_s))
    assert stream.getvalue().count("\n") == 2
