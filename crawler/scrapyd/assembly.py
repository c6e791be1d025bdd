"""The parts of Scrapyd that make a node, put together; `scrapyd.app` does the same with a port that must be known.

Imports what imports a reactor: load it after one has been installed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scrapyd.interfaces import IEggStorage, IJobStorage, IPoller, ISpiderScheduler
from scrapyd.scheduler import SpiderScheduler
from scrapyd.utils import initialize_component
from twisted.application.internet import TimerService
from twisted.application.service import Application, IService
from twisted.web.server import Site

from crawler.scrapyd.config import POLL_INTERVAL_S, ScrapydConfig
from crawler.scrapyd.console import Front
from crawler.scrapyd.presence import Presence

if TYPE_CHECKING:
    from crawler.scrapyd.config import NodeConfig
    from crawler.scrapyd.launcher import Launcher
    from crawler.scrapyd.poller import SeatPoller
    from crawler.store import Store


@dataclass(frozen=True, kw_only=True, slots=True)
class Parts:
    """Of a node; nothing has been started.

    Attributes:
        presence: the node in its fleet.
        launcher: starts workers.
        poller: takes seats.
        service: to be started, as Twisted does it.
        site: what is served.
    """

    presence: Presence
    launcher: Launcher
    poller: SeatPoller
    service: Any
    site: Site


def assemble(node: NodeConfig, store: Store) -> Parts:
    """The parts of a node."""
    app = Application("Crawlery node")
    presence = Presence(node, store, running=lambda: len(launcher.processes), can_start=lambda: launcher.forks.is_ready)
    config = ScrapydConfig(node, presence)
    poller = initialize_component(config, "poller", "")
    app.setComponent(IPoller, poller)
    app.setComponent(ISpiderScheduler, SpiderScheduler(config))
    app.setComponent(IJobStorage, initialize_component(config, "jobstorage", ""))
    app.setComponent(IEggStorage, initialize_component(config, "eggstorage", ""))
    launcher: Launcher = initialize_component(config, "launcher", "", app)
    launcher.setServiceParent(app)
    TimerService(POLL_INTERVAL_S, poller.poll).setServiceParent(app)
    console = initialize_component(config, "webroot", "", app)
    site = Site(Front(console, node))
    site.displayTracebacks = False
    return Parts(presence=presence, launcher=launcher, poller=poller, service=IService(app), site=site)
