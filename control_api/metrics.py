"""Figures of the API, for Prometheus. No label ever holds a URL, a job, a client or a key.

Several processes answer for one API: with PROMETHEUS_MULTIPROC_DIR in the environment, which `crawlery api` sees to,
each writes its figures into files there, and whoever is asked adds them up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.values import ValueClass

if TYPE_CHECKING:
    from flask import Response

_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)

DURATION: Final = Histogram(
    "http_server_request_duration_seconds",
    "Time from a request to its answer.",
    ("method", "route", "status_class"),
    buckets=_BUCKETS,
)
AUTH_FAILURES: Final = Counter("crawlery_api_auth_failures", "Calls without a valid key.")
RATE_LIMITED: Final = Counter("crawlery_api_rate_limited", "Calls that were refused because there were too many.")
STREAMS: Final = Gauge(
    "crawlery_api_event_streams", "Streams of events that are open now.", multiprocess_mode="livesum"
)
REPLAYS: Final = Counter("crawlery_api_idempotent_replays", "Submissions that were answered like the first one.")

#: What methods are counted as; any other word is somebody's joke.
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def count(response: Response, *, method: str, route: str, seconds: float) -> None:
    """Counts an answer. `route` is a rule of the API, never a path as it was called."""
    labels = (method if method in METHODS else "OTHER", route, f"{response.status_code // 100}xx")
    DURATION.labels(*labels).observe(seconds)
    if response.status_code == 401:
        AUTH_FAILURES.inc()
    elif response.status_code == 429:
        RATE_LIMITED.inc()
    if "Idempotent-Replayed" in response.headers:
        REPLAYS.inc()


def exposition() -> tuple[bytes, str]:
    """All figures as Prometheus reads them, and their content type."""
    if getattr(ValueClass, "__name__", "") == "MutexValue":
        return generate_latest(REGISTRY), CONTENT_TYPE_LATEST
    registry = CollectorRegistry()
    MultiProcessCollector(registry)
    return generate_latest(registry), CONTENT_TYPE_LATEST
