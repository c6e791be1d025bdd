"""What is said of a job that does not move."""

from __future__ import annotations

import pytest

from crawler.frontier.contract import MOST_NEEDED, Ledger
from crawler.jobs.model import State
from crawler.jobs.nodes import Node
from crawler.jobs.seats import Seat
from crawler.steward.watchdog import Look, reason_of

SEAT = Seat(job="j", token="t", node="n", since_ms=0, expires_ms=1)
BUSY = Node(name="n1", url="", slots=2, running=2)
NEW = Ledger()
ONE_PARKED = Ledger(accepted=5, parked=1, settled={"ok": 4})
WAITING = Ledger(accepted=5, ready=4, settled={"ok": 1})


def look(**facts) -> Look:
    return Look(**{"state": State.RUNNING, "books": WAITING, "seats": (), "nodes": (), "now_ms": 1_000, **facts})


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        ({"books": NEW}, "waiting for a node: none is up (`crawlery node` starts one)"),
        ({"books": NEW, "nodes": (BUSY,)}, "waiting for a free slot on node n1"),
        ({"nodes": (BUSY, Node(name="n2", url="", slots=1, running=1))}, "waiting for a free slot on 2 nodes"),
        ({"nodes": (Node(name="n1", url="", slots=2, is_draining=True),)}, "waiting for a node: all 1 are draining"),
        ({"nodes": (Node(name="n1", url="", slots=2, running=1),)}, ""),
        (
            {"rows_wait": True, "storage_problem": "it does not answer", "seats": (SEAT,)},
            "no pages are given out until its rows are stored: the storage of files takes nothing (it does not answer)",
        ),
        (
            {"rows_wait": True, "seats": (SEAT,)},
            "no pages are given out until its rows are stored: no steward has come for them yet",
        ),
        ({"store_problem": "the store is full"}, "no pages are given out: the store is full"),
        (
            {"books": Ledger(accepted=5, leased=2, settled={"ok": 3})},
            "its workers are gone; others go on with their pages when the leases end",
        ),
        (
            {"books": Ledger(accepted=5, delayed=4, settled={"ok": 1}), "next_due_ms": 43_505_000},
            "its site asked to wait, or has failed: the next page is due at 12:05:05 UTC",
        ),
        (
            {"seats": (SEAT,), "next_due_ms": 43_505_000},
            "its site asked to wait, or has failed: the next page is due at 12:05:05 UTC",
        ),
        (
            {"seats": (SEAT,), "books": Ledger(accepted=5, leased=4, settled={"ok": 1})},
            "waiting for 4 pages that workers have in hand",
        ),
        ({"seats": (SEAT,)}, ""),
        ({"books": ONE_PARKED, "parked_for": 2}, "1 page waits for a worker of a newer release (wire format 2)"),
        (
            {"books": ONE_PARKED, "parked_for": MOST_NEEDED, "seats": (SEAT,)},
            "1 page waits for a worker that can read it: none so far could",
        ),
        (
            {"books": Ledger(accepted=5, parked=3, settled={"ok": 2}), "parked_for": 2, "nodes": (BUSY,)},
            "3 pages wait for a worker of a newer release (wire format 2)",
        ),
        (
            {"books": Ledger(accepted=5, parked=3, settled={"ok": 2}), "parked_for": MOST_NEEDED},
            "3 pages wait for a worker that can read them: none so far could",
        ),
        (
            {"books": Ledger(accepted=5, parked=3, ready=1, settled={"ok": 1}), "parked_for": 2, "nodes": (BUSY,)},
            "waiting for a free slot on node n1",
        ),
    ],
)
def test_the_sentence_names_what_the_job_waits_for(facts, sentence):
    assert reason_of(look(**facts)) == sentence
