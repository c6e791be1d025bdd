"""Versions of clients' recipes as values: whose, which, and what came of checking them.

Only values are here; `store` keeps them, `crawler.recipe.approval` finds out what comes of a check.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass, field
from typing import Any, Final

from crawler.errors import InvalidRecipeName
from crawler.exports.keys import check_client

_NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,63}", re.ASCII)
_VERSION: Final = re.compile(r"[0-9]{1,9}\.[0-9]{1,9}\.[0-9]{1,9}(-[0-9A-Za-z.-]{1,40})?", re.ASCII)

#: What a client may have, and one name of it.
MAX_NAMES: Final = 500
MAX_VERSIONS: Final = 200


class Standing(enum.StrEnum):
    """What came of checking a version."""

    CHECKING = "checking"
    PASSED = "passed"
    REJECTED = "rejected"
    UNTESTED = "untested"


class RecipeState(enum.StrEnum):
    """How a version is shown: of those that have passed, one is what jobs get that name no version."""

    CHECKING = "checking"
    CURRENT = "current"
    PASSED = "passed"
    REJECTED = "rejected"
    UNTESTED = "untested"


@dataclass(frozen=True, kw_only=True, slots=True)
class TestOutcome:
    """What came of one test of a recipe: `problems` are its differences, or why it could not be run."""

    __test__ = False  # no class of tests

    page: str
    snapshot: str
    passed: bool
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckReport:
    """What a check has found.

    Attributes:
        problems: what keeps the version from being used, in sentences.
        tests: of the recipe, in the order of its file.
        untested: page types without a test.
    """

    problems: tuple[str, ...] = ()
    tests: tuple[TestOutcome, ...] = ()
    untested: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class RecipeFacts:
    """What there is to know of a recipe's text without compiling it.

    Attributes:
        description: as it says itself; so are the labels.
        inputs: JSON Schema of its inputs.
        items: JSON Schema of its items' rows.
        files: what it writes, as `crawler.recipe.contract_changes.Promise` has it.
        site: where it begins without being told; "" if it has to be told.
    """

    description: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    inputs: dict[str, Any] = field(default_factory=dict)
    items: dict[str, Any] = field(default_factory=dict)
    files: dict[str, Any] = field(default_factory=dict)
    site: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class RecipeVersion:
    """One version of a client's recipe.

    Attributes:
        client: whose it is.
        name: of the recipe.
        version: as the recipe says.
        sha256: of its text, in hexadecimal.
        pages_sha256: of the archive of its saved pages; "" without one.
        standing: what came of its check.
        forced: an administrator wants it to be used without tests.
        pushed_ms: ms since 1970 of the store's clock; so is the other.
        checked_ms: when its check ended; None before.
        report: of the check.

    Raises:
        InvalidRecipeName: name or version is none.
        InvalidJob: the id of the client is none.
    """

    client: str
    name: str
    version: str
    sha256: str
    pages_sha256: str = ""
    standing: Standing = Standing.CHECKING
    forced: bool = False
    pushed_ms: int = 0
    checked_ms: int | None = None
    report: CheckReport = field(default_factory=CheckReport)

    def __post_init__(self) -> None:
        check_client(self.client)
        check_name(self.name)
        check_version(self.version)

    def is_same_push(self, other: RecipeVersion) -> bool:
        """Whether both are the same text with the same pages."""
        return (self.sha256, self.pages_sha256) == (other.sha256, other.pages_sha256)


def check_name(text: str) -> str:
    """The name of a recipe, as it was given.

    Raises:
        InvalidRecipeName: it is not 1 to 64 of a-z, 0-9, "_" and "-", the first one a letter.
    """
    if _NAME.fullmatch(text) is None:
        raise InvalidRecipeName(
            f'{_short(text)} is no name of a recipe; use 1 to 64 of a-z, 0-9, "_" and "-", the first one a letter'
        )
    return text


def check_version(text: str) -> str:
    """The version of a recipe, as it was given.

    Raises:
        InvalidRecipeName: it is not three numbers, such as 1.0.0 or 1.0.0-beta.
    """
    if _VERSION.fullmatch(text) is None:
        raise InvalidRecipeName(f"{_short(text)} is no version of a recipe; write three numbers, such as 1.0.0")
    return text


def precedence(version: str) -> tuple[Any, ...]:
    """By which versions are put in order, as semver.org says (2.0.0, section 11)."""
    numbers, _, before = version.partition("-")
    parts = tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in before.split("."))
    return (*(int(number) for number in numbers.split(".")), not before, parts if before else ())


def _short(text: str) -> str:
    return repr(text if len(text) <= 80 else f"{text[:80]}...")
