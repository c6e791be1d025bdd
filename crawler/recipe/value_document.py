"""JSON and text pages, and any other Python value that rules read by JMESPath. It knows no markup."""

from __future__ import annotations

import json
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Final, Literal, NoReturn

import msgspec

from crawler.errors import ParseRefused
from crawler.recipe.queries import JmesQuery, compile_jmespath
from crawler.recipe.query_error import QueryFailed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crawler.recipe.documents import Document, Scope
    from crawler.recipe.encoding import Decoded
    from crawler.recipe.model import ParseKind
    from crawler.recipe.queries import CssQuery, Query
    from crawler.recipe.row_files import BrokenRow
    from crawler.recipe.values import Value

#: How deep arrays and objects may hold each other.
MAX_JSON_DEPTH: Final = 100

#: Powers of ten beyond which a number stays text: nothing counts that far, and 1e999999999 as integer fills memory.
MAX_EXPONENT: Final = 400


class ValueDocument:
    """A JSON or text page. `value` is what was parsed; numbers with a point are Decimal."""

    __slots__ = ("broken_rows", "encoding", "kind", "stats", "text", "url", "value")

    def __init__(
        self, value: Value, page: Decoded, *, kind: ParseKind, url: str, broken_rows: Sequence[BrokenRow] = ()
    ) -> None:
        self.value = value
        self.kind = kind
        self.text = page.text
        self.url = url
        self.encoding = page.encoding
        self.stats: dict[str, int] = {}
        self.broken_rows = broken_rows

    @property
    def root(self) -> Scope:
        """The whole value. Made anew each time: kept, it would be a cycle that only the garbage collector ends."""
        return ValueScope(self, self.value, is_row=False)

    @property
    def base_url(self) -> str:
        """The URL: JSON and text have no `<base>`."""
        return self.url

    def use_xpath(self, *, at_once: bool = True) -> None:
        """Nothing to do: there is one tree."""

    @property
    def moved_late(self) -> bool:
        """Never: there is one tree."""
        return False

    def linked_data(self) -> list[str]:
        """A JSON page is itself what the script of an HTML page would hold."""
        return [self.text] if self.kind == "json" else []

    def microdata(self) -> list[dict[str, Value]]:
        """Nothing: only HTML has microdata."""
        return []

    def meta(self, name: str) -> list[str]:  # noqa: ARG002 - the protocol's signature
        """Nothing: only markup has `<meta>`."""
        return []


class ValueScope:
    """A JSON-like value that JMESPath reads."""

    __slots__ = ("_value", "document", "is_row")

    language: Literal["jmespath"] = "jmespath"
    native: Final = None

    def __init__(self, document: Document, value: Value, *, is_row: bool) -> None:
        self.document = document
        self.is_row = is_row
        self._value = value

    def values(
        self,
        query: Query,
        *,
        as_: Literal["text", "html"] = "text",  # noqa: ARG002 - the protocol's signature
        remove: Sequence[CssQuery] = (),  # noqa: ARG002 - the protocol's signature
    ) -> list[Value]:
        """Nothing for null, else the one value, strings stripped."""
        value = self._search(query)
        if value is None:
            return []
        return [value.strip() if isinstance(value, str) else value]

    def rows(self, query: Query) -> list[Scope] | None:
        """A row per member of a list, one for any other value, None for null."""
        value = self._search(query)
        if value is None:
            return None
        members = value if isinstance(value, list) else [value]
        return [ValueScope(self.document, member, is_row=True) for member in members]

    def links(self, query: Query) -> list[str]:
        """The strings of the result."""
        value = self._search(query)
        members = value if isinstance(value, list) else [value]
        return [member.strip() for member in members if isinstance(member, str) and member.strip()]

    def own(
        self,
        *,
        as_: Literal["text", "html"] = "text",  # noqa: ARG002 - the protocol's signature
        remove: Sequence[CssQuery] = (),  # noqa: ARG002 - the protocol's signature
    ) -> Value:
        """The value."""
        return self._value

    def preceding(self, css: CssQuery) -> Scope | None:  # noqa: ARG002 - the protocol's signature
        """None: JSON rows stand behind nothing."""
        return None

    def table_cell(self, header: str) -> Scope | None:  # noqa: ARG002 - the protocol's signature
        """None: JSON has no tables."""
        return None

    def longest_prefix(self, query: Query) -> tuple[str, int]:
        """The longest path that is not null, and its number of members (1 if it is no list)."""
        if isinstance(query, JmesQuery):
            for step in query.steps:
                try:
                    value = compile_jmespath(step).search(self._value)
                except QueryFailed:
                    continue
                except ValueError:  # half an expression
                    continue
                if value is not None and value != []:
                    return step, len(value) if isinstance(value, list) else 1
        return "", 0

    def _search(self, query: Query) -> Value:
        if not isinstance(query, JmesQuery):
            raise QueryFailed(f"`{query.language}: {query.text}` cannot read a JSON value; write it as `jmespath:`")
        return query.search(self._value)


