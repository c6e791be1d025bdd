"""The XPath of recipes: XPath 1.0 as libxml2 has it, checked at load so that a page can only make it give nothing.

Functions come from an allow-list (no `document()`, no extension functions), there are no variables, and prefixes are
those that the page type declares. In a row a path that begins with `/` would leave the row for the page; it is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from lxml import etree

from crawler.recipe.query_error import QueryError, UnknownPrefix
from crawler.recipe.xpath_direct import direct_of
from crawler.recipe.xpath_forms import form_of
from crawler.recipe.xpath_plan import names_in, plan_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crawler.recipe.xpath_cost import TreeShape
    from crawler.recipe.xpath_direct import DirectXPath
    from crawler.recipe.xpath_plan import Expression

#: Characters in an expression.
MAX_XPATH_LENGTH: Final = 1000

#: How deep brackets may hold each other; libxml2 parses them by recursion.
MAX_XPATH_NESTING: Final = 20

#: The functions of XPath 1.0 that rules may call, with the fewest and the most arguments of each.
FUNCTIONS: Final[dict[str, tuple[int, int]]] = {
    **dict.fromkeys(("last", "position", "true", "false"), (0, 0)),
    **dict.fromkeys(("local-name", "name", "string", "string-length", "normalize-space", "number"), (0, 1)),
    **dict.fromkeys(("count", "boolean", "not", "lang", "sum", "floor", "ceiling", "round"), (1, 1)),
    **dict.fromkeys(("starts-with", "contains", "substring-before", "substring-after"), (2, 2)),
    "substring": (2, 3),
    "translate": (3, 3),
    "concat": (2, 1000),
}
_OPENING: Final = frozenset({"(", "["})
_CLOSING: Final = frozenset({")", "]"})
_NODE_TESTS: Final = frozenset({"text", "node", "comment", "processing-instruction"})
_OPERATOR_NAMES: Final = frozenset({"and", "or", "mod", "div"})

_XPATH_2 = "XPath 1.0 has no such function; "
_HINTS: Final = {
    "ends-with": _XPATH_2 + "write substring(x, string-length(x) - n), or css [a$=...]",
    "matches": _XPATH_2 + "use a `regex` step",
    "replace": _XPATH_2 + "use a `replace` step",
    "tokenize": _XPATH_2 + "use a `split` step",
    "string-join": _XPATH_2 + "use `all: true` with a `join` step",
    "lower-case": _XPATH_2 + "use a `lower` step",
    "upper-case": _XPATH_2 + "use an `upper` step",
    "distinct-values": _XPATH_2 + "use a `unique` step",
    "has-class": "write css: .name",
    "id": "write //*[@id='...']",
    "max": _XPATH_2 + "take a list with `all: true`",
    "min": _XPATH_2 + "take a list with `all: true`",
}

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<literal>"[^"]*"|'[^']*')
      | (?P<number>\d+(?:\.\d*)?|\.\d+)
      | (?P<symbol>::|//|\.\.|!=|<=|>=|[()\[\].@,/|+\-=<>*$:])
      | (?P<name>[^\W\d][\w.\-]*)
    )""",
    re.VERBOSE,
)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
#: Tokens behind which an operand begins, and a name cannot be an operator.
_BEFORE_OPERAND: Final = frozenset({"", "(", "[", ",", "|", "+", "-", "=", "!=", "<", "<=", ">", ">=", "and", "or"})

_PROBE = etree.fromstring("<html><head/><body/></html>")


@dataclass(frozen=True, kw_only=True, slots=True)
class XPathQuery:
    """A compiled expression; `evaluate` is safe to call from one thread at a time."""

    text: str
    row: bool
    evaluate: etree.XPath = field(compare=False, repr=False)
    steps: tuple[str, ...] = field(compare=False, repr=False)  # prefixes of a path, longest first, for a miss
    namespaces: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
    plan: Expression | None = field(default=None, compare=False, repr=False)  # where its cost must be looked at
    names: frozenset[str] = field(default=frozenset(), compare=False, repr=False)  # of the elements in the plan
    direct: DirectXPath | None = field(default=None, compare=False, repr=False)  # for lexbor's tree; None: libxml2's
    harmless: list[TreeShape] = field(default_factory=list, compare=False, repr=False)  # the last one it was cheap on

    @property
    def language(self) -> Literal["xpath"]:
        """The query language, as recipes spell it."""
        return "xpath"


def compile_xpath(text: str, *, row: bool = False, namespaces: Mapping[str, str] | None = None) -> XPathQuery:
    """Compile an expression; in a `row` it must be relative. `namespaces` are prefixes of XML. Raises QueryError."""
    if len(text) > MAX_XPATH_LENGTH:
        raise QueryError(f"the XPath has {len(text)} characters, at most {MAX_XPATH_LENGTH} are allowed")
    if not text.strip():
        raise QueryError("the XPath is empty")
    control = _CONTROL.search(text)
    if control:
        raise QueryError(f"character {control.start() + 1} is a control character")
    tokens = _tokens(text)
    known = namespaces or {}
    _check(tokens, row=row, namespaces=known)
    evaluate = _compile(text, known)
    plan = plan_of(tokens, len(text))
    names = frozenset() if plan is None else names_in(plan)
    return XPathQuery(
        text=text,
        row=row,
        evaluate=evaluate,
        steps=_steps(text, tokens),
        namespaces=known,
        plan=plan,
        names=names,
        direct=direct_of(form_of(tokens)),
    )


