"""Reads recipes of other systems: YAML with all that those systems allow, and JSON, as nodes that know their place.

The reader of Crawlery's own recipes refuses anchors, tags and numbers with leading zeros, which are fine elsewhere;
this one takes them. What it refuses are files too large or too deep to be a recipe, so that no file is costly.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final, Literal

import yaml
from yaml.reader import ReaderError

from crawler.recipe.yaml_nodes import Entry, ListNode, MapNode, Mark, Scalar, SourceFile, Style

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crawler.recipe.diagnostics import Position, Report
    from crawler.recipe.yaml_nodes import Node

#: The largest file; maps of sites with thousands of start addresses are long.
MAX_BYTES: Final = 1 << 20
MAX_DEPTH: Final = 40
#: Keys and values, those behind aliases counted each time.
MAX_NODES: Final = 20_000

_STYLES: Final[dict[str, Style]] = {"'": "single", '"': "double", "|": "literal", ">": "folded"}
_WORDS: Final[dict[str, bool | None]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_BLANK: Final = " \t\r\n"


class _Refused(Exception):
    def __init__(self, mark: Position, message: str) -> None:
        super().__init__(message)
        self.mark, self.message = mark, message


def read_foreign(content: bytes, *, file: str, report: Report) -> Node | None:
    """The tree of a YAML or JSON file; None if it cannot be read, with what is wrong in `report`.

    JSON is told by its first character, `{` or `[`; what then is no JSON is read as YAML.
    """
    top = Mark(SourceFile(file, ""), 1, 1)
    if len(content) > MAX_BYTES:
        report.add(top, (), f"the file has {len(content):,} bytes; at most {MAX_BYTES:,} are read")
        return None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        report.add(top, (), "the file is not UTF-8", "save it as UTF-8")
        return None
    source = SourceFile(file, text)
    try:
        if text.lstrip(_BLANK)[:1] in ("{", "["):
            try:
                return _Json(source).read()
            except json.JSONDecodeError:
                return _Yaml(source).read()  # a YAML file may begin with a brace too
        return _Yaml(source).read()
    except _Refused as refused:
        report.add(refused.mark, (), refused.message)
    except ReaderError as error:
        report.add(top, (), f"the character U+{error.character:04X} is not allowed in YAML", "delete it")
    except yaml.MarkedYAMLError as error:
        at = error.problem_mark or error.context_mark
        mark = Mark(source, at.line + 1, at.column + 1) if at else top
        report.add(mark, (), f"this is no YAML: {error.problem or error.context}")
    return None


@dataclass(slots=True)
class _Open:
    """A map or list whose end has not been read; `size` counts what it holds."""

    kind: Literal["map", "list"]
    mark: Mark
    anchor: str | None
    nodes: list[Node] = field(default_factory=list)
    size: int = 1


class _Yaml:
    def __init__(self, source: SourceFile) -> None:
        self._source = source
        self._stack: list[_Open] = []
        self._anchors: dict[str, tuple[Node, int]] = {}
        self._count = 0

    def read(self) -> Node | None:
        """The root of the first document."""
        root: Node | None = None
        for event in yaml.parse(self._source.text, Loader=yaml.CSafeLoader):
            if isinstance(event, yaml.DocumentEndEvent):
                break
            done = self._done(event)
            if done is None:
                continue
            node, size = done
            if self._stack:
                self._stack[-1].nodes.append(node)
                self._stack[-1].size += size
            else:
                root = node
        return root

    def _mark(self, mark: Any) -> Mark:
        return Mark(self._source, mark.line + 1, mark.column + 1)

    def _done(self, event: Any) -> tuple[Node, int] | None:
        """The node that `event` completes, and how much is in it."""
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self._anchors:
                raise _Refused(self._mark(event.start_mark), f"`*{event.anchor}` is no anchor of this file")
            node, size = self._anchors[event.anchor]
            self._take(size, event)
            return node, size
        if isinstance(event, yaml.ScalarEvent):
            self._take(1, event)
            scalar = _scalar(event, self._mark(event.start_mark), self._mark(event.end_mark))
            return self._kept(scalar, 1, event.anchor)
        if isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            self._take(1, event)
            if len(self._stack) >= MAX_DEPTH:
                raise _Refused(self._mark(event.start_mark), f"nested deeper than {MAX_DEPTH} levels")
            kind: Literal["map", "list"] = "map" if isinstance(event, yaml.MappingStartEvent) else "list"
            self._stack.append(_Open(kind, self._mark(event.start_mark), event.anchor))
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            opened = self._stack.pop()
            node = self._closed(opened)
            return self._kept(node, opened.size, opened.anchor)
        return None

    def _take(self, size: int, event: Any) -> None:
        self._count += size
        if self._count > MAX_NODES:
            raise _Refused(self._mark(event.start_mark), f"more than {MAX_NODES:,} keys and values")

    def _kept(self, node: Node, size: int, anchor: str | None) -> tuple[Node, int]:
        if anchor is not None:
            self._anchors[anchor] = (node, size)
        return node, size

    def _closed(self, opened: _Open) -> Node:
        if opened.kind == "list":
            return ListNode(mark=opened.mark, items=tuple(opened.nodes))
        entries: list[Entry] = []
        merged: dict[str, Entry] = {}
        for key, value in zip(opened.nodes[::2], opened.nodes[1::2], strict=True):
            if not isinstance(key, Scalar):
                raise _Refused(key.mark, "a key is a text")
            if key.raw == "<<" and key.style == "plain":
                for parent in value.items if isinstance(value, ListNode) else (value,):
                    if isinstance(parent, MapNode):
                        merged = {**parent.by_key, **merged}
            else:
                entries.append(Entry(key=key.raw, at=key, node=value))
        own = {entry.key for entry in entries}
        inherited = (entry for entry in merged.values() if entry.key not in own)
        # A key that is there twice has two entries; the last one counts, as there.
        return MapNode(mark=opened.mark, entries=(*inherited, *entries))


def _scalar(event: Any, mark: Mark, end: Mark) -> Scalar:
    style = _STYLES.get(event.style or "", "plain")
    value: str | int | Decimal | bool | None = event.value
    if style == "plain" and event.tag is None:
        value = _WORDS[event.value] if event.value in _WORDS else _number(event.value)
    return Scalar(mark=mark, end=end, value=value, raw=event.value, style=style)


def _number(raw: str) -> str | int | Decimal:
    """A number that loses nothing when written again, else the text."""
    digits = raw[1:] if raw[:1] in ("-", "+") else raw
    plain = len(raw) <= 40 and digits.replace(".", "", 1).isdecimal() and digits.isascii()
    if not plain or (digits[:1] == "0" and digits[1:2].isdecimal()) or digits[-1:] == ".":
        return raw
    try:
        return int(raw) if "." not in digits else Decimal(raw)
    except (ValueError, InvalidOperation):
        return raw


class _Json:
    """JSON with places. A depth that `MAX_DEPTH` allows never exhausts the stack."""

    def __init__(self, source: SourceFile) -> None:
        self._source, self._text = source, source.text
        self._count = 0
        self._after = 0  # the end of the member that was read last
        self._line, self._line_start, self._counted = 1, 0, 0  # places are asked for from the front to the back

    def read(self) -> Node:
        """The root; JSONDecodeError if it is no JSON."""
        node, at = self._value(self._blanks(0), 0)
        at = self._blanks(at)
        if at < len(self._text):
            raise json.JSONDecodeError("extra data", self._text, at)
        return node

    def _mark(self, at: int) -> Mark:
        self._line += self._text.count("\n", self._counted, at)
        self._line_start = max(self._text.rfind("\n", self._counted, at) + 1, self._line_start)
        self._counted = max(at, self._counted)
        return Mark(self._source, self._line, at - self._line_start + 1)

    def _blanks(self, at: int) -> int:
        while self._text[at : at + 1] and self._text[at] in _BLANK:
            at += 1
        return at

    def _value(self, at: int, depth: int) -> tuple[Node, int]:
        mark = self._mark(at)
        self._count += 1
        if self._count > MAX_NODES:
            raise _Refused(mark, f"more than {MAX_NODES:,} keys and values")
        if depth >= MAX_DEPTH:
            raise _Refused(mark, f"nested deeper than {MAX_DEPTH} levels")
        first = self._text[at : at + 1]
        if first == "{":
            entries, at = self._members(at, "}", depth)
            return MapNode(mark=mark, entries=tuple(entries)), at
        if first == "[":
            items, at = self._items(at, depth)
            return ListNode(mark=mark, items=tuple(items)), at
        return self._scalar(at, mark)

    def _scalar(self, at: int, mark: Mark) -> tuple[Scalar, int]:
        if self._text[at : at + 1] == '"':
            text, end = json.decoder.scanstring(self._text, at + 1, False)  # type: ignore[attr-defined]
            return Scalar(mark=mark, end=self._mark(end), value=text, raw=text, style="double"), end
        end = at
        while self._text[end : end + 1] and self._text[end] not in " \t\r\n,]}":
            end += 1
        raw = self._text[at:end]
        value = _WORDS[raw] if raw in ("true", "false", "null") else _number(raw)
        if isinstance(value, str):
            raise json.JSONDecodeError("no value", self._text, at)
        return Scalar(mark=mark, end=self._mark(end), value=value, raw=raw, style="plain"), end

    def _members(self, at: int, closing: str, depth: int) -> tuple[list[Entry], int]:
        entries: list[Entry] = []
        for start in self._parts(at, closing):
            key, after = self._value(start, depth + 1)
            after = self._blanks(after)
            if not isinstance(key, Scalar) or key.style != "double" or self._text[after : after + 1] != ":":
                raise json.JSONDecodeError("no key", self._text, start)
            node, self._after = self._value(self._blanks(after + 1), depth + 1)
            entries.append(Entry(key=key.raw, at=key, node=node))
        return entries, self._after

    def _items(self, at: int, depth: int) -> tuple[list[Node], int]:
        items: list[Node] = []
        for start in self._parts(at, "]"):
            node, self._after = self._value(start, depth + 1)
            items.append(node)
        return items, self._after

    def _parts(self, at: int, closing: str) -> Iterator[int]:
        """Where each member of what opens at `at` begins; whoever reads a member sets `_after` to its end."""
        at = self._blanks(at + 1)
        if self._text[at : at + 1] == closing:
            self._after = at + 1
            return
        while True:
            yield at
            at = self._blanks(self._after)
            following = self._text[at : at + 1]
            if following not in (",", closing) or not following:
                raise json.JSONDecodeError("no comma", self._text, at)
            self._after = at + 1
            if following == closing:
                return
            at = self._blanks(at + 1)
