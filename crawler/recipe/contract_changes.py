"""What a new version of a recipe breaks for those who read its files, unless the item's version says so.

A `Promise` is what readers have been told: JSON Schema of the rows of each item, as `contract.item_json_schema` has it,
and the files that they come in. The rule: what could be relied on still holds - every row that is accepted now would
have been accepted before, in the same columns of the same files. New columns come at the end. Pure; pages and rows are
not known here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from msgspec.structs import replace

from crawler.recipe.model import DEFAULT_FORMATS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from crawler.recipe.model import Export, Recipe

#: Rules that hold values back, and whether a larger number is the stricter one.
_BOUNDS: Final = {
    "minimum": True,
    "minLength": True,
    "minItems": True,
    "maximum": False,
    "maxLength": False,
    "maxItems": False,
}

#: Formats that give a column another type where there are types.
_TYPED_FORMATS: Final = ("date", "date-time")

#: The profile of a file that names none.
_PLAIN: Final = "plain@1"


@dataclass(frozen=True, kw_only=True, slots=True)
class Promise:
    """What readers of a recipe's files have been told.

    Attributes:
        version: of the recipe.
        items: JSON Schema of rows, by item.
        files: `item`, `join` (by column) and `raw` of each file that a run writes, by its name; and its `profile`, if
            it has another one than `plain@1`.
    """

    version: str
    items: Mapping[str, Mapping[str, Any]]
    files: Mapping[str, Mapping[str, Any]]


def files_of(recipe: Recipe) -> dict[str, dict[str, Any]]:
    """The files that a run writes, as a `Promise` has them."""
    if recipe.exports:
        return dict(file for one in recipe.exports for file in _files_of(one))
    return {
        f"{item}.{format_}": {"item": item, "join": {}, "raw": False}
        for item in recipe.items
        for format_ in DEFAULT_FORMATS
    }


def _files_of(export: Export) -> Iterator[tuple[str, dict[str, Any]]]:
    """The file of an export, and the one beside it that says what has changed."""
    facts = {"item": export.item, "join": dict(export.join), "raw": export.raw}
    facts |= {"profile": export.profile} if export.profile != _PLAIN else {}
    if export.changes != "column":
        yield export.file, facts
    if export.changes:
        name = export.name if export.changes == "column" else f"{export.name}-changes"
        yield replace(export, name=name).file, {**facts, "changes": True}


def broken_promises(old: Promise, new: Promise) -> list[str]:
    """What breaks for readers, in sentences: where, what, and what to do. Empty if nothing does.

    An item whose version is higher may be whatever it is; one that is gone needs a higher first number of the recipe's
    own version, for it has no version any more that could say so.
    """
    found: list[str] = []
    for item, before in old.items.items():
        now = new.items.get(item)
        if now is None:
            found += _gone(item, old, new)
        elif now["x-version"] < before["x-version"]:
            found.append(
                f"items.{item}.version: is {now['x-version']}, and was {before['x-version']} in version {old.version};"
                f" it never falls: write {before['x-version']}, or {before['x-version'] + 1} if the rows are others"
            )
        elif now["x-version"] == before["x-version"]:
            cure = f"or write `version: {before['x-version'] + 1}` in items.{item}"
            changes = [*_of_rows(item, before, now), *_of_files(item, old, new)]
            found += [f"{where}: {what} in version {old.version}; {keep}, {cure}" for where, what, keep in changes]
    return found


#: Where something has changed, what it is now and what it was, and how it is kept.
_Change: TypeAlias = tuple[str, str, str]


def _gone(item: str, old: Promise, new: Promise) -> Iterator[str]:
    first = int(old.version.partition(".")[0])
    if int(new.version.partition(".")[0]) <= first:
        yield (
            f"items.{item}: is gone, and was there in version {old.version}; keep it, or raise the first number of the"
            f" recipe's own version: {first + 1}.0.0"
        )


def _of_rows(item: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[_Change]:
    where, before, now = f"items.{item}", old["properties"], new["properties"]
    for name, schema in before.items():
        if name in now:
            yield from _of_field(f"{where}.fields.{name}", schema, now[name])
        else:
            yield f"{where}.fields.{name}", "is gone, and was there", "keep it"
    if all(name in now for name in before):
        yield from _of_order(where, list(before), list(now))
    if old["x-key"] and set(old["x-key"]) != set(new["x-key"]):
        yield f"{where}.key", f"is {_listed(new['x-key'])}, and was {_listed(old['x-key'])}", "keep it"
    for check in old.get("x-checks", ()):
        if check not in new.get("x-checks", ()):
            yield f"{where}.checks", f"`{check}` is gone, and held for every row", "keep it"


def _of_order(where: str, before: Sequence[str], now: Sequence[str]) -> Iterator[_Change]:
    new = [name for name in now[: len(before)] if name not in before]
    if new:
        what = f"stands before `{next(each for each in reversed(now) if each in before)}`, and was not there"
        yield f"{where}.fields.{new[0]}", what, "put new fields behind all others"
    elif list(now[: len(before)]) != list(before):
        name, was = next((one, other) for one, other in zip(now, before, strict=False) if one != other)
        yield f"{where}.fields.{name}", f"stands where `{was}` was", "keep the order of fields"


def _of_files(item: str, old: Promise, new: Promise) -> Iterator[_Change]:
    for name, before in old.files.items():
        now, where = new.files.get(name), f"exports, {name}"
        if before["item"] != item:
            continue
        if now is None:
            yield where, "is written no more, and was", "keep it"
            continue
        if now["item"] != item:
            yield where, f"holds rows of {now['item']}, and held those of {item}", "keep them"
        for column in sorted({*before["join"], *now["join"]}):
            joined, was = now["join"].get(column), before["join"].get(column)
            if joined != was:
                yield f"{where}, column {column}", f"is joined by {_sign(joined)}, and was by {_sign(was)}", "keep it"
        profile, was = now.get("profile", _PLAIN), before.get("profile", _PLAIN)
        if profile != was:
            yield where, f"has the profile {profile}, and had {was}", "keep the profile"
        if now.get("changes") != before.get("changes"):
            has, had = ("a", "none") if now.get("changes") else ("no", "one")
            yield where, f"has {has} column `change`, and had {had}", "keep `changes`, or write a file of another name"
        if now["raw"] != before["raw"]:
            yield where, f"is {'raw' if now['raw'] else 'guarded'}, and was not", "keep it"


def _of_field(where: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[_Change]:
    """What a field, a member or a key does not promise any more."""
    if _type(old) != _type(new):
        yield where, f"is of type {_type(new)}, and was of type {_type(old)}", "keep the type"
        return
    if _may_be_null(new) and not _may_be_null(old):
        yield where, "may be missing, and was required", "keep it required"
    before, now = old.get("format"), new.get("format")
    if before != now and (before or now in _TYPED_FORMATS):
        yield where, f"has {_named('format', now)}, and had {_named('format', before)}", "keep the format"
    if "enum" in old:
        values = [value for value in new.get("enum", ()) if value is not None and value not in old["enum"]]
        if "enum" not in new or values:
            may = f"may be {values[0]!r}" if values else "may be anything"
            yield where, f"{may}, and had to be one of {_listed(old['enum'])}", "keep the values"
    for rule, larger_is_stricter in _BOUNDS.items():
        before, now = old.get(rule), new.get(rule)
        if before is not None and (now is None or (now < before if larger_is_stricter else now > before)):
            yield where, f"has {_named(rule, now)}, and had {_named(rule, before)}", "keep the bound"
    if "x-pattern" in old and new.get("x-pattern") != old["x-pattern"]:
        yield where, f"has {_named('pattern', new.get('x-pattern'))}, and had {old['x-pattern']}", "keep the pattern"
    if old.get("x-unique") and not new.get("x-unique"):
        yield where, "need not be unique, and was", "keep it unique"
    yield from _of_members(where, old, new)


def _of_members(where: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[_Change]:
    before, now = old.get("items"), new.get("items")
    if before is not None and now is not None:
        yield from _of_field(f"{where}[]", before, now)
    elif before is not now:
        what = (
            "has members of any type, and they had one" if now is None else "has members of one type, and they had any"
        )
        yield f"{where}[]", what, "keep their type"
    before, now = old.get("properties"), new.get("properties")
    for name, schema in (before or {}).items():
        if now is None or name not in now:
            yield f"{where}.{name}", "is gone, and was there", "keep it"
        else:
            yield from _of_field(f"{where}.{name}", schema, now[name])


def _type(schema: Mapping[str, Any]) -> str:
    written = schema["type"]
    return "decimal" if schema.get("x-decimal") else str(written[0] if isinstance(written, list) else written)


def _may_be_null(schema: Mapping[str, Any]) -> bool:
    return isinstance(schema["type"], list)


def _named(what: str, value: Any) -> str:
    return f"no {what}" if value is None else f"{what} {value}"


def _listed(values: Sequence[Any]) -> str:
    shown = [str(value) for value in values if value is not None]
    return (", ".join(shown[:8]) + (", ..." if len(shown) > 8 else "")) or "nothing"


def _sign(text: str | None) -> str:
    return "nothing" if text is None else repr(text)
