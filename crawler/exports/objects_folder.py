"""Objects as files of a local folder: the `ObjectStore` of a single machine, and of tests.

An object is written beside its place, flushed to the disk and then renamed (or linked, if it must be new), so that a
kill or a crash leaves it whole or not there. Types and encryption are the disk's business: they are not kept.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from crawler import faults
from crawler.errors import NoSuchObject, ObjectStoreError
from crawler.exports.objects import ObjectInfo
from crawler.exports.put_faults import halfway, put_point

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

#: Where objects are written before they are there; no key may begin so, and no listing looks into it.
_SPOOL: Final = ".writing"

#: One part of a key: no separator, nothing that a file system reads as another place.
_PART: Final = re.compile(r"(?!\.{1,2}$)[^/\\\0]{1,255}")

#: Failures that time may heal: full, over quota, or the disk is gone for now.
_PASSING: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EAGAIN, errno.ESTALE, errno.EMFILE})

#: What is done to an object that must be there.
_READING: Final = ("read", "look at")

_COPY_BYTES: Final = 1024 * 1024


class FolderObjectStore:
    """All objects below a folder. Calls may come from several threads and processes."""

    def __init__(self, folder: Path) -> None:
        """`folder`: made with the first object, if it is not there."""
        faults.read_once()
        self._folder = folder.absolute()

    def put(self, key: str, body: bytes | BinaryIO, *, content_type: str, only_new: bool = False) -> bool:
        """See `ObjectStore.put`. A folder keeps no types."""
        _ = content_type
        path = self._path(key)
        with self._mapped("write", key):
            faults.at(put_point(key, "call"))
            spool = self._folder / _SPOOL
            spool.mkdir(parents=True, exist_ok=True)
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor, name = tempfile.mkstemp(dir=spool)
            try:
                with open(descriptor, "wb") as file:  # noqa: PTH123 - it is a descriptor
                    if faults.is_on():
                        whole = io.BytesIO(body) if isinstance(body, bytes) else body
                        shutil.copyfileobj(halfway(whole, put_point(key, "half")), file, _COPY_BYTES)
                    elif isinstance(body, bytes):
                        file.write(body)
                    else:
                        body.seek(0)
                        shutil.copyfileobj(body, file, _COPY_BYTES)
                    file.flush()
                    os.fsync(file.fileno())
                if only_new:
                    try:
                        os.link(name, path)
                    except FileExistsError:
                        return False
                else:
                    Path(name).replace(path)
                _sync_folders(path.parent, self._folder)
            finally:
                Path(name).unlink(missing_ok=True)
            faults.at(put_point(key, "reply"))
        return True

    def get(self, key: str) -> bytes:
        """See `ObjectStore.get`."""
        with self.open(key) as file, self._mapped("read", key):
            return file.read()

    @contextlib.contextmanager
    def open(self, key: str) -> Iterator[BinaryIO]:
        """See `ObjectStore.open`."""
        path = self._path(key)
        with self._mapped("read", key):
            file = path.open("rb")
        with file:
            yield file

    def info(self, key: str) -> ObjectInfo | None:
        """See `ObjectStore.info`."""
        path = self._path(key)
        try:
            with self._mapped("look at", key):
                found = path.stat()
        except NoSuchObject:
            return None
        return ObjectInfo(key=key, size_bytes=found.st_size, modified_s=found.st_mtime) if path.is_file() else None

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """See `ObjectStore.list`."""
        with self._mapped("list", prefix):
            yield from self._below(self._folder, "", prefix)

    def delete(self, keys: Collection[str]) -> None:
        """See `ObjectStore.delete`."""
        for key in keys:
            path = self._path(key)
            with self._mapped("delete", key), contextlib.suppress(FileNotFoundError, NotADirectoryError):
                path.unlink()

    def link(self, key: str, *, file_name: str, expires_s: int) -> str:
        """See `ObjectStore.link`: a `file://` URI, which is good on this machine, for ever and under its own name."""
        _ = file_name, expires_s
        return self._path(key).as_uri()

    def check(self) -> None:
        """See `ObjectStore.check`: writes and removes a small file."""
        key = "crawlery-check"
        self.put(key, b"ok", content_type="text/plain")
        self.delete([key])

    def _path(self, key: str) -> Path:
        """The file of a key.

        Raises:
            ValueError: it is no key: it would be another file than its own, or one outside of the folder.
        """
        parts = key.split("/")
        if parts[0] == _SPOOL or not all(_PART.fullmatch(part) for part in parts):
            raise ValueError(f"{key!r} is no key of an object")
        return self._folder.joinpath(*parts)

    def _below(self, folder: Path, start: str, prefix: str) -> Iterator[ObjectInfo]:
        """What lies in a folder, and in those inside of it, as far as it begins with `prefix`."""
        with contextlib.suppress(FileNotFoundError), os.scandir(folder) as entries:
            for entry in entries:
                key = start + entry.name
                if entry.is_dir():
                    below = f"{key}/"
                    if below != f"{_SPOOL}/" and (below.startswith(prefix) or prefix.startswith(below)):
                        yield from self._below(folder / entry.name, below, prefix)
                elif key.startswith(prefix):
                    with contextlib.suppress(FileNotFoundError):  # removed meanwhile
                        found = entry.stat()
                        yield ObjectInfo(key=key, size_bytes=found.st_size, modified_s=found.st_mtime)

    @contextlib.contextmanager
    def _mapped(self, action: str, key: str) -> Iterator[None]:
        """Turns what the system says into our errors."""
        try:
            yield
        except OSError as error:
            if action in _READING and error.errno in (errno.ENOENT, errno.ENOTDIR, errno.EISDIR):
                raise NoSuchObject(f"{self._folder / key}: there is no such object") from error
            reason = error.strerror or str(error)
            passing = error.errno in _PASSING or isinstance(error, ConnectionError)
            raise ObjectStoreError(f"{self._folder / key}: cannot {action} it: {reason}", passing=passing) from error


def _sync_folders(folder: Path, top: Path) -> None:
    """A new name is on the disk when the folders that hold it are."""
    while True:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if folder == top:
            return
        folder = folder.parent
