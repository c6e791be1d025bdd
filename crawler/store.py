"""The connection to the store (Redis or Valkey, from 6.2): Lua scripts, called in batches, repeated until answered.

Calls that are made in one turn of the event loop leave together, in order, as one pipeline; while it is on its way the
next batch gathers. So a busy worker makes few round trips, and an idle one does not wait.

A call whose answer got lost may have taken effect. It is repeated until an answer comes, so every script must be safe
to repeat: by an id that is known already, a token that is spent, or a call number that has been answered. Nothing here
knows what the scripts do.

A store that is away, starts or fails over takes nobody's calls, so what comes behind a call waits with it. One that is
full refuses only what needs room: such a call is put aside and repeated later, while others, whose effect may be to
make room, go on.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
import time
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias
from urllib.parse import urlsplit

import hiredis
import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

from crawler import faults
from crawler.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from crawler.scripts import Script

logger = logging.getLogger(__name__)

Word: TypeAlias = bytes | str | int

#: What every script begins with: the server's time, and how long it has been up, both in milliseconds, the latter
#: rounded down to whole seconds; and a name that the server has from its start to its end.
_CLOCK: Final = """
local function now_ms() local t = redis.call('TIME') return t[1] * 1000 + math.floor(t[2] / 1000) end
local function uptime_ms()
  return 1000 * tonumber(string.match(redis.call('INFO', 'server'), 'uptime_in_seconds:(%-?%d+)'))
end
local function server_run() return string.match(redis.call('INFO', 'server'), 'run_id:(%w+)') or '' end
"""

#: Between two attempts to reach the store, in seconds; doubled up to the second one.
_BACKOFF_S: Final = (0.05, 1.0)

#: What is said instead of an error that would show parts of a password.
ESCAPES_IN_ADDRESSES: Final = "in a password / is written %2F, ? is %3F, # is %23 and @ is %40"

#: Refused connections and frozen servers are noticed after so long.
_CONNECT_TIMEOUT_S: Final = 2.0
_ANSWER_TIMEOUT_S: Final = 10.0

#: Beginnings of error answers that time heals: the server starts, fails over, or can keep no writes.
_PASSING: Final = ("LOADING", "BUSY", "MASTERDOWN", "READONLY", "TRYAGAIN", "CLUSTERDOWN", "MISCONF", "NOREPLICAS")

#: The one of them that concerns a single call: there is no memory for what it writes.
_NO_ROOM: Final = "OOM"

#: How Redis 6.2 wraps the error of a command that a script has called; later servers give it as it is.
_WRAPPED: Final = re.compile(r"Error running script \(call to \S+\): (?:@user_script: ?\d+: )+-?(?P<error>[A-Z]+ .*)")


@cache
def _loaded(script: Script, clock: str) -> tuple[str, str]:
    """What is sent to the server, and its SHA-1, by which the server knows it."""
    source = f"{clock}\n{script.source}"
    return source, hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()


def connect(parameters: Mapping[str, Any]) -> redis.asyncio.Redis:
    """A client with time-outs, that leaves repeating to `Store`. `parameters` as of `redis.Redis`, or `url`."""
    options = {
        "socket_connect_timeout": _CONNECT_TIMEOUT_S,
        "socket_timeout": _ANSWER_TIMEOUT_S,
        "retry": AsyncRetry(NoBackoff(), 0),
        **{name: value for name, value in parameters.items() if name != "url"},
    }
    if "url" in parameters:
        client = redis.asyncio.Redis.from_url(parameters["url"], **options)
    else:
        client = redis.asyncio.Redis(**options)
    # Answers as the server gives them: redis-py would make a dict of a stream's entry, in which fields occur once.
    client.response_callbacks.clear()
    return client


def connect_sync(parameters: Mapping[str, Any]) -> redis.Redis:
    """The same for a thread."""
    options = {
        "socket_connect_timeout": _CONNECT_TIMEOUT_S,
        "socket_timeout": _ANSWER_TIMEOUT_S,
        "retry": Retry(NoBackoff(), 0),
        **{name: value for name, value in parameters.items() if name != "url"},
    }
    if "url" in parameters:
        return redis.Redis.from_url(parameters["url"], **options)
    return redis.Redis(**options)


class Caller(Protocol):
    """Whoever runs scripts: what the back ends of jobs and frontier need of a store."""

    @property
    def prefix(self) -> str:
        """What all keys begin with."""
        ...

    async def call(self, script: Script, keys: Sequence[str], args: Sequence[Word]) -> Any:
        """The script's answer."""
        ...

    async def command(self, *words: Word) -> Any:
        """A plain command's answer."""
        ...


