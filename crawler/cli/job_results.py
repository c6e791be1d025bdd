"""`crawlery job results`: the files of a job as links, or downloaded and compared with their SHA-256."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from crawler.cli import console, exits
from crawler.cli.groups import CommandFailed
from crawler.cli.stores import run_with_store, storage_of_files, stored_job, with_store
from crawler.exports.keys import JobKeys
from crawler.exports.manifest import read_manifest
from crawler.frontier.row_stream import RedisRowStream
from crawler.recipe.loader import load_recipe_text

if TYPE_CHECKING:
    from crawler.exports.manifest import Manifest
    from crawler.exports.objects import ObjectStore
    from crawler.jobs.segments import Segment
    from crawler.jobs.store_contract import StoredJob
    from crawler.store import Store

#: How long a link can be used; seconds.
_LINK_S: Final = 900
_LINK_MAX_S: Final = 3600
_PIECE: Final = 1024 * 1024


@click.command("results")
@click.argument("job_id", metavar="JOB")
@with_store
@click.option("--output", "-o", type=click.Path(path_type=Path, file_okay=False), help="Download them to this folder.")
@click.option("--expires", type=click.IntRange(1, _LINK_MAX_S), default=_LINK_S, show_default=True, help="Of links, s.")
@click.option("--withheld", is_flag=True, help="Also those whose rows are not what the recipe asks for.")
def results(
    *, job_id: str, redis_url: str | None, prefix: str, output: Path | None, expires: int, withheld: bool
) -> int:
    """The files of a job that has ended; of one that runs, the pieces that it has so far."""
    objects = storage_of_files()
    if objects is None:
        raise CommandFailed("where are the files? STORAGE_URL in the environment says it: s3://BUCKET/PREFIX")

    async def ask(store: Store) -> tuple[StoredJob, tuple[Segment, ...]]:
        return await stored_job(store, job_id), await RedisRowStream(store, job=job_id).segments()

    stored, segments = run_with_store(redis_url, prefix, ask)
    keys = JobKeys(client=stored.job.client, job=job_id)
    manifest = read_manifest(objects, keys)
    if manifest is None:
        if output is not None:
            raise CommandFailed(f"{job_id} is {stored.status.state}: there are no files to download yet")
        return _partial(objects, stored, segments, expires)
    if manifest.withheld and not withheld:
        raise CommandFailed(
            f"{job_id} {manifest.outcome}: {'; '.join(manifest.why)}. --withheld shows its files anyhow"
        )
    if output is not None:
        download(objects, manifest, output)
        return exits.OK
    print_links(objects, manifest, expires)
    return exits.OK


def print_links(objects: ObjectStore, manifest: Manifest, expires_s: int) -> None:
    """One block a file, on stdout."""
    if not manifest.files:
        console.note(f"{manifest.job} has no files: it has no rows")
    for file in manifest.files:
        name = file.name
        to = console.out()
        console.line(to, (name, "bold"), f"  {file.rows:,} rows, {file.size_bytes:,} bytes")
        console.line(to, f"  sha256  {file.sha256}")
        console.line(to, f"  link    {objects.link(file.key, file_name=name, expires_s=expires_s)}")


def download(objects: ObjectStore, manifest: Manifest, folder: Path) -> list[Path]:
    """Writes the files of a job into a folder, each whole and as the manifest says, or not at all.

    Raises:
        CommandFailed: one cannot be written, or is not what the manifest says.
        ObjectStoreError: the storage of files does not give it.
    """
    paths = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file in manifest.files:
            path = folder / file.name
            part = path.with_name(f"{path.name}.part")
            digest = hashlib.sha256()
            with objects.open(file.key) as source, part.open("wb") as target:
                while piece := source.read(_PIECE):
                    digest.update(piece)
                    target.write(piece)
            if digest.hexdigest() != file.sha256:
                part.unlink()
                raise CommandFailed(f"{file.key} is not what the manifest of {manifest.job} says: other bytes")
            part.replace(path)
            paths.append(path)
            console.note(f"{file.rows:,} rows in {path}")
    except OSError as error:
        raise CommandFailed(f"{folder}: {(error.strerror or str(error)).lower()}") from error
    return paths


def _partial(objects: ObjectStore, stored: StoredJob, segments: tuple[Segment, ...], expires_s: int) -> int:
    job = stored.job.id
    if stored.job.recipe_text and load_recipe_text(stored.job.recipe_text, name=stored.job.recipe).quality is not None:
        raise CommandFailed(f"{job} is {stored.status.state}, and its rows are to be judged before anybody gets them")
    pieces = console.plural(len(segments), "piece")
    console.note(f"{job} is {stored.status.state}: no files yet, {pieces} (JSON lines, zstd)")
    for segment in segments:
        name = f"{job}-{segment.number:06d}.jsonl.zst"
        console.line(console.out(), (name, "bold"), f"  {sum(segment.rows.values()):,} rows")
        console.line(console.out(), f"  link    {objects.link(segment.key, file_name=name, expires_s=expires_s)}")
    return exits.OK
