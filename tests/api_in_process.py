"""The control API in this process, for tests that share one: with a database and a folder for files."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from api_people import AUDIT_KEY, PEPPERS

from control_api.app import create_app
from control_api.services import EXTENSION
from crawler.config import read_api_config

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flask import Flask

#: Of an API whose tests ask for it: a site whose scripts may call, and the token of its figures.
OURS = "https://app.example.com"
METRICS_TOKEN = "token-of-metrics"

#: Headers that every answer has.
SECURE = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "Cache-Control": "no-store",
}

_FOREIGN = ("API_KEY_PEPPERS_FILE", "CRAWLERY_ENV", "API_DOCS", "API_PROXIES", "API_CORS_ORIGINS", "METRICS_TOKEN")


@contextlib.contextmanager
def api_in_process(url: str, files: Path, **changes: Any) -> Iterator[Flask]:
    """An app on a store and a folder; `changes` are members of `ApiConfig`."""
    with pytest.MonkeyPatch.context() as environment:
        for name in _FOREIGN:
            environment.delenv(name, raising=False)
        environment.setenv("REDIS_URL", url)
        environment.setenv("STORAGE_URL", f"file://{files}")
        environment.setenv("API_KEY_PEPPERS", PEPPERS)
        environment.setenv("AUDIT_KEY", AUDIT_KEY)
        config = replace(read_api_config(), failure_limit="100000/second")
    app = create_app(replace(config, **changes))
    try:
        yield app
    finally:
        services = app.extensions[EXTENSION]
        services.store_watch.close()
        services.storage_watch.close()
        services.store.close()


class Calls:
    """Calls to an app: `calls("GET", "/v1/me", people.alice)`."""

    def __init__(self, app: Flask) -> None:
        self.app = app

    def __call__(self, method: str, path: str, key: str = "", headers: dict[str, str] | None = None, **given: Any):
        headers = dict(headers or {}) | ({"Authorization": f"Bearer {key}"} if key else {})
        return self.app.test_client().open(path, method=method, headers=headers, **given)
