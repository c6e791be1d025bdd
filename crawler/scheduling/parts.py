"""The parts of one worker's scheduler that others of its parts work with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crawler.middlewares.open_pages import OpenPages
    from crawler.scheduling.appetite import Appetite
    from crawler.scheduling.engine_hands import EngineHands
    from crawler.scheduling.outbox import Outbox
    from crawler.scheduling.prefetch import Prefetch
    from crawler.scheduling.pump import Pump


@dataclass(frozen=True, kw_only=True, slots=True)
class Parts:
    """See the modules of each."""

    pages: OpenPages
    prefetch: Prefetch
    appetite: Appetite
    outbox: Outbox
    engine: EngineHands
    pump: Pump
