"""The gate of a fleet: one script on the store for each worker and host (`lua/gate.lua`).

The calls of one turn leave together. This module turns values into arguments and answers into values, and decides
nothing. The numbers of the script are those of the memory gate, given to it as constants.
"""

from __future__ import annotations

import asyncio
import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from crawler.frontier import gate_memory
from crawler.frontier.gate_contract import SLOT_TTL_S, WINDOW_S, Permit, whole_ms
from crawler.frontier.gate_pace import asked_of_itself, latency_ms
from crawler.scripts import load_script

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from crawler.frontier.gate_contract import Pace, PermitCall
    from crawler.scripts import Script
    from crawler.store import Store

_CONSTANTS: Final = {
    "WINDOW_MS": whole_ms(WINDOW_S),
    "SLOT_TTL_MS": whole_ms(SLOT_TTL_S),
    "LONGEST_MS": whole_ms(math.inf),
    "EARLY_MS": gate_memory.EARLY_MS,
    "POLL_MS": gate_memory.POLL_MS,
    "PLACE_MS": gate_memory.PLACE_MS,
    "HOST_KEPT_MS": gate_memory.HOST_KEPT_MS,
    "WORKER_KEPT_MS": gate_memory.WORKER_KEPT_MS,
    "CRAWL_DELAY_KEPT_MS": gate_memory.CRAWL_DELAY_KEPT_MS,
    "LATENCY_WEIGHT": gate_memory.LATENCY_WEIGHT,
    "ANY": gate_memory.ANY,
}


def _gate_script() -> Script:
    script = load_script(Path(__file__).parent / "lua", "gate.lua")
    constants = "\n".join(f"local {name} = {value}" for name, value in _CONSTANTS.items())
    return replace(script, source=f"{constants}\n{script.source}")


_GATE: Final = _gate_script()


class RedisGate:
    """See `crawler.frontier.gate_contract.Gate`."""

    def __init__(self, store: Store) -> None:
        """A gate on a store; what is known there of a host holds at once."""
        self._store = store

    async def permit(self, calls: Sequence[PermitCall]) -> tuple[Permit, ...]:
        """See the contract.

        Raises:
            StoreError: the store refuses us.
        """
        return tuple(map(_permit, await asyncio.gather(*(self._send(call) for call in calls))))

    def _send(self, call: PermitCall) -> asyncio.Future[Any]:
        base = f"{self._store.prefix}:{{host:{call.host}}}:gate"
        keys = (base, f"{base}:worker:{call.worker}", f"{base}:job:{call.job}")
        return self._store.send(_GATE, keys, (call.worker, _arguments(call)))


def _arguments(call: PermitCall) -> bytes:
    return msgspec.msgpack.encode(
        (
            call.call,
            call.job,
            call.want,
            call.busy,
            _tokens(call.keep),
            _tokens(call.give_up),
            _tokens(call.new_slots),
            _pace(call.site),
            _pace(asked_of_itself(call)),
            [part for sample in call.latencies for part in (latency_ms(sample.seconds), sample.ok)],
            whole_ms(call.silence_s),
            -1 if call.crawl_delay_s is None else whole_ms(call.crawl_delay_s),
        )
    )


def _tokens(tokens: Iterable[int]) -> list[str]:
    """As text: Lua's numbers are exact to 53 bits only."""
    return [str(token) for token in tokens]


def _pace(pace: Pace) -> tuple[float, ...]:
    return (
        pace.concurrency,
        whole_ms(pace.delay_s),
        pace.adaptive,
        whole_ms(pace.start_delay_s),
        whole_ms(pace.max_delay_s),
        pace.target_concurrency,
    )


def _permit(answer: list[Any]) -> Permit:
    if not answer:
        return Permit()
    slots, starts, free, wait, silent, delay, contended = answer
    return Permit(
        slots=tuple(int(token) for token in slots),
        starts=tuple(start / 1000 for start in starts),
        free_until_s=free / 1000,
        wait_s=wait / 1000,
        silent_s=silent / 1000,
        delay_s=delay / 1000,
        contended=contended == 1,
    )
