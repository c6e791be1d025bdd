"""Peppers: secrets of a deployment that digests of API keys are made with, so that a copied store tells no key."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field
from typing import Final

from crawler.errors import ConfigError

_PEPPER_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,32}", re.ASCII)


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
            raise ConfigError(
                "there is no pepper; write ID:SECRET, for instance 1: and the output of openssl rand -hex 32"
            )
        return cls(by_id)

    @property
    def current(self) -> str:
        """Id of the one that new keys are made with."""
        return next(iter(self.by_id))

    def digest(self, pepper: str, secret: str) -> bytes:
        """HMAC-SHA256 of a secret; with a pepper that is not known (any more), one that no key has."""
        return hmac.digest(self.by_id.get(pepper) or secrets.token_bytes(32), secret.encode(), hashlib.sha256)
