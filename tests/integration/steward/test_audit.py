"""A steward that seals the audit: soon, in order, beside others, after a rewind, and with pieces put away."""

from __future__ import annotations

import asyncio
import logging
import secrets
from random import Random

import pytest
from audit_forgeries import KEY, KINDS, an_audit, forged

from crawler.audit.anchors import anchors, pieces, put_anchor
from crawler.audit.chain import NO_SEAL, Kind, anchored, sealed
from crawler.audit.checking import verified
from crawler.audit.listing import EventFilter, newest
from crawler.audit.store import AuditStore, place_of
from crawler.jobs.model import Job
from crawler.jobs.redis import RedisJobStore
from crawler.origin import Origin
from crawler.steward.audit import Audit
from crawler.steward.loop import Steward

ORIGIN = Origin(by="api", client="root", key="k7m2p4q6")

ENTRIES, SEALS, HEAD = (f"crawlery:{{audit}}:{name}" for name in ("entries", "seals", "head"))


def note(bench, count: int, begin: int = 0) -> None:
    async def accept() -> None:
        jobs = RedisJobStore(bench.store, origin=ORIGIN)
        for number in range(begin, begin + count):
            await jobs.create(Job(id=f"j{number}", client="acme", spider="s", secret=secrets.token_bytes(32)))

    bench.run(accept())


def an_audit_of(bench, **changes) -> Audit:
    return Audit(bench.ground(audit_key=KEY, **changes))


def report(bench):
    return bench.run(verified(bench.store, bench.objects, key=KEY))


def ranges(bench):
    return [(finding.kind, finding.first, finding.last) for finding in report(bench).findings]


def test_a_steward_at_work_seals_what_is_noted_and_leaves_an_anchor_when_it_ends(bench):
    note(bench, 3)

    async def is_sealed() -> bool:
        return (await AuditStore(bench.store).head()).number == 3

    bench.work(is_sealed, by=[Steward(bench.ground(audit_key=KEY)) for _ in range(2)])
    found = report(bench)
    assert (found.is_whole, found.sealed, found.anchored, found.unsealed) == (True, 3, 3, 0)
    assert len(anchors(bench.objects)) == 1


def test_two_hundred_manipulations_of_the_store_are_all_found(bench):
    audit, random = an_audit(25), Random(20260102)
    put_anchor(bench.objects, anchored(KEY, audit.head, at_ms=9_000))

    async def write(lies) -> None:
        # A stream takes ids in their order only; whoever writes to it can do no better.
        entries = {place_of(entry.id): ("XADD", ENTRIES, entry.id, *entry.fields) for entry in lies.entries}
        seals = {
            place_of(seal.id): ("XADD", SEALS, seal.id, "number", seal.number, "mac", seal.mac) for seal in lies.seals
        }
        words = [("DEL", ENTRIES, SEALS, HEAD), *dict(sorted(entries.items())).values()]
        words += dict(sorted(seals.items())).values()
        head = lies.head
        if head.number:
            words.append(("HSET", HEAD, "number", head.number, "id", head.id, "mac", head.mac))
        await asyncio.gather(*(bench.store.command(*each) for each in words))

    bench.run(write(audit))
    assert report(bench).is_whole
    missed = []
    for number in range(200):
        changed, how = forged(audit, KINDS[number % len(KINDS)], random)
        bench.run(write(changed))
        if report(bench).is_whole:
            missed.append((number, how))
    assert missed == []


def test_seals_are_made_in_the_order_of_the_entries_however_many_stewards_make_them(bench):
    async def seal_beside_each_other() -> None:
        rivals = [an_audit_of(bench) for _ in range(4)]
        jobs = RedisJobStore(bench.store, origin=ORIGIN)
        for number in range(30):
            await jobs.create(Job(id=f"j{number}", client="acme", spider="s", secret=secrets.token_bytes(32)))
            await asyncio.gather(*(rival.seal() for rival in rivals))
        for rival in rivals:
            await rival.seal()

    bench.run(seal_beside_each_other())
    found = report(bench)
    assert (found.is_whole, found.sealed) == (True, 30)


def test_a_steward_that_stood_still_seals_nothing_over_what_another_has_sealed(bench):
    async def stand_still() -> list[bool]:
        audit, jobs = AuditStore(bench.store), RedisJobStore(bench.store, origin=ORIGIN)
        offers = []
        for name in ("first", "second"):
            await jobs.create(Job(id=name, client="acme", spider="s", secret=secrets.token_bytes(32)))
            offers.append(sealed(KEY, NO_SEAL, await audit.entries()))
        late, soon = offers
        return [await audit.seal(NO_SEAL, offer) for offer in (soon, late, soon)]

    assert bench.run(stand_still()) == [True, False, True]  # the same seals once more are a repeated call
    found = report(bench)
    assert (found.is_whole, found.sealed) == (True, 2)


def test_anchors_are_put_when_they_are_due_and_only_when_something_was_sealed(bench):
    audit = an_audit_of(bench, anchor_every_s=0.0)
    note(bench, 2)
    for _ in range(3):
        bench.run(audit.seal())
        bench.run(audit.store())
    assert [anchor.head.number for anchor in anchors(bench.objects)] == [2]
    note(bench, 1, begin=2)
    patient = an_audit_of(bench, anchor_every_s=300.0)
    bench.run(patient.seal())
    bench.run(patient.store())
    assert report(bench).anchored == 2
    bench.run(patient.end())
    assert report(bench).anchored == 3


