"""The part of the language that says what a run takes over from those before it: `incremental`, and `changes`."""

from __future__ import annotations

from typing import Final

from crawler.recipe.incremental import EMITS, SKIPS
from crawler.recipe.language_texts import COUNT, DURATION
from crawler.recipe.shape import Key, ListOf, NamedMap
from crawler.recipe.shape_scalars import Choice, Text

_FIELDS: Final = ListOf(member=Text(noun="the name of a field"), noun="a list of field names")

INCREMENTAL: Final = NamedMap(
    keys=(
        Key(
            "skip_unchanged",
            ListOf(member=Choice(values=SKIPS), noun="a list of sitemap_lastmod, etag, last_modified"),
            "What may say that a page has not changed, so that it is not read again",
        ),
        Key(
            "emit",
            Choice(values=EMITS),
            "Rows that files get: changed (new ones and those that have changed), new, or all that were read",
        ),
        Key(
            "compare",
            NamedMap(
                keys=(
                    Key("ignore", _FIELDS, "Fields that do not make a row a changed one"),
                    Key("only", _FIELDS, "The only fields that do"),
                ),
                one_of=("ignore", "only"),
            ),
            "Which fields say whether a row has changed (all)",
        ),
        Key(
            "recrawl",
            NamedMap(keys=(Key("every", DURATION, "A page that was read longer ago is read again", required=True),)),
            "How long it is believed that a page has not changed",
        ),
        Key("gone_after", COUNT, "Whole runs in a row that must have missed a row before it is gone (3)"),
    ),
    noun="what a run takes over from those before it: a map",
)

CHANGES: Final = Key(
    "changes",
    Choice(values=("column", "file")),
    "How + new, ~ changed, = the same and - gone are shown: in a column `change`, or in a file NAME-changes beside",
)
