"""The storage of files that a deployment is configured with: `STORAGE_URL` as an `ObjectStore`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from crawler.errors import ConfigError
from crawler.exports.objects_folder import FolderObjectStore
from crawler.exports.objects_s3 import S3ObjectStore

if TYPE_CHECKING:
    from crawler.config import Config
    from crawler.exports.objects import ObjectStore

_FORMS: Final = "s3://BUCKET/PREFIX or file:///FOLDER"

#: What S3 servers take as the name of a bucket.
_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")

#: A prefix that needs no escaping anywhere.
_PREFIX: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*", re.ASCII)


def object_store_of(config: Config, *, impatient: bool = False) -> ObjectStore:
    """Where the files of jobs go. Asks nothing yet: `check` does.

    `impatient`: for whoever answers others, and had better say soon that it is away.

    Raises:
        ConfigError: STORAGE_URL or an endpoint is missing or cannot be used; says what it may be.
    """
    url = config.storage_url
    if not url:
        raise ConfigError(f"environment: STORAGE_URL is not set; it says where files go: {_FORMS}")
    parts = urlsplit(url)
    if parts.username is not None or parts.query or parts.fragment:  # not shown: it may be a password
        raise ConfigError(f"environment: STORAGE_URL may only be {_FORMS}; keys go into AWS_ACCESS_KEY_ID and its like")
    if parts.scheme == "file":
        folder = Path(unquote(parts.path))
        if parts.netloc not in ("", "localhost") or not folder.is_absolute() or folder == Path("/"):
            raise ConfigError(f"environment: STORAGE_URL={url!r}: a folder is written file:///ABSOLUTE/PATH")
        return FolderObjectStore(folder)
    if parts.scheme == "s3":
        return _s3(config, url, bucket=parts.netloc, prefix=parts.path.strip("/"), impatient=impatient)
    raise ConfigError(f"environment: STORAGE_URL={url!r}; it may be {_FORMS}")


def _s3(config: Config, url: str, *, bucket: str, prefix: str, impatient: bool) -> S3ObjectStore:
    if _BUCKET.fullmatch(bucket) is None:
        raise ConfigError(f"environment: STORAGE_URL={url!r}: {bucket!r} is no name of a bucket; {_FORMS}")
    if prefix and _PREFIX.fullmatch(prefix) is None:
        raise ConfigError(
            f'environment: STORAGE_URL={url!r}: a prefix has A-Z, a-z, 0-9, "_", "-", ".", and "/" between its parts'
        )
    for name, endpoint in (
        ("S3_ENDPOINT_URL", config.s3_endpoint_url),
        ("S3_PUBLIC_ENDPOINT_URL", config.s3_public_endpoint_url),
    ):
        if endpoint and (urlsplit(endpoint).scheme not in ("http", "https") or not urlsplit(endpoint).hostname):
            raise ConfigError(f"environment: {name}={endpoint!r} is no http(s) URL")
    return S3ObjectStore(
        bucket=bucket,
        prefix=prefix,
        endpoint_url=config.s3_endpoint_url,
        public_endpoint_url=config.s3_public_endpoint_url,
        region=config.s3_region,
        sse=config.s3_sse,
        credentials=(config.s3_access_key_id, config.s3_secret_access_key, None) if config.s3_access_key_id else None,
        impatient=impatient,
    )
