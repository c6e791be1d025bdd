"""The errors of queries; in a module of its own because every query language and every kind of document raises them."""

from __future__ import annotations

from crawler.errors import PageError


class QueryError(ValueError):
    """A query of a recipe is wrong. `args[0]` says what and where in it, `hint` what to write instead, if known."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class UnknownPrefix(QueryError):
    """A name in XML has a prefix that the page type does not declare."""

    def __init__(self, prefix: str, message: str, hint: str | None = None) -> None:
        super().__init__(message, hint)
        self.prefix = prefix


class QueryFailed(QueryError, PageError):
    """A query is sound but cannot work on this page's value: `length()` of a number, CSS on JSON.

    A rule that catches it as QueryError goes on with the next alternative. It is a PageError, too, so that the page
    fails with this message where nobody does.
    """
