"""Reads the YAML of a recipe into nodes that know their line and column.

PyYAML's C parser gives the events; the tree, the scalars (YAML 1.2 core schema) and the refusals are made here, because
a recipe needs what a loader throws away: where each key stands, how it was quoted, and which feature was used. Tags,
anchors, aliases, merge keys, several documents and duplicate keys are refused. It knows nothing of what a recipe means.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

import yaml
from yaml.reader import ReaderError

from crawler.recipe import yaml_traps
from crawler.recipe.yaml_nodes import Entry, ListNode, MapNode, Mark, Scalar, SourceFile

if TYPE_CHECKING:
    from crawler.recipe.diagnostics import Path, Report
    from crawler.recipe.yaml_nodes import Node, Style

#: Size of a recipe; checked before anything is parsed.
MAX_BYTES = 256 * 1024
#: Depth of the tree, the root being 1.
MAX_DEPTH = 20
#: Keys and values together.
MAX_NODES = 10_000
#: Digits of a number; longer ones are names or serial numbers and belong in quotes.
_MAX_NUMBER = 40

_STYLES: dict[str, Style] = {"'": "single", '"': "double", "|": "literal", ">": "folded"}

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_DIGITS = frozenset("0123456789")
_NUMBER_STARTS = _DIGITS | set("+-.")


def read_yaml(content: str | bytes, *, file: str, report: Report) -> Node | None:
    """The tree of one document. Whatever is wrong goes to `report`; None if there is no usable tree."""
    source = _decode(content, file=file, report=report)
    if source is None:
        return None
    before = len(report.problems())
    reader = _Reader(source, report)
    root: Node | None = None
    try:
        root = reader.read()
    except _Refused as refused:
        report.add(refused.mark, (), refused.message, refused.hint)
    except ReaderError as error:
        mark = _mark_of_offset(source, error.position)
        report.add(mark, (), f"the character U+{error.character:04X} is not allowed in YAML", "delete it")
    except yaml.MarkedYAMLError as error:
        _report_syntax(source, error, reader.quote, report)
    if len(report.problems()) > before and isinstance(root, Scalar):
        return None
    return root


# --- bytes to text ---------------------------------------------------------------------------------------------------


def _decode(content: str | bytes, *, file: str, report: Report) -> SourceFile | None:
    top = Mark(SourceFile(file, ""), 1, 1)
    size = len(content) if isinstance(content, bytes) else len(content.encode("utf-8", "surrogatepass"))
    if size > MAX_BYTES:
        message = f"the file has {size:,} bytes; a recipe has at most {MAX_BYTES:,}"
        report.add(top, (), message, "move saved pages and long lists out of it")
        return None
    if isinstance(content, str):
        text = content
    else:
        if content.startswith((b"\xff\xfe", b"\xfe\xff")):
            report.add(top, (), "the file is UTF-16", "save it as UTF-8")
            return None
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError as error:
            good = SourceFile(file, content[: error.start].decode("utf-8"))
            mark = Mark(good, len(good.lines), len(good.lines[-1]) + 1)
            report.add(mark, (), f"byte 0x{content[error.start]:02X} is not UTF-8", "save the file as UTF-8")
            return None
    source = SourceFile(file, text.removeprefix("\ufeff"))
    refused = {letter for letter in set(source.text) - {"\n", "\r"} if _is_control(letter)}
    if not refused:
        return source
    offset = next(offset for offset, letter in enumerate(source.text) if letter in refused)
    code = ord(source.text[offset])
    mark = _mark_of_offset(source, offset)
    report.add(mark, (), f"the control character U+{code:04X} is not allowed", "delete it")
    return None


def _is_control(letter: str) -> bool:
    code = ord(letter)
    return (code < 0x20 and letter != "\t") or 0x7F <= code < 0xA0 or 0xD800 <= code < 0xE000 or code == 0xFEFF


def _mark_of_offset(source: SourceFile, offset: int) -> Mark:
    lines = SourceFile(source.name, source.text[:offset]).lines
    return Mark(source, len(lines), len(lines[-1]) + 1)


def _report_syntax(
    source: SourceFile, error: yaml.MarkedYAMLError, quote: tuple[int, int, int] | None, report: Report
) -> None:
    places = [Mark(source, at.line + 1, at.column + 1) for at in (error.problem_mark, error.context_mark) if at]
    place, *context = places or [Mark(source, 1, 1)]
    trap = yaml_traps.explain_syntax(
        source.lines,
        problem=error.problem or "",
        at=(place.line, place.column),
        context=(context[0].line, context[0].column) if context else None,
        quote=quote,
    )
    report.add(Mark(source, trap.line, trap.column), (), trap.message, trap.hint)


# --- events to nodes -------------------------------------------------------------------------------------------------


class _Refused(Exception):
    def __init__(self, mark: Mark, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.mark, self.message, self.hint = mark, message, hint


@dataclass(slots=True)
class _Open:
    """A map or list whose end has not been read."""

    kind: Literal["map", "list"]
    mark: Mark
    flow: bool
    nodes: list[Node] = field(default_factory=list)


class _Reader:
    def __init__(self, source: SourceFile, report: Report) -> None:
        self._source = source
        self._report = report
        self._count = 0
        self._stack: list[_Open] = []
        self.quote: tuple[int, int, int] | None = None  # the last quoted text over several lines: see yaml_traps

    def read(self) -> Node | None:
        """Root of the first document; `_Refused` on anything that makes going on pointless."""
        root: Node | None = None
        documents = 0
        for event in yaml.parse(self._source.text, Loader=yaml.CSafeLoader):
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise _Refused(self._mark(event.start_mark), "a recipe is one YAML document", "delete this `---`")
                if event.version or event.tags:
                    raise _Refused(self._mark(event.start_mark), "YAML directives are not allowed", "delete the line")
                continue
            node = self._node(event)
            if node is None:
                continue
            if self._stack:
                self._stack[-1].nodes.append(node)
            else:
                root = node
        return root

    def _mark(self, mark: Any) -> Mark:
        return Mark(self._source, mark.line + 1, mark.column + 1)

    def _node(self, event: Any) -> Node | None:
        """The node that `event` completes, if it completes one."""
        if isinstance(event, yaml.NodeEvent):
            self._count += 1
            self._refuse_decoration(event)
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event)
        if isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            mark = self._mark(event.start_mark)
            if len(self._stack) >= MAX_DEPTH:
                raise _Refused(mark, f"nested deeper than {MAX_DEPTH} levels", "a bracket may be missing or too many")
            kind: Literal["map", "list"] = "map" if isinstance(event, yaml.MappingStartEvent) else "list"
            flow = self._source.line(mark.line)[mark.column - 1 : mark.column] in {"{", "["}
            self._stack.append(_Open(kind, mark, flow))
            return None
        if isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            opened = self._stack.pop()
            end = self._mark(event.end_mark)
            if opened.kind == "list":
                return ListNode(mark=opened.mark, items=tuple(opened.nodes), flow=opened.flow, end=end)
            return self._map(opened, end)
        return None

    def _refuse_decoration(self, event: Any) -> None:
        alias = isinstance(event, yaml.AliasEvent)
        if self._count <= MAX_NODES and event.anchor is None and not alias and event.tag is None:
            return
        mark = self._mark(event.start_mark)
        if self._count > MAX_NODES:
            raise _Refused(mark, f"more than {MAX_NODES:,} keys and values", "move long lists into an input")
        if alias:
            raise _Refused(mark, f"`*{event.anchor}` is a YAML alias, which recipes do not have", self._quoted(mark))
        if event.anchor is not None:
            name = event.anchor
            raise _Refused(mark, f"`&{name}` is a YAML anchor, which recipes do not have", self._quoted(mark))
        if event.tag is not None:
            name = event.tag.replace("tag:yaml.org,2002:", "!!")
            raise _Refused(mark, f"`{name}` is a YAML tag, which recipes do not have", self._quoted(mark))

    def _quoted(self, mark: Mark) -> str:
        fixed = yaml_traps.corrected_line(self._source.line(mark.line), mark.column)
        return f"write: {fixed}" if fixed else "quote the text if it is meant literally, else write it out"

    def _scalar(self, event: Any) -> Scalar:
        style = _STYLES.get(event.style or "", "plain")
        mark = self._mark(event.start_mark)
        value: str | int | Decimal | bool | None = event.value
        if style in {"single", "double"} and event.end_mark.line > event.start_mark.line:
            self.quote = (mark.line, mark.column, event.end_mark.line + 1)
        if style == "plain":
            value = self._resolve(event.value, mark)
        return Scalar(mark=mark, end=self._mark(event.end_mark), value=value, raw=event.value, style=style)

    def _resolve(self, raw: str, mark: Mark) -> str | int | Decimal | bool | None:
        if raw in _NULLS:
            return None
        if raw in _BOOLEANS:
            return _BOOLEANS[raw]
        number = _number_kind(raw)
        if number is None:
            return raw
        problem = ""
        if number == "special":
            problem = "is a YAML number that has no value here"
        elif len(raw) > _MAX_NUMBER or number == "huge":
            problem = f"is a number of more than {_MAX_NUMBER} digits"
        elif number == "octal":
            problem = "is read as a number and would lose its zeros"
        if problem:
            shown = raw if len(raw) <= _MAX_NUMBER else raw[:20] + "..."
            self._report.add(mark, self._path(), f"`{shown}` {problem}", f'quote it: "{shown}"')
            return raw
        if number == "float":
            return Decimal(raw)
        return int(raw, 0) if raw[:2] in {"0x", "0o"} else int(raw)

    def _path(self) -> Path:
        """Path of what is being read: the keys of the open maps."""
        path: list[str | int] = []
        for opened in self._stack:
            if opened.kind == "list":
                path.append(len(opened.nodes))
            elif len(opened.nodes) % 2 and isinstance(key := opened.nodes[-1], Scalar):
                path.append(key.raw)
        return tuple(path)

    def _map(self, opened: _Open, end: Mark) -> Node:
        path = self._path()
        entries: dict[str, Entry] = {}
        pairs = list(zip(opened.nodes[::2], opened.nodes[1::2], strict=True))
        swallowed = self._swallowed(opened, pairs)
        for index, (key, value) in enumerate(pairs):
            if index in swallowed:
                continue
            if not isinstance(key, Scalar):
                self._report.add(key.mark, path, *yaml_traps.complex_key(self._source.lines, key.mark.line))
                continue
            if key.style == "plain" and key.raw == "<<":
                self._report.add(
                    key.mark, path, "merge keys (`<<`) are not allowed", "write the keys out, or `extends`"
                )
            elif key.style == "plain" and key.raw == "":
                self._report.add(key.mark, path, "a key is missing before `:`", None)
            elif key.raw in entries:
                first = entries[key.raw].mark.line
                message = f"the key '{key.raw}' is there twice, first in line {first}"
                self._report.add(key.mark, (*path, key.raw), message, "keep one of them")
            else:
                entries[key.raw] = Entry(key=key.raw, at=key, node=value)
        complete = len(entries) == len(pairs)
        entries_found = tuple(entries.values())
        return MapNode(mark=opened.mark, entries=entries_found, flow=opened.flow, end=end, complete=complete)

    def _swallowed(self, opened: _Open, pairs: list[tuple[Node, Node]]) -> set[int]:
        """Keys that are the rest of the value before them: `{css: .a, .b}` has a key `.b` without a value."""
        found: set[int] = set()
        if not opened.flow:
            return found
        index = 1
        while index < len(pairs):
            start = index
            while index < len(pairs) and _is_bare(*pairs[index]):
                index += 1
            value, first, last = pairs[start - 1][1], pairs[start][0], pairs[index - 1][0]
            if index > start and isinstance(value, Scalar) and isinstance(last, Scalar) and value.style == "plain":
                found.update(range(start, index))
                hint = None
                if value.mark.line == last.end.line:
                    line = self._source.line(value.mark.line)
                    fixed = yaml_traps.quote_span(line, value.mark.column - 1, last.end.column - 1)
                    hint = f"write: {fixed.strip()}"
                name = first.raw if isinstance(first, Scalar) else ""
                key = pairs[start - 1][0]
                path = (*self._path(), key.raw) if isinstance(key, Scalar) else self._path()
                message = f"in braces a comma ends the value, so '{name}' is read as a key"
                self._report.add(first.mark, path, message, hint or "quote the value before the comma")
            index = max(index, start + 1)
        return found


def _is_bare(key: Node, value: Node) -> bool:
    """Whether a flow entry is a key alone: no colon, no value."""
    if not isinstance(key, Scalar) or not isinstance(value, Scalar) or key.style != "plain":
        return False
    bare = value.value is None and value.style == "plain" and value.raw == ""
    rest = key.mark.source.line(key.end.line)[key.end.column - 1 :].lstrip()
    return bare and not rest.startswith(":")


def _number_kind(raw: str) -> Literal["int", "float", "octal", "huge", "special"] | None:
    """What number of the YAML 1.2 core schema `raw` is, None if it is text."""
    if raw[0] not in _NUMBER_STARTS:
        return None
    body = raw.removeprefix("-") if raw.startswith("-") else raw.removeprefix("+")
    if body.lower() in {".inf", ".nan"}:
        return "special"
    if raw.startswith("0o"):
        return "int" if raw[2:] and set(raw[2:]) <= set("01234567") else None
    if raw.startswith("0x"):
        return "int" if raw[2:] and set(raw[2:]) <= set("0123456789abcdefABCDEF") else None
    mantissa, has_exponent, exponent = _split_exponent(body)
    whole, dot, fraction = mantissa.partition(".")
    if not (whole or fraction) or not (set(whole) | set(fraction)) <= _DIGITS:
        return None
    if has_exponent:
        digits = exponent.lstrip("+-")
        if not digits or not set(digits) <= _DIGITS or len(exponent) - len(digits) > 1:
            return None
        return "huge" if len(digits) > 2 else "float"
    if dot:
        return "float"
    return "octal" if len(whole) > 1 and whole.startswith("0") else "int"


def _split_exponent(body: str) -> tuple[str, bool, str]:
    for letter in ("e", "E"):
        if letter in body:
            mantissa, _, exponent = body.partition(letter)
            return mantissa, True, exponent
    return body, False, ""
