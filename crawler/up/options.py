"""What a platform is to be: the choices of whoever starts it, as one value."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from crawler.config import Config

#: How children are started that are commands of Crawlery.
CRAWLERY: Final = (sys.executable, "-m", "crawler.cli")


@dataclass(frozen=True, kw_only=True, slots=True)
class PlatformOptions:
    """Choices.

    Attributes:
        data_dir: where it keeps everything.
        nodes: how many.
        slots: crawls that one node runs at once; None: as the node has it.
        stewards: how many.
        settings: of Scrapy, for workers.
        shop: serve the bundled sample shop, too.
        shop_delay_ms: it waits so long before every answer.
        redis_url: of a store that is there already; empty: a Valkey is started.
        storage: a configuration that names a storage of files that is there already; None: a SeaweedFS is started.
        ports: that are not to be chosen, by what they are for: `valkey`, `s3`, `api`, `shop`.
        environment: what stewards, nodes and the shop get beside the addresses of store and storage.
        crawlery: the command that these are started by.
    """

    data_dir: Path
    nodes: int = 2
    slots: int | None = None
    stewards: int = 1
    settings: Mapping[str, str] = field(default_factory=dict)
    shop: bool = False
    shop_delay_ms: float = 0.0
    redis_url: str = field(default="", repr=False)
    storage: Config | None = None
    ports: Mapping[str, int] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    crawlery: tuple[str, ...] = CRAWLERY
