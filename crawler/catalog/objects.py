"""Clients' recipes in the storage of files: texts and saved pages, each once under its SHA-256, and what was pushed.

    -recipes/texts/SHA256.yaml   the text of a version
    -recipes/pages/SHA256.tar    the archive of its saved pages, as it was sent
    -recipes/versions/CLIENT/NAME/VERSION/PUSH.json   the version; replaced when it was checked. Each push has its own

Written before the store knows of it, so whatever the store names is there, and a store that was lost gets it back. No
client is called `-recipes`.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, BinaryIO, Final, NamedTuple

import msgspec

from crawler.catalog.model import RecipeFacts, RecipeVersion, Standing
from crawler.errors import CrawleryError
from crawler.exports.keys import (
    recipe_pages_key,
    recipe_text_key,
    recipe_version_key,
    recipe_version_of,
    recipe_versions_prefix,
)
from crawler.wire import Undecodable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from crawler.exports.objects import ObjectStore

#: Raised whenever an older reader could misread what is written.
VERSION: Final = 1

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


def read_text(objects: ObjectStore, sha256: str) -> str:
    """The text of a version.

    Raises:
        ObjectStoreError: the storage of files does not give it.
        Undecodable: it is another one.
    """
    text = objects.get(recipe_text_key(sha256)).decode(errors="replace")
    if text_sha256(text) != sha256:
        raise Undecodable(f"the text {sha256} of a recipe has changed in the storage of files")
    return text


# --- what was pushed --------------------------------------------------------------------------------------------------


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A version as it is written down; `facts` of its text, once it was checked."""

    v: int = VERSION
    version: RecipeVersion
    facts: RecipeFacts | None = None


class Push(NamedTuple):
    """Where a push is written down, and when it was made, in ms."""

    pushed_ms: int
    key: str


def keep_version(objects: ObjectStore, version: RecipeVersion, facts: RecipeFacts | None = None) -> None:
    """Writes a version down, in place of what was said of the same push before.

    Raises:
        ObjectStoreError: the storage of files does not take it.
    """
    kept = Kept(version=version, facts=facts)
    objects.put(_key(version), msgspec.json.encode(kept), content_type="application/json")


def forget_version(objects: ObjectStore, version: RecipeVersion) -> None:
    """Removes a push that was refused.

    Raises:
        ObjectStoreError: the storage of files does not do it.
    """
    objects.delete([_key(version)])


def kept_pushes(objects: ObjectStore) -> dict[tuple[str, str], dict[str, list[Push]]]:
    """All that is written down, by client and name, by version, the oldest push first.

    Raises:
        ObjectStoreError: the storage of files does not list it.
    """
    found: dict[tuple[str, str], dict[str, list[Push]]] = {}
    for info in objects.list(recipe_versions_prefix()):
        of = recipe_version_of(info.key)
        if of is not None:
            client, name, version, pushed_ms = of
            found.setdefault((client, name), {}).setdefault(version, []).append(Push(pushed_ms, info.key))
    for versions in found.values():
        for pushes in versions.values():
            pushes.sort()
    return found


def read_version(objects: ObjectStore, key: str) -> Kept:
    """What is written down of a push.

    Raises:
        ObjectStoreError: the storage of files does not give it.
        Undecodable: it is nothing of the kind, of another version of the format, or of another recipe than its key.
    """
    encoded = objects.get(key)
    try:
        kept = msgspec.json.decode(encoded, type=Kept)
        if kept.v == VERSION and _key(kept.version) == key:
            return kept
    except (msgspec.DecodeError, CrawleryError, ValueError) as error:
        raise Undecodable(f"{key}: {error}") from error
    raise Undecodable(f"{key}: of another version of the format, or of another recipe")


def what_holds(kept: Sequence[Kept]) -> Iterator[Kept]:
    """Of all that is written down of one version, the oldest first: what has happened, in this order.

    Left out are pushes that nothing is known of but that a later one was made: they have come to nothing.
    """
    for number, each in enumerate(kept):
        if each.version.standing is not Standing.CHECKING or number == len(kept) - 1:
            yield each


def _key(version: RecipeVersion) -> str:
    of = (version.client, version.name, version.version)
    return recipe_version_key(*of, pushed_ms=version.pushed_ms, sha256=version.sha256)
