"""What a link of the fault proxy can do to those who talk through it: the modes and what can be said about each.

It knows neither sockets nor processes; the proxy and the test that drives it agree on these words.
"""

from __future__ import annotations

import dataclasses
import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class Way(enum.Enum):
    """Which way bytes go: from the client to the server, or back."""

    REQUESTS = "requests"
    REPLIES = "replies"


#: What can be said about each mode, beside its name.
OPTIONS: Mapping[str, frozenset[str]] = {
    "pass": frozenset(),
    "latency": frozenset({"ms", "jitter_ms", "seed"}),
    "reset": frozenset(),
    "refuse": frozenset(),
    "half-open": frozenset({"lose"}),
    "drop-requests": frozenset(),
    "drop-replies": frozenset(),
    "bandwidth": frozenset({"bytes_per_s"}),
    "slow-close": frozenset({"close_s"}),
    "cut": frozenset({"after_bytes"}),
    "answer": frozenset({"status", "body", "headers", "share", "seed", "methods", "target", "count"}),
    "answer-after": frozenset({"status", "body", "headers", "share", "seed", "methods", "target", "count"}),
}

#: Those that need to know where a request begins and ends.
HTTP_MODES = frozenset({"answer", "answer-after"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Mode:
    """One mode with all that can be said about it; see `OPTIONS` for what belongs to which.

    Attributes:
        name: one of `OPTIONS`.
        ms: latency: each chunk is so late, each way.
        jitter_ms: latency: and up to so much earlier or later; the order is kept.
        lose: half-open: what arrives is lost; otherwise it is held, and arrives late when the link is healed.
        bytes_per_s: bandwidth: of all connections of the link together, each way.
        close_s: slow-close: so much later one side hears that the other has closed.
        after_bytes: cut: so many more bytes of the client still reach the server.
        status: answer, answer-after: of the answer that the proxy gives; answer-after without one is a reset.
        body: of that answer; None: an error of S3 in XML.
        headers: of that answer, beside Content-Type and Content-Length.
        share: of the requests that are in question, 0 to 1, drawn with `seed`.
        seed: of what is drawn by lot.
        methods: only these are in question; empty: all.
        target: only requests with this in their target (the path and query) are in question.
        count: so many are picked, and no more; None: no end.
    """

    name: str = "pass"
    ms: float = 0.0
    jitter_ms: float = 0.0
    lose: bool = True
    bytes_per_s: float = 0.0
    close_s: float = 0.0
    after_bytes: int = 0
    status: int | None = None
    body: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    share: float = 1.0
    seed: int = 0
    methods: tuple[str, ...] = ()
    target: str = ""
    count: int | None = None

    @classmethod
    def of(cls, name: str, options: Mapping[str, object]) -> Mode:
        """A mode from what a caller says.

        Raises:
            ValueError: there is no such mode, an option is not one of it, or one that it needs is missing.
        """
        if name not in OPTIONS:
            raise ValueError(f"no mode {name!r}: there are {', '.join(OPTIONS)}")
        if foreign := sorted(options.keys() - OPTIONS[name]):
            raise ValueError(f"mode {name!r} has no {', '.join(foreign)}: it has {', '.join(sorted(OPTIONS[name]))}")
        needed = {"latency": "ms", "bandwidth": "bytes_per_s", "slow-close": "close_s", "answer": "status"}.get(name)
        if needed and not options.get(needed):
            raise ValueError(f"mode {name!r} needs {needed}, more than 0")
        methods = tuple(options.get("methods", ()))
        return cls(name=name, **{**options, **({"methods": methods} if methods else {})})

    def options(self) -> dict[str, object]:
        """All that belongs to this mode, for its way into the other process."""
        return {key: value for key, value in dataclasses.asdict(self).items() if key in OPTIONS[self.name]}

    @property
    def is_http(self) -> bool:
        return self.name in HTTP_MODES

    @property
    def holds(self) -> bool:
        """What arrives waits for another mode."""
        return self.name == "half-open" and not self.lose

    def loses(self, way: Way) -> bool:
        """What arrives goes nowhere, and so does the end of the stream."""
        if self.name == "half-open":
            return self.lose
        return self.name == ("drop-requests" if way is Way.REQUESTS else "drop-replies")
