"""`docs/blocked.md` names every sign and setting with its default; `docs/recipes.md` how pages end."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from crawler import settings
from crawler.extensions.blocks import _FAILURES_IN_A_ROW
from crawler.frontier.blocks import blocked_why
from crawler.frontier.contract import FrontierRequest, Lease
from crawler.frontier.words import pause_words
from crawler.jobs.outcomes import OUTCOMES
from crawler.middlewares.blocked_signs import _HEADERS, _PAGES, _REFUSALS
from crawler.middlewares.open_pages import MAX_HOPS

DOCS = Path(__file__).parents[3] / "docs"
TEXT = " ".join((DOCS / "blocked.md").read_text(encoding="utf-8").split())

#: Ends of pages that no recipe can bring about yet, or that are the operators' business.
UNTOLD = {"not_modified", "egress_denied", "poison"}


@pytest.mark.parametrize("header", _HEADERS, ids=lambda header: header.name)
def test_every_header_that_is_a_sign_is_on_the_page(header):
    assert re.search(rf"`{header.name}\b", TEXT)
    assert all(f"{value}`" in TEXT for value in header.values)


def test_so_are_the_services_and_the_statuses():
    services = ", ".join(dict.fromkeys(page.service for page in _PAGES))
    assert f"known service: {services} |" in TEXT
    assert f"({', '.join(map(str, sorted(_REFUSALS)))})" in TEXT


@pytest.mark.parametrize("name", ["RETRY_BACKOFF_MIN", "RETRY_BACKOFF_MAX", "RETRY_TIMES", "BLOCKED_IN_A_ROW"])
def test_defaults_are_those_of_the_settings(name):
    assert re.search(rf"`{name}` (\(|\| ){getattr(settings, name):g}\b", TEXT)
    assert settings.BLOCKED_ENABLED


def test_numbers_that_are_no_settings_are_those_of_the_code():
    assert {5: "the fifth in a row"}[_FAILURES_IN_A_ROW] in TEXT
    assert f"to itself more than {MAX_HOPS} times" in TEXT


def test_the_sentence_is_what_is_said():
    lease = Lease(request=FrontierRequest(id=1, host="shop.example", body=b""), token=1)
    sign = "challenge page (cf-mitigated: challenge)"
    assert pause_words(lease, sign, settings.BLOCKED_IN_A_ROW)[1] in TEXT
    assert "1 answer" not in blocked_why("a", times=1, reason=sign)


def test_the_page_of_recipes_tells_how_pages_end():
    page = (DOCS / "recipes.md").read_text(encoding="utf-8")
    paragraph = page.partition("Every page that is found ends in exactly one way:")[2].partition("\n\n")[0]
    told = set(re.findall(r"`([a-z0-9_]+)`", paragraph)) - {"drop_if"}
    assert told == set(OUTCOMES) - UNTOLD
