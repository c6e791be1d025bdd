"""The data folder of a platform: one `crawlery up` at a time, the secrets and the ports that it keeps.

    lock            who runs on it; held by the kernel, so it ends with the process that has it
    state.json      ports, so that addresses stay as they are
    api-key         the key of the control API that commands typed beside the folder use
    secrets.json    passwords and keys, made once; without it the files in `seaweedfs` cannot be read
    platform.env    how to reach the platform, see `crawler.config`
    valkey/  seaweedfs/  nodes/NAME/  logs/NAME.log
    tmp/            what is in it is gone at the end

Files with secrets are for their owner only (0600), and so are the folders (0700). A file is replaced as a whole.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shlex
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import msgspec

from crawler.config import PLATFORM_FILE
from crawler.errors import PlatformError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

#: What is kept, and in how many random bytes; written in hexadecimal digits. SeaweedFS wants 32 for its key.
_SECRETS: Final[Mapping[str, int]] = {
    "valkey_password": 24,
    "s3_access_key_id": 10,
    "s3_secret_access_key": 24,
    "seaweedfs_sse_key": 32,
    "seaweedfs_signing_key": 24,
    "node_password": 16,
    "api_key_pepper": 32,
    "audit_key": 32,
}
_FORMAT: Final = 1


class DataFolder:
    """A data folder that this process has the lock of, from `lock` to `unlock`."""

    def __init__(self, path: Path) -> None:
        """Nothing is made or looked at yet."""
        self.path = path.absolute()
        self._lock: int | None = None

    def lock(self) -> None:
        """Makes the folder if need be, and takes its lock.

        Raises:
            PlatformError: another process has it, or the folder cannot be used.
        """
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            while self._lock is None:
                self._lock = self._take()
        except OSError as error:
            raise PlatformError(f"data folder {self.path}: {error.strerror or error}; --data-dir names another") from (
                error
            )

    @property
    def locked(self) -> bool:
        """Whether this process has the lock."""
        return self._lock is not None

    def unlock(self) -> None:
        """Gives the lock back, and removes it."""
        if self._lock is not None:
            # First the name, then the lock: whoever waits for it finds out that the file is not the one of that name.
            (self.path / "lock").unlink(missing_ok=True)
            os.close(self._lock)
            self._lock = None

    def subfolder(self, *names: str) -> Path:
        """A folder in it, made if need be, for its owner only."""
        path = self.path
        for name in names:
            path /= name
            path.mkdir(mode=0o700, exist_ok=True)
        return path

    def secrets(self) -> dict[str, str]:
        """The secrets by name, made if they are not there yet.

        Raises:
            PlatformError: the file is damaged, or gone while there is data that needs it.
        """
        path = self.path / "secrets.json"
        kept = self._read(path)
        if not kept and any((self.path / "seaweedfs").glob("*")):
            raise PlatformError(
                f"{path} is gone, and without it the files in {self.path / 'seaweedfs'} cannot be read: "
                f"put it back, or move that folder away too"
            )
        missing = {name: secrets.token_hex(size) for name, size in _SECRETS.items() if name not in kept}
        if missing:
            self._write(path, _json({"v": _FORMAT, **kept, **missing}))
        return {name: str(value) for name, value in {**kept, **missing}.items() if name in _SECRETS}

    @property
    def state_file(self) -> Path:
        """Where the ports are kept."""
        return self.path / "state.json"

    def ports(self) -> dict[str, int]:
        """The ports that are kept, by what they are for.

        Raises:
            PlatformError: the file is damaged.
        """
        ports = self._read(self.state_file).get("ports", {})
        if not isinstance(ports, dict) or not all(type(port) is int and 0 < port < 65536 for port in ports.values()):
            raise PlatformError(f'{self.state_file}: "ports" must be names with port numbers; correct or remove it')
        return ports

    def keep_ports(self, ports: Mapping[str, int]) -> None:
        """Writes the ports down."""
        self._write(self.state_file, _json({"v": _FORMAT, "ports": dict(ports)}))

    def write_environment(self, values: Mapping[str, str]) -> None:
        """Writes `platform.env`, as a shell and `crawler.config` can read it."""
        head = "# How to reach the platform that `crawlery up` runs here. Holds passwords; written at each start.\n"
        lines = (f"{name}={shlex.quote(value)}\n" for name, value in values.items())
        self._write(self.path / PLATFORM_FILE, head + "".join(lines))

    @property
    def api_key(self) -> str:
        """The key of the control API that is kept; "" if there is none.

        Raises:
            PlatformError: it cannot be read.
        """
        try:
            return (self.path / "api-key").read_text(encoding="ascii").strip()
        except FileNotFoundError:
            return ""
        except (OSError, UnicodeDecodeError) as error:
            raise PlatformError(
                f"{self.path / 'api-key'} cannot be read: {error}; remove it, and one is made"
            ) from error

    def keep_api_key(self, key: str) -> None:
        """Writes the key down, for its owner only."""
        self._write(self.path / "api-key", f"{key}\n")

    def write(self, path: Path, text: str) -> None:
        """Writes a file of the folder that may hold secrets."""
        self._write(path, text)

    def _take(self) -> int | None:
        """The lock; None if its last owner has just removed the file.

        Raises:
            PlatformError: somebody has it.
        """
        path = self.path / "lock"
        lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = os.read(lock, 32).decode(errors="replace").strip()
            os.close(lock)
            raise PlatformError(
                f"data folder {self.path}: another `crawlery up` (pid {pid or 'unknown'}) runs on it; stop that one, "
                f"or name another folder by --data-dir"
            ) from None
        with suppress(FileNotFoundError):
            if os.stat(path).st_ino == os.fstat(lock).st_ino:  # noqa: PTH116 - of the name, to be compared with the file
                os.ftruncate(lock, 0)
                os.write(lock, f"{os.getpid()}\n".encode())
                return lock
        os.close(lock)
        return None

    def _read(self, path: Path) -> dict[str, Any]:
        try:
            return msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
        except FileNotFoundError:
            return {}
        except (OSError, msgspec.DecodeError) as error:
            raise PlatformError(f"{path} cannot be read: {error}; put it right, or take it from a copy") from error

    def _write(self, path: Path, text: str) -> None:
        new = path.with_name(f"{path.name}.new")
        try:
            with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            new.replace(path)
        except OSError as error:
            raise PlatformError(f"{path} cannot be written: {error.strerror or error}") from error


def _json(value: Mapping[str, Any]) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n"
