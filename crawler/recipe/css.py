"""The CSS dialect of recipes: parsed, checked and compiled at load; it has never seen a page.

Selectors Level 4 as lexbor has it, plus `::text`, `::attr(name)`, ` ::text` and `:contains("x")`; in a row also a
leading `>`, `+`, `~` and `:scope`. What other dialects have and this one has not (`:eq`, `:first`, `[a!=b]`, `svg|x`)
is refused with what to write instead.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, NoReturn, cast

from selectolax.lexbor import LexborHTMLParser, SelectolaxError

from crawler.recipe.css_tree import (
    ANY,
    Combinator,
    Complex,
    Compound,
    Contains,
    CssPart,
    FlaggedAttribute,
    Has,
    Logical,
    Nth,
    PartKind,
    Plain,
    Simple,
    TypeName,
    complex_of,
    compound_of,
)
from crawler.recipe.html_names import HTML_ELEMENTS
from crawler.recipe.query_error import QueryError, UnknownPrefix

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Characters in a selector.
MAX_SELECTOR_LENGTH: Final = 1000

#: How deep `:not()` and `:is()` may hold each other.
MAX_NESTING: Final = 3

_IDENT = re.compile(
    r"-{0,2}(?:[A-Za-z_\u0080-\U0010ffff]|\\[0-9A-Fa-f]{1,6}[ \t]?|\\[^\n0-9A-Fa-f])"
    r"(?:[A-Za-z0-9_\-\u0080-\U0010ffff]|\\[0-9A-Fa-f]{1,6}[ \t]?|\\[^\n0-9A-Fa-f])*"
)
_HASH = re.compile(r"#(?:[A-Za-z0-9_\-\u0080-\U0010ffff]|\\[0-9A-Fa-f]{1,6}[ \t]?|\\[^\n0-9A-Fa-f])+")
_STRING = re.compile(r""""(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'""", re.DOTALL)
_ESCAPE = re.compile(r"\\(?:([0-9A-Fa-f]{1,6})[ \t]?|(.))", re.DOTALL)
_BLANKS = re.compile(r"[ \t\r\n\f]*")
_COMBINATOR = re.compile(r"[ \t\r\n\f]*([>+~])[ \t\r\n\f]*|[ \t\r\n\f]+")
_OPERATOR = re.compile(r"[~|^$*]?=")
_NTH = re.compile(r"(even|odd)|([+-]?\d*)n(?:\s*([+-])\s*(\d+))?|([+-]?\d+)", re.IGNORECASE)
_OF = re.compile(r"\s+of\s+", re.IGNORECASE)
_PSEUDO_ELEMENT = re.compile(r"::(?:(text)|attr\(\s*(?:([A-Za-z_][\w.-]*)\|)?([^\s()\"'<>/=,|]+)\s*\))")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f\ud800-\udfff]")
_BARE_ARGUMENT = re.compile(r"[^()\"']*")

#: Pseudo-classes that lexbor and cssselect read alike.
_PLAIN_PSEUDOS: Final = frozenset({"root", "empty", "first-child", "last-child", "only-child"})
#: Pseudo-classes that are spelt out, because engines disagree on them (lexbor's `:disabled` misses an <option>).
_SPELT_OUT: Final = {
    "checked": ":is(option[selected], input[checked])",
    "disabled": ":is([disabled])",
    "required": ":is([required])",
    "link": ":is(a[href], area[href])",
    "any-link": ":is(a[href], area[href])",
    "first-of-type": ":nth-of-type(1)",
    "last-of-type": ":nth-last-of-type(1)",
    "only-of-type": ":is(:nth-of-type(1):nth-last-of-type(1))",
}
_NTH_PSEUDOS: Final = frozenset({"nth-child", "nth-last-child", "nth-of-type", "nth-last-of-type"})
_LOGICAL_PSEUDOS: Final[dict[str, Literal["is", "not"]]] = {"is": "is", "where": "is", "not": "not"}

