"""`POST /v1/recipes/preview`: one page of a recipe, given or fetched, and what it gives. Nothing of it is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import marshmallow as ma
from marshmallow import validate
from werkzeug.routing import UnicodeConverter

from control_api.fields import Schema, Text, about
from control_api.gate import needs
from control_api.jobs.schemas import MAX_RECIPE_CHARACTERS, RecipeName
from control_api.problems import Problem, pointer
from control_api.recipes.named import named, text_of
from control_api.recipes.trials import exactly, tried
from control_api.services import principal, services
from crawler.access.model import Scope
from crawler.egress.addresses import EgressPolicy
from crawler.errors import RecipeError
from crawler.trials.process import preview

if TYPE_CHECKING:
    from flask import Response
    from werkzeug.routing import Map

    from control_api.blueprint import Blueprint

MAX_URL_CHARACTERS: Final = 8_000

#: An example of a field that found its value by its second alternative.
_SELECTORS: Final = [{"selector": "css: .sale .price", "part": ".sale", "matches": 1, "note": ""}]


class RecipeNameConverter(UnicodeConverter):
    """Names of recipes in addresses: all but the words that stand for a call there, so that it has one method."""

    def __init__(self, url_map: Map) -> None:
        super().__init__(url_map)
        self.regex = rf"(?!(?:preview|validate)\Z){self.regex}"


class PreviewOrderSchema(Schema):
    """A page to try, and the recipe for it: by name, or as text."""

    recipe = RecipeName(
        metadata=about("NAME of a recipe; or NAME@VERSION, to be refused when it has another version.", "shop")
    )
    recipe_text = ma.fields.String(
        validate=validate.Length(1, MAX_RECIPE_CHARACTERS), metadata=about("A recipe as YAML, in place of a name.")
    )
    inputs = ma.fields.Dict(
        keys=ma.fields.String(validate=validate.Length(1, 100)),
        values=ma.fields.Raw(allow_none=True),
        load_default=dict,
        metadata=about("Inputs of the recipe by name.", {"site": "https://shop.example"}),
    )
    page = ma.fields.String(
        validate=validate.Length(1, 100),
        metadata=about("Type of the page; may be left out where `match` or the only page type tells it.", "product"),
    )
    url = Text(
        r"[hH][tT][tT][pP][sS]?://[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?(:[0-9]{1,5})?([/?#][!-~]*)?",
        most=MAX_URL_CHARACTERS,
        error="must be an address that begins with http:// or https://, with other letters than ASCII's escaped",
        required=True,
        metadata=about("Of the page; it is fetched, unless `body` is there.", "https://shop.example/p/chair-1"),
    )
    body = ma.fields.String(metadata=about("The page itself, as text; then nothing is fetched.", "<h1>Chair</h1>"))
    content_type = Text(
        "[A-Za-z0-9!#$&^_.+-]{1,60}/[A-Za-z0-9!#$&^_.+-]{1,60}",
        most=121,
        error="must be a media type without parameters",
        load_default="text/html",
        metadata=about("What `body` is.", "text/html"),
    )

    @ma.validates_schema(pass_original=True, skip_on_field_errors=False)
    def _one_recipe(self, data: dict[str, Any], original: Any, **kwargs: Any) -> None:
        _ = data, kwargs
        if isinstance(original, dict) and ("recipe" in original) == ("recipe_text" in original):
            raise ma.ValidationError("give either recipe or recipe_text")


class PreviewRejectSchema(Schema):
    """A row that the contract refuses."""

    values = ma.fields.Dict(required=True, metadata=about("As the page gave them.", {"name": "Chair", "price": "dear"}))
    reasons = ma.fields.List(
        ma.fields.String(), required=True, metadata=about("Field and rule.", ["price is missing"])
    )


class PreviewLinksSchema(Schema):
    """Links that a crawl would follow to one page type."""

    page = ma.fields.String(required=True, metadata=about("The page type; ? if none fits.", "product"))
    found = ma.fields.Integer(required=True, metadata=about("How many there are.", 20))
    urls = ma.fields.List(
        ma.fields.String(), required=True, metadata=about("The first of them.", ["https://shop.example/p/chair-1"])
    )


class PreviewMissSchema(Schema):
    """A selector that matches nothing."""

    selector = ma.fields.String(required=True, metadata=about("As written.", "css: .sale .price"))
    part = ma.fields.String(required=True, metadata=about("The longest part of it that matches; may be empty.", ".sale"))
    matches = ma.fields.Integer(required=True, metadata=about("How often that part matches.", 1))
    note = ma.fields.String(required=True, metadata=about("What else there is to say; may be empty.", ""))


class PreviewFieldSchema(Schema):
    """Where a field came from, over all rows of the page."""

    path = ma.fields.String(required=True, metadata=about("The field.", "price"))
    value = ma.fields.Raw(
        required=True, allow_none=True, metadata=about("Of the first row that has it, before the contract.", "49.00")
    )
    source = ma.fields.String(required=True, metadata=about("The rule that gave it, or was tried last.", "css: .price"))
    alternative = ma.fields.Integer(
        required=True, allow_none=True, metadata=about("Which of the alternatives gave it, from 1.", 2)
    )
    alternatives = ma.fields.Integer(required=True, metadata=about("How many it has.", 2))
    matches = ma.fields.Integer(required=True, metadata=about("Matches of that rule.", 1))
    rows = ma.fields.Integer(required=True, metadata=about("Rows that were looked at.", 1))
    filled = ma.fields.Integer(required=True, metadata=about("Rows that have it.", 1))
    failure = ma.fields.String(required=True, metadata=about("The step that failed last; may be empty.", ""))
    selectors = ma.fields.List(
        ma.fields.Nested(PreviewMissSchema),
        required=True,
        metadata=about("Selectors of it that match nothing.", _SELECTORS),
    )


class PreviewPlaceSchema(Schema):
    """Selectors of a place in the recipe that match nothing."""

    path = ma.fields.String(required=True, metadata=about("The place.", "paginate.next"))
    selectors = ma.fields.List(
        ma.fields.Nested(PreviewMissSchema), required=True, metadata=about("They.", _SELECTORS)
    )


class PreviewSchema(Schema):
    """What one page gives. Long texts and lists are cut, and end in an ellipsis."""

    page = ma.fields.String(required=True, metadata=about("Its type.", "product"))
    url = ma.fields.String(required=True, metadata=about("After redirects.", "https://shop.example/p/chair-1"))
    status = ma.fields.Integer(required=True, metadata=about("Of the answer; 200 of a page that was given.", 200))
    size_bytes = ma.fields.Integer(required=True, metadata=about("Of the page, unpacked.", 34_120))
    kind = ma.fields.String(
        required=True, metadata=about("What it was read as.", "html") | {"enum": ["html", "json", "xml", "text", "csv", "jsonl"]}
    )
    encoding = ma.fields.String(required=True, metadata=about("By which it was decoded.", "utf-8"))
    outcome = ma.fields.String(
        required=True,
        metadata=about("What a crawl would make of it.", "ok") | {"enum": ["ok", "dropped", "empty", "failed"]},
    )
    error = ma.fields.String(required=True, metadata=about("Why it failed; empty if it has not.", ""))
    cause = ma.fields.String(required=True, metadata=about("Why it gives nothing; empty if it gives something.", ""))
    rows = ma.fields.List(
        ma.fields.Dict(), required=True, metadata=about("The first rows.", [{"name": "Chair", "price": 49.00}])
    )
    rows_found = ma.fields.Integer(required=True, metadata=about("How many there are.", 1))
    rejects = ma.fields.List(
        ma.fields.Nested(PreviewRejectSchema), required=True, metadata=about("The first rows that are refused.")
    )
    rejects_found = ma.fields.Integer(required=True, metadata=about("How many there are.", 1))
    links = ma.fields.List(ma.fields.Nested(PreviewLinksSchema), required=True, metadata=about("By page type."))
    next = ma.fields.String(
        required=True,
        allow_none=True,
        metadata=about("The next page of the list, if there is one.", "https://shop.example/chairs?page=2"),
    )
    of_fields = ma.fields.List(  # `fields` is what marshmallow calls those of a schema
        ma.fields.Nested(PreviewFieldSchema),
        data_key="fields",
        required=True,
        metadata=about("In the order of the recipe.")
    )
    misses = ma.fields.List(
        ma.fields.Nested(PreviewPlaceSchema),
        required=True,
        metadata=about("Selectors of rows, links and next pages that match nothing."),
    )
    notes = ma.fields.List(
        ma.fields.String(),
        required=True,
        metadata=about(
            "What a crawl would do otherwise, and hints.",
            ["stock: a crawl would make further requests for them, which are not made here: GET https://shop.example/s"],
        ),
    )


def preview_recipe(order: dict[str, Any]) -> Response:
    """Try a recipe on one page.

    Shows what the page would give in a crawl, where each value came from, and how far selectors get that match nothing.
    The page is `body`, or is fetched from `url`: robots.txt is obeyed, only the public internet is asked, and a page may
    have 8 MiB and take 15 seconds. Neither logins nor follow-up requests are made; `notes` say which fields wait for
    them. Nothing is kept. What cannot be tried is a `422`: the recipe, its inputs, or a page
    that cannot be had.
    """
    config = services().config.base
    text = order["recipe_text"] if "recipe_text" in order else text_of(named(order["recipe"]))
    asked = {
        "recipe_text": text,
        "inputs": order["inputs"],
        "page": order.get("page"),
        "url": order["url"],
        "body": order.get("body"),
        "content_type": order["content_type"],
    }
    egress = EgressPolicy(allow=config.egress_allow, deny=config.egress_deny)
    recipe = pointer("body", "recipe_text" if "recipe_text" in order else "recipe")
    parts = {name: pointer("body", name) for name in ("inputs", "page", "url", "body")} | {"recipe": recipe}
    return exactly(tried(lambda: preview(asked, egress), parts=parts, costly=recipe))


def add_preview(recipes: Blueprint) -> None:
    """Adds the call to the blueprint of recipes."""
    view = recipes.arguments(PreviewOrderSchema)(recipes.response(200, PreviewSchema)(preview_recipe))
    recipes.route("/preview", methods=["POST"])(needs(Scope.RECIPES_WRITE)(view))
