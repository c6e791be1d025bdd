"""`crawlery state ...`: what incremental recipes know of earlier runs, in the storage of files or on this machine."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from crawler.cli import console, exits
from crawler.cli.groups import CommandFailed, CommandGroup
from crawler.cli.stores import storage_of_files
from crawler.config import read_config
from crawler.exports import series_store
from crawler.exports.objects_folder import FolderObjectStore
from crawler.exports.series_state import KnownPages

if TYPE_CHECKING:
    from collections.abc import Callable

    from crawler.exports.keys import SeriesKeys
    from crawler.exports.objects import ObjectStore
    from crawler.exports.series_store import Pointer

_LOCAL = click.option("--local", is_flag=True, help="Of crawls on this machine, not of jobs.")
_CLIENT = click.option("--client", metavar="ID", help="Only those of this client.")


@click.group(cls=CommandGroup)
def state() -> None:
    """What incremental recipes know of earlier runs.

    Of jobs, where STORAGE_URL or the platform of this folder says where files are; else, or with --local, of the crawls
    that were run here.
    """


@state.command("list")
@_LOCAL
@_CLIENT
def list_states(*, local: bool, client: str | None) -> int:
    """The series there are: recipe, and when the last run was that the next one builds on."""
    found = _found(_objects(local=local), lambda _, keys: client in (None, keys.client))
    if not found:
        console.note("nothing is known of any recipe")
        return exits.OK
    rows = [
        [pointer.recipe, keys.client, keys.series, str(pointer.order), _time(pointer.made_ms), pointer.job]
        for keys, pointer in found
    ]
    console.print_rows(console.out(), ["recipe", "client", "series", "runs", "last", "job"], rows)
    return exits.OK


@state.command("show")
@click.argument("name")
@_LOCAL
@_CLIENT
def show_state(name: str, *, local: bool, client: str | None) -> int:
    """What is known of the recipe NAME, or of one series of it."""
    objects = _objects(local=local)
    for keys, pointer in _of(objects, name, client):
        with tempfile.TemporaryDirectory(prefix="crawlery-state-") as folder:
            path = Path(folder) / "state"
            series_store.fetch(objects, pointer.state, path)
            known = KnownPages(path, recipe="")
            meta, rows, pages = known.meta, known.rows(), known.count()
            known.close()
        console.line(console.out(), (f"{console.safe(pointer.recipe)}, series {keys.series} of {keys.client}", "bold"))
        whole = _time(meta.whole_ms) if meta.whole_ms else "never"
        facts = {
            "runs": str(pointer.order),
            "last": f"{_time(pointer.made_ms)}, job {pointer.job}",
            "whole": whole,
            "pages": f"{pages:,} that need not be read again if they have not changed",
            "rows": ", ".join(f"{console.safe(item)} {count:,}" for item, count in rows.items()) or "none",
        }
        for label, value in facts.items():
            console.line(console.out(), f"  {label:<6} {value}")
    return exits.OK


@state.command("forget")
@click.argument("name")
@_LOCAL
@_CLIENT
def forget_state(name: str, *, local: bool, client: str | None) -> int:
    """Forget what is known of the recipe NAME, or of one series of it: all is read, and new, in the next run."""
    objects = _objects(local=local)
    for keys, pointer in _of(objects, name, client):
        series_store.forget(objects, keys)
        console.note(f"{console.safe(pointer.recipe)}: series {keys.series} of {keys.client} is forgotten")
    return exits.OK


def _objects(*, local: bool) -> ObjectStore:
    objects = None if local else storage_of_files()
    return objects if objects is not None else FolderObjectStore(read_config().data_dir / "states")


def _found(objects: ObjectStore, is_meant: Callable[[Pointer, SeriesKeys], bool]) -> list[tuple[SeriesKeys, Pointer]]:
    found = []
    for keys in list(series_store.all_series(objects)):
        pointer = series_store.newest(objects, keys)
        if pointer is not None and is_meant(pointer, keys):
            found.append((keys, pointer))
    return sorted(found, key=lambda each: (each[1].recipe, each[0].client, each[0].series))


def _of(objects: ObjectStore, name: str, client: str | None) -> list[tuple[SeriesKeys, Pointer]]:
    def is_meant(pointer: Pointer, keys: SeriesKeys) -> bool:
        return name in (pointer.recipe, keys.series) and client in (None, keys.client)

    found = _found(objects, is_meant)
    if not found:
        raise CommandFailed(f"nothing is known of {name}; `crawlery state list` shows what there is")
    return found


def _time(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
