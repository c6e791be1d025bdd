from __future__ import annotations

from random import Random

import pytest
from audit_forgeries import KEY, KINDS, an_audit, entry, forged

from crawler.audit.chain import (
    MAX_FINDINGS,
    NO_SEAL,
    Finding,
    Kind,
    Seal,
    Verification,
    anchored,
    is_genuine,
    sealed,
    verify,
)

SIZE = 40


def vouching(audit, *numbers: int):
    """Anchors that have seen so many entries, one after the other."""
    return [anchored(KEY, audit.seals[number - 1], at_ms=10_000 + number) for number in numbers]


def looked_at(audit, anchors, **more):
    return verify(audit.entries, audit.seals, anchors, key=KEY, head=audit.head, **more)


def ranges(report) -> list[tuple[Kind, int, int]]:
    return [(finding.kind, finding.first, finding.last) for finding in report.findings]


def test_an_audit_that_nobody_has_touched_is_whole():
    audit = an_audit(SIZE)
    report = looked_at(audit, vouching(audit, 10, 30))
    assert report.is_whole
    assert (report.sealed, report.anchored, report.unsealed) == (SIZE, 30, 0)
    audit.entries.append(entry(90_000))
    assert (looked_at(audit, []).unsealed, looked_at(audit, []).is_whole) == (1, True)


def test_an_audit_without_an_entry_is_whole():
    assert verify([], [], [], key=KEY).is_whole


@pytest.mark.parametrize("kind", KINDS)
def test_every_manipulation_of_what_is_sealed_and_anchored_is_found(kind):
    audit, random = an_audit(SIZE), Random(f"audit {kind}")
    anchors = vouching(audit, 7, 25, SIZE)
    missed = []
    for number in range(200):
        changed, how = forged(audit, kind, random)
        if looked_at(changed, anchors).is_whole:
            missed.append((number, how))
    assert missed == []


def test_only_what_was_changed_is_named():
    audit = an_audit(SIZE)
    anchors = vouching(audit, SIZE)
    audit.entries[11] = entry(audit.entries[11].at_ms, action="job.created")
    assert ranges(looked_at(audit, anchors)) == [(Kind.EDITED, 12, 12)]
    del audit.entries[20:23]
    assert ranges(looked_at(audit, anchors)) == [(Kind.EDITED, 12, 12), (Kind.DELETED, 21, 21)] + [
        (Kind.DELETED, number, number) for number in (22, 23)
    ]


def test_a_store_that_was_rewound_is_named_with_its_range():
    audit = an_audit(SIZE)
    anchors = vouching(audit, 20, SIZE)
    del audit.entries[30:], audit.seals[30:]
    audit.head = audit.seals[-1]
    report = looked_at(audit, anchors)
    assert ranges(report) == [(Kind.CUT, 31, SIZE)]
    assert report.anchored == 20


def test_a_chain_that_goes_on_behind_the_anchor_names_what_was_lost_for_ever():
    audit = an_audit(SIZE)
    anchors = vouching(audit, 20, 35, SIZE)
    last = audit.seals[-1]
    later = [entry(50_000 + number) for number in range(5)]
    seals = sealed(KEY, last, later)
    audit.entries[30:], audit.seals[30:], audit.head = later, seals, seals[-1]
    report = looked_at(audit, [*anchors, anchored(KEY, seals[-1], at_ms=99_000)])
    assert ranges(report) == [(Kind.REWOUND, 31, SIZE)]
    assert (report.sealed, report.anchored) == (45, 45)


def test_a_tail_that_was_cut_and_grew_again_is_named_by_the_anchor_that_has_seen_it():
    audit = an_audit(SIZE)
    anchors = vouching(audit, 20, 30)
    later = [entry(50_000 + number) for number in range(30)]
    seals = sealed(KEY, audit.seals[24], later)
    audit.entries[25:], audit.seals[25:], audit.head = later, seals, seals[-1]
    assert ranges(looked_at(audit, anchors)) == [(Kind.REPLACED, 21, 30)]


def test_what_no_anchor_has_seen_can_be_cut_off_unnoticed_which_is_why_the_report_says_how_far_anchors_go():
    audit = an_audit(SIZE)
    anchors = vouching(audit, 20)
    del audit.entries[30:], audit.seals[30:]
    audit.head = audit.seals[-1]
    report = looked_at(audit, anchors)
    assert (report.is_whole, report.sealed, report.anchored) == (True, 30, 20)


def test_an_anchor_of_somebody_else_is_found_and_vouches_for_nothing():
    audit = an_audit(SIZE)
    (genuine,) = vouching(audit, SIZE)
    strange = anchored(b"another key", audit.seals[-1], at_ms=20_000)
    assert is_genuine(KEY, genuine)
    assert not is_genuine(KEY, strange)
    report = looked_at(audit, [strange])
    assert (report.anchored, ranges(report)) == (0, [(Kind.FORGED, 1, SIZE)])


def test_with_another_key_nothing_fits():
    audit = an_audit(SIZE)
    report = verify(audit.entries, audit.seals, [], key=b"another key")
    assert [finding.kind for finding in report.findings] == [Kind.EDITED] * SIZE


def test_seals_that_are_no_seals_are_findings_and_not_errors():
    audit = an_audit(3)
    for nonsense in (
        Seal(number=0, id="1005-0", mac=b""),
        Seal(number=-7, id="x", mac=b"y"),
        Seal(number=10**15, id="99999-0", mac=bytes(32)),
    ):
        changed = audit.copy()
        changed.seals.append(nonsense)
        assert not looked_at(changed, []).is_whole
    assert not verify([], [], [], key=KEY, head=Seal(number=3, id="5-0", mac=bytes(32))).is_whole


def test_a_part_that_overlaps_the_one_before_is_compared_with_it():
    audit = an_audit(SIZE)
    for changes, is_whole in ((False, True), (True, False)):
        again = an_audit(SIZE)
        if changes:
            again.entries[12] = entry(again.entries[12].at_ms, action="job.created")
        verification = Verification(vouching(audit, SIZE), key=KEY, head=audit.head)
        verification.add(audit.entries[:20], audit.seals[:20])
        verification.add(again.entries[10:], again.seals[10:])
        assert verification.report().is_whole is is_whole


def test_a_report_names_a_thousand_findings_and_counts_the_others():
    audit = an_audit(MAX_FINDINGS + 5)
    report = verify(audit.entries, audit.seals, [], key=b"another key")
    assert (len(report.findings), report.unnamed) == (MAX_FINDINGS, 5)


def test_findings_that_follow_each_other_in_the_same_words_are_one():
    audit = an_audit(10)
    audit.seals[3:] = []
    anchors = vouching(an_audit(10), 6, 8, 10)
    audit.entries[3:], audit.head = [], audit.seals[-1]
    assert looked_at(audit, anchors).findings == (
        Finding(
            kind=Kind.CUT,
            first=4,
            last=10,
            why="an anchor has seen these entries: the store was rewound, or its end was taken away",
        ),
    )


def test_the_first_seal_stands_on_nothing():
    (seal,) = sealed(KEY, NO_SEAL, [entry(5)])
    assert (seal.number, seal.id, len(seal.mac)) == (1, "5-0", 32)
