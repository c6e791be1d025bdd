"""The chain of seals over the entries of the audit, and what can be told from it. Pure: no store, no clock.

Entry n is sealed with `mac_n = HMAC-SHA256(key, mac_(n-1) | n | id | entry)`, every part with its length before it. An
anchor vouches for the chain up to a seal, outside of the store: it names the number and the mac of that seal.

Whoever has no key can make no seal: an entry that was edited, swapped or inserted has none that fits, one that was
deleted leaves a seal without an entry, or a gap. What he can do is to take the end of the chain away, as far back as he
likes; the anchors tell how far it had come.
"""

from __future__ import annotations

import enum
import hashlib
import hmac
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MAC_BYTES: Final = 32

#: What the first seal stands on.
GENESIS: Final = bytes(MAC_BYTES)

#: A report names so many findings at most; the rest is counted.
MAX_FINDINGS: Final = 1_000

#: So many seals may be in two parts that follow each other: what was put away is still there for a moment.
_OVERLAP: Final = 20_000

_NONE: Final = (0, 0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """What a script has noted.

    Attributes:
        id: of the store's stream, `MS-NUMBER`: when it was appended.
        fields: names and values in turn, as the stream has them.
    """

    id: str
    fields: tuple[bytes, ...]

    @property
    def at_ms(self) -> int:
        """When it was appended, ms since 1970 of the store's clock."""
        return _place(self.id)[0]


@dataclass(frozen=True, kw_only=True, slots=True)
class Seal:
    """The seal of an entry.

    Attributes:
        number: of the entry among all that were ever sealed, from 1.
        id: of the entry.
        mac: see the module.
    """

    number: int
    id: str
    mac: bytes


#: Before the first seal.
NO_SEAL: Final = Seal(number=0, id="0-0", mac=GENESIS)


@dataclass(frozen=True, kw_only=True, slots=True)
class Anchor:
    """What the storage of files has of the chain.

    Attributes:
        at_ms: when it was put there, ms since 1970 of the store's clock.
        head: the last seal then.
        mac: HMAC-SHA256 of both, so that nobody else makes one.
    """

    at_ms: int
    head: Seal
    mac: bytes


class Kind(enum.StrEnum):
    """What can be wrong."""

    EDITED = "edited"  # entry and seal do not fit
    DELETED = "deleted"  # entries, or their seals, are missing
    INSERTED = "inserted"  # an entry without a seal stands among sealed ones
    CUT = "cut"  # an anchor has seen seals that there are not
    REWOUND = "rewound"  # entries are missing, and the chain goes on behind the anchor that has seen them
    REPLACED = "replaced"  # an anchor has seen other seals
    FORGED = "forged"  # an anchor that was not made with the key


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """Something that is wrong with entries `first` to `last`, by number; `why` for people."""

    kind: Kind
    first: int
    last: int
    why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What a verification has found.

    Attributes:
        sealed: number of the last seal.
        anchored: number of the last seal that an anchor vouches for; what is newer could be cut off unnoticed.
        unsealed: entries behind the last seal.
        findings: what is wrong; empty = nothing that could be found.
        unnamed: further findings.
    """

    sealed: int
    anchored: int
    unsealed: int
    findings: tuple[Finding, ...] = ()
    unnamed: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings


def entry_mac(key: bytes, before: bytes, number: int, entry: Entry) -> bytes:
    """The mac of entry `number` behind the mac `before`."""
    parts = (before, b"%d" % number, entry.id.encode(errors="surrogateescape"), *entry.fields)
    return hmac.digest(key, _framed(b"entry", parts), hashlib.sha256)


def sealed(key: bytes, head: Seal, entries: Iterable[Entry]) -> list[Seal]:
    """The seals of the entries that come behind `head`."""
    seals = []
    for entry in entries:
        number = head.number + 1
        head = Seal(number=number, id=entry.id, mac=entry_mac(key, head.mac, number, entry))
        seals.append(head)
    return seals


def anchored(key: bytes, head: Seal, *, at_ms: int) -> Anchor:
    """The anchor of a chain that ends with `head`."""
    return Anchor(at_ms=at_ms, head=head, mac=_anchor_mac(key, head, at_ms))


def is_genuine(key: bytes, anchor: Anchor) -> bool:
    """Whether an anchor was made with the key."""
    return hmac.compare_digest(anchor.mac, _anchor_mac(key, anchor.head, anchor.at_ms))


def verify(
    entries: Sequence[Entry], seals: Sequence[Seal], anchors: Sequence[Anchor], *, key: bytes, head: Seal | None = None
) -> Report:
    """What is wrong with entries and seals, both in the order in which they lie in the store.

    Args:
        entries: sealed ones, and those behind them.
        seals: theirs.
        anchors: in any order.
        key: with which seals and anchors were made.
        head: the last seal as the store says; None = it says nothing.
    """
    verification = Verification(anchors, key=key, head=head)
    verification.add(entries, seals)
    return verification.report()


class Verification:
    """One walk along the chain, in parts: the pieces in the storage of files first, then what the store has."""

    def __init__(self, anchors: Sequence[Anchor], *, key: bytes, head: Seal | None = None) -> None:
        """As of `verify`."""
        self._key = key
        self._findings: list[Finding] = []
        self._unnamed = 0
        self._macs = {0: GENESIS}  # by number; those that may be asked for again
        self._last = NO_SEAL
        self._unsealed = 0
        self._anchors = []
        for anchor in sorted(anchors, key=lambda anchor: (anchor.at_ms, anchor.head.number)):
            if is_genuine(key, anchor):
                self._anchors.append(anchor)
            else:
                number = anchor.head.number
                self._find(Kind.FORGED, 1, number, f"the anchor of {number:,} entries was not made with this key")
        self._by_number = {anchor.head.number: anchor.head for anchor in self._anchors}
        self._head = head or NO_SEAL
        self._wanted = {0, self._head.number, *self._by_number}

    def add(self, entries: Sequence[Entry], seals: Sequence[Seal]) -> None:
        """The next part of entries and seals, both in the order of their ids.

        Seals that were in an earlier part, too, are compared with it.
        """
        by_id = {entry.id: entry for entry in entries}
        sealed_ids = {seal.id for seal in seals}
        for seal in seals:
            self._seal(seal, by_id.get(seal.id))
        last = _place(self._last.id)
        for entry in entries:
            if entry.id in sealed_ids:
                continue
            if _place(entry.id) > last:
                self._unsealed += 1
            else:
                near = self._last.number
                self._find(Kind.INSERTED, 0, near, f"entry {entry.id} has no seal, and stands among entries that have")

    def report(self, *, unsealed: int = 0) -> Report:
        """What was found; `unsealed`: further entries that no seal can belong to."""
        head = self._head
        if self._macs.get(head.number) != head.mac:
            first, last = sorted((head.number, self._last.number))
            self._find(Kind.DELETED, first, last, f"the store says that {head.number:,} are sealed, which is not so")
        vouched = self._check_anchors()
        return Report(
            sealed=self._last.number,
            anchored=vouched,
            unsealed=self._unsealed + unsealed,
            findings=tuple(self._findings),
            unnamed=self._unnamed,
        )

    def _seal(self, seal: Seal, entry: Entry | None) -> None:
        number = seal.number
        if number < 1:
            self._find(Kind.EDITED, 0, self._last.number, f"the seal of {seal.id} has no number")
            return
        known = self._macs.get(number)
        if known is not None:
            if known != seal.mac or (entry is not None and not self._fits(seal, entry)):
                self._find(Kind.EDITED, number, number, f"entry {seal.id} is in the store twice, or unlike its copy")
            return
        if number != self._last.number + 1:
            self._gap(seal, entry)
        elif entry is None:
            self._find(Kind.DELETED, number, number, f"entry {seal.id} is missing; its seal is there")
        elif not self._fits(seal, entry):
            self._find(Kind.EDITED, number, number, f"entry {seal.id} is not what was sealed")
        elif _place(seal.id) <= _place(self._last.id):
            self._find(Kind.EDITED, number, number, f"entry {seal.id} is not newer than the one before it")
        self._keep(number, seal.mac)
        if number > self._last.number:
            self._last = seal

    def _gap(self, seal: Seal, entry: Entry | None) -> None:
        """Numbers are missing before a seal: did a steward go on behind an anchor, or were they taken away?"""
        first, last = self._last.number + 1, seal.number - 1
        before = self._by_number.get(last)
        if first > last:
            self._find(Kind.EDITED, seal.number, seal.number, f"the seal of {seal.id} is out of its order")
        elif before is not None and entry is not None and self._follows(seal, entry, before.mac):
            self._keep(last, before.mac)
            self._find(
                Kind.REWOUND, first, last, "these entries are gone: the store was rewound, or its end was taken away"
            )
        else:
            self._find(Kind.DELETED, first, last, "these entries and their seals are missing")
            if entry is None:
                self._find(Kind.DELETED, seal.number, seal.number, f"entry {seal.id} is missing; its seal is there")

    def _keep(self, number: int, mac: bytes) -> None:
        self._macs[number] = mac
        if number - _OVERLAP not in self._wanted:
            self._macs.pop(number - _OVERLAP, None)

    def _fits(self, seal: Seal, entry: Entry) -> bool:
        before = self._macs.get(seal.number - 1)
        return before is not None and self._follows(seal, entry, before)

    def _follows(self, seal: Seal, entry: Entry, before: bytes) -> bool:
        return hmac.compare_digest(seal.mac, entry_mac(self._key, before, seal.number, entry))

    def _check_anchors(self) -> int:
        """Compares each anchor with the chain; answers the number up to which one vouches for it."""
        vouched, agreed = 0, 0
        for anchor in self._anchors:
            head = anchor.head
            mac = self._macs.get(head.number)
            if mac is not None and hmac.compare_digest(mac, head.mac):
                vouched = agreed = max(vouched, head.number)
            elif mac is None and head.number <= self._last.number:
                continue  # in a gap, which was found before
            elif mac is None:
                first = max(agreed, self._last.number) + 1
                why = "an anchor has seen these entries: the store was rewound, or its end was taken away"
                self._find(Kind.CUT, first, head.number, why)
            else:
                why = "an anchor has seen other entries here: they were taken away, and others sealed in their place"
                self._find(Kind.REPLACED, agreed + 1, head.number, why)
        return vouched

    def _find(self, kind: Kind, first: int, last: int, why: str) -> None:
        before = self._findings[-1] if self._findings else None
        if before is not None and (before.kind, before.why) == (kind, why) and before.first <= first <= before.last + 1:
            self._findings[-1] = Finding(kind=kind, first=before.first, last=max(before.last, last), why=why)
        elif len(self._findings) < MAX_FINDINGS:
            self._findings.append(Finding(kind=kind, first=first, last=last, why=why))
        else:
            self._unnamed += 1


def _place(entry_id: str) -> tuple[int, int]:
    """An id as numbers; the beginning if it is none."""
    ms, _, number = entry_id.partition("-")
    return (int(ms), int(number)) if ms.isdecimal() and number.isdecimal() else _NONE


def _anchor_mac(key: bytes, head: Seal, at_ms: int) -> bytes:
    parts = (b"%d" % at_ms, b"%d" % head.number, head.id.encode(), head.mac)
    return hmac.digest(key, _framed(b"anchor", parts), hashlib.sha256)


def _framed(what: bytes, parts: Sequence[bytes]) -> bytes:
    """The parts, each with its length before it: no two lists of parts are the same bytes."""
    return what + struct.pack(">I", len(parts)) + b"".join(struct.pack(">I", len(part)) + part for part in parts)
