"""The slots of one host that this worker holds: which are free, which have a request, which are on their way back.

Bookkeeping for `crawler.downloader.entrance`; it knows no time but the one it is told, and no gate.
"""

from __future__ import annotations

import math
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection

#: A slot that nobody has needed for so long is given up.
IDLE_S: Final = 0.05

#: A slot that others wait for is given up after so long.
LONG_USED_S: Final = 1.0

#: Slots asked for in one call.
MOST_NEW: Final = 64

#: Who is refused a slot asks again after so long, then less and less often. Others keep theirs for a second at least;
#: who has none must not come too late for one.
_FIRST_POLL_S: Final = 0.03
_POLL_WITHOUT_S: Final = 0.1
_POLL_WITH_SLOTS_S: Final = 0.5

#: Weight of the last use of a slot in the mean of all.
_USE_WEIGHT: Final = 0.2


@dataclass(slots=True, eq=False)
class Slot:
    """A slot that the gate has granted; `until_s` is how long the request that took it at `taken_s` may be sent."""

    token: int
    since_s: float
    freed_s: float
    taken_s: float = 0.0
    until_s: float = 0.0


class Slots:
    """See the module.

    Attributes:
        free: without a request, the one freed last at the end: it is taken first, so that those not needed grow old.
        busy: with a request, by token.
        going: tokens that are given up with the next call.
        contended: others wait for slots.
        ask_again_s: when to ask for more slots again, after a refusal.
        use_s: how long a request has used a slot lately, smoothed.
    """

    __slots__ = ("_refusals", "ask_again_s", "busy", "contended", "free", "going", "use_s")

    def __init__(self) -> None:
        self.free: list[Slot] = []
        self.busy: dict[int, Slot] = {}
        self.going: list[int] = []
        self.contended = False
        self.ask_again_s = -math.inf
        self.use_s = 0.0
        self._refusals = 0

    def __len__(self) -> int:
        return len(self.free) + len(self.busy)

    def take(self, now: float, until_s: float) -> Slot:
        """A free slot, for a request that may be sent until then."""
        slot = self.free.pop()
        slot.taken_s, slot.until_s = now, until_s
        self.busy[slot.token] = slot
        return slot

    def put_back(self, slot: Slot, now: float) -> None:
        """The slot's request is done."""
        if self.busy.pop(slot.token, None) is None:
            return  # lost meanwhile
        slot.freed_s = now
        self.use_s += (now - slot.taken_s - self.use_s) * _USE_WEIGHT
        if self.contended and slot.since_s + LONG_USED_S <= now:
            self.going.append(slot.token)
        else:
            self.free.append(slot)

    def spare(self, now: float, *, needed: int) -> None:
        """Lets go the free slots that nobody has needed for a while, and those that others wait for."""
        keep = []
        for place, slot in enumerate(self.free):
            idle = len(self.free) - place > needed and slot.freed_s + IDLE_S <= now
            if idle or (self.contended and slot.since_s + LONG_USED_S <= now):
                self.going.append(slot.token)
            else:
                keep.append(slot)
        self.free = keep

    def surrender(self) -> None:
        """Lets go all free slots."""
        self.going += [slot.token for slot in self.free]
        self.free = []

    def tokens(self) -> tuple[int, ...]:
        """Of all slots that are kept."""
        return tuple(slot.token for slot in (*self.free, *self.busy.values()))

    def offers(self, missing: int) -> tuple[int, ...]:
        """Tokens for so many new slots."""
        return tuple(secrets.randbits(64) for _ in range(min(missing, MOST_NEW)))

    def granted(self, held: Collection[int], offered: Collection[int], now: float) -> None:
        """Takes over what the gate says: which slots are held, and so which of the offered ones are new."""
        self.free = [slot for slot in self.free if slot.token in held]
        self.busy = {token: slot for token, slot in self.busy.items() if token in held}
        new = [token for token in offered if token in held]
        self.free += [Slot(token, now, now) for token in new]
        self._refusals = self._refusals + 1 if len(new) < len(offered) else 0
        longest = _POLL_WITH_SLOTS_S if held else _POLL_WITHOUT_S
        self.ask_again_s = now + min(_FIRST_POLL_S * 1.5**self._refusals, longest) if self._refusals else now
