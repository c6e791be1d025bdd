"""Servers that were there before the platform: whether they can be used, asked once, before anything is started."""

from __future__ import annotations

from typing import TYPE_CHECKING

import redis

from crawler.errors import ConfigError, ObjectStoreError, PlatformError
from crawler.exports.storage import object_store_of
from crawler.store import ESCAPES_IN_ADDRESSES, connect_sync, shown_address

if TYPE_CHECKING:
    from crawler.config import Config


def check_store(url: str) -> None:
    """Whether a store answers.

    Raises:
        ConfigError: the URL is none.
        PlatformError: it does not answer.
    """
    try:
        client = connect_sync({"url": url})
        try:
            client.ping()
        finally:
            client.close()
    except (ValueError, TypeError) as error:
        problem = ESCAPES_IN_ADDRESSES if shown_address(url) is None else error
        raise ConfigError(f"REDIS_URL: no address of a store (redis://HOST:PORT/DB): {problem}") from error
    except redis.RedisError as error:
        shown = shown_address(url) or "that address"
        raise PlatformError(
            f"REDIS_URL: the store at {shown} does not answer: {error}; start it, or leave REDIS_URL out, and a Valkey "
            f"is started here"
        ) from error


def check_storage(config: Config) -> None:
    """Whether the storage that a configuration names can be used: writes, reads and removes a small file.

    Raises:
        ConfigError: STORAGE_URL or an endpoint is none.
        PlatformError: it does not answer, or refuses us.
    """
    try:
        object_store_of(config).check()
    except ObjectStoreError as error:
        raise PlatformError(
            f"STORAGE_URL: {error}; see to it, or leave STORAGE_URL and S3_ENDPOINT_URL out, and a SeaweedFS is "
            f"started here"
        ) from error
