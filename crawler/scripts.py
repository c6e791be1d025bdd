"""Lua scripts as they lie in files, which `crawler.store` runs. Knows no client: not every crawl needs one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Script:
    """One Lua file with what it stands on. Its header says which keys and arguments it takes and what it answers."""

    name: str
    source: str


def load_script(folder: Path, name: str, *, preludes: Sequence[str] = ()) -> Script:
    """The script `name` (a file name) of a folder, behind the preludes (file names of the same folder) it stands on."""
    parts = [(folder / part).read_text(encoding="utf-8") for part in (*preludes, name)]
    return Script(name=name, source="\n".join(parts))
