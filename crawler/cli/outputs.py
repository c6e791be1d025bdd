"""Files that commands write rows to: what their names say, and whether they can be written at all."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, Final

from crawler.cli import console
from crawler.cli.groups import CommandFailed
from crawler.recipe.diagnostics import one_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

#: What rows can be written as, anywhere.
TEXT_FORMATS: Final = ("csv", "tsv", "jsonl")

#: And where a recipe gives them types.
TYPED_FORMATS: Final = (*TEXT_FORMATS, "parquet")


def output_format(output: str | PurePath, formats: Sequence[str] = TEXT_FORMATS) -> str:
    """One of `formats`, by the file's ending.

    Raises:
        CommandFailed: the ending says none of them.
    """
    path = PurePath(output)
    packed = is_compressed(path)
    fmt = (path.with_suffix("") if packed else path).suffix.lower().removeprefix(".")
    if fmt not in formats or (packed and fmt == "parquet"):
        endings = one_of([f".{name}" for name in formats])
        raise CommandFailed(f"--output {output}: the ending must be {endings}, it says the format")
    return fmt


def is_compressed(output: str | PurePath) -> bool:
    """Whether the file is to be compressed with gzip, by its ending."""
    return PurePath(output).suffix.lower() == ".gz"


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
