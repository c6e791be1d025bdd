"""`docs/jobs.md` names every command of `crawlery job`, what a steward does by default, and what is said."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from crawler.cli.job import job
from crawler.cli.steward import steward
from crawler.frontier.contract import Ledger
from crawler.jobs.model import State
from crawler.jobs.nodes import Node
from crawler.jobs.seats import PAGES_PER_WORKER
from crawler.steward.ground import MIB, StewardSettings
from crawler.steward.watchdog import Look, reason_of

PAGE = (Path(__file__).parents[3] / "docs" / "jobs.md").read_text(encoding="utf-8")
TEXT = " ".join(PAGE.split())
DEFAULTS = StewardSettings()
BUSY = Node(name="n", url="", slots=1, running=1)


@pytest.mark.parametrize("name", job.list_commands(click.Context(job)))
def test_every_command_of_jobs_is_on_the_page(name):
    assert re.search(rf"`(job )?{name}\b", PAGE)


@pytest.mark.parametrize(
    ("option", "text"),
    [
        ("--hold", f"`--hold` seconds ({DEFAULTS.hold_s:g})"),
        ("--segment-mib", f"{DEFAULTS.segment_bytes // MIB} MiB (`--segment-mib`)"),
        ("--segment-age", f"{DEFAULTS.segment_age_s:g} s (`--segment-age`)"),
        ("--row-buffer-mib", f"{DEFAULTS.row_buffer_bytes // MIB} MiB of rows wait (`--row-buffer-mib`)"),
        ("--storage-patience", f"{DEFAULTS.storage_patience_s:g} s (`--storage-patience`)"),
    ],
)
def test_defaults_of_a_steward_are_those_of_the_page(option, text):
    assert text in TEXT
    (parameter,) = [each for each in steward.params if option in each.opts]
    name = {"--hold": "hold_s", "--segment-age": "segment_age_s", "--storage-patience": "storage_patience_s"}.get(
        option
    )
    if name is not None:
        assert parameter.default == getattr(DEFAULTS, name)


def test_a_worker_is_worth_its_start_for_as_many_pages_as_the_page_says():
    assert {4: "one for four of them that are ready"}[PAGES_PER_WORKER] in TEXT


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"nodes": (BUSY, BUSY)},
        {"rows_wait": True, "storage_problem": "..."},
        {"store_problem": "the store has used three quarters of its memory (maxmemory)"},
        {"books": Ledger(accepted=5, leased=2)},
        {"books": Ledger(accepted=5, delayed=4), "next_due_ms": 43_505_000},
        {"books": Ledger(accepted=5, parked=3), "parked_for": 2},
        {"books": Ledger(accepted=5, parked=3)},
    ],
)
def test_every_sentence_is_on_the_page(facts):
    said = reason_of(Look(**{"state": State.RUNNING, "books": Ledger(), "seats": (), "nodes": (), **facts}))
    assert said.partition(" (`")[0].removesuffix(" (maxmemory)").removesuffix(" UTC") in TEXT
