"""Steps on what WooCommerce writes into its pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from crawler.recipe.scalars import NotScalar, describe, text_of
from crawler.recipe.steps.definition import Run, StepDefinition, StepFailed, StepInfo, no_argument
from crawler.recipe.values import MISSING, Value, is_missing

if TYPE_CHECKING:
    from typing import Any

#: Before the names of attributes in `data-product_variations`: all of them, and then those of taxonomies.
_PREFIX: Final = "attribute_"
_TAXONOMY: Final = "pa_"


def _build_attributes(argument: Any) -> Run:
    no_argument(argument)
    return lambda value, _base_url: _attributes(value)


def _attributes(value: Value) -> Value:
    """Names without prefixes and escapes. A value that is empty stands for any, and stays."""
    if not isinstance(value, dict):
        raise StepFailed(f"needs an object of attributes, got {describe(value)}")
    found: dict[str, Value] = {}
    for name, one in value.items():
        plain = unquote(str(name).removeprefix(_PREFIX).removeprefix(_TAXONOMY))
        if plain in found:
            raise StepFailed(f"two attributes are called {plain!r}")
        found[plain] = "" if is_missing(one) else unquote(_text(one, plain))
    return found or MISSING


def _text(value: Value, name: str) -> str:
    try:
        return text_of(value)
    except NotScalar as error:
        raise StepFailed(f"the attribute {name!r} must be one value, got {error}") from None


STEPS: Final = (
    StepDefinition(
        info=StepInfo(
            name="woocommerce_attributes",
            summary="Names and values of a variation's attributes, without `attribute_`, `pa_` and %-escapes. "
            "An empty value stands for any.",
            example=(
                MISSING,
                {"attribute_pa_colour": "dark-oak", "attribute_size": ""},
                {"colour": "dark-oak", "size": ""},
            ),
        ),
        build=_build_attributes,
    ),
)
