"""Files that commands write rows to: what their names say, and whether they can be written at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from crawler.cli import console
from crawler.cli.groups import CommandFailed

if TYPE_CHECKING:
    from pathlib import Path

_FORMATS: Final = {".csv": "csv", ".jsonl": "jsonl"}


def output_format(output: Path) -> str:
    """`csv` or `jsonl`, by the file's ending.

    Raises:
        CommandFailed: the ending says neither.
    """
    fmt = _FORMATS.get(output.suffix.lower())
    if fmt is None:
        raise CommandFailed(f"--output {output}: the ending must be .csv or .jsonl, it says the format")
    return fmt


def check_output(output: Path) -> None:
    """Whether rows can be written there; a remark if something is there already.

    Raises:
        CommandFailed: they cannot.
    """
    existed = output.exists()
    check_writable(output, "--output")
    if existed:
        console.note(f"{output} exists and is overwritten")


def check_writable(path: Path, option: str) -> None:
    """Whether a file can be written, asked before an hour of crawling rather than after.

    Raises:
        CommandFailed: it cannot.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        existed = path.exists()
        with path.open("ab"):
            pass
        if not existed:
            path.unlink()
    except OSError as error:
        raise CommandFailed(f"{option} {path}: {(error.strerror or str(error)).lower()}") from error
