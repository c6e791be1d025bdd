"""A page about a recipe's contracts, in Markdown: what readers of its files need, made of the recipe and its registry.

Per item the fields with types, rules and an example, the files with columns and header, and what each version has
changed. Pure: the same page for the same recipe and registry.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from crawler.recipe.contract_changes import Promise, broken_promises

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from crawler.recipe.contract_registry import Registered
    from crawler.recipe.model import Recipe

_LONGEST: Final = 60

#: What rules of JSON Schema are called in recipes.
_RULES: Final = {
    "minimum": "from",
    "maximum": "to",
    "minLength": "characters from",
    "maxLength": "characters to",
    "minItems": "members from",
    "maxItems": "members to",
    "x-pattern": "matches",
}


def contract_page(recipe: Recipe, now: Sequence[Registered], registered: Sequence[Registered]) -> str:
    """The page.

    Args:
        recipe: whose contracts they are.
        now: as it has them.
        registered: all versions that there were.
    """
    lines = [f"# {recipe.name}", ""]
    lines += [recipe.description, ""] if recipe.description else []
    lines += [f"What files of the recipe `{recipe.name}` hold. Written by `crawlery recipe docs`.", ""]
    for each in now:
        lines += _item(recipe, each, [one for one in registered if one.item == each.item])
    gone = sorted({one.item for one in registered} - {each.item for each in now})
    if gone:
        lines += ["## Gone", "", f"Items that there were: {', '.join(f'`{item}`' for item in gone)}.", ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def _item(recipe: Recipe, contract: Registered, versions: Sequence[Registered]) -> Iterator[str]:
    schema, examples = contract.schema, _examples(recipe, contract.item)
    yield from (f"## {contract.item}, version {contract.version}", "")
    if "description" in schema:
        yield from (schema["description"], "")
    key = schema["x-key"]
    yield from (f"A row is known by {_named(key)}." if key else "Rows have no key.", "")
    yield from ("| field | type | required | rules | example |", "|---|---|---|---|---|")
    for name, field in schema["properties"].items():
        yield from _fields(name, field, examples.get(name))
    yield ""
    checks = schema.get("x-checks", ())
    if checks:
        yield from ("Every row fulfils:", "", *(f"* `{check}`" for check in checks), "")
    yield from _files(contract)
    yield from _history(versions)


def _fields(name: str, schema: Mapping[str, Any], example: Any) -> Iterator[str]:
    """A line for a field, and one for each that is inside of it."""
    is_required = not isinstance(schema["type"], list)
    shown = "" if example is None else f"`{_cell(_short(example))}`"
    rules = ", ".join(_rules(schema))
    about = f"{schema['description']}; {rules}".removesuffix("; ") if "description" in schema else rules
    yield f"| `{name}` | {_type(schema)} | {'yes' if is_required else ''} | {_cell(about)} | {shown} |"
    for inner, below in (schema.get("properties") or {}).items():
        yield from _fields(f"{name}.{inner}", below, None)
    for inner, below in ((schema.get("items") or {}).get("properties") or {}).items():
        yield from _fields(f"{name}[].{inner}", below, None)


def _type(schema: Mapping[str, Any]) -> str:
    written = schema["type"]
    kind = "decimal" if schema.get("x-decimal") else written[0] if isinstance(written, list) else written
    if kind == "array" and "items" in schema:
        return f"list of {_type(schema['items'])}"
    return f"{kind}, {schema['format']}" if "format" in schema else str(kind)


def _rules(schema: Mapping[str, Any]) -> Iterator[str]:
    for rule, words in _RULES.items():
        if rule in schema:
            value = schema[rule]
            yield f"{words} `{value}`" if rule == "x-pattern" else f"{words} {value}"
    if "enum" in schema:
        yield "one of " + ", ".join(f"`{value}`" for value in schema["enum"] if value is not None)
    if schema.get("x-unique"):
        yield "unique"


def _files(contract: Registered) -> Iterator[str]:
    if not contract.files:
        yield from ("No file holds its rows.", "")
        return
    for name, facts in contract.files.items():
        extra = [f"profile `{facts['profile']}`"] if "profile" in facts else []
        extra += [f"`{column}` joined by `{sign}`" for column, sign in facts["join"].items()]
        extra += ["raw: cells are not guarded against formulas"] if facts["raw"] else []
        yield f"`{name}`" + (f" ({'; '.join(extra)})" if extra else "") + (":" if "header" in facts else "")
        yield ""
        if "header" in facts:
            yield from ("```text", facts["header"].replace("\t", "<TAB>"), "```", "")


def _history(versions: Sequence[Registered]) -> Iterator[str]:
    """What each version has changed, the newest first."""
    if not versions:
        return
    yield from ("| version | since recipe | what has changed |", "|---|---|---|")
    before: list[Registered | None] = [None, *versions[:-1]]
    for old, new in reversed(list(zip(before, versions, strict=True))):
        yield f"| {new.version} | {new.recipe_version} | {_cell(_changes(old, new))} |"
    yield ""


def _changes(old: Registered | None, new: Registered) -> str:
    if old is None:
        return "the first that is registered"
    told = {**new.schema, "x-version": old.version}  # so that changes are told, not allowed
    was = Promise(version="", items={old.item: old.schema}, files=_promised(old))
    broken = broken_promises(was, Promise(version="", items={new.item: told}, files=_promised(new)))
    said = [line.partition(" in version ")[0].removeprefix(f"items.{new.item}.") for line in broken]
    fields = new.schema["properties"]
    said += [f"fields.{name}: is new" for name in fields if name not in old.schema["properties"]]
    return "; ".join(said) or "nothing that readers rely on"


def _promised(one: Registered) -> dict[str, dict[str, Any]]:
    return {
        name: {key: value for key, value in facts.items() if key not in ("columns", "header")}
        for name, facts in one.files.items()
    }


def _examples(recipe: Recipe, item: str) -> dict[str, Any]:
    """Values that the recipe's own tests expect, the first of each field."""
    found: dict[str, Any] = {}
    for test in recipe.tests:
        page = recipe.pages.get(test.page)
        if page is None or page.item != item:
            continue
        for name, value in test.expect.items():
            spec = recipe.items[item].fields.get(name)
            if spec is not None and value is not None and not (spec.type == "array" and _is_count(value)):
                found.setdefault(name, value)
    return found


def _is_count(value: Any) -> bool:
    """Whether it says something of a list rather than being one: `{count: 6, first: ...}`."""
    return isinstance(value, dict) and "count" in value


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 3]}..."


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _named(names: Sequence[str]) -> str:
    return " and ".join(f"`{name}`" for name in names)