def snapshot(bench) -> list[bytes]:
    """The audit of the store as it is."""
    return [bench.run(bench.store.command("DUMP", key)) for key in (ENTRIES, SEALS, HEAD)]


def rewind(bench, to: list[bytes]) -> None:
    """The store is as it was then."""
    for key, dumped in zip((ENTRIES, SEALS, HEAD), to, strict=True):
        bench.run(bench.store.command("RESTORE", key, 0, dumped, "REPLACE"))


@pytest.mark.parametrize("survives", [True, False], ids=["the steward goes on", "another steward begins"])
def test_a_store_that_was_rewound_is_named_with_its_range_before_and_after_it_goes_on(bench, survives, caplog):
    audit = an_audit_of(bench)
    note(bench, 6)
    bench.run(audit.seal())
    then = snapshot(bench)
    note(bench, 4, begin=6)
    bench.run(audit.end())
    note(bench, 5, begin=10)
    bench.run(audit.seal())  # 15 are sealed, 10 anchored
    rewind(bench, to=then)
    assert ranges(bench) == [(Kind.CUT, 7, 10)]
    audit = audit if survives else an_audit_of(bench)
    note(bench, 4, begin=20)
    with caplog.at_level(logging.WARNING):
        bench.run(audit.end())
    assert "was rewound" in caplog.text
    # A steward that was there has seen 15, and says so; another one knows what the last anchor has seen.
    lost = 15 if survives else 10
    assert ranges(bench) == [(Kind.REWOUND, 7, lost)]
    found = report(bench)
    assert (found.sealed, found.anchored) == (lost + 4, lost + 4)
    note(bench, 1, begin=30)
    bench.run(audit.end())
    assert ranges(bench) == [(Kind.REWOUND, 7, lost)]


def test_a_store_that_has_lost_everything_goes_on_behind_the_anchor(bench):
    audit = an_audit_of(bench)
    note(bench, 5)
    bench.run(audit.end())
    bench.run(bench.store.command("DEL", ENTRIES, SEALS, HEAD))
    assert ranges(bench) == [(Kind.CUT, 1, 5)]
    note(bench, 2, begin=10)
    bench.run(an_audit_of(bench).end())
    assert ranges(bench) == [(Kind.REWOUND, 1, 5)]


def test_old_entries_are_put_away_in_pieces_and_are_listed_and_verified_there(bench):
    audit = an_audit_of(bench, audit_entries=10, audit_piece=5)
    for begin in range(0, 40, 8):
        note(bench, 8, begin=begin)
        bench.run(audit.seal())
        bench.run(audit.store())
    assert bench.run(AuditStore(bench.store).size()) < 15
    assert [(piece.first, piece.last) for piece in pieces(bench.objects)][:2] == [(1, 5), (6, 10)]
    found = report(bench)
    assert (found.is_whole, found.sealed, found.anchored >= 30) == (True, 40, True)
    seen, after = [], ""
    while True:
        page = bench.run(newest(bench.store, bench.objects, EventFilter(), after=after, limit=7))
        seen += [event.object for event in page.events]
        after = page.next
        if not after:
            break
    assert seen == [f"j{number}" for number in reversed(range(40))]
    bench.objects.delete([pieces(bench.objects)[1].key])
    assert ranges(bench) == [(Kind.DELETED, 6, 10)]


def test_a_steward_that_died_between_putting_away_and_taking_off_is_followed_by_one_that_takes_off(bench):
    audit = an_audit_of(bench, audit_entries=5, audit_piece=5)
    note(bench, 9)
    bench.run(audit.seal())
    trim, audit._audit.trim = audit._audit.trim, dies
    note(bench, 3, begin=9)
    bench.run(audit.seal())
    with pytest.raises(Dead):
        bench.run(audit.store())
    assert report(bench).is_whole  # what is in a piece and in the store is the same
    audit._audit.trim = trim
    bench.run(audit.store())
    assert bench.run(AuditStore(bench.store).size()) == 7
    assert [(piece.first, piece.last) for piece in pieces(bench.objects)] == [(1, 5)]
    assert report(bench).is_whole


class Dead(Exception):
    """As by SIGKILL."""


async def dies(*_):
    raise Dead


def test_entries_that_somebody_has_touched_are_not_put_away(bench, caplog):
    audit = an_audit_of(bench, audit_entries=5, audit_piece=5)
    note(bench, 12)
    bench.run(audit.seal())
    (second,) = bench.run(AuditStore(bench.store).seals(limit=2))[1:]
    bench.run(bench.store.command("XDEL", ENTRIES, second.id))
    bench.run(audit.store())
    assert pieces(bench.objects) == []
    assert "do not belong together" in caplog.text
    assert ranges(bench) == [(Kind.DELETED, 2, 2)]


def test_without_a_key_nothing_is_sealed_and_the_store_does_not_fill_up(bench, monkeypatch, caplog):
    monkeypatch.setattr("crawler.steward.audit.MOST_UNSEALED", 100)
    audit = Audit(bench.ground())
    note(bench, 300)
    for _ in range(2):
        bench.run(audit.seal())
        bench.run(audit.store())
        bench.run(audit.end())
    assert bench.run(AuditStore(bench.store).size()) < 300
    assert bench.run(AuditStore(bench.store).head()).number == 0
    assert caplog.text.count("There is no AUDIT_KEY") == 1