_NO_STATE = "a fetched page has no such state; select by class or attribute"
_NO_LAYOUT = "a fetched page has no layout; select by class or attribute"
_POSITION = "write :nth-child(...), which counts all siblings, or `all: true` with a `slice` step"
_HINTS: Final = {
    "eq": _POSITION,
    "gt": _POSITION,
    "lt": _POSITION,
    "nth": _POSITION,
    "first": "a rule takes the first match anyway; :first-child and :first-of-type count siblings",
    "last": "write :last-child or :last-of-type, or `all: true` with `slice: [-1]`",
    "even": "write :nth-child(even)",
    "odd": "write :nth-child(odd)",
    "matches": "write :is(...)",
    "any": "write :is(...)",
    "-webkit-any": "write :is(...)",
    "icontains": "write :contains(...), which minds case, or a `regex` step with (?i)",
    "has-text": "write :contains(...)",
    "lexbor-contains": "write :contains(...)",
    "text": "write ::text, with two colons",
    "attr": "write ::attr(name), with two colons",
    "parent": "write :not(:empty), or use `xpath: ..`",
    "input": "write :is(input, select, textarea, button)",
    "header": "write :is(h1, h2, h3, h4, h5, h6)",
    "enabled": "write :not([disabled])",
    "optional": "write :not([required])",
    "lang": "write [lang|=xx]",
    "visible": _NO_LAYOUT,
    "hidden": _NO_LAYOUT,
    "before": _NO_LAYOUT,
    "after": _NO_LAYOUT,
    "hover": _NO_STATE,
    "focus": _NO_STATE,
    "active": _NO_STATE,
    "visited": _NO_STATE,
    "target": _NO_STATE,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class CssQuery:
    """A compiled selector. `kind` is set if all parts read the same, and then `native` may hold them all for lexbor."""

    text: str
    row: bool
    parts: tuple[CssPart, ...] = field(compare=False, repr=False)
    kind: PartKind | None = field(compare=False, repr=False)
    native: str | None = field(compare=False, repr=False)
    namespaces: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)

    @property
    def language(self) -> Literal["css"]:
        """The query language, as recipes spell it."""
        return "css"


def is_html_element(name: str) -> bool:
    """Whether HTML (or SVG, for its root) has an element of this name; what a one-word selector may be."""
    return name.lower() in HTML_ELEMENTS


def compile_css(text: str, *, row: bool = False, namespaces: Mapping[str, str] | None = None) -> CssQuery:
    """Compile a selector; `row` allows what needs a row: a leading combinator and `:scope`. Raises QueryError.

    `namespaces` are the prefixes that names in XML may have (`g|price`), each with its address.
    """
    if len(text) > MAX_SELECTOR_LENGTH:
        raise QueryError(f"the selector has {len(text)} characters, at most {MAX_SELECTOR_LENGTH} are allowed")
    parts = _Parser(text, row=row, namespaces=namespaces).query()
    kind = parts[0].kind if len({(part.kind, part.attribute) for part in parts}) == 1 else None
    natives = [part.selector.native for part in parts]
    native = ", ".join(cast("list[str]", natives)) if None not in natives else None
    for part in parts:
        _check(part.selector)
    return CssQuery(text=text, row=row, parts=parts, kind=kind, native=native, namespaces=namespaces or {})


_PROBE = LexborHTMLParser("<p></p>")


def _check(selector: Complex) -> None:
    """Let lexbor parse every compound, so that what it cannot read is refused at load and not on a page."""
    for compound in selector.compounds:
        try:
            _PROBE.css(compound.lexbor)
        except SelectolaxError:
            raise QueryError(f"{compound.lexbor!r} is no selector") from None
        for logical in compound.relational:
            for member in logical.members:
                _check(member)


def unescape(text: str) -> str:
    """A CSS identifier, or the inside of a CSS string, without its escapes."""

    def character(match: re.Match[str]) -> str:
        if match[1] is None:
            return "" if match[2] == "\n" else match[2]
        number = int(match[1], 16)
        return chr(number) if 0 < number <= 0x10FFFF and not 0xD800 <= number <= 0xDFFF else "\ufffd"

    return _ESCAPE.sub(character, text) if "\\" in text else text


