"""`crawlery node`: a process of the fleet that takes work from the store and starts workers for it."""

from __future__ import annotations

import json
import logging
import os
import re
import socket
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from crawler import faults
from crawler.cli.groups import CommandFailed
from crawler.cli.stores import storage_of_files
from crawler.config import read_config
from crawler.log import HarmlessFormatter, json_formatter
from crawler.scrapyd.app import run_node
from crawler.scrapyd.config import NodeConfig

if TYPE_CHECKING:
    from collections.abc import Sequence

_FORMAT = "%(asctime)s %(levelname)-8s %(name)s: %(message)s"


@click.command()
@click.option("--name", help="Unique in the fleet.  [default: the name of this machine]")
@click.option("--port", type=click.IntRange(0, 65535), default=6800, show_default=True, help="0 takes a free one.")
@click.option("--bind", default="127.0.0.1", show_default=True, help="Address to listen at; others need a password.")
@click.option("--slots", type=click.IntRange(1, 256), help="Workers that run at once.  [default: one for each CPU]")
@click.option(
    "--dir", "folder", type=click.Path(path_type=Path, file_okay=False),
    help="Where logs are kept.  [default: nodes/NAME in CRAWLERY_DATA_DIR]",
)  # fmt: skip
@click.option("--redis-url", metavar="URL", help="The store: redis://HOST:PORT/DB.  [env: REDIS_URL]")
@click.option("--prefix", default="crawlery", show_default=True, help="As STORE_PREFIX of the crawl.")
@click.option("--set", "-s", "settings", metavar="NAME=VALUE", multiple=True, help="A setting of Scrapy, for workers.")
def node(
    *,
    name: str | None,
    port: int,
    bind: str,
    slots: int | None,
    folder: Path | None,
    redis_url: str | None,
    prefix: str,
    settings: Sequence[str],
) -> int:
    """Run a node until Ctrl-C or SIGTERM; its workers then leave in order.

    One line of JSON says where it is. A password of the store belongs into REDIS_URL, those of the node itself into
    SCRAPYD_USERNAME and SCRAPYD_PASSWORD: a command line can be read by everybody on the machine.
    """
    faults.be("node")
    environment = read_config()
    if redis_url and urlsplit(redis_url).password:
        raise CommandFailed("--redis-url holds a password, which everybody on this machine can read; use REDIS_URL")
    called = name or re.sub(r"[^A-Za-z0-9.-]", "-", socket.gethostname()).strip("-.")[:40]
    config = NodeConfig(
        name=called,
        redis_url=redis_url or environment.redis_url,
        folder=(folder or environment.data_dir / "nodes" / called).absolute(),
        slots=slots or os.cpu_count() or 1,
        bind=bind,
        port=port,
        username=environment.scrapyd_username,
        password=environment.scrapyd_password,
        prefix=prefix,
        settings=_settings(settings),
        objects=storage_of_files(),
    )
    config = replace(config, seat_ttl_s=_seat_ttl_s(config))
    _log(environment.log_level, as_json=environment.log_json)
    return run_node(config, on_listening=lambda url: click.echo(json.dumps({"node": called, "url": url})))


def _settings(given: Sequence[str]) -> dict[str, str]:
    pairs = [text.partition("=") for text in given]
    wrong = next((name for name, equals, _ in pairs if not equals or not name.strip()), None)
    if wrong is not None:
        raise CommandFailed(f"--set {wrong}: write NAME=VALUE")
    secret = next((name for name, _, _ in pairs if name.startswith("REDIS_")), None)
    if secret is not None:
        raise CommandFailed(f"--set {secret}: workers ask the store that the node asks; REDIS_URL says which")
    return {name.strip(): value for name, _, value in pairs}


def _seat_ttl_s(config: NodeConfig) -> float:
    """Workers keep their seats by the setting of Scrapy, and the node takes them for as long."""
    given = config.settings.get("SEAT_TTL", config.seat_ttl_s)
    try:
        return max(0.5, float(given))
    except ValueError as error:
        raise CommandFailed(f"--set SEAT_TTL={given}: it is in seconds") from error


def _log(level: str, *, as_json: bool) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(json_formatter() if as_json else HarmlessFormatter(logging.Formatter(_FORMAT)))
    logging.basicConfig(level=level, handlers=[handler])
