"""The error of a query that cannot be used; in a module of its own because every query language raises it."""

from __future__ import annotations


class QueryError(ValueError):
    """A query of a recipe is wrong. `args[0]` says what and where in it, `hint` what to write instead, if known."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint
