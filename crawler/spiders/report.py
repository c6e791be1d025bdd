"""What a recipe's crawl has shown so far, beyond Scrapy's counters: for the summary at its end."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from crawler.recipe.model import AnyOf, QuerySource, Rows, Take

if TYPE_CHECKING:
    from crawler.exports.coverage import Coverage
    from crawler.recipe.model import EmptyCause, Recipe, Reject, RuleNode
    from crawler.spiders.rows import RecipeRow

#: URLs kept of each kind of list end; more are only counted.
_MAX_URLS = 1_000


@dataclass(slots=True)
class FieldGap:
    """Rows without a field: how many, and one of them to look at."""

    rows: int
    reason: str
    url: str


@dataclass(slots=True)
class RecipeReport:
    """Counts and names; filled by the spider and the pipelines."""

    pages: Counter[str] = field(default_factory=Counter)  # read, by page type
    rejected_rows: Counter[str] = field(default_factory=Counter)  # by item
    rejected_for: Counter[tuple[str, str, str]] = field(default_factory=Counter)  # by item, field, rule
    duplicates: Counter[str] = field(default_factory=Counter)  # by item
    alternatives: Counter[tuple[str, str, str]] = field(default_factory=Counter)  # by item, field, source
    gaps: dict[tuple[str, str], FieldGap] = field(default_factory=dict)  # by item and field
    dropped: Counter[str] = field(default_factory=Counter)  # pages dropped by `drop_if`, by page type
    causes: dict[tuple[str, str, str], tuple[EmptyCause, int]] = field(default_factory=dict)
    max_pages: list[str] = field(default_factory=list)  # list pages after which `max_pages` ended the list
    loops: list[str] = field(default_factory=list)  # list pages whose next page had been there before
    lost_lists: dict[str, str] = field(default_factory=dict)  # URL and outcome of list pages that never came
    coverage: Coverage | None = None  # of the fields that `quality` looks at

    def row(self, row: RecipeRow) -> None:
        """Notes which fields a row lacks, and which of those that `quality` looks at it has."""
        if self.coverage is not None:
            self.coverage.add(row.item, row)
        for name, reason in row.gaps.items():
            gap = self.gaps.get((row.item, name))
            if gap is None:
                self.gaps[row.item, name] = FieldGap(rows=1, reason=reason, url=row.url)
            else:
                gap.rows += 1

    def reject(self, reject: Reject) -> None:
        """Counts a row that was refused, once for each field."""
        self.rejected_rows[reject.item] += 1
        for reason in reject.reasons:
            self.rejected_for[reject.item, reason.field, reason.rule] += 1

    def empty(self, cause: EmptyCause) -> None:
        """Counts a page that gave nothing, together with others of the same look."""
        kind = (cause.page, cause.selector, cause.hint)
        first, count = self.causes.get(kind, (cause, 0))
        self.causes[kind] = (first, count + 1)

    def end_of_list(self, end: str, url: str) -> None:
        """Notes how a list ended, if it is worth telling."""
        urls = {"max_pages": self.max_pages, "loop": self.loops}.get(end)
        if urls is not None and len(urls) < _MAX_URLS:
            urls.append(url)


def alternative_name(recipe: Recipe, page_type: str, path: str, number: int) -> str:
    """How an alternative is called in the summary: as it is written if it has a selector, else by its number.

    Args:
        recipe: the plan.
        page_type: the page it was used on.
        path: of the field, `variants[].price`.
        number: from 1.
    """
    rows = recipe.pages[page_type].rows
    rule: RuleNode | None = rows
    for name in path.replace("[]", "").split("."):
        if not isinstance(rule, Rows):
            return str(number)
        rule = rule.fields.get(name)
    if not isinstance(rule, AnyOf) or number > len(rule.members):
        return str(number)
    member = rule.members[number - 1]
    if isinstance(member, Take) and isinstance(member.source, QuerySource):
        return f"{number}: {member.source.query.text}"
    return str(number)
