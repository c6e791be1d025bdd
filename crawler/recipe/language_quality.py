"""The part of the language that says when a run is good enough to be published: `quality`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from crawler.recipe.language_texts import COUNT_OR_ZERO
from crawler.recipe.quantities import percent_problem
from crawler.recipe.shape import Key, NamedMap, Shape, UserMap
from crawler.recipe.shape_scalars import Choice, FirstOf, Integer, Number, Text
from crawler.recipe.yaml_nodes import MapNode

if TYPE_CHECKING:
    from crawler.recipe.diagnostics import Path, Report
    from crawler.recipe.shape import Schemas
    from crawler.recipe.yaml_nodes import Node

_PERCENT = r"^[0-9]+(\.[0-9]+)?%$"


@dataclass(frozen=True, kw_only=True)
class WordOrMap(Shape):
    """A word that stands for a map with nothing but defaults, or that map; what is wrong inside of it is said there."""

    word: Choice
    mapping: NamedMap

    @property
    def noun(self) -> str:  # type: ignore[override] # follows from both
        """Both."""
        return f"{self.word.noun}, or {self.mapping.noun}"

    def check(self, node: Node, path: Path, report: Report) -> Node:
        """The word, or the map without what is wrong in it."""
        if isinstance(node, MapNode):
            return self.mapping.check(node, path, report)
        return self.word.check(node, path, report)

    def schema(self, schemas: Schemas) -> dict[str, Any]:
        """Either of them."""
        return {"anyOf": [self.word.schema(schemas), self.mapping.schema(schemas)]}


def _share_or_count(what: str) -> Shape:
    return FirstOf(
        shapes=(COUNT_OR_ZERO, Text(accepts=percent_problem, pattern=_PERCENT)),
        noun=f"a number of {what}, or a share such as 2%",
    )


_ITEMS = NamedMap(
    keys=(
        Key("minimum", COUNT_OR_ZERO, "Fewest rows of a good run"),
        Key("maximum", COUNT_OR_ZERO, "Most rows of a good run"),
    ),
    any_of=("minimum", "maximum"),
)

_BANDS = WordOrMap(
    word=Choice(values=("learned",)),
    mapping=NamedMap(
        keys=(
            Key("window", Integer(minimum=3, maximum=100), "So many earlier runs count, the newest (20)"),
            Key("minimum_runs", Integer(minimum=3, maximum=100), "With fewer of them nothing is compared (5)"),
            Key("deviations", Number(), "A figure may be so many robust standard deviations off (4)"),
        ),
        noun="a map with `window`, `minimum_runs` and `deviations`",
        any_of=("window", "minimum_runs", "deviations"),
    ),
)

QUALITY = NamedMap(
    keys=(
        Key("items", _ITEMS, "How many rows a good run has"),
        Key(
            "rejected",
            NamedMap(
                keys=(Key("maximum", _share_or_count("rows"), "Most rejected rows: a number or 2%", required=True),)
            ),
            "How many rows may be refused",
        ),
        Key(
            "coverage",
            UserMap(
                value=Text(noun="a share such as 98%", accepts=percent_problem, pattern=_PERCENT),
                keys="a field; variants[].price for one of each member of a list, ITEM.FIELD where there are several"
                " items",
            ),
            "How many of the rows have a field, at least: price: 98%",
        ),
        Key(
            "http_errors",
            NamedMap(
                keys=(
                    Key(
                        "maximum",
                        _share_or_count("pages"),
                        "Most pages that the site answered with an error, or not at all: a number or 5%",
                        required=True,
                    ),
                )
            ),
            "How many pages may fail by the site's answer",
        ),
        Key("bands", _BANDS, "learned: a run is compared with the earlier ones of the recipe"),
    ),
    any_of=("items", "rejected", "coverage", "http_errors", "bands"),
)
