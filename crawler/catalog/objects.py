"""Texts and saved pages of clients' recipes in the storage of files, each once under its SHA-256.

    -recipes/texts/SHA256.yaml   the text of a version
    -recipes/pages/SHA256.tar    the archive of its saved pages, as it was sent

Written before the store knows of a version, so whatever the store names is there. No client is called `-recipes`.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, BinaryIO, Final

from crawler.exports.keys import recipe_pages_key, recipe_text_key

if TYPE_CHECKING:
    from crawler.exports.objects import ObjectStore

_CHUNK_BYTES: Final = 1024 * 1024


def text_sha256(text: str) -> str:
    """By which a text is known."""
    return hashlib.sha256(text.encode()).hexdigest()


def pages_sha256(pages: BinaryIO) -> str:
    """By which an archive is known; reads it from its beginning to its end."""
    pages.seek(0)
    found = hashlib.sha256()
    while chunk := pages.read(_CHUNK_BYTES):
        found.update(chunk)
    return found.hexdigest()


def keep_text(objects: ObjectStore, text: str) -> str:
    """Writes a text; answers its SHA-256.

    Raises:
        ObjectStoreError: the storage of files does not take it.
    """
    sha256 = text_sha256(text)
    objects.put(recipe_text_key(sha256), text.encode(), content_type="application/yaml", only_new=True)
    return sha256


def keep_pages(objects: ObjectStore, pages: BinaryIO) -> str:
    """Writes an archive of pages; answers its SHA-256.

    Raises:
        ObjectStoreError: the storage of files does not take it.
    """
    sha256 = pages_sha256(pages)
    pages.seek(0)
    objects.put(recipe_pages_key(sha256), pages, content_type="application/x-tar", only_new=True)
    return sha256


def read_pages(objects: ObjectStore, sha256: str) -> bytes:
    """The archive of pages of a version.

    Raises:
        ObjectStoreError: the storage of files does not give it.
    """
    return objects.get(recipe_pages_key(sha256))
