"""The registry of a recipe's contracts: what readers of its files have been told, version by version, in its folder.

    recipes/NAME/contracts/ITEM@VERSION.json   fields, types and rules of a row; files, columns and header of each

A version that is registered may grow at its end and nothing else (`contract_changes`); anything else needs a higher
one. The files are written by `crawlery recipe contracts --update`, committed beside the recipe, and held against it in
CI. Knows files of a folder, and no pages or rows.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from crawler.errors import CrawleryError
from crawler.recipe.contract import item_json_schema
from crawler.recipe.contract_changes import Promise, broken_promises, files_of
from crawler.recipe.incremental import CHANGE_COLUMN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from crawler.recipe.model import Recipe

#: Of the folder, beside the saved pages.
FOLDER: Final = "contracts"

#: Raised whenever an older reader could misread what is written.
VERSION: Final = 1

_SEPARATORS: Final = {"csv": ",", "tsv": "\t"}


class RegistryDamaged(CrawleryError):
    """A file of the registry is none; says which."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Registered:
    """One version of an item, as its readers have been told.

    Attributes:
        item: its name.
        version: of the item.
        recipe: name of the recipe.
        recipe_version: with which it was registered last.
        schema: JSON Schema of a row.
        files: by name, the files that hold its rows: see `contract_changes.Promise`, and `columns` and `header` of
            those that have them whatever their rows are.
    """

    item: str
    version: int
    recipe: str
    recipe_version: str
    schema: Mapping[str, Any]
    files: Mapping[str, Mapping[str, Any]]

    @property
    def file_name(self) -> str:
        """Of it in the registry."""
        return f"{self.item}@{self.version}.json"

    def text(self) -> str:
        """The file: the same text for the same contract."""
        whole = {
            "v": VERSION,
            "recipe": self.recipe,
            "recipe_version": self.recipe_version,
            "item": self.item,
            "version": self.version,
            "files": self.files,
            "schema": self.schema,
        }
        return json.dumps(whole, ensure_ascii=False, indent=2) + "\n"


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """A recipe held against its registry.

    Attributes:
        broken: a line for each breaking change that has no higher version.
        stale: a line for each version that is not registered, or not as it is now.
        now: the versions that the recipe has.
    """

    broken: tuple[str, ...]
    stale: tuple[str, ...]
    now: tuple[Registered, ...]


def contracts_of(recipe: Recipe) -> tuple[Registered, ...]:
    """The versions of a recipe's items as they are now."""
    files = files_of(recipe)
    return tuple(
        Registered(
            item=item,
            version=contract.version,
            recipe=recipe.name,
            recipe_version=recipe.version,
            schema=item_json_schema(contract),
            files={
                name: dict(facts) | _columns(name, facts, tuple(contract.fields))
                for name, facts in files.items()
                if facts["item"] == item
            },
        )
        for item, contract in recipe.items.items()
    )


def _columns(name: str, facts: Mapping[str, Any], fields: Sequence[str]) -> dict[str, Any]:
    """Columns of a file in their order; a profile other than that of the contract finds its own among the rows."""
    if "profile" in facts:
        return {}
    fields = [CHANGE_COLUMN, *fields] if facts.get("changes") else fields
    separator = _SEPARATORS.get(name.removesuffix(".gz").rpartition(".")[2])
    header = {} if separator is None else {"header": separator.join(fields)}
    return {"columns": list(fields), **header}


def read_registry(folder: Path) -> list[Registered]:
    """What is registered below a recipe's folder, by item and version; nothing if there is no registry.

    Raises:
        RegistryDamaged: a file there is none.
    """
    found = []
    for path in sorted((folder / FOLDER).glob("*.json")):
        try:
            read = json.loads(path.read_text(encoding="utf-8"))
            if read["v"] != VERSION:
                raise RegistryDamaged(f"{path}: version {read['v']} of the format; this reader knows {VERSION}")
            one = Registered(
                item=read["item"],
                version=read["version"],
                recipe=read["recipe"],
                recipe_version=read["recipe_version"],
                schema=read["schema"],
                files=read["files"],
            )
            is_named = (one.file_name, type(one.version)) == (path.name, int)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise RegistryDamaged(f"{path}: no registered contract: {error}") from error
        if not is_named:
            raise RegistryDamaged(f"{path}: it says that it is {one.file_name}")
        found.append(one)
    return sorted(found, key=lambda each: (each.item, each.version))


def compare(recipe: Recipe, registered: Sequence[Registered]) -> Comparison:
    """A recipe held against the highest version of each item that is registered, which never falls."""
    now = contracts_of(recipe)
    by_place = {(each.item, each.version): each for each in registered}
    newest = {each.item: each for each in registered}  # the last one of each item is the highest
    broken: list[str] = []
    for old in newest.values():
        new = Promise(version=recipe.version, items={each.item: each.schema for each in now}, files=files_of(recipe))
        before = Promise(version=old.recipe_version, items={old.item: old.schema}, files=_promised(old))
        broken += broken_promises(before, new)
    stale = []
    for each in now:
        there = by_place.get((each.item, each.version))
        if there is None:
            stale.append(f"items.{each.item}: version {each.version} is not registered")
        elif (_plain(there.schema), there.files) != (_plain(each.schema), each.files):
            stale.append(f"items.{each.item}: version {each.version} is not as it is registered")
    return Comparison(broken=tuple(broken), stale=tuple(stale), now=now)


def update(folder: Path, found: Comparison) -> list[Path]:
    """Registers what a recipe has now; the files that have changed.

    Raises:
        OSError: one cannot be written.
    """
    written = []
    for each in found.now:
        path = folder / FOLDER / each.file_name
        if path.is_file() and _same_but_recipe(path, each):
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(each.text(), encoding="utf-8")
        written.append(path)
    return written


def _same_but_recipe(path: Path, new: Registered) -> bool:
    """Whether nothing but the version of the recipe differs: that alone is no reason to register anew."""
    there = json.loads(path.read_text(encoding="utf-8"))
    return bool((there["schema"], there["files"]) == (_plain(new.schema), _plain(new.files)))


def _promised(old: Registered) -> dict[str, dict[str, Any]]:
    """Its files as a `Promise` has them."""
    return {
        name: {key: value for key, value in facts.items() if key not in ("columns", "header")}
        for name, facts in old.files.items()
    }


def _plain(value: Any) -> Any:
    """As JSON gives it back."""
    return json.loads(json.dumps(value))
