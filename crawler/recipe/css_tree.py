"""What a parsed selector is made of. Values only: `css` makes them, `css_match` and `css_lxml` run them.

A compound (`a.x[href]`) is what lexbor or cssselect matches on its own. Everything that relates elements (combinators,
and `:not()`/`:is()` around them) is kept as structure, because lexbor backtracks through chains of ancestors and looks
above the element it searches in; `css_match` decides per page which way to go.
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from msgspec import Struct

Combinator: TypeAlias = Literal[" ", ">", "+", "~"]

#: What a part of a query gives of each match: the element, its own text, each text node in it, or an attribute.
PartKind: TypeAlias = Literal["element", "own_text", "texts", "attr"]


class TypeName(Struct, frozen=True, kw_only=True):
    """A type selector. `name` is unescaped, as written; of XML also the address of its namespace, "" for none."""

    name: str
    text: str
    namespace: str = ""


class Plain(Struct, frozen=True, kw_only=True):
    """A simple selector that lexbor and cssselect read alike, as written: class, id, attribute, :empty, :root."""

    text: str


class FlaggedAttribute(Struct, frozen=True, kw_only=True):
    """`[name="value" i]`: the ASCII case of the value is ignored."""

    name: str
    operator: str
    value: str
    text: str


class Nth(Struct, frozen=True, kw_only=True):
    """`:nth-child(an+b of S)` and its like; an empty `of` counts all siblings."""

    name: str
    a: int
    b: int
    of: tuple[Compound, ...] = ()

    @property
    def of_type(self) -> bool:
        """Whether only siblings of the same name count."""
        return self.name.endswith("of-type")

    def holds(self, position: int) -> bool:
        """Whether the `position`-th sibling (from 1) is meant."""
        steps = position - self.b
        return steps == 0 if self.a == 0 else steps % self.a == 0 and steps // self.a >= 0


class Contains(Struct, frozen=True, kw_only=True):
    """`:contains("x")`: a text node in the element, at any depth, holds the string."""

    string: str


class Has(Struct, frozen=True, kw_only=True):
    """`:has(> x)`: one compound after at most one combinator; any of the members."""

    members: tuple[tuple[Combinator, Compound], ...]


class Logical(Struct, frozen=True, kw_only=True):
    """`:is()` (and `:where()`), `:not()`."""

    name: Literal["is", "not"]
    members: tuple[Complex, ...]


Simple: TypeAlias = TypeName | Plain | FlaggedAttribute | Nth | Contains | Has | Logical


class Compound(Struct, frozen=True, kw_only=True):
    """Simple selectors that one element must match, all of them; none = any element.

    `relational` are those that hold combinators, which no engine is asked to match by itself. `costly` are those for
    which engines look at all siblings of each element, or at all that is inside it; `lean` is the compound without
    them.
    """

    simples: tuple[Simple, ...]
    relational: tuple[Logical, ...]
    lexbor: str  # the simples as lexbor reads them; "*" if there are none
    costly: tuple[Simple, ...] = ()
    lean: Compound | None = None  # None: nothing is costly


class Complex(Struct, frozen=True, kw_only=True):
    """Compounds joined by combinators: `combinators[i]` stands before `compounds[i + 1]`.

    `anchored`: the first compound is `:scope`, the row itself (also for a leading combinator).
    """

    compounds: tuple[Compound, ...]
    combinators: tuple[Combinator, ...]
    anchored: bool
    native: str | None  # the whole as lexbor reads it; None if it is anchored or holds relational simples
    prefixes: tuple[str, ...]  # as written, up to the end of each compound
    backtracks: int  # combinators at which lexbor may have to try again
    costly: bool  # a compound is
    counts_some: bool  # `:nth-child(... of S)` is in it, which lexbor gets wrong for lists and compounds

    @property
    def is_soon_found(self) -> bool:
        """Whether lexbor finds it in one pass over a page.

        For `~` it looks at all siblings of each element; and what is costly it would look at for each element below.
        """
        return self.backtracks < 2 and "~" not in self.combinators and not self.costly


class CssPart(Struct, frozen=True, kw_only=True):
    """One comma part of a query: a selector and what is read of each match."""

    selector: Complex
    kind: PartKind
    attribute: str = ""


ANY: Final = Compound(simples=(), relational=(), lexbor="*")


def css_string(text: str) -> str:
    """`text` as a quoted CSS string."""
    escaped = "".join(f"\\{ord(char):x} " if char in '"\\' or char < " " else char for char in text)
    return f'"{escaped}"'


def compound_of(simples: tuple[Simple, ...]) -> Compound:
    """A compound, with its text for lexbor."""
    relational = tuple(
        simple
        for simple in simples
        if isinstance(simple, Logical) and not all(_is_one_compound(member) for member in simple.members)
    )
    texts = [_lexbor(simple) for simple in simples if simple not in relational]
    costly = tuple(simple for simple in simples if simple not in relational and _is_costly(simple))
    text = "".join(texts) or "*"
    return Compound(
        simples=simples,
        relational=relational,
        # Before a blank or `~` lexbor stops at the first element that a leading `:is()` or its like does not hold for.
        lexbor=f"*{text}" if text.startswith(":") else text,
        costly=costly,
        lean=compound_of(tuple(simple for simple in simples if simple not in costly)) if costly else None,
    )


def _is_costly(simple: Simple) -> bool:
    if isinstance(simple, Logical):
        return any(compound.costly for member in simple.members for compound in member.compounds)
    return isinstance(simple, Has | Nth | Contains)


def _is_one_compound(member: Complex) -> bool:
    """Whether every engine can match the member with one test. XPath 1.0 cannot count siblings of the same name."""
    return (
        len(member.compounds) == 1
        and not member.compounds[0].relational
        and not any(isinstance(simple, Nth) and simple.of_type for simple in member.compounds[0].simples)
    )


def _lexbor(simple: Simple) -> str:
    """One simple selector as lexbor reads it."""
    match simple:
        case TypeName(text=text) | Plain(text=text) | FlaggedAttribute(text=text):
            return text
        case Contains(string=string):
            # lexbor looks into the element's own text nodes only
            own = f":lexbor-contains({css_string(string)})"
            return f":is({own}, :has({own}))"
        case Nth(name=name, a=a, b=b, of=of):
            of_text = f" of {', '.join(compound.lexbor for compound in of)}" if of else ""
            return f":{name}({a}n{b:+d}{of_text})"
        case Has(members=members):
            inner = ", ".join(f"{combinator} {compound.lexbor}".strip() for combinator, compound in members)
            return f":has({inner})"
        case Logical(name=name, members=members):
            return f":{name}({', '.join(member.compounds[0].lexbor for member in members)})"


def complex_of(
    compounds: tuple[Compound, ...],
    combinators: tuple[Combinator, ...],
    *,
    anchored: bool,
    prefixes: tuple[str, ...],
) -> Complex:
    """A complex selector, with its text for lexbor if lexbor may match it as a whole."""
    native = None
    if not anchored and not any(compound.relational for compound in compounds):
        native = compounds[0].lexbor
        for combinator, compound in zip(combinators, compounds[1:], strict=True):
            native += f" {compound.lexbor}" if combinator == " " else f" {combinator} {compound.lexbor}"
    return Complex(
        compounds=compounds,
        combinators=combinators,
        anchored=anchored,
        native=native,
        prefixes=prefixes,
        backtracks=combinators.count(" ") + combinators.count("~"),
        costly=any(compound.costly for compound in compounds),
        counts_some=any(_counts_some(compound) for compound in compounds),
    )


def _counts_some(compound: Compound) -> bool:
    for simple in compound.simples:
        if isinstance(simple, Nth):
            found = bool(simple.of)
        elif isinstance(simple, Has):
            found = any(_counts_some(inner) for _, inner in simple.members)
        else:
            found = isinstance(simple, Logical) and any(member.counts_some for member in simple.members)
        if found:
            return True
    return False
