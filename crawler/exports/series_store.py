"""Where the states of series lie: objects that never change, and pointers that say which of them count.

A state is put under a key of its own and counts for nothing. The manifest of the job that has made it names it, and
then a pointer is put, which is named after its place in the series and its job, so that it is the same object whoever
puts it. The newest state is that of the greatest pointer: there is nothing beside it that could be lost or be behind.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

import msgspec
import zstandard

from crawler.errors import NoSuchObject, StateDamaged
from crawler.exports.keys import SERIES, SeriesKeys, pointer_order, series_of_key

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import IO

    from crawler.exports.objects import ObjectInfo, ObjectStore

logger: Final = logging.getLogger(__name__)

STATE_TYPE: Final = "application/zstd"
POINTER_TYPE: Final = "application/json"

#: Three of them are as fast as the disk; more make it hardly smaller.
_LEVEL: Final = 3
_CHUNK_BYTES: Final = 1024 * 1024

#: The newest state, and the one before it, which a worker or a replay may still be at.
_KEPT: Final = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class SeriesRecord:
    """What a job has done in its series; its manifest has it.

    Attributes:
        series: its id.
        base: key of the state that its rows were compared with; "" = it is the first one.
        state: key of the next state; "" = the job has made none: it has failed, was cancelled, is withheld or a replay.
        order: of the next state.
        new: rows that were not there before.
        changed: rows that are not what they were.
        unchanged: rows that are.
        carried: rows of pages that are unchanged, and were not read.
        gone: rows that are not there any more.
    """

    series: str
    base: str = ""
    state: str = ""
    order: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    carried: int = 0
    gone: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Pointer:
    """Says that a state counts.

    Attributes:
        order: how many states of the series came before it.
        job: the job that has made it.
        state: key of its object.
        recipe: name of the recipe, for people.
        made_ms: when, ms since 1970.
    """

    order: int
    job: str
    state: str
    recipe: str = ""
    made_ms: int = 0


class _WirePointer(msgspec.Struct, frozen=True, kw_only=True):
    version: int = 1
    order: int
    job: str
    state: str
    recipe: str = ""
    made_ms: int = 0


def newest(objects: ObjectStore, keys: SeriesKeys) -> Pointer | None:
    """The pointer to the newest state; None if the series has none.

    Raises:
        ObjectStoreError: the storage does not answer.
        StateDamaged: it is no pointer.
    """
    found = [(order, info.key) for info in objects.list(keys.pointer_prefix) if (order := pointer_order(info.key))]
    if not found:
        return None
    _, key = max(found)
    try:
        said = msgspec.json.decode(objects.get(key), type=_WirePointer)
    except msgspec.DecodeError as error:
        raise StateDamaged(f"{key}: it is no pointer: {error}") from error
    except NoSuchObject:  # retention was faster, so there is a newer one
        return newest(objects, keys)
    return Pointer(order=said.order, job=said.job, state=said.state, recipe=said.recipe, made_ms=said.made_ms)


def advance(objects: ObjectStore, keys: SeriesKeys, pointer: Pointer) -> None:
    """Puts a pointer. To be repeated by everybody who finds the manifest that names its state, until it is there.

    Raises:
        ObjectStoreError: it cannot be put.
    """
    wire = _WirePointer(**{name: getattr(pointer, name) for name in pointer.__slots__})
    objects.put(keys.pointer(pointer.order, pointer.job), msgspec.json.encode(wire), content_type=POINTER_TYPE)


def fetch(objects: ObjectStore, key: str, path: Path) -> None:
    """Writes a state to a file.

    Raises:
        NoSuchObject: it is gone.
        ObjectStoreError: it cannot be read.
        StateDamaged: it is none.
        OSError: the disk is full.
    """
    with objects.open(key) as packed, path.open("wb") as file:
        try:
            zstandard.ZstdDecompressor().copy_stream(cast("IO[bytes]", packed), file, write_size=_CHUNK_BYTES)
        except zstandard.ZstdError as error:
            raise StateDamaged(f"{key}: it cannot be read: {error}") from error


def put(objects: ObjectStore, keys: SeriesKeys, job: str, path: Path) -> str:
    """Puts the file of a state under a key of its own; the key. It does not count before a pointer names it.

    Raises:
        ObjectStoreError: it cannot be put.
        OSError: the disk is full.
    """
    key = keys.new_state(job)
    packed = path.with_name(f"{path.name}.zst")
    try:
        with path.open("rb") as file, packed.open("wb") as out:
            zstandard.ZstdCompressor(level=_LEVEL).copy_stream(file, out, read_size=_CHUNK_BYTES)
        with packed.open("rb") as file:
            objects.put(key, file, content_type=STATE_TYPE)
    finally:
        packed.unlink(missing_ok=True)
    return key


def forget(objects: ObjectStore, keys: SeriesKeys) -> int:
    """Removes all that is known of a series, so that it begins anew; answers how many objects. Pointers go first.

    Raises:
        ObjectStoreError: the storage refuses us.
    """
    pointers = [info.key for info in objects.list(keys.pointer_prefix)]
    objects.delete(pointers)
    states = [info.key for info in objects.list(keys.state_prefix)]
    objects.delete(states)
    return len(pointers) + len(states)


def tidy(objects: ObjectStore, *, older_than_s: float, now_s: float) -> int:
    """Removes what is neither the newest state of a series nor the one before, when it is old; how many objects.

    Raises:
        ObjectStoreError: the storage refuses us.
    """
    removed = 0
    for keys, found in _by_series(objects):
        pointers = sorted((order, info.key) for info in found if (order := pointer_order(info.key)) is not None)
        try:
            named = {msgspec.json.decode(objects.get(key), type=_WirePointer).state for _, key in pointers[-_KEPT:]}
        except (msgspec.DecodeError, NoSuchObject) as error:
            logger.warning("%s: a pointer cannot be read, so nothing is removed there: %s", keys.prefix, error)
            continue
        kept = named | {key for _, key in pointers[-_KEPT:]}
        old = [info.key for info in found if info.key not in kept and info.modified_s < now_s - older_than_s]
        objects.delete(sorted(old, key=lambda key: not key.startswith(keys.pointer_prefix)))
        removed += len(old)
    return removed


def all_series(objects: ObjectStore) -> Iterator[SeriesKeys]:
    """The keys of all series of which anything is known.

    Raises:
        ObjectStoreError: they cannot be listed.
    """
    for keys, _ in _by_series(objects):
        yield keys


def _by_series(objects: ObjectStore) -> Iterator[tuple[SeriesKeys, list[ObjectInfo]]]:
    found: dict[tuple[str, str], list[ObjectInfo]] = {}
    for info in objects.list(f"{SERIES}/"):
        series = series_of_key(info.key)
        if series is not None:
            found.setdefault(series, []).append(info)
    for (client, name), objects_of in sorted(found.items()):
        yield SeriesKeys(client, name), objects_of
