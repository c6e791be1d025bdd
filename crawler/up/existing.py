"""Servers that were there before the platform: whether they can be used, asked once, before anything is started."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import url2pathname

import boto3
import botocore.config
import botocore.exceptions
import redis

from crawler.errors import ConfigError, PlatformError
from crawler.store import connect_sync

if TYPE_CHECKING:
    from crawler.up.options import PlatformOptions


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
        raise ConfigError(f"REDIS_URL: no address of a store (redis://HOST:PORT/DB): {error}") from error
    except redis.RedisError as error:
        raise PlatformError(
            f"REDIS_URL: the store at {without_password(url)} does not answer: {error}; start it, or leave REDIS_URL "
            f"out, and a Valkey is started here"
        ) from error


def check_storage(options: PlatformOptions) -> None:
    """Whether a storage of files can be used.

    Raises:
        ConfigError: STORAGE_URL is none.
        PlatformError: it does not answer, or refuses us.
    """
    parts = urlsplit(options.storage_url)
    if parts.scheme == "file" and not parts.netloc and parts.path.startswith("/"):
        return _check_folder(Path(url2pathname(parts.path)), options.storage_url)
    if parts.scheme != "s3" or not parts.netloc:
        raise ConfigError(f"STORAGE_URL={options.storage_url}: must be s3://BUCKET/PREFIX or file:///FOLDER")
    client = boto3.client(
        "s3",
        endpoint_url=options.s3_endpoint_url or None,
        region_name=options.s3_region or None,
        config=botocore.config.Config(connect_timeout=3, read_timeout=10, retries={"total_max_attempts": 1}),
    )
    try:
        client.head_bucket(Bucket=parts.netloc)
    except (botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError) as error:
        where = options.s3_endpoint_url or "Amazon"
        raise PlatformError(
            f"STORAGE_URL: the bucket {parts.netloc} at {where} cannot be used: {error}; see to it (and to "
            f"AWS_ACCESS_KEY_ID), or leave STORAGE_URL and S3_ENDPOINT_URL out, and a SeaweedFS is started here"
        ) from error
    finally:
        client.close()
    return None


def _check_folder(folder: Path, url: str) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PlatformError(f"STORAGE_URL={url}: {error.strerror or error}") from error


def without_password(url: str) -> str:
    """The URL as it may be shown."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "that address"
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl()
