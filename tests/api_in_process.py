"""The control API in this process, for tests that share one: with a database and a folder for files."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from api_people import PEPPERS

from control_api.app import create_app
from control_api.services import EXTENSION
from crawler.config import read_api_config

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flask import Flask

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
        config = replace(read_api_config(), failure_limit="100000/second")
    app = create_app(replace(config, **changes))
    try:
        yield app
    finally:
        services = app.extensions[EXTENSION]
        services.store_watch.close()
        services.storage_watch.close()
        services.store.close()
