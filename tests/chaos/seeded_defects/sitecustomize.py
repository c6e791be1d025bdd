"""Breaks the product in one way in every process that has this folder on its PYTHONPATH: for tests of the checker.

CRAWLERY_TEST_DEFECT names a defect of `catalogue`; without it nothing happens. Each file that is loaded with an edit is
noted as an empty file in the folder CRAWLERY_TEST_DEFECT_NOTES, so that a test knows that the defect was really there.
A process in which a place to edit cannot be found ends before it has begun.
"""

from __future__ import annotations

import importlib.abc
import importlib.util
import os
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Any, Final

from catalogue import DEFECTS, Defect, Edit

_ROOT: Final = Path(__file__).resolve().parents[3]

#: What a process ends with that cannot be broken as it should be.
_UNBROKEN: Final = 70

_read_text = Path.read_text


def _edits_of(path: object, edits: tuple[Edit, ...]) -> list[Edit]:
    return [edit for edit in edits if Path(str(path)).resolve() == _ROOT / edit.file]


def _edited(text: str, edits: list[Edit]) -> str:
    for edit in edits:
        if text.count(edit.old) != 1:
            _give_up(f"{edit.file}: {edit.old!r} occurs {text.count(edit.old)} times, not once")
        text = text.replace(edit.old, edit.new)
        notes = os.environ.get("CRAWLERY_TEST_DEFECT_NOTES")
        if notes:
            (Path(notes) / f"broken-{Path(edit.file).name}").touch()
    return text


def _give_up(why: str) -> None:
    """Python swallows what goes wrong in this module, so the process ends here."""
    sys.stderr.write(f"the defect cannot be made: {why}\n")
    sys.stderr.flush()
    os._exit(_UNBROKEN)


class _BrokenSource(SourceFileLoader):
    """Loads a module from its text with edits; never from what was compiled of it before."""

    def __init__(self, fullname: str, path: str, edits: list[Edit]) -> None:
        super().__init__(fullname, path)
        self._edits = edits

    def get_code(self, fullname: str) -> Any:
        path = self.get_filename(fullname)
        text = _edited(_read_text(Path(path), encoding="utf-8"), self._edits)
        return compile(text, path, "exec", dont_inherit=True)


class _BrokenModules(importlib.abc.MetaPathFinder):
    """Finds the modules whose text has edits."""

    def __init__(self, edits: tuple[Edit, ...]) -> None:
        self._by_name = {
            edit.file.removesuffix(".py").replace("/", "."): _edits_of(_ROOT / edit.file, edits)
            for edit in edits
            if edit.file.endswith(".py")
        }

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> Any:
        _ = path, target
        edits = self._by_name.get(fullname)
        if not edits:
            return None
        file = str(_ROOT / edits[0].file)
        return importlib.util.spec_from_file_location(fullname, file, loader=_BrokenSource(fullname, file, edits))


def _break(defect: Defect) -> None:
    edits = defect.edits
    for edit in edits:
        count = _read_text(_ROOT / edit.file, encoding="utf-8").count(edit.old)
        if count != 1:
            _give_up(f"{edit.file}: {edit.old!r} occurs {count} times, not once")
    sys.meta_path.insert(0, _BrokenModules(edits))

    def read_text(path: Path, *words: Any, **options: Any) -> str:
        text = _read_text(path, *words, **options)
        return _edited(text, _edits_of(path, edits)) if path.suffix == ".lua" else text

    Path.read_text = read_text


_NAME: Final = os.environ.get("CRAWLERY_TEST_DEFECT")
if _NAME:
    if _NAME not in DEFECTS:
        _give_up(f"there is no {_NAME!r}; one of {', '.join(DEFECTS)}")
    _break(DEFECTS[_NAME])