class _Parser:
    """A recursive descent over the selector's text; `position` is where it stands."""

    def __init__(self, text: str, *, row: bool, namespaces: Mapping[str, str] | None = None) -> None:
        self.text = text
        self.row = row
        self.namespaces = namespaces or {}
        self.position = 0
        self.nesting = 0

    def query(self) -> tuple[CssPart, ...]:
        control = _CONTROL.search(self.text)
        if control:
            raise QueryError(f"character {control.start() + 1} is a control character")
        if not self.text.strip():
            raise QueryError("the selector is empty")
        parts = [self.part()]
        while self.skip_blanks() < len(self.text):
            if not self.take(","):
                self.refuse()
            parts.append(self.part())
        return tuple(parts)

    def part(self) -> CssPart:
        """A complex selector with the pseudo-element behind it, up to a comma or the end."""
        self.skip_blanks()
        if self.text.startswith("::", self.position):
            kind, attribute = self.pseudo_element()
            kind = "own_text" if kind == "texts" else kind
            anything = complex_of((ANY,), (), anchored=False, prefixes=("",))
            return CssPart(selector=anything, kind=kind, attribute=attribute)
        selector, dangling = self.complex(relative=self.row)
        if not self.text.startswith("::", self.position):
            if dangling is not None:
                self.refuse()
            return CssPart(selector=selector, kind="element")
        kind, attribute = self.pseudo_element()
        if dangling is None:
            kind = "own_text" if kind == "texts" else kind
        elif kind == "texts" and dangling != " ":
            raise QueryError(
                f"::text behind {dangling!r} has no element to read",
                "write x::text for the element's own text, x ::text for every text node in it",
            )
        elif kind == "attr":
            selector = complex_of(
                (*selector.compounds, ANY),
                (*selector.combinators, dangling),
                anchored=selector.anchored,
                prefixes=(*selector.prefixes, selector.prefixes[-1]),
            )
        return CssPart(selector=selector, kind=kind, attribute=attribute)

    def pseudo_element(self) -> tuple[PartKind, str]:
        """`::text` (as "texts") or `::attr(name)` at the position; nothing may follow it in this part."""
        match = _PSEUDO_ELEMENT.match(self.text, self.position)
        if not match:
            raise QueryError(
                f"{self.text[self.position : self.position + 20]!r} is no pseudo-element of recipes",
                "there are ::text and ::attr(name)",
            )
        self.position = match.end()
        if self.skip_blanks() < len(self.text) and self.text[self.position] != ",":
            raise QueryError(
                f"{match[0]} must stand last, at the end of the selector or before a comma",
                f"move {match[0]} behind {self.text[self.position :].split(',')[0].strip()!r}",
            )
        if match[1]:
            return "texts", ""
        prefix = match[2]
        if prefix is None:
            return "attr", match[3]
        if prefix not in self.namespaces:
            self.refuse_prefix(prefix)
        return "attr", f"{{{self.namespaces[prefix]}}}{match[3]}"

    def complex(self, *, relative: bool) -> tuple[Complex, Combinator | None]:
        """A complex selector, and the combinator that stands before a pseudo-element, if one does."""
        start = self.skip_blanks()
        compounds: list[Compound] = []
        combinators: list[Combinator] = []
        prefixes: list[str] = []
        anchored = False
        leading = _COMBINATOR.match(self.text, self.position)
        if leading:
            if not relative:
                raise QueryError(
                    f"the selector begins with {leading[1]!r}, which needs a row to start from",
                    f"leave {leading[1]!r} out, or write what stands before it",
                )
            anchored = True
            compounds.append(ANY)
            prefixes.append("")
            combinators.append(cast("Combinator", leading[1]))
            self.position = leading.end()
        elif self.scope():
            if not relative:
                raise QueryError(":scope is the row, and here is none", "write :root for the page's <html>")
            anchored = True
        while True:
            simples = self.compound(empty_allowed=anchored and not compounds)
            compounds.append(compound_of(simples))
            prefixes.append(self.text[start : self.position])
            combinator = self.combinator()
            if combinator is None or self.text.startswith("::", self.position):
                selector = complex_of(tuple(compounds), tuple(combinators), anchored=anchored, prefixes=tuple(prefixes))
                return selector, combinator
            combinators.append(combinator)

    def combinator(self) -> Combinator | None:
        """The combinator at the position; None at the end of the complex selector, with blanks skipped."""
        match = _COMBINATOR.match(self.text, self.position)
        if not match:
            return None
        self.position = match.end()
        if match[1]:
            return cast("Combinator", match[1])
        return None if self.position == len(self.text) or self.text[self.position] in ",)" else " "

    def scope(self) -> bool:
        """Take `:scope` if it stands here."""
        match = re.compile(r":scope(?![\w-])").match(self.text, self.position)
        if match:
            self.position = match.end()
        return match is not None

    def compound(self, *, empty_allowed: bool = False) -> tuple[Simple, ...]:
        """The simple selectors of one compound."""
        simples: list[Simple] = []
        start = self.position
        self.type_name(simples)
        while self.position < len(self.text):
            char = self.text[self.position]
            if char == "#":
                simples.append(Plain(text=self.match(_HASH, "an id after #")))
            elif char == ".":
                self.position += 1
                simples.append(Plain(text="." + self.match(_IDENT, "a class name after the dot")))
            elif char == "[":
                simples.append(self.attribute())
            elif char == ":" and not self.text.startswith("::", self.position):
                simples.append(self.pseudo_class())
            else:
                break
        if self.position == start and not empty_allowed:
            self.refuse()
        return tuple(simples)

    def type_name(self, simples: list[Simple]) -> None:
        """A type selector or `*`, if one stands here."""
        start = self.position
        match = _IDENT.match(self.text, start)
        end = match.end() if match else start + self.text.startswith("*", start)
        if self.text.startswith("|", end) and not self.text.startswith("|=", end):
            self.name_in_namespace(match[0] if match else self.text[start:end], end + 1, simples)
            return
        self.position = end
        if match:
            simples.append(TypeName(name=unescape(match[0]), text=match[0]))

    def name_in_namespace(self, prefix: str, start: int, simples: list[Simple]) -> None:
        """The name behind `prefix|`."""
        if prefix not in self.namespaces:
            self.refuse_prefix(prefix)
        namespace = self.namespaces[prefix]
        self.position = start
        if self.take("*"):
            simples.append(TypeName(name="*", text="*", namespace=namespace))
        else:
            name = self.match(_IDENT, f"a name after {prefix}|")
            simples.append(TypeName(name=unescape(name), text=name, namespace=namespace))

    def refuse_prefix(self, prefix: str) -> NoReturn:
        """Raise for a prefix that the page type does not declare."""
        hint = "write the name alone; without `namespaces` it matches in every one"
        if prefix and prefix != "*":
            hint += f'. Or declare the prefix on an XML page: namespaces: {{{prefix}: "http://..."}}'
        raise UnknownPrefix(prefix, f"'{prefix}|': there is no such namespace", hint)

    def attribute(self) -> Simple:
        """`[name]`, `[name operator value]`, with an optional case flag."""
        start = self.position
        self.position += 1
        self.skip_blanks()
        name = self.match(_IDENT, "an attribute name after [")
        self.skip_blanks()
        if self.take("]"):
            return Plain(text=self.text[start : self.position])
        operator = _OPERATOR.match(self.text, self.position)
        if not operator:
            if self.text.startswith("!=", self.position):
                raise QueryError(
                    f"[{name}!=...] is no CSS", f"write :not([{name}=...]), behind [{name}] if it must be there"
                )
            if self.text.startswith("|", self.position):
                raise QueryError(f"[{name}|...]: namespaces are not supported", f"write it as xpath: //*[@{name}:...]")
            self.refuse()
        self.position = operator.end()
        self.skip_blanks()
        value = self.attribute_value(name)
        flag = self.skip_blanks()
        if self.text[flag : flag + 1] in {"i", "I", "s", "S"} and self.text[flag : flag + 1] != "":
            self.position += 1
            self.skip_blanks()
        if not self.take("]"):
            raise QueryError(f"[{name}{operator[0]}... is not closed by ] at character {self.position + 1}")
        text = self.text[start : self.position]
        if self.text[flag] in "iI":
            return FlaggedAttribute(name=unescape(name), operator=operator[0], value=value, text=text)
        return Plain(text=text if self.text[flag] == "]" else f"{text[: flag - start].rstrip()}]")

    def attribute_value(self, name: str) -> str:
        """The value of an attribute selector, unescaped."""
        string = _STRING.match(self.text, self.position)
        if string:
            self.position = string.end()
            return unescape(string[0][1:-1])
        ident = _IDENT.match(self.text, self.position)
        if not ident:
            raise QueryError(
                f"the value of [{name}] at character {self.position + 1} is not in quotes", f'write [{name}="..."]'
            )
        self.position = ident.end()
        return unescape(ident[0])

    def pseudo_class(self) -> Simple:
        """`:name` or `:name(...)` at the position."""
        start = self.position
        self.position += 1
        name = self.match(_IDENT, "a name after the colon").lower()
        has_argument = self.take("(")
        if name in _PLAIN_PSEUDOS and not has_argument:
            return Plain(text=self.text[start : self.position].lower())
        if name in _SPELT_OUT and not has_argument:
            (spelt_out,) = _Parser(_SPELT_OUT[name], row=False).compound()
            return spelt_out
        if name == "scope":
            raise QueryError(":scope may only begin a selector of a row", "write `:scope > x`, or `> x`")
        if has_argument and name in {"contains", *_NTH_PSEUDOS, *_LOGICAL_PSEUDOS, "has"}:
            return self.functional(name)
        if name in {"contains", *_NTH_PSEUDOS, *_LOGICAL_PSEUDOS, "has"}:
            raise QueryError(f":{name} needs an argument in brackets")
        hint = _HINTS.get(name)
        if hint is None:
            known = sorted({*_PLAIN_PSEUDOS, *_SPELT_OUT, *_NTH_PSEUDOS, *_LOGICAL_PSEUDOS, "has", "contains"})
            hint = f"there are :{' :'.join(known)}"
        raise QueryError(f":{name} is not supported", hint)

    def functional(self, name: str) -> Simple:
        """The argument of a functional pseudo-class, with its closing bracket."""
        self.nesting += 1
        if self.nesting > MAX_NESTING:
            raise QueryError(f":{name}() lies in {MAX_NESTING} others", "split the rule into alternatives")
        simple: Simple
        if name == "contains":
            simple = self.contains()
        elif name in _NTH_PSEUDOS:
            simple = self.nth(name)
        elif name == "has":
            simple = self.has()
        else:
            members = [self.complex(relative=False)[0]]
            while self.take(","):
                members.append(self.complex(relative=False)[0])
            simple = Logical(name=_LOGICAL_PSEUDOS[name], members=tuple(members))
        self.skip_blanks()
        if not self.take(")"):
            if self.text.startswith("::", self.position):
                raise QueryError(f"::text and ::attr() cannot stand in :{name}()", "put them last")
            raise QueryError(f":{name}( is not closed by ) at character {self.position + 1}")
        self.nesting -= 1
        return simple

    def contains(self) -> Contains:
        """The text in `:contains()`, in quotes or bare."""
        self.skip_blanks()
        string = _STRING.match(self.text, self.position)
        if string:
            self.position = string.end()
            text = unescape(string[0][1:-1])
        else:
            text = self.match(_BARE_ARGUMENT, "text").strip()
        if not text:
            raise QueryError(":contains() is empty", 'write :contains("text")')
        return Contains(string=text)

    def nth(self, name: str) -> Nth:
        """`an+b`, with `of S` in the child forms."""
        self.skip_blanks()
        match = _NTH.match(self.text, self.position)
        if not match:
            raise QueryError(f":{name}() needs even, odd, a number or a formula", f"write :{name}(2n+1)")
        self.position = match.end()
        of: list[Compound] = []
        of_match = _OF.match(self.text, self.position)
        if of_match:
            if name.endswith("of-type"):
                raise QueryError(f":{name}() takes no `of`", "write :nth-child(... of ...)")
            self.position = of_match.end()
            of.append(self.inner_compound(name))
            while self.take(","):
                of.append(self.inner_compound(name))
        if match[1]:
            a, b = (2, 0) if match[1].lower() == "even" else (2, 1)
        elif match[5]:
            a, b = 0, int(match[5])
        else:
            a = int(match[2] + "1") if match[2] in {"", "+", "-"} else int(match[2])
            b = int((match[3] or "+") + (match[4] or "0"))
        if max(abs(a), abs(b)) >= 1 << 30:
            raise QueryError(f"the numbers of :{name}() are too large")
        return Nth(name=name, a=a, b=b, of=tuple(of))

    def has(self) -> Has:
        """One compound behind at most one combinator, or a list of those."""
        members: list[tuple[Combinator, Compound]] = []
        while True:
            self.skip_blanks()
            combinator = _COMBINATOR.match(self.text, self.position)
            if combinator:
                self.position = combinator.end()
            leading = cast("Combinator", combinator[1] if combinator else " ")
            members.append((leading, self.inner_compound("has")))
            if not self.take(","):
                return Has(members=tuple(members))

    def inner_compound(self, name: str) -> Compound:
        """A compound where no combinator and no nested `:has()` may stand."""
        self.skip_blanks()
        compound = compound_of(self.compound())
        self.skip_blanks()
        if self.position < len(self.text) and self.text[self.position] not in ",)":
            raise QueryError(
                f":{name}() takes one element without blanks or > + ~ inside",
                "select the inner element and go up with xpath, or test a class of the outer one",
            )
        if compound.relational or any(_holds_has(simple) for simple in compound.simples):
            raise QueryError(f":{name}() cannot hold :has() or a combinator", "split the rule in two")
        return compound

    def skip_blanks(self) -> int:
        """Go behind white space; the new position."""
        match = _BLANKS.match(self.text, self.position)
        self.position = match.end() if match else self.position
        return self.position

    def take(self, char: str) -> bool:
        """Go behind `char` if it stands here."""
        if self.text.startswith(char, self.position):
            self.position += len(char)
            return True
        return False

    def match(self, pattern: re.Pattern[str], expected: str) -> str:
        """Go behind a match of `pattern` and give its text; raise if there is none."""
        match = pattern.match(self.text, self.position)
        if not match:
            found = self.text[self.position : self.position + 1]
            where = f"{found!r} at character {self.position + 1}" if found else "the end"
            raise QueryError(f"expected {expected}, found {where}")
        self.position = match.end()
        return match[0]

    def refuse(self) -> NoReturn:
        """Raise for what cannot stand here."""
        rest = self.text[self.position :]
        if not rest:
            raise QueryError("the selector ends where an element is expected")
        hint = None
        if rest[0] in "@{":
            hint = "templates cannot stand in selectors"
        elif rest[0] == "/":
            hint = "an XPath goes under `xpath:`; a / in a class name is written \\/"
        elif rest[0].isdigit():
            hint = 'a name that begins with a digit is written [class~="..."] or [id="..."]'
        raise QueryError(f"{rest[0]!r} at character {self.position + 1} cannot stand there", hint)


def _holds_has(simple: Simple) -> bool:
    if isinstance(simple, Logical):
        return any(_holds_has(inner) for member in simple.members for inner in member.compounds[0].simples)
    return isinstance(simple, Has)
