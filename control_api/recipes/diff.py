"""`GET /v1/recipes/NAME/diff`: what two versions of a client's recipe make of the same saved pages.

Both run in a process of their own, see `crawler.trials`; nothing of it is kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import marshmallow as ma

from control_api.fields import Schema, Text, Whole, about
from control_api.problems import Problem, not_found, pointer
from control_api.recipes.schemas import VERSION, WhoseSchema
from control_api.recipes.trials import tried
from control_api.services import ask, services
from crawler.catalog.objects import read_pages
from crawler.catalog.store import Catalog
from crawler.errors import InvalidRecipeName
from crawler.recipe.diff_report import MAX_TOLD
from crawler.trials.process import difference

if TYPE_CHECKING:
    from crawler.store import Store

_FIGURES: Final = {
    "rows": {"old": 20, "new": 21, "same": 18, "changed": 2, "added": 1, "gone": 0},
    "rejects": {"old": 1, "new": 0},
    "fields": {
        "price": {
            "old": {"filled": 19, "rate": 0.95},
            "new": {"filled": 21, "rate": 1.0},
            "filled": 1,
            "emptied": 0,
            "changed": 1,
        }
    },
}
_DIFFERENCE: Final = {
    "page": "product",
    "snapshot": "chair.html",
    "url": "https://shop.example/p/chair-1",
    "kind": "changed",
    "item": "product",
    "row": 1,
    "key": {"sku": "C1"},
    "changes": [{"path": "price", "old": None, "new": 49.0}],
}
_VERSION_OF: Final = {"name": "chairs", "version": "1.0.0", "sha256": "9f86d081" * 8}


class DiffQuerySchema(WhoseSchema):
    """Which versions are compared, and whose."""

    old = Text(
        VERSION,
        most=80,
        data_key="from",
        required=True,
        error="must be three numbers, such as 1.0.0",
        metadata=about("The version before.", "1.0.0"),
    )
    new = Text(
        VERSION,
        most=80,
        data_key="to",
        error="must be three numbers, such as 1.1.0",
        metadata=about("The version after; by default the one that is current.", "1.1.0"),
    )
    limit = Whole(
        least=0,
        most=1000,
        load_default=MAX_TOLD,
        metadata=about("Differences to tell one by one; figures are of all.", MAX_TOLD),
    )


class RecipeDiffSchema(Schema):
    """What two versions make of the same saved pages."""

    old = ma.fields.Dict(required=True, metadata=about("The version before: name, version, SHA-256.", _VERSION_OF))
    new = ma.fields.Dict(required=True, metadata=about("The version after.", _VERSION_OF | {"version": "1.1.0"}))
    same = ma.fields.Boolean(required=True, metadata=about("Both give the same on all pages.", False))
    pages = ma.fields.Integer(required=True, metadata=about("Saved pages that were looked at.", 20))
    pages_changed = ma.fields.Integer(required=True, metadata=about("Those on which they differ.", 3))
    pages_absent = ma.fields.List(
        ma.fields.String(), required=True, metadata=about("Pages that a test names and that are not there.", ["elm.html"])
    )
    items = ma.fields.Dict(
        required=True,
        metadata=about(
            "By item: rows of both versions and what became of them; and of each field, in how many rows each version"
            " fills it, and how many rows of both have it only now, had it only before, or have another value.",
            {"product": _FIGURES},
        ),
    )
    differences = ma.fields.List(
        ma.fields.Dict(),
        required=True,
        metadata=about(
            "The first of them: rows that are `added`, `gone` or `changed`, and facts of a `page` (its error, outcome,"
            " links, next page).",
            [_DIFFERENCE],
        ),
    )
    left_out = ma.fields.Integer(required=True, metadata=about("How many more there are.", 0))


class _Stored(NamedTuple):
    text: str
    pages_sha256: str


def diffed(client: str, name: str, query: dict[str, Any]) -> dict[str, Any]:
    """The report of `crawler.recipe.diff_report` on two versions of a client's recipe.

    Raises:
        Problem: there is no such recipe or version, it has no saved pages, or comparing takes too much.
    """

    async def look(store: Store) -> tuple[bool, _Stored | None, _Stored | None]:
        catalog = Catalog(store)
        try:
            versions = {each.version: each for each in await catalog.versions(client, name)}
            current = await catalog.current(client, name)
        except InvalidRecipeName:
            return False, None, None
        found = []
        for asked in (query["old"], query.get("new") or ("" if current is None else current.version)):
            version = versions.get(asked)
            text = None if version is None else await catalog.text_of(version.sha256)
            found.append(None if version is None or text is None else _Stored(text, version.pages_sha256))
        return bool(versions), found[0], found[1]

    is_there, old, new = ask(look)
    if not is_there:
        raise not_found("recipe")
    if old is None or new is None:
        which = [("from", old), ("to", new)]
        errors = [(pointer("query", part), "there is no such version") for part, found in which if found is None]
        raise Problem("unprocessable", "Two versions are compared; `errors` says which is not there.", errors=errors)
    archives = [read_pages(services().objects, one) for one in dict.fromkeys((new.pages_sha256, old.pages_sha256)) if one]
    if not archives:
        errors = [(pointer("query", part), "it was pushed without saved pages") for part in ("from", "to")]
        raise Problem("unprocessable", "There are no saved pages to compare the versions on.", errors=errors)
    parts = {"old": pointer("query", "from"), "new": pointer("query", "to"), "pages": pointer("query", "to")}
    return tried(
        lambda: difference(old.text, new.text, archives, most=query["limit"]), parts=parts, costly=parts["new"]
    )
