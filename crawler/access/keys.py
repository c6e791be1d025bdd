"""API keys: how they are made, written, read and compared. Pure: no store, no clock.

A key is `ck_live_`, an id of 8 characters (base32, lower case), `_`, a secret of 43 characters and a checksum of 6 (both
base62). The checksum, a CRC-32, lets scanners of code find keys that were committed, and mistyped ones be refused
without asking the store; it is no protection. Of the secret only its HMAC-SHA256 with a pepper is kept.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import string
import zlib
from dataclasses import dataclass, field
from typing import Final

from crawler.errors import ConfigError

_PREFIX: Final = "ck_live_"
_ID_ALPHABET: Final = "abcdefghijklmnopqrstuvwxyz234567"
_BASE62: Final = string.digits + string.ascii_letters
_ID_LENGTH, _SECRET_LENGTH, _CHECK_LENGTH = 8, 43, 6  # 62 ** 43 > 2 ** 256

_KEY: Final = re.compile(r"ck_live_([a-z2-7]{8})_([0-9A-Za-z]{43})([0-9A-Za-z]{6})", re.ASCII)
_PEPPER_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,32}", re.ASCII)


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyText:
    """The parts of a key that was given."""

    id: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Peppers:
    """The secrets that digests of keys are made with: the first one is for new keys, the others for older ones."""

    by_id: dict[str, bytes] = field(repr=False)

    @classmethod
    def of(cls, text: str) -> Peppers:
        """Those that are written `ID:SECRET,ID:SECRET`.

        Raises:
            ConfigError: there is none, or one is written otherwise. The message shows no secret.
        """
        by_id: dict[str, bytes] = {}
        for number, part in enumerate(filter(None, (part.strip() for part in text.split(","))), 1):
            name, colon, secret = part.partition(":")
            if not colon or not secret or _PEPPER_ID.fullmatch(name) is None:
                raise ConfigError(f"pepper {number} is not written ID:SECRET, with an ID of A-Z, a-z, 0-9, _ and -")
            if name in by_id:
                raise ConfigError(f"two peppers are called {name}")
            by_id[name] = secret.encode()
        if not by_id:
            raise ConfigError("there is no pepper; write ID:SECRET, for instance 1: and the output of openssl rand -hex 32")
        return cls(by_id)

    @property
    def current(self) -> str:
        """Id of the one that new keys are made with."""
        return next(iter(self.by_id))

    def digest(self, pepper: str, secret: str) -> bytes:
        """HMAC-SHA256 of a secret; with a pepper that is not known (any more), one that no key has."""
        return hmac.digest(self.by_id.get(pepper) or secrets.token_bytes(32), secret.encode(), hashlib.sha256)


def new_key() -> tuple[KeyText, str]:
    """A key that nobody has, in its parts and as it is shown once."""
    key_id = "".join(secrets.choice(_ID_ALPHABET) for _ in range(_ID_LENGTH))
    secret = "".join(secrets.choice(_BASE62) for _ in range(_SECRET_LENGTH))
    return KeyText(id=key_id, secret=secret), f"{_PREFIX}{key_id}_{secret}{_checksum(key_id, secret)}"


def read_key(text: str) -> KeyText | None:
    """The parts of a key as it was given; None if it is no key."""
    match = _KEY.fullmatch(text)
    if match is None or not hmac.compare_digest(_checksum(match[1], match[2]), match[3]):
        return None
    return KeyText(id=match[1], secret=match[2])


def _checksum(key_id: str, secret: str) -> str:
    number, digits = zlib.crc32(f"{key_id}_{secret}".encode()), []
    for _ in range(_CHECK_LENGTH):
        number, digit = divmod(number, len(_BASE62))
        digits.append(_BASE62[digit])
    return "".join(reversed(digits))
