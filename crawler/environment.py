"""Variables of the environment by their type. Given the environment, it does not look for it (`crawler.config` does).

A `.env` file fills in what the environment does not say, and `NAME_FILE` may say in which file the value of NAME lies.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_TRUE: Final = frozenset({"1", "t", "true", "y", "yes", "on"})
_FALSE: Final = frozenset({"0", "f", "false", "n", "no", "off"})


class Environment:
    """See the module. A value that cannot be used is a ValueError that names its variable."""

    def __init__(self, variables: Mapping[str, str], *, dotenv: Path, files: bool = True) -> None:
        """`dotenv`: a file of NAME=VALUE lines, which need not be there; `files`: heed `NAME_FILE`."""
        self._variables = {**(_read_dotenv(dotenv) if dotenv.is_file() or dotenv.is_fifo() else {}), **variables}
        self._files = files

    def text(self, name: str, default: str = "") -> str:
        """Its value; without white space around it where that lies in a file, which ends with a line.

        Raises:
            ValueError: the file that `NAME_FILE` says cannot be read.
        """
        path = self._variables.get(f"{name}_FILE") if self._files else None
        if not path:
            return self._variables.get(name, default)
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
            raise ValueError(f"The value of {name}_FILE must be a readable file path.") from error

    def number(self, name: str, default: int) -> int:
        """A whole number.

        Raises:
            ValueError: it is none.
        """
        text = self.text(name, str(default))
        try:
            return int(text)
        except ValueError as error:
            raise ValueError(f'Environment variable "{name}" invalid: Not a valid integer.') from error

    def flag(self, name: str, *, default: bool) -> bool:
        """Yes or no: `true` or `false`, `1` or `0`, and their like.

        Raises:
            ValueError: it is neither.
        """
        text = self.text(name, str(default)).lower()
        if text not in _TRUE | _FALSE:
            raise ValueError(f'Environment variable "{name}" invalid: Not a valid boolean.')
        return text in _TRUE


def _read_dotenv(path: Path) -> dict[str, str]:
    from dotenv import dotenv_values  # noqa: PLC0415 - in production there is no such file

    return {name: value for name, value in dotenv_values(path).items() if value is not None}
