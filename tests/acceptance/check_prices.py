"""`make check-prices`: the step `price` on the strings that price-parser's own tests have labelled by hand.

Downloads price-parser's source distribution (its tests are not in the wheel) into a temporary folder and reads the
labels from there; none of them is kept here. A string has one amount if it has one run of digits and separators apart
from percentages. Of those, the step must be right on 98.5 % and guess on none with several.
"""
# ruff: noqa: T201 - it is a command

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crawler.recipe.steps import StepFailed, build_step

if TYPE_CHECKING:
    from collections.abc import Iterable
    from decimal import Decimal

VERSION = "0.5.1"
WANTED_SHARE = 0.985
#: Lists of the labels that its parser, and not only an ideal one, is to read.
LISTS = (
    *("PRICE_PARSING_EXAMPLES_BUGS_CAUGHT", "PRICE_PARSING_EXAMPLES_NEW", "PRICE_PARSING_EXAMPLES"),
    *("PRICE_PARSING_EXAMPLES_2", "PRICE_PARSING_EXAMPLES_3"),
    *("PRICE_PARSING_EXAMPLES_NO_PRICE", "PRICE_PARSING_EXAMPLES_NO_CURRENCY"),
)
_PERCENTAGE = re.compile(r"[0-9.,]+\s*%")
_RUN = re.compile(r"[.,]?[0-9](?:[0-9.,' \u00a0\u2019€]*[0-9])?")


@dataclass
class Tally:
    """What the step made of the strings with one amount, and of those with several."""

    right: int = 0
    wrong: list[str] = field(default_factory=list)
    refused: int = 0
    guessed: list[str] = field(default_factory=list)
    without: int = 0
    invented: list[str] = field(default_factory=list)

    @property
    def share(self) -> float:
        """Of the strings with one amount, those that were read as they are labelled."""
        return self.right / (self.right + len(self.wrong))


def amounts_in(text: str) -> set[str]:
    """The different runs of digits and separators in a text."""
    return {re.sub(r"[ \u00a0]", "", run) for run in _RUN.findall(_PERCENTAGE.sub(" ", text))}


def read(text: str) -> Decimal | None:
    """What the step reads, with the one option that a word for nothing needs; None if it fails."""
    try:
        found: Decimal = build_step("price", {"free": 0}).apply(text, base_url="")
    except StepFailed:
        return None
    return found


def tally(labels: Iterable[tuple[str, Decimal | None]]) -> Tally:
    """The step on labelled strings."""
    found = Tally()
    for text, wanted in labels:
        got, several = read(text), len(amounts_in(text)) > 1
        shown = f"{text!r}: labelled {wanted}, read {got}"
        if several and got is None:
            found.refused += 1
        elif several and got != wanted:
            found.guessed.append(shown)
        elif wanted is None and got is None:
            found.without += 1
        elif wanted is None:
            found.invented.append(shown)
        elif got == wanted:
            found.right += 1
        else:
            found.wrong.append(shown)
    return found


def labels_of(folder: Path) -> list[tuple[str, Decimal | None]]:
    """The labelled strings of the unpacked source distribution."""
    path = next(folder.glob("price_parser-*/tests/test_price_parsing.py"))
    spec = importlib.util.spec_from_file_location("labels", path)
    assert spec is not None
    assert spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return [(one.price_raw or "", one.amount) for name in LISTS for one in getattr(module, name)]


def unpack(archive: Path, folder: Path) -> None:
    """Writes the files of an archive below a folder, and nothing anywhere else."""
    with tarfile.open(archive) as packed:
        for member in packed:
            path = (folder / member.name).resolve()
            if member.isfile() and path.is_relative_to(folder.resolve()):
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(packed.extractfile(member).read())  # type: ignore[union-attr] # it is a file


def main() -> int:
    """Downloads, reads, counts; exit status 1 below the bar."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", ":all:", "-d", name]
        subprocess.run([*command, f"price-parser=={VERSION}"], check=True)
        unpack(next(folder.glob("*.tar.gz")), folder)
        found = tally(labels_of(folder))
    print(f"one amount: {found.right} right, {len(found.wrong)} wrong ({found.share:.2%}; at least {WANTED_SHARE:.1%})")
    print(f"several amounts: {found.refused} refused, {len(found.guessed)} guessed")
    print(f"no amount: {found.without} refused, {len(found.invented)} read")
    for line in (*found.wrong, *found.guessed, *found.invented):
        print(f"  {line}")
    return 0 if found.share >= WANTED_SHARE and not found.guessed and not found.invented else 1


if __name__ == "__main__":
    sys.exit(main())