def parse_json(text: str) -> Value:
    """JSON with exact numbers; of duplicate keys the last counts. Raises ParseRefused with line and column."""
    text = text.lstrip("\ufeff")
    try:
        value = _DECODER.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        value = _parse_slowly(text)
    check_depth(value)
    return value


def exact_number(text: str) -> Decimal | str:
    """A number with all its digits; what is none, or beyond counting, stays text."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        return text
    return number if abs(number.adjusted()) <= MAX_EXPONENT else text


_DECODER = msgspec.json.Decoder(float_hook=exact_number)


def _parse_slowly(text: str) -> Value:
    """The standard library's parser: it says where an error is, and takes half surrogate pairs."""
    try:
        value = json.loads(text, parse_float=exact_number, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        found = text[error.pos : error.pos + 20]
        shown = f"{found!r}" if found else "the end"
        raise ParseRefused(
            f"no JSON: {error.msg} at line {error.lineno}, column {error.colno}, found {shown}"
        ) from None
    except RecursionError:
        raise ParseRefused(f"the JSON nests deeper than {MAX_JSON_DEPTH}") from None
    except ValueError as error:  # an integer of more than 4,300 digits
        raise ParseRefused(f"no JSON that can be used: {error}") from None
    return without_surrogates(value, 0)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def without_surrogates(value: Value, depth: int = 0) -> Value:
    """`value` with half surrogate pairs replaced by U+FFFD, which no encoder can write."""
    if depth > MAX_JSON_DEPTH:
        raise ParseRefused(f"the JSON nests deeper than {MAX_JSON_DEPTH}")
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [without_surrogates(member, depth + 1) for member in value]
    if isinstance(value, dict):
        return {without_surrogates(key, depth): without_surrogates(member, depth + 1) for key, member in value.items()}
    return value


def check_depth(value: Value) -> None:
    """Raise ParseRefused where arrays and objects hold each other deeper than `MAX_JSON_DEPTH`."""
    level = [value] if isinstance(value, list | dict) else []
    for _ in range(MAX_JSON_DEPTH):
        if not level:
            return
        level = [
            member
            for container in level
            for member in (container.values() if isinstance(container, dict) else container)
            if isinstance(member, list | dict)
        ]
    if level:
        raise ParseRefused(f"the JSON nests deeper than {MAX_JSON_DEPTH}")


def size_of(value: Value) -> int:
    """About how many characters a value has as JSON."""
    size = 0
    waiting: list[Value] = [value]
    while waiting:
        member = waiting.pop()
        size += 8
        if isinstance(member, str):
            size += len(member)
        elif isinstance(member, list):
            waiting.extend(member)
        elif isinstance(member, dict):
            size += sum(map(len, member))
            waiting.extend(member.values())
    return size
