"""Sends Scrapy's signals for a tenth of their price: who listens, and to which arguments, is looked up once.

Scrapy looks for the receivers of a signal each time it is sent, and into the code of each of them for the arguments
that it takes. Who is connected changes hardly ever, and is noticed here when it does. What receivers raise is logged in
Scrapy's words.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

from pydispatch import dispatcher
from scrapy.utils.defer import ensure_awaitable
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Sequence

    from scrapy.signalmanager import SignalManager

logger = logging.getLogger("scrapy.utils.signal")

#: Scrapy's dispatcher has one of each for good.
_CONNECTIONS: Final[dict[int, dict[Any, list[Any]]]] = dispatcher.connections
_ANY: Final = dispatcher.Any

_NOBODY: Final[dict[Any, Any]] = {}
_NONE: Final[list[Any]] = []


@dataclass(frozen=True, slots=True)
class _Receiver:
    """Who listens, and to what.

    Attributes:
        call: the receiver.
        takes: the names of its arguments; None: everything.
        asks_who: which signal it is, and whose.
        values: picks its arguments, if it takes some of them by position and knows no others.
    """

    call: Callable[..., Any]
    takes: frozenset[str] | None
    asks_who: bool
    values: Callable[[dict[str, Any]], tuple[Any, ...]] | None


@dataclass(slots=True)
class _Known:
    """Who listens to a signal, and the list of the dispatcher from which that was read, as it was then."""

    listed: list[Any]
    count: int
    last: Any
    receivers: tuple[_Receiver, ...]


class Announcer:
    """The signals of one crawl. Receivers that it has told something are kept for as long as they are connected."""

    def __init__(self, signals: SignalManager) -> None:
        """`signals`: of the crawler."""
        self._sender = signals.sender
        self._senders = (id(self._sender), id(dispatcher.Any))
        self._known: dict[tuple[object, int], _Known] = {}

    def send(self, signal: object, /, *, dont_log: type[Exception] | None = None, **named: Any) -> list[Any]:
        """As `SignalManager.send_catch_log`; answers what the receivers do, a Failure for one that has raised."""
        answers: list[Any] = []
        for receiver in self._receivers(signal, named):
            values = receiver.values
            try:
                if values is None:
                    answer = receiver.call(**self._given(receiver, signal, named))
                else:
                    answer = receiver.call(*values(named))
            except Exception as error:  # noqa: BLE001 - whatever a receiver raises: the crawl goes on without it
                if dont_log is None or not isinstance(error, dont_log):
                    _complain(receiver.call, named)
                answer = Failure()
            answers.append(answer)
            if answer is not None and isinstance(answer, Deferred):
                logger.error(
                    "Cannot return deferreds from signal handler: %(receiver)s",
                    {"receiver": receiver.call},
                    extra={"spider": named.get("spider")},
                )
        return answers

    async def send_async(self, signal: object, /, **named: Any) -> None:
        """As `SignalManager.send_catch_log_async`: waits for receivers that take their time."""
        waiting = []
        for receiver in self._receivers(signal, named):
            values = receiver.values
            try:
                if values is None:
                    answer = receiver.call(**self._given(receiver, signal, named))
                else:
                    answer = receiver.call(*values(named))
            except Exception:  # noqa: BLE001 - as above
                _complain(receiver.call, named)
                continue
            if answer is not None and _takes_time(answer):
                waiting.append(_waited_for(answer, receiver.call, named))
        if waiting:
            await asyncio.gather(*waiting)

    def _given(self, receiver: _Receiver, signal: object, named: dict[str, Any]) -> dict[str, Any]:
        given = named | {"signal": signal, "sender": self._sender} if receiver.asks_who else named
        takes = receiver.takes
        return given if takes is None else {name: value for name, value in given.items() if name in takes}

    def is_heard(self, signal: object) -> bool:
        """Whether anybody listens."""
        return bool(self._receivers(signal, frozenset()))

    def receivers(self, signal: object) -> list[Any]:
        """Who listens."""
        return [receiver.call for receiver in self._receivers(signal, frozenset())]

    def _receivers(self, signal: object, names: Collection[str]) -> Sequence[_Receiver]:
        """`names`: of the arguments that it is sent with, always the same."""
        known = self._known.get((signal, len(names)))
        of_this, to_any = self._senders
        of_sender = _CONNECTIONS.get(of_this, _NOBODY)
        listed = of_sender.get(signal, _NONE)
        if (  # as nearly always: nobody has come or gone, and nobody listens to all signals or to all crawls
            known is not None
            and listed is known.listed
            and len(listed) == known.count
            and (not listed or listed[-1] is known.last)
            and _ANY not in of_sender
            and to_any not in _CONNECTIONS
        ):
            return known.receivers
        live = dispatcher.liveReceivers(dispatcher.getAllReceivers(self._sender, signal))
        receivers = tuple(_receiver(call, names) for call in live)
        if _ANY not in of_sender and to_any not in _CONNECTIONS:
            last = listed[-1] if listed else None
            self._known[signal, len(names)] = _Known(listed, len(listed), last, receivers)
        return receivers


def _receiver(call: Callable[..., Any], names: Collection[str]) -> _Receiver:
    parameters = inspect.signature(call).parameters.values()
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return _Receiver(call, None, asks_who=True, values=None)
    takes = frozenset(parameter.name for parameter in parameters)
    by_position = all(parameter.kind is parameter.POSITIONAL_OR_KEYWORD for parameter in parameters)
    values = _values(tuple(parameter.name for parameter in parameters)) if by_position and takes <= set(names) else None
    return _Receiver(call, takes, asks_who=bool(takes & {"signal", "sender"}), values=values)


def _values(names: tuple[str, ...]) -> Callable[[dict[str, Any]], tuple[Any, ...]]:
    if not names:
        return lambda _named: ()
    if len(names) == 1:
        [name] = names
        return lambda named: (named[name],)
    picked: Callable[[dict[str, Any]], tuple[Any, ...]] = itemgetter(*names)
    return picked


def _takes_time(answer: Any) -> bool:
    return isinstance(answer, Deferred) or inspect.isawaitable(answer)


async def _waited_for(answer: Any, call: Callable[..., Any], named: dict[str, Any]) -> None:
    try:
        awaited: Awaitable[Any] = ensure_awaitable(answer)
        await awaited
    except Exception:  # noqa: BLE001 - whatever a receiver raises while it is waited for
        _complain(call, named)


def _complain(call: Callable[..., Any], named: dict[str, Any]) -> None:
    logger.error(
        "Error caught on signal handler: %(receiver)s",
        {"receiver": call},
        exc_info=True,  # noqa: LOG014 - it is called by those who handle one
        extra={"spider": named.get("spider")},
    )
