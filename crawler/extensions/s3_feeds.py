"""Scrapy's feeds to `s3://BUCKET/KEY`: encrypted, asked before the crawl, and never a row lost.

Scrapy's own storage asks for no encryption, uploads when the crawl is over, and when that fails it throws the rows away
and calls the crawl finished. Here the upload asks for S3_SSE; a failure makes the crawl a failure and leaves the file
where it is, named in the message.

Where and with which keys: Scrapy's AWS_* settings, else S3_ENDPOINT_URL, S3_REGION and what all AWS tools read.
"""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, BinaryIO, cast
from urllib.parse import urlsplit

from scrapy.utils.asyncio import run_in_thread
from scrapy.utils.defer import deferred_from_coro

from crawler.errors import ConfigError, ObjectStoreError
from crawler.exports.compose import CONTENT_TYPES, GZIP_TYPE

if TYPE_CHECKING:
    from typing import Self

    from scrapy import Spider
    from scrapy.crawler import Crawler
    from scrapy.settings import BaseSettings
    from twisted.internet.defer import Deferred

    from crawler.exports.objects_s3 import S3ObjectStore

logger = logging.getLogger(__name__)

_ANY_TYPE = "application/octet-stream"


class S3FeedStorage:
    """Writes a feed to a local file, and puts it when it is complete.

    Attributes:
        failed: it could not be put.
    """

    def __init__(self, crawler: Crawler, uri: str, *, format_: str, gzipped: bool = False) -> None:
        """`uri`: `s3://BUCKET/KEY`."""
        self.failed = False
        self._crawler = crawler
        self._uri = uri
        self._objects, self._key = s3_feed(crawler.settings, uri)
        types = {str(name): kind for name, kind in CONTENT_TYPES.items()}
        self._content_type = GZIP_TYPE if gzipped else types.get(format_, _ANY_TYPE)

    @classmethod
    def from_crawler(cls, crawler: Crawler, uri: str, *, feed_options: dict[str, Any] | None = None) -> Self:
        """See `__init__`."""
        options = feed_options or {}
        packed = bool(options.get("item_export_kwargs", {}).get("gzip"))
        return cls(crawler, uri, format_=str(options.get("format", "")), gzipped=packed)

    def open(self, spider: Spider) -> IO[bytes]:  # noqa: ARG002 - Scrapy calls it so
        """A file that stays until it has been put; also if this process is killed."""
        folder = self._crawler.settings["FEED_TEMPDIR"] or None
        name = Path(self._key).name
        # Scrapy closes it.
        return tempfile.NamedTemporaryFile(prefix="feed-", suffix=f"-{name}", dir=folder, delete=False)

    def store(self, file: IO[bytes]) -> Deferred[None]:
        """Puts the file, beside the event loop."""
        return deferred_from_coro(self._store(file))

    async def _store(self, file: IO[bytes]) -> None:
        try:
            await run_in_thread(self._put, file)
        except (ObjectStoreError, OSError) as error:
            self.failed = True
            message = f"{error}; its rows are kept in {file.name}"
            self._crawler.stats.set_value("exports/failed", message)
            logger.critical("%s could not be stored: %s", self._uri, message)
            raise

    def _put(self, file: IO[bytes]) -> None:
        try:
            file.flush()
            self._objects.put(self._key, cast("BinaryIO", file), content_type=self._content_type)
        finally:
            file.close()
        Path(file.name).unlink(missing_ok=True)


def s3_feed(settings: BaseSettings, uri: str) -> tuple[S3ObjectStore, str]:
    """The storage of a feed's URI, and the key in it.

    Raises:
        ConfigError: the URI or a setting cannot be used.
    """
    # Scrapy loads this module for every crawl, which boto3 would make slower by a fifth of a second.
    from crawler.exports.objects_s3 import S3ObjectStore  # noqa: PLC0415 - boto3 takes half a second to load

    parts = urlsplit(uri)
    key = uri.partition("://")[2].partition("/")[2]
    if parts.username is not None:
        raise ConfigError("a feed's s3:// URI holds keys, which would be logged; use AWS_ACCESS_KEY_ID and its like")
    if not parts.hostname or not key or key.endswith("/"):
        raise ConfigError(f"{uri}: a feed is written s3://BUCKET/KEY")
    if settings["FEED_STORAGE_S3_ACL"]:
        raise ConfigError("FEED_STORAGE_S3_ACL cannot be used here: access is a matter of the bucket's policy")
    access_key, secret_key = settings["AWS_ACCESS_KEY_ID"], settings["AWS_SECRET_ACCESS_KEY"]
    objects = S3ObjectStore(
        bucket=parts.hostname,
        endpoint_url=settings["AWS_ENDPOINT_URL"] or settings["S3_ENDPOINT_URL"],
        region=settings["AWS_REGION_NAME"] or settings["S3_REGION"],
        sse=settings["S3_SSE"],
        credentials=(access_key, secret_key, settings["AWS_SESSION_TOKEN"]) if access_key and secret_key else None,
    )
    return objects, key


def check_s3_feed(settings: BaseSettings, uri: str) -> None:
    """Whether a feed could be put: asked before an hour of crawling rather than after. Leaves nothing there.

    Raises:
        ConfigError: it could not; says why.
    """
    objects, key = s3_feed(settings, uri)
    if "%(" in uri:
        return  # its name is made of the crawl's values
    try:
        objects.check_put(key)
    except ObjectStoreError as error:
        raise ConfigError(f"{uri}: cannot be written: {error}") from error