@dataclass(slots=True, eq=False)
class _Call:
    words: tuple[Word, ...]
    answer: asyncio.Future[Any]
    script: Script | None = None


@dataclass(slots=True)
class StoreCounters:
    """What the store has been asked: for benchmarks and metrics."""

    calls: int = 0
    round_trips: int = 0
    outages: int = 0


class _PutAside:
    """Calls that a full store has refused: they are repeated after a pause, longer each time, until it takes them."""

    def __init__(self, counters: StoreCounters, repeat: Callable[[list[_Call]], None]) -> None:
        self._counters = counters
        self._repeat = repeat
        self._calls: set[_Call] = set()  # those without an answer, wherever they are
        self._due: list[_Call] = []
        self._timer: asyncio.TimerHandle | None = None
        self._pause_s, self._since = _BACKOFF_S[0], 0.0

    def add(self, call: _Call, problem: str) -> None:
        """One more, or one that was refused again."""
        if not self._calls:
            self._since = time.monotonic()
            self._counters.outages += 1
            logger.warning("The store has no room for some of our calls (%s); repeating them until it has", problem)
        if call not in self._calls:
            self._calls.add(call)
            call.answer.add_done_callback(lambda _: self._answered(call))
        self._due.append(call)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._pause_s, self._again)
            self._pause_s = min(_BACKOFF_S[1], self._pause_s * 2)

    def close(self) -> None:
        """Those that wait are cancelled."""
        if self._timer is not None:
            self._timer.cancel()
        self._calls.clear()
        for call in self._due:
            call.answer.cancel()

    def _again(self) -> None:
        self._timer = None
        due, self._due = self._due, []
        self._repeat(due)

    def _answered(self, call: _Call) -> None:
        if call not in self._calls:
            return
        self._calls.remove(call)
        if not self._calls:
            self._pause_s = _BACKOFF_S[0]
            logger.info("The store has room again, after %.1f s", time.monotonic() - self._since)