def needs_second_tree(query: object) -> bool:
    """Whether a query is XPath that lxml's tree of an HTML page is made for."""
    return isinstance(query, XPathQuery) and query.direct is None


def _compile(text: str, namespaces: Mapping[str, str]) -> etree.XPath:
    try:
        compiled = etree.XPath(text, namespaces=dict(namespaces) or None, regexp=False, smart_strings=False)
        compiled(_PROBE)  # libxml2 counts a function's arguments only when it runs
    except etree.XPathError as error:
        raise QueryError(f"the XPath does not compile: {error}", _syntax_hint(text)) from None
    return compiled


def _syntax_hint(text: str) -> str | None:
    if text.lstrip()[:1] in {".", "#"} and not text.lstrip().startswith(("./", "..", ".[", ".=")):
        return "a CSS selector goes under `css:`"
    return None


def _tokens(text: str) -> list[tuple[str, str, int]]:
    """(kind, text, position) of each token."""
    tokens: list[tuple[str, str, int]] = []
    position = 0
    end = len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if not match or match.lastgroup is None:
            raise QueryError(f"{text[position:].lstrip()[:1]!r} at character {position + 1} is no XPath")
        tokens.append((match.lastgroup, match[match.lastgroup], match.start(match.lastgroup)))
        position = match.end()
    return tokens


def _check(tokens: list[tuple[str, str, int]], *, row: bool, namespaces: Mapping[str, str]) -> None:
    """Refuse what a recipe may not use: unknown functions, variables, prefixes, absolute paths in rows."""
    before = ""
    depth = 0
    for index, (kind, part, position) in enumerate(tokens):
        following = tokens[index + 1][1] if index + 1 < len(tokens) else ""
        if kind == "symbol":
            depth += (part in _OPENING) - (part in _CLOSING)
            if depth > MAX_XPATH_NESTING:
                raise QueryError(f"more than {MAX_XPATH_NESTING} brackets lie in each other")
            if part == "$":
                raise QueryError(f"${following} at character {position + 1}: there are no variables")
            if part == ":" and (not index or tokens[index - 1][1] not in namespaces):
                raise UnknownPrefix(
                    tokens[index - 1][1] if index else "",
                    f"a prefix before character {position + 1}: there is no such namespace",
                    "write the name alone, or declare the prefix on an XML page: `namespaces`",
                )
            if row and part in {"/", "//"} and before in _BEFORE_OPERAND:
                raise QueryError(
                    f"{part!r} at character {position + 1} leaves the row for the whole page",
                    f"write .{part}",
                )
        elif kind == "name":
            if part in _OPERATOR_NAMES and before not in _BEFORE_OPERAND | {"@", "::", "/", "//"}:
                before = "and"  # whatever operator: an operand follows
                continue
            if following == "(":
                _check_function(tokens, index)
        before = part if kind == "symbol" else "operand"


def _check_function(tokens: list[tuple[str, str, int]], index: int) -> None:
    """Refuse an unknown function and a wrong number of arguments, which libxml2 would find only on a page."""
    _, name, position = tokens[index]
    if name in _NODE_TESTS:
        return
    if name not in FUNCTIONS:
        raise QueryError(
            f"the function {name}() at character {position + 1} is not supported",
            _HINTS.get(name, f"there are {', '.join(sorted(FUNCTIONS))}"),
        )
    given = _arguments(tokens, index + 1)
    fewest, most = FUNCTIONS[name]
    if not fewest <= given <= most:
        wanted = str(fewest) if fewest == most else f"{fewest} or more" if most > 3 else f"{fewest} to {most}"
        raise QueryError(f"{name}() at character {position + 1} takes {wanted} arguments, {given} given")


def _arguments(tokens: list[tuple[str, str, int]], opening: int) -> int:
    """How many arguments stand in the bracket that opens at token `opening`."""
    depth = 0
    commas = 0
    for index in range(opening, len(tokens)):
        part = tokens[index][1] if tokens[index][0] == "symbol" else ""
        depth += (part in _OPENING) - (part in _CLOSING)
        if depth == 0:
            return 0 if index == opening + 1 else commas + 1
        commas += part == "," and depth == 1
    return commas + 1


def _steps(text: str, tokens: list[tuple[str, str, int]]) -> tuple[str, ...]:
    """For `//a/b[1]/@c`: `//a/b[1]`, `//a`. Empty for what is no single path, such as a union or a function call."""
    depth = 0
    cuts: list[int] = []
    for index, (_, part, position) in enumerate(tokens):
        if part in _OPENING:
            depth += 1
        elif part in _CLOSING:
            depth -= 1
        elif depth == 0 and part in {"/", "//"} and index > 0 and tokens[index - 1][1] != ".":
            cuts.append(position)
        elif depth == 0 and part in {"|", "+", "-", "=", "!=", "<", "<=", ">", ">=", ","}:
            return ()
    prefixes = [text[:cut].strip() for cut in reversed(cuts)]
    return tuple(prefix for prefix in prefixes if prefix)
