"""Clients and their keys as values: what each may do, and how much of it.

Only values are here, decoded and checked; `keys` makes secrets and compares them, `store` keeps all of it.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass, field
from typing import Final

from crawler.errors import InvalidAccess
from crawler.exports.keys import check_client
from crawler.rate import Rate

MAX_NAME_CHARACTERS: Final = 100
MAX_NOTE_CHARACTERS: Final = 200

#: One line of text, as a regular expression that Python and JavaScript read alike: no control characters, and none
#: that are not seen but change how others look. What else counts as printable would change with each new Unicode.
LINE: Final = (
    r"[^\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\uffff]*"
)


class Scope(enum.StrEnum):
    """What a key may do."""

    JOBS_READ = "jobs:read"
    JOBS_WRITE = "jobs:write"
    RESULTS_READ = "results:read"
    RESULTS_OVERRIDE = "results:override"  # publish files whose rows are not what their recipe asks for
    RECIPES_READ = "recipes:read"
    RECIPES_WRITE = "recipes:write"
    RECIPES_INLINE = "recipes:inline"  # submit a recipe as text
    ADMIN = "admin"  # clients, keys and nodes; see and steer the jobs of every client, but not their rows
    SUPPORT_READ = "support:read"  # read the results of every client


@dataclass(frozen=True, kw_only=True, slots=True)
class Quotas:
    """What a client may use at most; None = no limit.

    Attributes:
        running_jobs: jobs that have not ended.
        jobs_per_day: jobs accepted in any 24 hours.
        requests_per_day: pages settled by jobs that were accepted in the last 24 hours.
    """

    running_jobs: int | None = None
    jobs_per_day: int | None = None
    requests_per_day: int | None = None

    def __post_init__(self) -> None:
        for name in self.__slots__:
            quota = getattr(self, name)
            if quota is not None and not 0 <= quota <= 10**12:
                raise InvalidAccess(f"quotas.{name} is {quota}; it is from 0, or none at all")


@dataclass(frozen=True, kw_only=True, slots=True)
class Client:
    """Somebody who has jobs.

    Attributes:
        id: in keys of objects and of the store; see `crawler.exports.keys.check_client`.
        name: for people.
        quotas: what it may use.
        rate_limit: as `Rate.of` takes it; "" = as the deployment has it for everybody.
        disabled: its keys are refused; its jobs go on.
        created_ms: ms since 1970 of the store's clock.

    Raises:
        InvalidAccess: a value is impossible; says which.
        InvalidJob: the id is none.
    """

    id: str
    name: str = ""
    quotas: Quotas = field(default_factory=Quotas)
    rate_limit: str = ""
    disabled: bool = False
    created_ms: int = 0

    def __post_init__(self) -> None:
        check_client(self.id)
        _check_line("name", self.name, MAX_NAME_CHARACTERS)
        if self.rate_limit:
            Rate.of(self.rate_limit)


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiKey:
    """One key, without its secret.

    Attributes:
        id: eight characters of it, that may be shown.
        client: whose it is.
        scopes: what it may do.
        note: for people.
        created_ms: ms since 1970 of the store's clock; so are the others.
        expires_ms: it is refused from then on; None = never.
        revoked_ms: since when it is refused; None = it is not.
        pepper: id of the pepper that its digest was made with.
        digest: HMAC-SHA256 of the secret.
    """

    id: str
    client: str
    scopes: frozenset[Scope]
    note: str = ""
    created_ms: int = 0
    expires_ms: int | None = None
    revoked_ms: int | None = None
    pepper: str
    digest: bytes = field(repr=False)

    def __post_init__(self) -> None:
        check_client(self.client)
        _check_line("note", self.note, MAX_NOTE_CHARACTERS)


@dataclass(frozen=True, kw_only=True, slots=True)
class Principal:
    """Who is calling: a client, by one of its keys, at `now_ms` of the store's clock."""

    client: Client
    key: ApiKey
    now_ms: int

    def may(self, scope: Scope) -> bool:
        """Whether the key has a scope."""
        return scope in self.key.scopes


def _check_line(what: str, text: str, most: int) -> None:
    if len(text) > most or re.fullmatch(LINE, text) is None:
        raise InvalidAccess(f"{what} must be one line of at most {most} characters")
