"""Shapes of the small texts that recipes are made of: names, versions, durations, regular expressions."""

from __future__ import annotations

from datetime import datetime

from crawler.errors import ParseRefused
from crawler.recipe.encoding import decode
from crawler.recipe.inputs import RESERVED_NAMES
from crawler.recipe.quantities import duration_problem, duration_range_problem
from crawler.recipe.shape_scalars import Integer, Text

REGEX = Text(noun="a regular expression")
TEMPLATE = Text(noun="text, with {{ }} where it depends on something")
DURATION = Text(
    noun="a duration such as 30s",
    accepts=duration_problem,
    hint="write 500ms, 30s, 10m, 2h or 7d",
    pattern=r"^[0-9]+(\.[0-9]+)?(ms|s|m|h|d)$",
)
DURATION_RANGE = Text(
    noun="a range such as 1s..60s",
    accepts=duration_range_problem,
    hint="write the shortest and the longest: 1s..60s",
    pattern=r"^[0-9]+(\.[0-9]+)?(ms|s|m|h|d)\.\.[0-9]+(\.[0-9]+)?(ms|s|m|h|d)$",
)
URL = Text(
    noun="a URL",
    accepts=lambda text: None if text.lower().startswith(("http://", "https://")) else f"'{text}' is no http(s) URL",
    hint="write https://...",
    pattern="^https?://",
)
COUNT = Integer(minimum=1)
COUNT_OR_ZERO = Integer(minimum=0)


def field_name(name: str) -> str | None:
    """What is wrong with a name that templates must be able to say, or None."""
    if len(name) > 64:
        return "the name is longer than 64 characters"
    word = name.replace("_", "")
    if not (word.isascii() and word.isalnum()) or name[0].isdigit():
        return f"'{name}' is no name: use letters, digits and _, not beginning with a digit"
    return None


def name_problem(name: str) -> str | None:
    """What is wrong with the name of a recipe or a file, or None."""
    word = name.replace("-", "").replace("_", "")
    if len(name) > 64:
        return "the name is longer than 64 characters"
    if not (word.isascii() and word.isalnum() and name == name.lower()) or not name[0].isalpha():
        return f"'{name}' is no name: use lower-case letters, digits, - and _, beginning with a letter"
    return None


def secret_problem(name: str) -> str | None:
    """What is wrong with the name of a secret, or None."""
    word = name.replace("-", "").replace("_", "")
    if len(name) > 64 or not (word.isascii() and word.isalnum() and name == name.lower()) or not name[0].isalpha():
        return f"'{name[:64]}' is no name of a secret: at most 64 lower-case letters, digits, - and _, a letter first"
    return None


def input_problem(name: str) -> str | None:
    """What is wrong with the name of an input, or None."""
    if name in RESERVED_NAMES:
        return f"the name '{name}' is reserved for the spider"
    return field_name(name)


def version_problem(version: str) -> str | None:
    """What is wrong with a semantic version, or None."""
    core, _, pre = version.partition("-")
    parts = core.split(".")
    if len(parts) != 3 or not all(part.isascii() and part.isdigit() and str(int(part)) == part for part in parts):
        return f"'{version}' is no semantic version"
    if "-" in version and not all(part and part.replace("-", "").isalnum() for part in pre.split(".")):
        return f"'{version}' is no semantic version"
    return None


def extends_problem(parent: str) -> str | None:
    """What is wrong with `NAME@MAJOR`, or None."""
    name, at, major = parent.partition("@")
    if not at or name_problem(name or "-") or not (major.isascii() and major.isdigit()):
        return f"'{parent}' is no parent recipe"
    return None


def encoding_problem(name: str) -> str | None:
    """What is wrong with the name of an encoding, or None."""
    if name == "auto":
        return None
    try:
        decode(b"", content_type=None, encoding=name)
    except ParseRefused:
        return f"'{name}' is no encoding"
    return None


def moment_problem(text: str) -> str | None:
    """What is wrong with a time that names its zone, or None."""
    try:
        return None if datetime.fromisoformat(text).tzinfo is not None else f"'{text}' names no zone"
    except ValueError:
        return f"'{text}' is no time"


def domain_problem(domain: str) -> str | None:
    """What is wrong with a domain, or None; a template is judged when it has a value."""
    if "{{" in domain:
        return None
    labels = domain.split(".")
    good = all(label and label.replace("-", "").replace("_", "").isalnum() for label in labels)
    return None if good and len(domain) <= 253 else f"'{domain}' is no domain"


DOMAIN = Text(noun="a domain", accepts=domain_problem, hint="write the bare domain: shop.example")
