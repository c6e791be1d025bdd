"""`checks` of a contract: JMESPath expressions over an accepted row that must hold.

Whatever goes wrong while one is evaluated is a broken check, never a crash and never silently true.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from crawler.recipe.exact_jmespath import ExactExpression, ExpressionFailed
from crawler.recipe.values import Value, holds

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True, slots=True)
class RowCheck:
    """One check. `message` is what to say where it does not hold, may be empty."""

    expression: ExactExpression
    message: str = ""

    @property
    def text(self) -> str:
        """The expression as written."""
        return self.expression.text

    def broken(self, row: Mapping[str, Value]) -> str | None:
        """Why the row breaks this check; None if it holds."""
        try:
            value = self.expression.search(row)
        except ExpressionFailed as failure:
            return self._because(f"cannot be evaluated: {failure}")
        if holds(value):
            return None
        return self._because(
            "gives null: it compares or calls with a missing value" if value is None else "is not true"
        )

    def _because(self, reason: str) -> str:
        return f"{self.message} (`{self.text}` {reason})" if self.message else f"`{self.text}` {reason}"
