"""Whether settings are of the kind as which they are read: said in one line before a crawl, not by a traceback in it.

What kind a setting is of, its default tells: a number, a whole number, True or False. Settings that have no default
here or in Scrapy are not looked at. A few may only be one of some words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scrapy.settings import default_settings

from crawler import settings as our_settings
from crawler.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scrapy.settings import BaseSettings

#: Settings that are one of some words.
_WORDS: Final = {"DOWNLOAD_CLIENT": ("curl", "scrapy")}

#: Settings that Scrapy reads as any number, though their defaults are whole ones.
_ANY_NUMBER: Final = frozenset({"DNS_TIMEOUT", "DOWNLOAD_DELAY", "DOWNLOAD_TIMEOUT"})


def check_kinds(settings: BaseSettings) -> None:
    """Reads every number and every yes or no once, and looks at words.

    Raises:
        ConfigError: one is something else; says which, and what it must be.
    """
    for name, kind in _kinds().items():
        if settings.get(name) is None:
            continue
        read, wanted = {
            bool: (settings.getbool, "True or False"),
            int: (settings.getint, "a whole number"),
            float: (settings.getfloat, "a number"),
        }[kind]
        try:
            read(name)
        except (ValueError, TypeError, OverflowError) as error:
            raise ConfigError(f"{name} is {settings[name]!r}; it must be {wanted}") from error
    for name, words in _WORDS.items():
        if settings[name] not in words:
            raise ConfigError(f"{name} is {settings[name]!r}; it must be one of {', '.join(words)}")


def _kinds() -> Mapping[str, type]:
    defaults = {**vars(default_settings), **vars(our_settings)}
    kinds = {name: type(value) for name, value in defaults.items() if name.isupper()}
    numbers = {name: float if name in _ANY_NUMBER else kind for name, kind in kinds.items()}
    return {name: kind for name, kind in numbers.items() if kind in (bool, int, float)}
