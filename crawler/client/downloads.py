"""Files of a job, fetched by their links: resumed where they were cut, checked, and only then given their name.

A link is good for a while and carries its own permission: the key of the API is not sent with it. What has come of a
file lies in `NAME.part`, which one process at a time writes; `NAME` appears at once, when all of it is there and its
SHA-256 is the one that the API says.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

import httpx

from crawler.client.connection import loopback_apart
from crawler.errors import DownloadFailed

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from crawler.client.model import ResultFile, Results

_PIECE_BYTES: Final = 1024 * 1024

#: So many tries in a row that bring nothing new end a download.
_FRUITLESS_TRIES: Final = 6

#: Pauses between those, in seconds: doubled from the first one.
_FIRST_PAUSE_S: Final = 0.2
_LONGEST_PAUSE_S: Final = 5.0

#: A link that ends sooner is not begun with.
_LINK_LEFT: Final = timedelta(seconds=20)

#: Answers of a storage to a link that has ended, or whose signature is not taken any more.
_LINK_IS_OVER: Final = frozenset({400, 401, 403, 404, 410})


@dataclass(kw_only=True, slots=True)
class _Part:
    """What has come of a file: the open `.part`, its length in bytes and the SHA-256 of it so far."""

    stream: IO[bytes]
    size_bytes: int
    digest: hashlib._Hash

    @classmethod
    def of(cls, stream: IO[bytes]) -> _Part:
        """What lies in it already."""
        part = cls(stream=stream, size_bytes=0, digest=hashlib.sha256())
        stream.seek(0)
        while piece := stream.read(_PIECE_BYTES):
            part.digest.update(piece)
            part.size_bytes += len(piece)
        return part

    def add(self, piece: bytes) -> None:
        self.stream.write(piece)
        self.digest.update(piece)
        self.size_bytes += len(piece)

    def restart(self) -> None:
        """As if nothing had come."""
        self.stream.seek(0)
        self.stream.truncate()
        self.size_bytes, self.digest = 0, hashlib.sha256()


class Downloads:
    """The files of one job.

    Args:
        results: asks the API for the files with new links.
        is_local: the API is on this machine, so links may lead into its folders.
        timeout_s: for each step of a request.
        pause: sleeps.
    """

    def __init__(
        self,
        results: Callable[[], Results],
        *,
        timeout_s: float,
        is_local: bool = False,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._is_local = is_local
        self._ask = results
        self._results = results()
        self._pause = pause
        # What a link leads to is taken as it is: packed on the way, its length and its hash would be others.
        self._http = httpx.Client(timeout=timeout_s, headers={"Accept-Encoding": "identity"}, mounts=loopback_apart())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def all_into(self, folder: Path, *, on_file: Callable[[Path, int], None] | None = None) -> list[Path]:
        """Writes all of them into a folder. One that is there already, and is the right one, is not fetched again.

        Raises:
            DownloadFailed: there are none, they are withheld, or one cannot be fetched or written.
        """
        results = self._results
        if not results.final:
            raise DownloadFailed(f"{results.job} is {results.state}: there are no files to download yet")
        if results.withheld:
            raise DownloadFailed(f"the files of {results.job} are withheld: {'; '.join(results.why)}")
        paths = []
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for file in results.files:
                path = folder / _file_name(file)
                if not _is_there(path, file):
                    self._fetch(file, path)
                paths.append(path)
                if on_file is not None:
                    on_file(path, file.rows)
        except OSError as error:
            raise DownloadFailed(f"{folder}: {(error.strerror or str(error)).lower()}") from error
        return paths

    def _fetch(self, file: ResultFile, path: Path) -> None:
        """Brings one file to its path.

        Raises:
            DownloadFailed: it does not come, or is not what the API says, twice.
            OSError: it cannot be written.
        """
        part_path = path.with_name(f"{path.name}.part")
        with _open_alone(part_path) as stream:
            for attempt in (1, 2):
                part = _Part.of(stream)
                self._complete(file, part)
                if part.digest.hexdigest() == file.sha256:
                    break
                # The first time, what was there before may have been the beginning of another file.
                part.restart()
                if attempt == 2:
                    part_path.unlink()
                    raise DownloadFailed(f"{file.name} of {self._results.job} is not what the API says: other bytes")
            stream.flush()
            os.fsync(stream.fileno())
            part_path.replace(path)

    def _complete(self, file: ResultFile, part: _Part) -> None:
        """Fetches what is missing, with as many requests as that takes.

        Raises:
            DownloadFailed: several in a row have brought nothing.
        """
        if part.size_bytes > file.size_bytes:
            part.restart()
        fruitless, pause_s = 0, _FIRST_PAUSE_S
        while part.size_bytes < file.size_bytes:
            before = part.size_bytes
            trouble = self._read_on(file, part)
            if part.size_bytes >= file.size_bytes:
                return
            if part.size_bytes > before:
                fruitless, pause_s = 0, _FIRST_PAUSE_S
                continue
            fruitless += 1
            if fruitless >= _FRUITLESS_TRIES:
                part.stream.flush()
                raise DownloadFailed(
                    f"{file.name} of {self._results.job} stops at {part.size_bytes:,} of {file.size_bytes:,} bytes:"
                    f" {trouble}; the same call again goes on there"
                )
            if fruitless > 1:
                self._pause(pause_s)
                pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)

    def _read_on(self, file: ResultFile, part: _Part) -> str:
        """One request for the rest; what went wrong, if anything did."""
        url = self._link(file)
        if url.startswith("file:"):
            return self._read_folder(file, url, part)
        headers = {"Range": f"bytes={part.size_bytes}-"} if part.size_bytes else {}
        try:
            with self._http.stream("GET", url, headers=headers) as answer:
                if answer.status_code in _LINK_IS_OVER:
                    self._results = self._ask()
                    return f"the storage of files answers {answer.status_code} to a new link"
                if answer.status_code == 416 or (answer.status_code == 206 and not _goes_on(answer, part.size_bytes)):
                    part.restart()
                    return "the storage of files has another file"
                if not answer.is_success:
                    return f"the storage of files answers {answer.status_code}"
                if answer.status_code != 206:
                    part.restart()
                for piece in answer.iter_raw():  # in pieces of a size, what came before a cut would be lost
                    if part.size_bytes + len(piece) > file.size_bytes:
                        part.restart()
                        return f"the storage of files gives more than {file.size_bytes:,} bytes"
                    part.add(piece)
        except httpx.HTTPError as error:
            return str(error) or type(error).__name__
        return "the storage of files ends it there"

    def _read_folder(self, file: ResultFile, url: str, part: _Part) -> str:
        """The rest of a file that lies in a folder, which is a storage of files on one machine.

        Raises:
            DownloadFailed: the API is on another machine.
            OSError: it cannot be read.
        """
        if not self._is_local:
            raise DownloadFailed(f"{file.name} of {self._results.job} lies in a folder of the API's machine: {url}")
        with Path(unquote(urlsplit(url).path)).open("rb") as source:
            source.seek(part.size_bytes)
            while part.size_bytes < file.size_bytes and (piece := source.read(_PIECE_BYTES)):
                part.add(piece[: file.size_bytes - part.size_bytes])
        return "the file in the folder is shorter"

    def _link(self, file: ResultFile) -> str:
        """A link that is good for a while.

        Raises:
            DownloadFailed: the API gives none, or the file is not the same any more.
        """
        now = self._named(file)
        if now.url is None or (now.expires_at is not None and now.expires_at - datetime.now(UTC) < _LINK_LEFT):
            self._results = self._ask()
            now = self._named(file)
        if now.url is None:
            raise DownloadFailed(f"the API gives no link to {file.name} of {self._results.job}")
        return now.url

    def _named(self, file: ResultFile) -> ResultFile:
        now = next((each for each in self._results.files if each.name == file.name), None)
        if now is None or now.sha256 != file.sha256:
            raise DownloadFailed(f"{file.name} of {self._results.job} has changed meanwhile; ask for its results again")
        return now


def _file_name(file: ResultFile) -> str:
    """Its name, which stays in the folder, and is none that programs look for there, such as `.env`.

    Raises:
        DownloadFailed: it would not, or it is; or it is that of a part of another file.
    """
    name = file.name
    if (
        not name
        or name.startswith(".")
        or name.endswith(".part")
        or "/" in name
        or "\\" in name
        or not name.isprintable()
    ):
        raise DownloadFailed(f"{name!r} is no name for a file")
    return name


def _is_there(path: Path, file: ResultFile) -> bool:
    if not path.is_file() or path.stat().st_size != file.size_bytes:
        return False
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest() == file.sha256


def _open_alone(path: Path) -> IO[bytes]:
    """The `.part`, open for reading and writing, for as long as it is open nobody else's.

    Raises:
        DownloadFailed: another process has it.
        OSError: it cannot be opened.
    """
    while True:
        stream = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666), "r+b")
        is_ours = False
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Who had it before may have given it its name, or thrown it away, before the lock was free.
            is_ours = path.exists() and os.path.samestat(os.fstat(stream.fileno()), path.stat())
            if is_ours:
                return stream
        except BlockingIOError:
            raise DownloadFailed(f"another process downloads {path} just now") from None
        finally:
            if not is_ours:
                stream.close()


def _goes_on(answer: httpx.Response, begin: int) -> bool:
    """Whether a partial answer begins where we asked it to."""
    return str(answer.headers.get("content-range", "")).startswith(f"bytes {begin}-")
