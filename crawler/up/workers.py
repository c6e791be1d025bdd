"""Children that are commands of Crawlery: the control API, stewards, nodes, the sample shop.

The contract with those commands: they learn from the environment where store and storage are, print one line when they
are ready, and finish their work and end on SIGTERM.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from crawler.up.ports import HOST
from crawler.up.probes import SaysAddress, SaysLine
from crawler.up.spec import ChildSpec

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from crawler.up.options import PlatformOptions

#: A node lets its crawls give back what they have open.
_DRAIN_S: Final = 30.0
#: The first start on a cold, busy machine compiles all modules.
_READY_S: Final = 60.0

SHOP: Final = "shop"
API: Final = "api"

#: Whom consoles of nodes ask for a password.
NODE_USER: Final = "crawlery"


def api(options: PlatformOptions, environment: Mapping[str, str], needs: tuple[str, ...], *, port: int) -> ChildSpec:
    """The control API."""
    return ChildSpec(
        name=API,
        role="http",
        command=(*options.crawlery, "api", "--host", HOST, "--port", str(port)),
        environment=environment,
        needs=needs,
        ready=SaysLine(key="api"),
        address=f"http://{HOST}:{port}",
        ready_within_s=_READY_S,
        stop_within_s=_DRAIN_S,
    )


def steward_names(options: PlatformOptions) -> tuple[str, ...]:
    """`steward-1` and so on."""
    return tuple(f"steward-{number}" for number in range(1, options.stewards + 1))


def node_names(options: PlatformOptions) -> tuple[str, ...]:
    """`node-1` and so on."""
    return tuple(f"node-{number}" for number in range(1, options.nodes + 1))


def stewards(options: PlatformOptions, environment: Mapping[str, str], needs: tuple[str, ...]) -> list[ChildSpec]:
    """The stewards, which have to know how patient workers and their seats are."""
    patience = [
        word
        for name, option in (("LEASE_TTL", "--lease-ttl"), ("SEAT_TTL", "--seat-ttl"))
        if name in options.settings
        for word in (option, options.settings[name])
    ]
    return [
        ChildSpec(
            name=name,
            role="files",
            command=(*options.crawlery, "steward", "--name", name, *patience),
            environment=environment,
            needs=needs,
            ready=SaysLine(key="steward"),
            ready_within_s=_READY_S,
            stop_within_s=_DRAIN_S,
        )
        for name in steward_names(options)
    ]


def nodes(
    options: PlatformOptions,
    environment: Mapping[str, str],
    needs: tuple[str, ...],
    *,
    ports: Mapping[str, int],
    folders: Mapping[str, Path],
) -> list[ChildSpec]:
    """The nodes, each with the port and the folder of its name."""
    slots = () if options.slots is None else ("--slots", str(options.slots))
    settings = [word for name, value in options.settings.items() for word in ("--set", f"{name}={value}")]
    return [
        ChildSpec(
            name=name,
            role="crawls",
            command=(
                *(*options.crawlery, "node", "--name", name, "--port", str(ports[name])),
                *(*slots, "--dir", str(folders[name]), *settings),
            ),
            environment=environment,
            needs=needs,
            outlived_by=(*steward_names(options), SHOP),
            ready=SaysLine(key="node"),
            address=f"http://{HOST}:{ports[name]}",
            ready_within_s=_READY_S,
            stop_within_s=_DRAIN_S,
        )
        for name in node_names(options)
    ]


def shop(options: PlatformOptions, environment: Mapping[str, str], *, port: int) -> ChildSpec:
    """The sample shop; what crawls it is gone before it is."""
    return ChildSpec(
        name=SHOP,
        role="site",
        command=(*options.crawlery, "shop", "--port", str(port), "--delay-ms", f"{options.shop_delay_ms:g}"),
        environment=environment,
        ready=SaysAddress(),
        address=f"http://{HOST}:{port}",
        ready_within_s=_READY_S,
    )
