"""What a run is judged by: pages that were asked for, and shares that never flatter."""

from __future__ import annotations

import pytest

from crawler.exports.figures import Covered, Figures, figures_of, percent
from crawler.jobs.outcomes import FAILURES, FETCHED, HARMLESS, HTTP_ERRORS, OUTCOMES


def test_every_error_of_the_site_is_a_failure_and_was_asked_for():
    assert set(HTTP_ERRORS) <= set(FAILURES)
    assert set(HTTP_ERRORS) <= FETCHED <= set(OUTCOMES)
    assert {"ok", "not_modified"} == FETCHED & HARMLESS


def test_figures_are_made_of_books():
    settled = {"ok": 11, "http_5xx": 1, "blocked": 0, "egress_denied": 3}
    found = figures_of(rows={"a": 3, "b": 5}, rejected=2, settled=settled, with_start=True)
    assert (found.fetched, found.http_errors, found.errors) == (11, {"http_5xx": 1}, 1)
    assert (found.rejected_share, found.error_share) == (0.2, 1 / 11)


def test_a_start_that_failed_is_not_taken_off():
    assert figures_of(rows={}, rejected=0, settled={"page_error": 1}, with_start=True).fetched == 1


def test_of_nothing_there_is_no_share():
    assert (Figures().rejected_share, Figures().error_share) == (0.0, 0.0)
    assert Covered(item="a", field="b", places=0, filled=0).share is None


@pytest.mark.parametrize(("share", "text"), [(1.0, "100.0%"), (0.9999, "99.9%"), (0.29, "29.0%"), (0.0, "0.0%")])
def test_what_is_not_all_is_never_called_all(share, text):
    assert percent(share) == text


def test_pages_that_are_known_to_be_unchanged_are_pages_without_an_error():
    found = figures_of(rows={}, rejected=0, settled={"ok": 2, "http_404": 1}, unasked=7)
    assert (found.fetched, found.error_share) == (10, 0.1)
