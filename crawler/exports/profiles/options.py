"""The options of a product: what its page lists, and what its variations use, as one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from crawler.exports.profiles.values import list_of, text_of, texts_of
from crawler.recipe.steps.text import slugged

if TYPE_CHECKING:
    from collections.abc import Mapping

#: What WooCommerce puts before the name of an option: of every one, and of one that several products share.
_PREFIXES: Final = ("attribute_", "pa_")

#: Options that one product can have; each variation has a value for every one, so a page could else have millions.
MOST_OPTIONS: Final = 100

#: Where an option comes from that no list of the page has.
_OF_VARIATIONS: Final = -1


@dataclass(frozen=True, kw_only=True, slots=True)
class Option:
    """What variations may differ in, or what is said of all of them.

    Attributes:
        name: as people read it.
        values: that there are, in the order of the page.
        default: the one that is chosen at first; empty if none is.
        varies: whether variations differ in it.
        visible: whether the page of the product shows it.
    """

    name: str
    values: tuple[str, ...]
    default: str = ""
    varies: bool = False
    visible: bool = True


class Options:
    """The options of a product while its variations are read: they may use values that the page does not list.

    Pages name an option twice, as people read it and as the form sends it (`attribute_pa_colour`), and so they do its
    values (`dark-oak`, "Dark oak"). Here people's names win.
    """

    def __init__(self, *written: Any) -> None:
        """Of each `written`: a list of maps with `name` and `values` (or `value`), or a map of names to values.

        The first of them are those that variations may give values for without their names.
        """
        self._exact: dict[str, str] = {}  # names, of people and of forms, in lower case
        self._names: dict[str, str] = {}  # the same, folded
        self._group: dict[str, int] = {}  # the `written` that a name comes from, and `_OF_VARIATIONS`
        self._values: dict[str, dict[str, str]] = {}  # by name: values of people and of forms, as people read them
        self._listed: dict[str, dict[str, None]] = {}
        self._default: dict[str, str] = {}
        self._hidden: set[str] = set()
        self._varies: set[str] = set()
        for group, options in enumerate(written):
            members = options.items() if isinstance(options, dict) else ()
            for member in [{"name": name, "values": values} for name, values in members] or list_of(options):
                if isinstance(member, dict):
                    self._add(member, group)

    def _add(self, member: Mapping[str, Any], group: int) -> None:
        name = text_of(member.get("name"))
        if not name or self._full or self._known(name, group):
            return  # a page that says it twice says it best at first
        values = texts_of(member.get("values")) or texts_of(member.get("value"))
        for key in (name, text_of(member.get("key"))):
            if key:
                self._exact.setdefault(_in_lower_case(key), name)
                self._names.setdefault(_folded(key), name)
        self._group[name] = group
        self._listed[name] = dict.fromkeys(values)
        keys = texts_of(member.get("keys"))
        pairs = [
            *zip(values, values, strict=True),
            *(zip(keys, values, strict=True) if len(keys) == len(values) else ()),
        ]
        known = self._values[name] = {}
        for key, value in [
            *pairs,
            *((key.casefold(), value) for key, value in pairs),
            *((_folded_value(key), value) for key, value in pairs),
        ]:
            known.setdefault(key, value)
        default = text_of(member.get("default"))
        if default:
            self._default[name] = self._value(name, default)
        if member.get("visible") is False:
            self._hidden.add(name)

    def chosen(self, written: Any) -> dict[str, str]:
        """A value for each option that a variation names; empty for one that may have any.

        `written`: a map of names to values, a list of maps with `name` and `value`, or values in the options' order.
        """
        chosen: dict[str, str] = {}
        for key, value in self._pairs(written):
            name = self._option(key) if key else ""
            if name and (value or name not in chosen):  # of two keys of an option one may be left empty
                chosen[name] = self._value(name, value)
        return chosen

    @property
    def _full(self) -> bool:
        return len(self._listed) >= MOST_OPTIONS

    def _pairs(self, written: Any) -> list[tuple[str, str]]:
        if isinstance(written, dict):
            return [(str(name), text_of(value)) for name, value in written.items()]
        members = list_of(written)
        if all(isinstance(member, dict) for member in members):
            return [(text_of(member.get("name")), text_of(member.get("value"))) for member in members]
        first = [name for name in self._listed if self._group[name] == 0]
        return list(zip(first, map(text_of, members), strict=False))

    def _option(self, name: str) -> str:
        known = self._known(name, _OF_VARIATIONS)
        if not known and self._full:
            return ""
        if not known:
            known = text_of(unquote(_without_prefixes(name))) or name
            self._exact[_in_lower_case(name)] = known
            self._names.setdefault(_folded(name), known)
            self._group.setdefault(known, _OF_VARIATIONS)
            self._listed.setdefault(known, {})
            self._values.setdefault(known, {})
        self._varies.add(known)
        return known

    def _known(self, name: str, group: int) -> str:
        """The option that is meant, if there is one already.

        Names of one group that only look alike when they are folded ("C", "C++") are two, unless one is of a form.
        """
        exact = self._exact.get(_in_lower_case(name))
        if exact is not None:
            return exact
        folded = self._names.get(_folded(name), "")
        alike = folded and self._group[folded] == group
        return "" if alike and not (_is_of_a_form(name) or _is_of_a_form(folded)) else folded

    def _value(self, name: str, value: str) -> str:
        if not value:
            return ""
        known = self._values[name]
        found = known.get(value) or known.get(value.casefold())
        if found is None and _folded_value(value) == unquote(value).lower():  # "a+" is no form of "A"
            found = known.get(_folded_value(value))
        found = found or value
        known.setdefault(value, found)
        self._listed[name].setdefault(found)
        return found

    def all(self) -> tuple[Option, ...]:
        """Every option, those that the page lists first."""
        return tuple(
            Option(
                name=name,
                values=tuple(values),
                default=self._default.get(name, ""),
                varies=name in self._varies,
                visible=name not in self._hidden,
            )
            for name, values in self._listed.items()
            if values
        )


def _without_prefixes(name: str) -> str:
    for prefix in _PREFIXES:
        name = name.removeprefix(prefix)
    return name


def _in_lower_case(name: str) -> str:
    return _without_prefixes(unquote(name)).strip(" :").casefold() or name


def _is_of_a_form(name: str) -> bool:
    return _folded(name) == _without_prefixes(unquote(name))


def _folded(name: str) -> str:
    plain = _without_prefixes(unquote(name))
    return slugged(plain) or plain


def _folded_value(value: str) -> str:
    return slugged(unquote(value)) or value
