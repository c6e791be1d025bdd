"""API keys: how they are made, written, read and compared. Pure: no store, no clock.

A key is `ck_live_`, an id of 8 characters (base32, lower case), `_`, a secret of 43 characters and a checksum of 6
(both base62). The checksum, a CRC-32, lets scanners of code find keys that were committed, and mistyped ones be refused
without asking the store; it is no protection. Of the secret only its HMAC-SHA256 with a pepper is kept.
"""

from __future__ import annotations

import hmac
import re
import secrets
import string
import zlib
from dataclasses import dataclass, field
from typing import Final

_PREFIX: Final = "ck_live_"
_ID_ALPHABET: Final = "abcdefghijklmnopqrstuvwxyz234567"
_BASE62: Final = string.digits + string.ascii_letters
_ID_LENGTH, _SECRET_LENGTH, _CHECK_LENGTH = 8, 43, 6  # 62 ** 43 > 2 ** 256

_KEY: Final = re.compile(r"ck_live_([a-z2-7]{8})_([0-9A-Za-z]{43})([0-9A-Za-z]{6})", re.ASCII)


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyText:
    """The parts of a key that was given."""

    id: str
    secret: str = field(repr=False)


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
