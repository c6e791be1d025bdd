"""The common forms of XPath, read from its tokens: paths by name and attribute, and what stands in their brackets.

What is not of these forms has no `Form`; libxml2 evaluates it. A form means what XPath 1.0 says it means, and
`xpath_direct` evaluates it on lexbor's tree. Knows no page.
"""

from __future__ import annotations

import operator
import re
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from msgspec import Struct
from msgspec.structs import replace
from selectolax.lexbor import LexborHTMLParser

from crawler.recipe.css_tree import css_string

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from crawler.recipe.xpath_plan import Lexeme

Axis: TypeAlias = Literal["child", "descendant", "parent", "self", "ancestor", "following-sibling", "preceding-sibling"]

#: Axes of a single step that are walked from an element, as XPath spells them.
_WALKED: Final[dict[str, Axis]] = {
    "child": "child",
    "parent": "parent",
    "self": "self",
    "ancestor": "ancestor",
    "following-sibling": "following-sibling",
    "preceding-sibling": "preceding-sibling",
}
#: In HTML written in lower case; libxml2 has no others.
_NAME = re.compile(r"[a-z][a-z0-9_-]*")
#: A word between blanks.
_WORD = re.compile(r" [^\s\"\\]+ ")
_COMPARED: Final[dict[str, Callable[[int, int], bool]]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
#: What SVG and MathML have under a prefix, such as xlink:href, is found by lexbor under the rest of its name as well.
_PREFIXED: Final = frozenset({"actuate", "arcrole", "href", "role", "show", "title", "type", "lang", "space", "xlink"})


class Place(Struct, frozen=True):
    """A number in brackets: `holds` tells of a node's number and the number of the last one if it is meant.

    `most`: none behind this number is; 0: where the last one is has to be known.
    """

    holds: Callable[[int, int], bool]
    most: int = 0


class Both(Struct, frozen=True):
    """All members hold."""

    members: tuple[Test, ...]


class Either(Struct, frozen=True):
    """One of the members holds."""

    members: tuple[Test, ...]


class Negated(Struct, frozen=True):
    """`not(...)`."""

    member: Test


class Exists(Struct, frozen=True):
    """The path leads somewhere."""

    path: Trail


class Filled(Struct, frozen=True):
    """The text is not empty."""

    text: Text


class Equal(Struct, frozen=True):
    """One of the nodes that the path leads to (or the text) has this text; not `same`: another one."""

    of: Trail | Text
    text: str
    same: bool


class Holds(Struct, frozen=True):
    """The text holds another one, or begins with it."""

    of: Text
    text: str
    begins: bool


Test: TypeAlias = Both | Either | Negated | Exists | Filled | Equal | Holds


class Text(Struct, frozen=True):
    """A function that gives text. Its arguments are paths, of which the first node counts, texts and literals."""

    function: Literal["string", "normalize-space", "concat", "substring-before", "substring-after"]
    arguments: tuple[Trail | Text | str, ...]


class Hop(Struct, frozen=True, kw_only=True):
    """One step to elements. `descendant`: one step behind `//`, so that places are counted among siblings."""

    axis: Axis
    name: str  # "*": any
    brackets: tuple[Test | Place, ...] = ()


class Trail(Struct, frozen=True, kw_only=True):
    """A path.

    Attributes:
        origin: where it begins: at the node where it is read, at the document, or at its root element.
        start: the paths in round brackets that it begins with.
        place: which of their nodes, taken together.
        hops: its steps to elements.
        gives: these elements, an attribute of each, the texts that are their children, or the texts in them.
        attribute: the name.
        brackets: of the texts.
        anywhere: or those of any element inside.
    """

    origin: Literal["here", "document", "root"] = "here"
    start: tuple[Trail, ...] = ()
    place: Place | None = None
    hops: tuple[Hop, ...] = ()
    gives: Literal["element", "attribute", "text"] = "element"
    attribute: str = ""
    brackets: tuple[Test | Place, ...] = ()
    anywhere: bool = False


Form: TypeAlias = "tuple[Trail, ...] | Text"


class _Uncommon(Exception):
    """The expression is of no common form."""


def form_of(tokens: Sequence[Lexeme]) -> Form | None:
    """The form of an expression that libxml2 has compiled; None if it is of no common one."""
    reader = _Reader(tokens)
    try:
        form = reader.form()
    except _Uncommon:
        return None
    return form if reader.at == len(tokens) else None


def css_of(test: Test) -> str | None:
    """A simple selector that lexbor finds exactly the same elements by; None if there is none."""
    if isinstance(test, Both | Either):
        texts = [text for member in test.members if (text := css_of(member)) is not None]
        if len(texts) < len(test.members):
            return None
        return "".join(texts) if isinstance(test, Both) else f":is({', '.join(texts)})"
    if isinstance(test, Negated):
        text = None if isinstance(test.member, Both | Either) else css_of(test.member)
        return None if text is None else f":not({text})"
    return _css_of_attribute(test)


def _css_of_attribute(test: Test) -> str | None:
    match test:
        case Exists(path=path):
            name, rest = _plain_attribute(path), ""
        case Equal(of=of, text=text, same=True):
            name, rest = _plain_attribute(of), f"={css_string(text)}"
        case Holds(of=Text(function="string", arguments=(Trail() as path,)), text=text, begins=begins) if text:
            name, rest = _plain_attribute(path), f"{'^' if begins else '*'}={css_string(text)}"
        case Holds(
            of=Text(
                function="concat",
                arguments=(" ", Text(function="normalize-space", arguments=(Trail() as path,)), " "),
            ),
            text=text,
            begins=False,
        ) if _WORD.fullmatch(text):
            name, rest = _plain_attribute(path), f"~={css_string(text[1:-1])}"
        case _:
            return None
    return None if name is None else f"[{name}{rest}]"


def coarse_css_of(test: Test) -> str:
    """A simple selector that finds those elements and maybe more, for a test that none says exactly; "" for none."""
    match test:
        case Both(members=members):
            return "".join(css_of(member) or coarse_css_of(member) for member in members)
        case Exists(path=path) | Equal(of=Trail() as path):
            return _has_attribute(path)
        case Holds(of=Text(function="string" | "normalize-space", arguments=(Trail() as path,)), text=text) if text:
            return _has_attribute(path)
        case Holds(of=Text(function="concat", arguments=(" ", Trail() as path, " ")), text=text) if text.strip():
            name = _plain_attribute(path)
            return _has_attribute(path) if name is None else f"[{name}*={css_string(text.strip())}]"
    return ""


def _has_attribute(path: Trail) -> str:
    is_attribute = path.gives == "attribute" and not (path.hops or path.start or path.anywhere)
    return f"[{path.attribute}]" if is_attribute else ""


def _plain_attribute(path: Trail | Text) -> str | None:
    """The name in `@name`, where lexbor has one attribute of it."""
    if isinstance(path, Text) or path.gives != "attribute" or path.hops or path.start or path.anywhere:
        return None
    return None if path.attribute in _PREFIXED else path.attribute


class _Reader:
    """A recursive descent. Every method raises _Uncommon."""

    def __init__(self, tokens: Sequence[Lexeme]) -> None:
        self.tokens = tokens
        self.at = 0
        self.inside = 0  # so many square brackets

    # --- tokens ---

    def kind(self, ahead: int = 0) -> str:
        index = self.at + ahead
        return self.tokens[index][0] if index < len(self.tokens) else ""

    def text(self, ahead: int = 0) -> str:
        """The symbol or name that stands there; "" for a literal, a number and the end."""
        return self.tokens[self.at + ahead][1] if self.kind(ahead) in ("symbol", "name") else ""

    def take(self, text: str) -> bool:
        found = self.text() == text
        self.at += found
        return found

    def need(self, text: str) -> None:
        if not self.take(text):
            raise _Uncommon

    def literal(self) -> str:
        if self.kind() != "literal":
            raise _Uncommon
        self.at += 1
        return self.tokens[self.at - 1][1][1:-1]

    def calls(self, *names: str) -> bool:
        return self.text() in names and self.text(1) == "("

    # --- expressions ---

    def form(self) -> Form:
        if self.calls("string", "normalize-space", "concat", "substring-before", "substring-after"):
            return self.string()
        return self.union()

    def union(self) -> tuple[Trail, ...]:
        members = [self.trail()]
        while self.take("|"):
            members.append(self.trail())
        # Which text stands before which, none of them tells.
        if len(members) > 1 and any(member.gives == "text" for member in members):
            raise _Uncommon
        return tuple(members)

    def string(self) -> Text:
        function = self.text()
        self.at += 2
        arguments: list[Trail | Text | str] = []
        while not self.take(")"):
            if arguments:
                self.need(",")
            arguments.append(self.argument())
        if not arguments:
            arguments.append(Trail())
        match function:
            case "string" | "normalize-space" | "concat" | "substring-before" | "substring-after":
                return Text(function, tuple(arguments))
        raise _Uncommon

    def argument(self) -> Trail | Text | str:
        if self.kind() == "literal":
            return self.literal()
        if self.text(1) == "(" and self.text() != "text":
            return self.string()
        return self.trail()

    # --- paths ---

    def trail(self) -> Trail:
        if self.inside and self.text() in ("/", "//", "("):
            raise _Uncommon  # would be looked for again at each node
        if self.take("("):
            start = self.union()
            self.need(")")
            self.need("[")
            place = self.place()
            if place is None or any(member.gives != "element" for member in start):
                raise _Uncommon
            self.need("]")
            return self.steps(Trail(start=start, place=place), first=False)
        return self.steps(Trail(), first=True)

    def steps(self, trail: Trail, *, first: bool) -> Trail:
        if first and self.text() in ("/", "//"):
            trail = replace(trail, origin="document")
        hops: list[Hop] = []
        while True:
            anywhere = self.take("//")
            if not (anywhere or self.take("/") or first):
                return replace(trail, hops=tuple(hops))
            is_root = first and trail.origin == "document" and not anywhere
            first = False
            if self.text() in ("@", "attribute") or self.calls("text"):
                if is_root:
                    raise _Uncommon  # the document has neither
                return self.last(replace(trail, hops=tuple(hops)), anywhere=anywhere)
            if self.take("."):
                if anywhere or is_root or self.text() == "[":
                    raise _Uncommon
                continue
            hop = self.hop(anywhere=anywhere)
            if not is_root:
                hops.append(hop)
            elif hop.axis == "child" and hop.name in ("html", "*") and not hop.brackets:
                trail = replace(trail, origin="root")
            else:
                raise _Uncommon

    def last(self, trail: Trail, *, anywhere: bool) -> Trail:
        """A step to attributes or texts, behind which there is none."""
        if not self.calls("text"):
            if not self.take("@"):
                self.at += 1
                self.need("::")
            trail = replace(trail, gives="attribute", attribute=self.attribute_name(), anywhere=anywhere)
        else:
            self.at += 3
            trail = replace(trail, gives="text", brackets=self.brackets(), anywhere=anywhere)
            if anywhere and any(isinstance(bracket, Place) for bracket in trail.brackets):
                raise _Uncommon
        if self.text() in ("/", "//", "["):
            raise _Uncommon
        return trail

    def hop(self, *, anywhere: bool) -> Hop:
        if self.take(".."):
            if anywhere:
                raise _Uncommon
            return Hop(axis="parent", name="*")
        axis: Axis = "child"
        if self.text(1) == "::":
            written = self.text()
            self.at += 2
            if written == "descendant":
                hop = self.hop(anywhere=True)
                if hop.axis != "descendant" or any(isinstance(bracket, Place) for bracket in hop.brackets):
                    raise _Uncommon  # places are those among all descendants
                return hop
            if written not in _WALKED:
                raise _Uncommon
            axis = _WALKED[written]
        if anywhere and axis != "child":
            raise _Uncommon
        name = self.element_name()
        return Hop(axis="descendant" if anywhere else axis, name=name, brackets=self.brackets())

    def element_name(self) -> str:
        if self.take("*"):
            return "*"
        name = self.text()
        if self.kind() != "name" or not _NAME.fullmatch(name) or self.text(1) in ("(", ":", "::"):
            raise _Uncommon
        svg = LexborHTMLParser(f"<svg><{name}></svg>").css_first("svg *")
        if svg is not None and svg.tag != name:
            raise _Uncommon  # one that SVG writes with capitals
        self.at += 1
        return name

    def attribute_name(self) -> str:
        name = self.text()
        if self.kind() != "name" or not _NAME.fullmatch(name) or self.text(1) in ("(", ":", "::"):
            raise _Uncommon
        foreign = LexborHTMLParser(f"<svg {name}=''></svg><math {name}=''></math>").css("svg, math")
        if any(name not in element.attributes for element in foreign):
            raise _Uncommon  # one that SVG or MathML writes with capitals
        self.at += 1
        return name

    # --- brackets ---

    def brackets(self) -> tuple[Test | Place, ...]:
        found: list[Test | Place] = []
        while self.take("["):
            self.inside += 1
            place = self.place()
            found.append(self.either() if place is None else place)
            self.need("]")
            self.inside -= 1
        return tuple(found)

    def place(self) -> Place | None:
        """`3`, `last()`, `position() < 3`; None where something else begins."""
        if self.kind() == "number":
            return _at(self.number(), "=")
        if self.calls("last"):
            self.at += 2
            self.need(")")
            if self.take("-"):
                back = self.number()
                return Place(lambda number, last: number == last - back)
            return Place(lambda number, last: number == last)
        if not self.calls("position"):
            return None
        self.at += 2
        self.need(")")
        sign = self.text()
        if sign not in _COMPARED:
            raise _Uncommon
        self.at += 1
        if self.calls("last"):
            compared = _COMPARED[sign]
            self.at += 2
            self.need(")")
            return Place(compared)
        return _at(self.number(), sign)

    def number(self) -> int:
        if self.kind() != "number" or not self.tokens[self.at][1].isdecimal():
            raise _Uncommon
        self.at += 1
        return int(self.tokens[self.at - 1][1])

    def either(self) -> Test:
        members = [self.both()]
        while self.take("or"):
            members.append(self.both())
        return members[0] if len(members) == 1 else Either(tuple(members))

    def both(self) -> Test:
        members = [self.test()]
        while self.take("and"):
            members.append(self.test())
        return members[0] if len(members) == 1 else Both(tuple(members))

    def test(self) -> Test:
        if self.calls("not"):
            self.at += 2
            inner = self.either()
            self.need(")")
            return Negated(inner)
        if self.calls("contains", "starts-with"):
            begins = self.text() == "starts-with"
            self.at += 2
            of = self.argument()
            self.need(",")
            text = self.literal()
            self.need(")")
            return Holds(of if isinstance(of, Text) else Text("string", (of,)), text, begins)
        if self.take("("):
            inner = self.either()
            self.need(")")
            return inner
        return self.comparison()

    def comparison(self) -> Test:
        literal = self.literal() if self.kind() == "literal" else None
        if literal is not None:
            same = self.sign()
        of = self.argument()
        if isinstance(of, str):
            raise _Uncommon
        if literal is not None:
            return Equal(of, literal, same)
        if self.text() in ("=", "!="):
            same = self.sign()
            return Equal(of, self.literal(), same)
        return Filled(of) if isinstance(of, Text) else Exists(of)

    def sign(self) -> bool:
        same = self.take("=")
        if not same:
            self.need("!=")
        return same


def _at(wanted: int, sign: str) -> Place:
    compared = _COMPARED[sign]
    return Place(lambda number, _last: compared(number, wanted), most=wanted if sign in ("=", "<", "<=") else 0)
