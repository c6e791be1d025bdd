"""The part of the language that says when a run is good enough to be published: `quality`."""

from __future__ import annotations

from crawler.recipe.language_texts import COUNT_OR_ZERO
from crawler.recipe.quantities import percent_problem
from crawler.recipe.shape import ByKind, Key, NamedMap, Shape, UserMap
from crawler.recipe.shape_scalars import Choice, FirstOf, Integer, Number, Text

_PERCENT = r"^[0-9]+(\.[0-9]+)?%$"


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

_BANDS = ByKind(
    noun="learned, or a map with `window`, `minimum_runs` and `deviations`",
    scalar=Choice(values=("learned",)),
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
                value=Text(noun="a share such as 98%", accepts=percent_problem, pattern=_PERCENT, hint="write 98%"),
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
