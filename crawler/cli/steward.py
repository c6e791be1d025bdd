"""`crawlery steward`: the process that moves rows into files and jobs to their ends."""

from __future__ import annotations

import asyncio
import json
import logging
import signal
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from crawler import faults
from crawler.cli import exits
from crawler.cli.groups import CommandFailed
from crawler.cli.stores import storage_of_files, store_url_of_service, with_store
from crawler.config import read_config
from crawler.jobs.redis import RedisJobStore
from crawler.log import log_to_stderr
from crawler.steward.ground import MIB, Ground, StewardSettings
from crawler.steward.loop import Steward
from crawler.store import Store, connect

if TYPE_CHECKING:
    from crawler.exports.objects import ObjectStore

#: After the signal to end, what is under way has so long.
_GRACE_S: Final = 10.0

#: Who watches the process sees so often that its event loop runs, in seconds.
_BEAT_S: Final = 5.0

logger: Final = logging.getLogger(__name__)


@click.command("steward")
@with_store
@click.option("--name", default="steward", show_default=True, help="In logs.")
@click.option("--tick", type=click.FloatRange(0.05, 60), default=1.0, show_default=True, help="Seconds between rounds.")
@click.option(
    "--hold", type=click.FloatRange(1, 600), default=10.0, show_default=True, help="A silent one is replaced."
)
@click.option("--segment-age", type=click.FloatRange(0.1, 3600), default=30.0, show_default=True, help="Seconds.")
@click.option("--segment-mib", type=click.FloatRange(0.001, 64), default=8.0, show_default=True, help="Size, MiB.")
@click.option("--row-buffer-mib", type=click.FloatRange(0.01, 4096), default=64.0, show_default=True, help="A job's.")
@click.option("--storage-patience", type=click.FloatRange(0, 600), default=5.0, show_default=True, help="Seconds.")
@click.option("--seat-ttl", type=click.FloatRange(1, 600), default=30.0, show_default=True, help="As of nodes, s.")
@click.option("--lease-ttl", type=click.FloatRange(0.5, 3600), default=60.0, show_default=True, help="As LEASE_TTL.")
@click.option("--anchor-every", type=click.FloatRange(0.1, 86400), default=300.0, show_default=True, help="Audit, s.")
@click.option("--folder", type=click.Path(path_type=Path, file_okay=False), help="For files while they are composed.")
@click.option("--alive", type=click.Path(path_type=Path, dir_okay=False), help="Touched every 5 s, for probes.")
def steward(
    *,
    redis_url: str | None,
    prefix: str,
    name: str,
    tick: float,
    hold: float,
    segment_age: float,
    segment_mib: float,
    row_buffer_mib: float,
    storage_patience: float,
    seat_ttl: float,
    lease_ttl: float,
    anchor_every: float,
    folder: Path | None,
    alive: Path | None,
) -> int:
    """Run a steward until SIGTERM or Ctrl-C. Two on different machines replace each other."""
    faults.be("steward")
    objects = storage_of_files()
    if objects is None:
        raise CommandFailed(
            "where do files go? STORAGE_URL in the environment says it: s3://BUCKET/PREFIX or file:///DIR"
        )
    where = folder or Path(tempfile.gettempdir())
    try:
        where.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=where):
            pass
    except OSError as error:
        raise CommandFailed(f"--folder {where}: {(error.strerror or str(error)).lower()}") from error
    if alive is not None:
        try:
            alive.touch()
        except OSError as error:
            raise CommandFailed(f"--alive {alive}: {(error.strerror or str(error)).lower()}") from error
    config = read_config()
    settings = StewardSettings(
        name=name,
        tick_s=tick,
        hold_s=hold,
        segment_age_s=segment_age,
        segment_bytes=int(segment_mib * MIB),
        row_buffer_bytes=int(row_buffer_mib * MIB),
        storage_patience_s=storage_patience,
        seat_ttl_s=seat_ttl,
        lease_ttl_s=lease_ttl,
        folder=where,
        audit_key=config.audit_key.encode(),
        anchor_every_s=anchor_every,
    )
    log_to_stderr(level=config.log_level, as_json=config.log_json)
    url = store_url_of_service(redis_url)
    asyncio.run(_run(url, prefix, objects, settings, alive))
    return exits.OK


async def _run(url: str, prefix: str, objects: ObjectStore, settings: StewardSettings, alive: Path | None) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    if alive is not None:
        _beat(loop, alive)
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    store = Store(connect({"url": url}), prefix=prefix)
    ground = Ground(store=store, jobs=RedisJobStore(store), objects=objects, settings=settings)
    working = loop.create_task(Steward(ground).run(stop))
    click.echo(json.dumps({"steward": settings.name}))
    logger.info("Steward %s is at work", settings.name)
    stopping = loop.create_task(stop.wait())
    await asyncio.wait([working, stopping], return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    done, _ = await asyncio.wait([working], timeout=_GRACE_S)
    working.cancel()  # a store that is away keeps it waiting
    await asyncio.gather(working, return_exceptions=True)
    await store.close()
    if working in done:
        working.result()


def _beat(loop: asyncio.AbstractEventLoop, alive: Path) -> None:
    """Touches the file for as long as the loop runs: a store or a storage that is away is no reason to be killed."""
    alive.touch()
    loop.call_later(_BEAT_S, _beat, loop, alive)
