"""What the storage of files has of the audit: anchors, and entries that have left the store, with their seals.

    -audit/anchors/MS-NUMBER-SEAL-MAC.json            an anchor; its name says all of it, so that a listing is enough
    -audit/entries/000000000001-000000005000.jsonl.zst  entries by number, one a line, with their seals

No client can be called `-audit`. Objects are written once, and never replaced or removed by anything here. Calls block.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import zstandard

from crawler.audit.chain import MAC_BYTES, Anchor, Entry, Seal
from crawler.errors import AuditDamaged, NoSuchObject
from crawler.exports.keys import AUDIT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crawler.exports.objects import ObjectStore

_ANCHORS: Final = f"{AUDIT}/anchors/"
_PIECES: Final = f"{AUDIT}/entries/"

_ANCHOR: Final = re.compile(
    r"(\d{13})-(\d{12})-([0-9]{1,16}-[0-9]{1,16})-([0-9a-f]{64})-([0-9a-f]{64})\.json", re.ASCII
)
_PIECE: Final = re.compile(r"(\d{12})-(\d{12})-([0-9]{1,16}-[0-9]{1,16})\.jsonl\.zst", re.ASCII)


class Piece(NamedTuple):
    """A piece of entries: numbers of the first and the last one, the id of the last one, and its key."""

    first: int
    last: int
    last_id: str
    key: str


def put_anchor(objects: ObjectStore, anchor: Anchor) -> None:
    """Puts an anchor; the same one again changes nothing.

    Raises:
        ObjectStoreError: the storage of files does not take it.
    """
    head = anchor.head
    name = f"{anchor.at_ms:013}-{head.number:012}-{head.id}-{head.mac.hex()}-{anchor.mac.hex()}.json"
    body = {
        "v": 1,
        "at_ms": anchor.at_ms,
        "number": head.number,
        "id": head.id,
        "seal": head.mac.hex(),
        "mac": anchor.mac.hex(),
    }
    objects.put(f"{_ANCHORS}{name}", json.dumps(body).encode(), content_type="application/json", only_new=True)


def anchors(objects: ObjectStore) -> list[Anchor]:
    """All anchors, the oldest first; whether they are genuine is not looked at.

    Raises:
        ObjectStoreError: the storage of files does not list them.
    """
    found = []
    for info in objects.list(_ANCHORS):
        match = _ANCHOR.fullmatch(info.key.removeprefix(_ANCHORS))
        if match is not None:
            head = Seal(number=int(match[2]), id=match[3], mac=bytes.fromhex(match[4]))
            found.append(Anchor(at_ms=int(match[1]), head=head, mac=bytes.fromhex(match[5])))
    return sorted(found, key=lambda anchor: (anchor.at_ms, anchor.head.number))


def put_piece(objects: ObjectStore, entries: Sequence[Entry], seals: Sequence[Seal]) -> Piece:
    """Puts entries and their seals, as many and in the same order.

    Raises:
        ObjectStoreError: the storage of files does not take it.
    """
    lines = []
    for entry, seal in zip(entries, seals, strict=True):
        fields = [each.decode(errors="surrogateescape") for each in entry.fields]
        lines.append(json.dumps({"number": seal.number, "id": entry.id, "fields": fields, "seal": seal.mac.hex()}))
    first, last, last_id = seals[0].number, seals[-1].number, seals[-1].id
    key = f"{_PIECES}{first:012}-{last:012}-{last_id}.jsonl.zst"
    packed = zstandard.ZstdCompressor(level=9).compress("\n".join(lines).encode())
    objects.put(key, packed, content_type="application/zstd", only_new=True)
    return Piece(first, last, last_id, key)


def pieces(objects: ObjectStore) -> list[Piece]:
    """All pieces, the oldest first.

    Raises:
        ObjectStoreError: the storage of files does not list them.
    """
    found = []
    for info in objects.list(_PIECES):
        match = _PIECE.fullmatch(info.key.removeprefix(_PIECES))
        if match is not None:
            found.append(Piece(int(match[1]), int(match[2]), match[3], info.key))
    return sorted(found)


def read_piece(objects: ObjectStore, piece: Piece) -> tuple[list[Entry], list[Seal]]:
    """The entries of a piece and their seals.

    Raises:
        AuditDamaged: it is not what `put_piece` has written, or is gone.
        ObjectStoreError: the storage of files does not give it.
    """
    try:
        packed = objects.get(piece.key)
        text = zstandard.ZstdDecompressor().decompress(packed)
        lines = [json.loads(line) for line in text.splitlines()]
        return [_entry(line) for line in lines], [_seal(line) for line in lines]
    except (zstandard.ZstdError, ValueError, KeyError, TypeError, AttributeError, NoSuchObject) as error:
        raise AuditDamaged(f"{piece.key} in the storage of files is no piece of the audit: {error}") from error


def _entry(line: dict[str, Any]) -> Entry:
    return Entry(id=line["id"], fields=tuple(each.encode(errors="surrogateescape") for each in line["fields"]))


def _seal(line: dict[str, Any]) -> Seal:
    mac = bytes.fromhex(line["seal"])
    if len(mac) != MAC_BYTES:
        raise ValueError("a seal has another length")
    return Seal(number=int(line["number"]), id=line["id"], mac=mac)
