"""The reference as it is served, and as it is written into a page."""

from __future__ import annotations

from control_api.app import description
from control_api.reference import BEGINS, as_html, as_markdown, renewed


def test_it_is_served_with_a_policy_that_lets_it_run_and_load_nothing(api):
    answer = api.get("/docs")
    assert (answer.status_code, answer.mimetype, answer.text) == (200, "text/html", as_html(description()))
    policy = answer.headers["Content-Security-Policy"]
    assert policy == "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"


def test_a_page_keeps_what_stands_above_the_reference():
    spec = description()
    once = renewed(f"# Mine\n\n{BEGINS}\nold\n", spec)
    assert once == f"# Mine\n\n{BEGINS}\n{as_markdown(spec)}"
    assert renewed(once, spec) == once
