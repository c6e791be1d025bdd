"""What `crawlery login` keeps: the address of an API and a key for it, in a file that only its owner can read."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from dataclasses import dataclass, field
from pathlib import Path

import click
import msgspec

from crawler.cli.groups import CommandFailed


@dataclass(frozen=True, kw_only=True, slots=True)
class Credentials:
    """An API and a key for it; `repr` leaves the key out."""

    url: str
    key: str = field(repr=False)


def credentials_path() -> Path:
    """Where they are: in the folder of settings of this person, such as `~/.config/crawlery`."""
    folder = Path(click.get_app_dir("crawlery"))
    # An empty XDG_CONFIG_HOME is none; click would take it for the working directory.
    folder = folder if folder.is_absolute() else Path.home() / ".config" / "crawlery"
    return folder / "credentials.json"


def read_credentials() -> Credentials | None:
    """Those that are kept; None if there are none.

    Raises:
        CommandFailed: others than their owner can read them, or they cannot be read at all.
    """
    path = credentials_path()
    try:
        with path.open("rb") as file:
            facts = os.fstat(file.fileno())
            if facts.st_uid != os.geteuid():
                raise CommandFailed(f"{path} belongs to somebody else; it is not used")
            if facts.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise CommandFailed(
                    f"others can read {path}, with the key in it, so it is not used; `chmod 600 {path}`, and if they"
                    " have read it, `crawlery keys rotate`"
                )
            return msgspec.json.decode(file.read(), type=Credentials)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, msgspec.DecodeError) as error:
        # The reason of a decoder names types, never values.
        raise CommandFailed(f"{path} cannot be read: {error}; `crawlery login` writes it anew") from error


def write_credentials(credentials: Credentials) -> Path:
    """Keeps them in place of those before; where they are.

    Raises:
        CommandFailed: they cannot be written.
    """
    path = credentials_path()
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
            file.write(msgspec.json.encode(credentials))
        beside.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise CommandFailed(f"{path} cannot be written: {(error.strerror or str(error)).lower()}") from error
    return path


def remove_credentials() -> bool:
    """Forgets them; whether there were any.

    Raises:
        CommandFailed: they cannot be removed.
    """
    path = credentials_path()
    try:
        path.unlink()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise CommandFailed(f"{path} cannot be removed: {(error.strerror or str(error)).lower()}") from error
    return True
