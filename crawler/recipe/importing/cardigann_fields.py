"""Fields of Cardigann definitions: a selector in the row, a text, cases, filters.

A field that is written several times has several ways; the last one that finds something counts there, so the last one
stands first here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from crawler.recipe.importing.cardigann_filters import filter_steps
from crawler.recipe.importing.cardigann_templates import read_template
from crawler.recipe.importing.foreign_css import css_problem, selector_parts, with_attribute
from crawler.recipe.importing.foreign_nodes import Part, field_name, text_of
from crawler.recipe.queries import compile_jmespath
from crawler.recipe.query_error import QueryError
from crawler.recipe.yaml_nodes import MapNode, Scalar

if TYPE_CHECKING:
    from crawler.recipe.yaml_nodes import Entry

_ADDRESSES: Final = frozenset({"details", "download", "comments", "magnet", "banner", "poster", "infohash_url"})
_NUMBERS: Final = frozenset({"seeders", "leechers", "grabs", "files"})
_ROOT: Final = ":root"
HERE: Final = "page"


@dataclass(kw_only=True, slots=True)
class Fields:
    """The fields of a definition: `rules` and `contract`, and the settings and source that they need."""

    json: bool
    rules: dict[str, Any] = field(default_factory=dict)
    contract: dict[str, dict[str, Any]] = field(default_factory=dict)
    inputs: set[str] = field(default_factory=set)
    reads_page: bool = False

    def read(self, part: Part) -> None:
        """All fields of a map `fields`."""
        ways: dict[str, list[Any]] = {}
        whole: dict[str, bool] = {}
        for entry in part.node.entries:
            written, _, modifier = entry.key.partition("|")
            name = field_name(written, set())
            path = (*part.path, entry.key)
            if modifier == "append":
                message = "a field that is added to another one has no equal here"
                part.found.add("decide", entry.mark, path, message, "put both together in a `template` rule")
                continue
            if not isinstance(entry.node, MapNode):
                continue
            own = Part(node=entry.node, path=path, found=part.found, draft=part.draft)
            rules, exact = self._ways(own, entry, name)
            ways.setdefault(name, [])[:0] = rules
            whole[name] = whole.get(name, True) and exact and not own.flag("optional") and "default" not in own.node
            part.draft.origins["pages", "search", "fields", name] = entry.mark
            part.draft.origins["items", "release", "fields", name] = entry.mark
        for name, rules in ways.items():
            if rules:
                spec = _constants(rules) or _spec(name)
                self.rules[name] = rules[0] if len(rules) == 1 else rules
                self.contract[name] = spec | ({"required": True} if whole[name] and name == "title" else {})

    def _ways(self, part: Part, entry: Entry, name: str) -> tuple[list[Any], bool]:
        """The rules of one field, and whether they say all that it said."""
        filtered = filter_steps(part)
        rules: list[Any]
        if part.text("text") is not None:
            rules, exact = self._text(part)
        elif isinstance(part.node.get("case"), MapNode):
            rules, exact = self._cases(part)
        else:
            rules, exact = self._selected(part, entry)
        steps = [*filtered.steps, *(["integer"] if name in _NUMBERS and part.text("text") is None else [])]
        made = [_with(rule, steps, language="jmespath" if self.json else "css") for rule in rules]
        default = part.text("default")
        if default is not None and made:
            text = self._template(part, "default")
            if text:
                made.append(text if "{{" in text else {"const": text})
        return made, exact and filtered.whole

    # --- where the value comes from ---

    def _selected(self, part: Part, entry: Entry) -> tuple[list[Any], bool]:
        written = part.entry("selector")
        selector = (part.text("selector") or "").strip()
        if self.json:
            return self._path(part, selector, entry)
        rule = self.css(part, selector)
        if rule is None:
            return [], False
        if written is None and part.text("attribute") is None:
            rule = {"css": ":scope"}
        remove = part.text("remove")
        if remove:
            if all(css_problem(one, row=True) is None for one in selector_parts(remove)):
                rule["remove"] = selector_parts(remove) if "," in remove else remove
            else:
                message = f"`{remove}` is no selector here"
                part.found.add("decide", part.node.mark, (*part.path, "remove"), message, "write it in another way")
        return [rule["css"] if rule.keys() == {"css"} else rule], True

    def css(self, part: Part, selector: str, *, attribute: bool = True) -> dict[str, Any] | None:
        """The rule of a selector in the row, None if it cannot be had."""
        text = self._plain(part, "selector", selector)
        if text is None:
            return None
        source: dict[str, Any] = {}
        if text.startswith(_ROOT):
            text, source = text.removeprefix(_ROOT).strip(" >") or "body", {"from": HERE}
        text = text or ":scope"
        problem = css_problem(text, row=not source)
        if problem is not None:
            entry = part.entry("selector")
            mark = entry.mark if entry is not None else part.node.mark
            message = f"the selector is none here: {problem[0]}"
            part.found.add("decide", mark, (*part.path, "selector"), message, problem[1])
            return None
        name = part.text("attribute") if attribute else None
        self.reads_page = self.reads_page or bool(source)
        return {**source, "css": with_attribute(text, name) if name else text}

    def _path(self, part: Part, selector: str, entry: Entry) -> tuple[list[Any], bool]:
        """A path in a row of JSON."""
        path = json_path(selector)
        try:
            compile_jmespath(path)
        except QueryError as error:
            at = part.entry("selector")
            message = f"the path is none here: {error.args[0]}"
            part.found.add("decide", at.mark if at else entry.mark, (*part.path, "selector"), message, error.hint)
            return [], False
        if selector.startswith(".."):
            message = "what is around a row cannot be read inside it"
            part.found.add("decide", entry.mark, (*part.path, "selector"), message, "read it before, with `carry`")
            return [], False
        return [path], True

    def _text(self, part: Part) -> tuple[list[Any], bool]:
        node = part.node.get("text")
        raw = part.text("text") or ""
        if "{{" not in raw:
            value = node.value if isinstance(node, Scalar) else raw
            return ([{"const": value}] if raw else []), True
        found = read_template(raw)
        self.inputs |= found.inputs
        for doubt in found.doubts:
            part.found.add("decide", part.node.mark, (*part.path, "text"), f"{doubt}", "look at what comes out")
        return [one if "{{" in one else {"const": one} for one in found.alternatives if one], not found.doubts

    def _cases(self, part: Part) -> tuple[list[Any], bool]:
        """`case`: the first selector that is there gives its value; `*` is for all others."""
        cases = part.below("case")
        assert cases is not None
        if self.json:
            return self._json_cases(part, cases)
        base = (part.text("selector") or "").strip()
        rules: list[Any] = []
        exact = True
        for entry in cases.node.entries:
            value = entry.node.value if isinstance(entry.node, Scalar) else None
            text = text_of(entry.node)
            if value is None or text is None:
                continue
            shown: Any = {"const": value}
            if "{{" in text:
                shown = self._template(cases, entry.key)
                shown = {"const": shown} if shown and "{{" not in shown else shown
            if not shown:
                exact = False
            elif entry.key == "*":
                rules.append(shown)
            else:
                asked = self._asked(part, cases, entry, base)
                exact = exact and asked is not None
                if asked is not None:
                    rules.append({**(shown if isinstance(shown, dict) else {"template": shown}), "when": asked})
        return rules, exact

    def _asked(self, part: Part, cases: Part, entry: Entry, base: str) -> dict[str, Any] | None:
        """The condition that a selector of `case` is there; its HTML, because an element may have no text."""
        selector = entry.key.strip()
        text = ", ".join(f"{base} {one}, {base}:is({one})" for one in selector_parts(selector)) if base else selector
        source: dict[str, Any] = {}
        if selector.startswith(_ROOT):
            text, source = selector.removeprefix(_ROOT).strip(" >") or "body", {"from": HERE}
        problem = css_problem(text, row=True)
        if problem is not None or "{{" in text:
            message = f"the selector is none here: {problem[0] if problem else 'it has a template'}"
            hint = problem[1] if problem else None
            part.found.add("decide", entry.mark, (*cases.path, entry.key), message, hint)
            return None
        self.reads_page = self.reads_page or bool(source)
        return {**source, "css": text, "as": "html"}

    def _json_cases(self, part: Part, cases: Part) -> tuple[list[Any], bool]:
        values: dict[str, Any] = {}
        otherwise: dict[str, Any] = {}
        for entry in cases.node.entries:
            value = entry.node.value if isinstance(entry.node, Scalar) else None
            if entry.key == "*":
                otherwise = {"else": value}
            elif entry.key:
                key = entry.key.lower() if entry.key in ("True", "False") else entry.key
                values[key] = value
        path = json_path((part.text("selector") or "").strip())
        if not values:
            return [], False
        return [{"jmespath": path, "process": [{"map": {"values": values, **otherwise}}]}], True

    def _plain(self, part: Part, key: str, text: str) -> str | None:
        """A selector without its templates; None, with a word about it, if that leaves nothing to go by."""
        if "{{" not in text:
            return text
        found = read_template(text)
        entry = part.entry(key)
        mark = entry.mark if entry is not None else part.node.mark
        chosen = found.alternatives[0] if found.alternatives else ""
        if "{{" in chosen:
            message = "a selector here has no template in it"
            part.found.add("decide", mark, (*part.path, key), message, "write one rule for each value")
            return None
        part.found.add("decide", mark, (*part.path, key), "; ".join(found.doubts) or "a condition", "look at the rows")
        return chosen

    def _template(self, part: Part, key: str) -> str | None:
        found = read_template(part.text(key) or "")
        self.inputs |= found.inputs
        for doubt in found.doubts:
            part.found.add("decide", part.node.mark, (*part.path, key), doubt, "look at what comes out")
        return found.alternatives[0] if found.alternatives else None


def _with(rule: Any, steps: list[Any], *, language: str) -> Any:
    """A rule with steps behind it."""
    if not steps or (isinstance(rule, dict) and "const" in rule):
        return rule
    if isinstance(rule, dict):
        return {**rule, "process": [*rule.get("process", []), *steps]}
    return {"template" if "{{" in rule else language: rule, "process": list(steps)}


def _constants(rules: list[Any]) -> dict[str, Any] | None:
    """The contract of a field that has nothing but numbers written in it; other numbers become texts beside texts."""
    written = [rule for rule in rules if isinstance(rule, dict) and "const" in rule]
    numbers = [rule["const"] for rule in written if type(rule["const"]) in (int, Decimal)]
    if len(numbers) == len(rules):
        return {"type": "integer" if all(isinstance(number, int) for number in numbers) else "decimal"}
    for rule in written:
        rule["const"] = str(rule["const"]).lower() if isinstance(rule["const"], bool) else str(rule["const"])
    return None


def _spec(name: str) -> dict[str, Any]:
    if name in _ADDRESSES:
        return {"type": "string", "format": "uri"} if name != "magnet" else {"type": "string"}
    return {"type": "integer"} if name in _NUMBERS else {"type": "string"}


def json_path(selector: str) -> str:
    """A path of a definition as JMESPath: `$.data.rows` is `data.rows`, names with other signs are quoted."""
    text = selector.removeprefix("$").lstrip(".") or "@"
    if text == "@" or any(sign in text for sign in "[]()*?:"):
        return text
    parts = [part if part.isidentifier() and part.isascii() else '"' + part.replace('"', "") + '"'
             for part in text.split(".")]  # fmt: skip
    return ".".join(parts)