class Store:
    """See the module. Belongs to one event loop."""

    def __init__(self, client: redis.asyncio.Redis, *, prefix: str = "crawlery", clock: str | None = None) -> None:
        """A store on a client of `connect`.

        Args:
            client: whose answers are bytes.
            prefix: of all keys, so that several deployments can share a server.
            clock: Lua that defines `now_ms()`, `uptime_ms()` and `server_run()`, for tests; None = those of the server.

        Raises:
            ConfigError: the environment asks for a fault that there is not.
        """
        faults.read_once()
        self.prefix = prefix
        self.counters = StoreCounters()
        self._client = client
        self._clock = clock or _CLOCK
        self._connection: redis.asyncio.Connection | None = None
        self._waiting: list[_Call] = []
        self._before_departure: list[Callable[[], None]] = []
        self._sender: asyncio.Task[None] | None = None
        self._aside = _PutAside(self.counters, self._wait)

    async def call(self, script: Script, keys: Sequence[str], args: Sequence[Word]) -> Any:
        """Runs a script; waits as long as the store is away.

        Raises:
            StoreError: the script failed, or the server refuses us.
        """
        return await self.send(script, keys, args)

    def send(self, script: Script, keys: Sequence[str], args: Sequence[Word]) -> asyncio.Future[Any]:
        """The same for a caller who waits later: the call is in the next batch, whoever runs before that leaves."""
        _, sha = _loaded(script, self._clock)
        return self._queued(("EVALSHA", sha, len(keys), *keys, *args), script)

    def before_departure(self, callback: Callable[[], None]) -> None:
        """Calls `callback` whenever a batch is about to leave: tasks that it starts may add to the batch at once."""
        self._before_departure.append(callback)

    async def command(self, *words: Word) -> Any:
        """Runs a plain command, which must be safe to repeat.

        Raises:
            StoreError: the server refuses it.
        """
        return await self._queued(words, None)

    async def close(self) -> None:
        """Lets the connection go; what still waits for an answer is cancelled."""
        if self._sender is not None:
            self._sender.cancel()
            await asyncio.wait([self._sender])
        self._aside.close()
        for call in self._waiting:
            call.answer.cancel()
        self._waiting.clear()
        if self._connection is not None:
            await self._client.connection_pool.release(self._connection)
            self._connection = None
        await self._client.aclose()

    def _queued(self, words: tuple[Word, ...], script: Script | None) -> asyncio.Future[Any]:
        call = _Call(words, asyncio.get_running_loop().create_future(), script)
        self._wait([call])
        return call.answer

    def _wait(self, calls: list[_Call]) -> None:
        """They leave with the next batch."""
        self._waiting += calls
        if self._sender is None or self._sender.done():
            for callback in self._before_departure:
                callback()
            self._sender = asyncio.get_running_loop().create_task(self._send_all())

    async def _send_all(self) -> None:
        """Sends batch after batch until nothing waits. A new task runs after the callers of this turn."""
        while self._waiting:
            batch, self._waiting = self._waiting, []
            try:
                await self._send(batch)
            except asyncio.CancelledError:
                for call in batch:
                    call.answer.cancel()
                raise
            except Exception as error:  # noqa: BLE001 - no answer, and none to come: whoever waits must hear of it
                for call in batch:
                    if not call.answer.done():
                        call.answer.set_exception(StoreError(f"the store cannot be asked: {error}"))

    async def _send(self, batch: list[_Call]) -> None:
        pause, since = _BACKOFF_S[0], 0.0
        while batch := [call for call in batch if not call.answer.done()]:
            try:
                answers = await self._round_trip(batch)
                problem, batch = self._take(batch, answers)
                if problem is None:
                    continue
                missing = [call.script for call in batch if call.script is not None]
                if problem.startswith("NOSCRIPT"):
                    await self._load(missing)
                    continue
            except (redis.ConnectionError, redis.TimeoutError, OSError) as error:
                problem = str(error) or type(error).__name__
            if not since:
                since = time.monotonic()
                self.counters.outages += 1
                logger.warning("The store does not take our calls (%s); trying until it does", problem)
            await asyncio.sleep(pause)
            pause = min(_BACKOFF_S[1], pause * 2)
        if since:
            logger.info("The store answers again, after %.1f s", time.monotonic() - since)

    async def _round_trip(self, batch: list[_Call]) -> list[Any]:
        """The answers to a batch, errors of single calls among them.

        A connection of our own, and commands packed by hiredis: the client's pipeline would do the same, but packs
        each word in Python, which was two fifths of what a page costs its worker.
        """
        self.counters.calls += len(batch)
        self.counters.round_trips += 1
        pool = self._client.connection_pool
        if self._connection is None:
            self._connection = await pool.get_connection()  # type: ignore[no-untyped-call]  # redis-py has not typed it
        connection, answers = self._connection, list[Any]()
        complete = False
        try:
            packed = [hiredis.pack_command(call.words) for call in batch]  # type: ignore[arg-type]  # typed as one word
            if faults.is_on():
                _come(batch, "call")
            await connection.send_packed_command(packed)
            while len(answers) < len(batch):
                try:
                    answers.append(await connection.read_response())
                except redis.ResponseError as error:
                    answers.append(error)
            if faults.is_on():  # what was refused has not happened
                done = zip(batch, answers, strict=True)
                _come([call for call, answer in done if not isinstance(answer, Exception)], "reply")
            complete = True
        except RuntimeError as error:  # uvloop's word for a connection that was reset while nobody used it
            raise redis.ConnectionError(str(error)) from error
        finally:
            if not complete:  # the answers that are still to come belong to nobody
                self._connection = None
                await connection.disconnect(nowait=True)
                await pool.release(connection)
        return answers

    def _take(self, batch: list[_Call], answers: list[Any]) -> tuple[str | None, list[_Call]]:
        """Hands the answers out; names what time or loading heals, and gives the calls to repeat with it."""
        problem, again = None, []
        for call, answer in zip(batch, answers, strict=True):
            if call.answer.done():
                continue
            if not isinstance(answer, Exception):
                call.answer.set_result(answer)
                continue
            message = _message(answer)
            if message.startswith(_NO_ROOM):
                self._aside.add(call, message)
                continue
            if message.startswith(("NOSCRIPT", *_PASSING)):
                problem = message if problem is None or message.startswith("NOSCRIPT") else problem
                again.append(call)
                continue
            name = call.script.name if call.script is not None else call.words[0]
            call.answer.set_exception(StoreError(f"the store refuses {name!s}: {message}"))
        return problem, again

    async def _load(self, scripts: list[Script]) -> None:
        loop = asyncio.get_running_loop()
        sources = [_loaded(script, self._clock)[0] for script in dict.fromkeys(scripts)]
        for answer in await self._round_trip(
            [_Call(("SCRIPT", "LOAD", text), loop.create_future()) for text in sources]
        ):
            if isinstance(answer, Exception):
                raise StoreError(f"the store refuses a script: {answer}") from answer


