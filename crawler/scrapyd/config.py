"""What a node is told, and the Scrapyd configuration that follows from it: no scrapyd.conf is read or needed."""

from __future__ import annotations

import ipaddress
import re
import socket
from configparser import ConfigParser
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from scrapyd.config import Config

from crawler.errors import ConfigError
from crawler.jobs.seats import SEAT_TTL_S

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from crawler.exports.objects import ObjectStore
    from crawler.scrapyd.presence import Presence

#: The one project that a node has. Recipes and jobs are in it; nothing is deployed.
PROJECT: Final = "crawlery"

#: A node looks for work so often, in seconds.
POLL_INTERVAL_S: Final = 0.25

#: So many ended workers are listed, and their logs kept.
FINISHED_TO_KEEP: Final = 500

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,39}", re.ASCII)

_HERE: Final = "crawler.scrapyd"

#: Scrapyd's services by name. What would bring code to a node answers with a refusal.
_SERVICES: Final[Mapping[str, str]] = {
    "schedule.json": f"{_HERE}.services.Schedule",
    "cancel.json": f"{_HERE}.services.Cancel",
    "status.json": f"{_HERE}.services.Status",
    "listprojects.json": f"{_HERE}.services.ListProjects",
    "listspiders.json": f"{_HERE}.services.ListSpiders",
    "listjobs.json": f"{_HERE}.services.ListJobs",
    "daemonstatus.json": f"{_HERE}.services.DaemonStatus",
    "addversion.json": f"{_HERE}.services.NoDeployment",
    "delversion.json": f"{_HERE}.services.NoDeployment",
    "delproject.json": f"{_HERE}.services.NoDeployment",
    "listversions.json": f"{_HERE}.services.NoDeployment",
    "drain": f"{_HERE}.probes.Drain",
    "metrics": f"{_HERE}.probes.Metrics",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeConfig:
    """What a node is told.

    Attributes:
        name: unique in the fleet; stands in the names of its workers.
        redis_url: the store; may hold a password.
        folder: where it keeps logs and the list of what has ended.
        slots: workers that run at once.
        bind: address to listen at.
        port: 0 = a free one.
        username: of its console and API; "" = nobody is asked.
        password: goes with it.
        prefix: of the store's keys.
        seat_ttl_s: a seat is free again when its worker has been silent for so long.
        settings: of Scrapy, for every worker, as if given with `-s`.
        objects: where logs are kept when their workers have ended; None = only in `folder`.

    Raises:
        ConfigError: a value is impossible, or others could reach a node that asks nobody for a password.
    """

    name: str
    redis_url: str = field(repr=False)
    folder: Path
    slots: int
    bind: str = "127.0.0.1"
    port: int = 6800
    username: str = ""
    password: str = field(default="", repr=False)
    prefix: str = "crawlery"
    seat_ttl_s: float = SEAT_TTL_S
    settings: Mapping[str, str] = field(default_factory=dict)
    objects: ObjectStore | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if _NAME.fullmatch(self.name) is None:
            raise ConfigError(f"{self.name!r} is no name of a node; use 1 to 40 of A-Z, a-z, 0-9, '.' and '-'")
        if not self.redis_url:
            raise ConfigError("which store? REDIS_URL in the environment says where the jobs are")
        if not (self.username and self.password) and not _is_loopback(self.bind):
            says = "set SCRAPYD_USERNAME and SCRAPYD_PASSWORD in the environment, or bind to 127.0.0.1"
            raise ConfigError(f"others could reach {self.bind}, and the node would ask nobody for a password; {says}")

    def url(self, port: int) -> str:
        """Where the node is found when it listens at this port."""
        everywhere = self.bind in ("", "0.0.0.0", "::")  # noqa: S104 - compared, not bound
        host = socket.gethostname() if everywhere else self.bind
        return f"http://{f'[{host}]' if ':' in host else host}:{port}"

    @property
    def logs(self) -> Path:
        """Logs of workers: PROJECT/RECIPE/JOB.SEAT.log."""
        return self.folder / "logs"

    @property
    def worker_settings(self) -> dict[str, Any]:
        """Settings of Scrapy for the workers of this node."""
        own = {
            "REDIS_URL": self.redis_url,
            "STORE_PREFIX": self.prefix,
            "SEAT_TTL": self.seat_ttl_s,
            "EXPORTS_DIR": str(self.folder / "out"),
        }
        return {**own, **self.settings}


class ScrapydConfig(Config):
    """Scrapyd's configuration made from ours. `presence` is how its components find the node."""

    def __init__(self, node: NodeConfig, presence: Presence) -> None:
        # Scrapyd's own would interpolate: a % in a path is a % here.
        self.cp = ConfigParser(interpolation=None)
        self.node = node
        self.presence = presence
        self.cp["scrapyd"] = {
            "node_name": node.name,
            "username": node.username,
            "password": node.password,
            "spiderqueue": f"{_HERE}.spiderqueue.SeatQueue",
            "poller": f"{_HERE}.poller.SeatPoller",
            "launcher": f"{_HERE}.launcher.Launcher",
            "jobstorage": f"{_HERE}.jobstorage.EndedWorkers",
            "eggstorage": f"{_HERE}.eggstorage.NoEggs",
            "webroot": f"{_HERE}.console.Console",
            "max_proc": str(node.slots),
            "poll_interval": str(POLL_INTERVAL_S),
            "logs_dir": str(node.logs),
            "dbs_dir": str(node.folder),
            "items_dir": "",
            "jobs_dir": "",
            "finished_to_keep": str(FINISHED_TO_KEEP),
            "prefix_header": "x-forwarded-prefix",
            "debug": "off",
        }
        self.cp["services"] = dict(_SERVICES)
        self.cp["settings"] = {PROJECT: "crawler.settings"}


def _is_loopback(bind: str) -> bool:
    try:
        return ipaddress.ip_address(bind).is_loopback
    except ValueError:
        return bind == "localhost"
