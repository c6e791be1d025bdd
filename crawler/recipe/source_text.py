"""Sources as a person wrote them, for traces, reports and reasons."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crawler.recipe.model import (
    ConstSource,
    MetaSource,
    NodeSource,
    PrecedingSource,
    QuerySource,
    ResponseSource,
    TemplateSource,
)

if TYPE_CHECKING:
    from crawler.recipe.model import Take


def source_text(take: Take) -> str:
    """The source as a person wrote it, for traces and reports: `css: h1`."""
    source = take.source
    prefix = "" if take.from_ is None else f"{take.from_} "
    if isinstance(source, QuerySource):
        return f"{prefix}{source.query.language}: {source.query.text}"
    if isinstance(source, TemplateSource):
        return f"template: {source.template.text}"
    if isinstance(source, MetaSource):
        return f"meta: {source.name}"
    if isinstance(source, NodeSource):
        return f"{source.syntax}: {source.type}"
    if isinstance(source, ResponseSource):
        return f"response: {source.attribute}"
    if isinstance(source, ConstSource):
        return f"const: {source.value}"
    if isinstance(source, PrecedingSource):
        return f"preceding: {source.css.text}"
    return f"table: {source.header}"