class SyncStore:
    """Scripts from a thread of its own: one call at a time, no repeating."""

    def __init__(self, client: redis.Redis, *, prefix: str = "crawlery", clock: str | None = None) -> None:
        """As of `Store`; the client is one of `connect_sync`."""
        faults.read_once()
        self.prefix = prefix
        self.calls = 0
        self._client = client
        self._clock = clock or _CLOCK

    def call(self, script: Script, keys: Sequence[str], args: Sequence[Word]) -> Any:
        """Runs a script once.

        Raises:
            StoreError: no answer, or an error.
        """
        source, sha = _loaded(script, self._clock)
        self.calls += 1
        try:
            faults.at(_point(script, "call"))
            try:
                answer = self._client.evalsha(sha, len(keys), *keys, *args)
            except redis.exceptions.NoScriptError:
                self._client.script_load(source)
                answer = self._client.evalsha(sha, len(keys), *keys, *args)
            faults.at(_point(script, "reply"))
        except (redis.RedisError, OSError) as error:
            raise StoreError(f"the store does not take {script.name}: {error}") from error
        return answer

    def close(self) -> None:
        """Lets the connection go."""
        self._client.close()


def _come(batch: Sequence[_Call], moment: str) -> None:
    """This process has come to the points of a batch's scripts."""
    for call in batch:
        if call.script is not None:
            faults.at(_point(call.script, moment))


def _point(script: Script, moment: str) -> str:
    """The fault point of a script; see `crawler.fault_points`."""
    return f"{script.name.removesuffix('.lua')}.{moment}"


def _message(error: Exception) -> str:
    """An error answer as the server wrote it, with its code first; redis-py takes that off those that it knows."""
    text, code = str(error), getattr(error, "status_code", None)
    wrapped = _WRAPPED.match(text)
    if wrapped is not None:
        return wrapped["error"]
    return text if code in {None, "ERR"} else f"{code} {text}"


def shown_address(url: str) -> str | None:
    """The URL of a store without user and password; None if they cannot be told from the rest."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    if "@" in url.replace(parts.netloc, "", 1):
        return None  # a password with a "/", "?" or "#" in it, cut where it should not be
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()
