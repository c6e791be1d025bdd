"""The calls on recipes: those of the deployment, which all clients see, and those that a client has pushed.

A recipe of another client is as unknown as one that does not exist.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from control_api.blueprint import Blueprint
from control_api.gate import needs, takes_bytes
from control_api.jobs.judged import learned
from control_api.jobs.judged_schemas import LearnedListSchema
from control_api.problems import Problem, not_found
from control_api.recipe_shelf import usable
from control_api.recipes.diff import DiffQuerySchema, RecipeDiffSchema, diffed
from control_api.recipes.own import MAX_PUSH_BYTES, pushed
from control_api.recipes.preview import add_preview
from control_api.recipes.schemas import (
    PUSH_BODIES,
    PushSchema,
    RecipeSchema,
    RecipesSchema,
    RecipeVersionSchema,
    RecipeVersionsSchema,
    WhichSchema,
    WhoseSchema,
)
from control_api.recipes.trials import exactly
from control_api.recipes.validate import add_validate
from control_api.services import ask, origin, principal, services
from crawler.access.model import Scope
from crawler.audit.store import AuditStore
from crawler.catalog.model import (
    CheckReport,
    RecipeFacts,
    RecipeState,
    RecipeVersion,
    check_name,
    check_version,
)
from crawler.catalog.objects import forget_version, keep_pages, keep_text, keep_version
from crawler.catalog.store import Catalog, shown_state
from crawler.errors import CatalogFull, InvalidRecipeName, RecipeError, VersionTaken
from crawler.exports.keys import recipe_pages_key
from crawler.recipe.contract import item_json_schema
from crawler.recipe.heading import Heading, heading_of

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from crawler.catalog.store import Current
    from crawler.recipe.model import Recipe
    from crawler.store import Store

recipes: Final = Blueprint("recipes", __name__, url_prefix="/v1/recipes", description="Recipes, which jobs name.")

#: A link to saved pages can be used for so long, in seconds.
_LINK_S: Final = 900


@recipes.route("", methods=["GET"])
@needs(Scope.RECIPES_READ)
@recipes.arguments(WhoseSchema, location="query")
@recipes.response(200, RecipesSchema)
def list_recipes(query: dict[str, Any]) -> dict[str, Any]:
    """List the recipes.

    Those of the client that have passed their check, in the version that is current, and those of the deployment;
    broken ones are left out.
    """
    client = _whose(query)

    async def look(store: Store) -> tuple[dict[str, Current], dict[str, RecipeFacts]]:
        catalog = Catalog(store)
        current = await catalog.all_current(client)
        return current, await catalog.facts_of([each.sha256 for each in current.values()])

    own, facts = ask(look)
    found = {recipe.name: _summary_of_ours(recipe) for recipe in usable(services().recipes)}
    found |= {
        name: _summary(name, each.version, each.sha256, facts.get(each.sha256, RecipeFacts()))
        for name, each in own.items()
    }
    return {"recipes": [found[name] for name in sorted(found)]}


@recipes.route("/<recipe:name>", methods=["GET"])
@needs(Scope.RECIPES_READ)
@recipes.arguments(WhichSchema, location="query")
@recipes.response(200, RecipeSchema)
def get_recipe(query: dict[str, Any], name: str) -> dict[str, Any]:
    """Show a recipe.

    Its text, what inputs it takes, and what its rows are like: of the version that is asked for, else of the current
    one. A recipe of the deployment that is broken is a `422`.
    """
    client, asked = _whose(query), query.get("version", "")

    async def look(store: Store) -> tuple[RecipeVersion, RecipeState, str, RecipeFacts] | None:
        catalog = Catalog(store)
        try:
            current = await catalog.current(client, name)
            wanted = asked or ("" if current is None else current.version)
            version = await catalog.version(client, name, wanted) if wanted else None
        except InvalidRecipeName:
            return None
        if version is None:
            return None
        facts = await catalog.facts_of([version.sha256])
        text = await catalog.text_of(version.sha256)
        return version, shown_state(version, current), text, facts.get(version.sha256, RecipeFacts())

    found = ask(look)
    if found is None:
        return _of_ours(name, asked)
    version, state, text, facts = found
    return _summary(name, version.version, version.sha256, facts) | {
        "state": state.value,
        "text": text,
        "inputs": facts.inputs,
        "items": facts.items,
        "pages_sha256": version.pages_sha256 or None,
        "pages_url": _pages_url(version),
    }


@recipes.route("/<recipe:name>/versions", methods=["GET"])
@needs(Scope.RECIPES_READ)
@recipes.arguments(WhoseSchema, location="query")
@recipes.response(200, RecipeVersionsSchema)
def list_recipe_versions(query: dict[str, Any], name: str) -> dict[str, Any]:
    """List the versions of a recipe.

    With what came of the check of each, the highest one first. A recipe of the deployment has one.
    """
    client = _whose(query)

    async def look(store: Store) -> tuple[tuple[RecipeVersion, ...], Current | None]:
        catalog = Catalog(store)
        try:
            return await catalog.versions(client, name), await catalog.current(client, name)
        except InvalidRecipeName:
            return (), None

    versions, current = ask(look)
    if not versions:
        shown = _of_ours(name, "")
        facts = {key: shown[key] for key in ("name", "version", "state", "sha256", "pages_sha256")}
        return {"versions": [facts | {"pushed_at": None, "checked_at": None, "report": _report(CheckReport())}]}
    return {"versions": [_version(each, shown_state(each, current)) for each in versions]}


@recipes.route("/<recipe:name>/bands", methods=["GET"])
@needs(Scope.JOBS_READ)
@recipes.response(200, LearnedListSchema)
def get_bands(name: str) -> dict[str, Any]:
    """Show where the next run of a recipe should be.

    What whole jobs of the caller's client have been like, of a recipe with `quality.bands`: a band for each figure,
    by the inputs that jobs had. A recipe of which nothing was learned is a `404`.
    """
    return learned(name)


@recipes.route("/<recipe:name>/diff", methods=["GET"])
@needs(Scope.RECIPES_READ)
@recipes.arguments(DiffQuerySchema, location="query")
@recipes.response(200, RecipeDiffSchema)
def diff_recipe(query: dict[str, Any], name: str) -> ResponseReturnValue:
    """Compare two versions of a recipe.

    Over the saved pages of both: rows that are added, gone or changed, and how full each field is. Recipes of the
    deployment have one version, so there is nothing to compare: `404`.
    """
    return exactly(diffed(_whose(query), name, query))


add_preview(recipes)
add_validate(recipes)


@recipes.route("/<recipe:name>", methods=["PUT"])
@needs(Scope.RECIPES_WRITE)
@takes_bytes(MAX_PUSH_BYTES)
@recipes.doc(requestBody={"required": True, "content": PUSH_BODIES})
@recipes.arguments(PushSchema, location="query")
@recipes.response(202, RecipeVersionSchema, headers={"Location": {}})
def put_recipe(query: dict[str, Any], name: str) -> ResponseReturnValue:
    """Push a version of a recipe.

    The body is the recipe as `application/yaml`, at most 256 KiB; or `multipart/form-data` with the parts `recipe` and
    `pages`: its saved pages in a tar, packed or not, of at most 20 MiB, 100 MiB unpacked, and 500 regular files.

    It is checked soon: it must compile, its tests must pass on the saved pages that come with it, and what would break
    those who read the files needs a higher item version than before. Then jobs get it that name no version, unless a
    higher one has passed. Without a test for each page type it is kept as `untested`, and jobs cannot have it. A
    version does not change: repeated, the call answers what has become of it, and another
    text needs a higher version; only one that was rejected may be pushed anew. Names of recipes of the deployment are
    a `409`, and none can be called `preview`.
    """
    client, forced = _whose(query), query["force"]
    if forced and not principal().may(Scope.ADMIN):
        raise _needs_admin("To force a recipe without tests needs")
    text, pages = pushed()
    heading = _heading(text, name)
    if name in services().recipes.names():
        raise Problem(
            "name_reserved", f"The deployment has a recipe {name}, which all clients see; take another name."
        )
    objects = services().objects
    new = RecipeVersion(
        client=client,
        name=heading.name,
        version=heading.version,
        sha256=keep_text(objects, text),
        pages_sha256="" if pages is None else keep_pages(objects, pages),
        forced=forced,
    )

    kept = _pushed(new, text)
    return _version(*kept), 202, {"Location": f"/v1/recipes/{name}?version={heading.version}"}


def _pushed(new: RecipeVersion, text: str) -> tuple[RecipeVersion, RecipeState]:
    """What a push has come to. It is written down before the store knows of it, so a store that is lost gets it back."""
    by, objects = origin(), services().objects

    async def push(store: Store) -> tuple[RecipeVersion, RecipeState]:
        catalog = Catalog(store, origin=by)
        kept = await catalog.push(planned or new, text)
        return kept, await catalog.state(kept)

    planned = ask(lambda store: Catalog(store).planned(new))
    if planned is None:
        return ask(push)
    keep_version(objects, planned)
    try:
        kept, state = ask(push)
    except (VersionTaken, CatalogFull):
        forget_version(objects, planned)
        raise
    if kept.pushed_ms != planned.pushed_ms:  # the same push was made by somebody who was faster
        forget_version(objects, planned)
    return kept, state


def _whose(query: dict[str, Any]) -> str:
    """Whose recipes are meant.

    Raises:
        Problem: another client's, and the key is no administrator's.
    """
    client: str = query.get("client", principal().client.id)
    if client != principal().client.id and not principal().may(Scope.ADMIN):
        raise _needs_admin("Recipes of other clients need")
    return client


def _needs_admin(what: str) -> Problem:
    return Problem("missing_scope", f"{what} an API key with the scope admin.", scope=Scope.ADMIN)


def _heading(text: str, name: str) -> Heading:
    """What the text says that it is.

    Raises:
        Problem: no recipe, or another one.
    """
    try:
        heading = heading_of(text)
    except RecipeError as error:
        errors = [("/body", str(problem)) for problem in error.problems]
        raise Problem("unprocessable", "The body is no recipe; `errors` says why.", errors=errors) from error
    if heading.name != name:
        why = f"the recipe is called {heading.name!r}" if heading.name else "the recipe has no name"
        raise Problem("unprocessable", f"{why[0].upper()}{why[1:]}, and is put as {name!r}.", errors=[("/body", why)])
    try:
        check_name(heading.name)
        check_version(heading.version)
    except InvalidRecipeName as error:
        raise Problem("unprocessable", f"{error}.", errors=[("/body", str(error))]) from error
    return heading


def _of_ours(name: str, version: str) -> dict[str, Any]:
    """A recipe of the deployment.

    Raises:
        Problem: there is none of that name and version, or it is broken.
    """
    try:
        recipe = services().recipes.get(name)
    except RecipeError as error:
        raise Problem("unprocessable", f"The recipe {name} of this deployment is broken.") from error
    if recipe is None or (version and recipe.version != version):
        raise not_found("recipe")
    return _summary_of_ours(recipe) | {
        "state": RecipeState.CURRENT.value,
        "text": recipe.resolved,
        "inputs": recipe.inputs.json_schema(),
        "items": {item: item_json_schema(contract) for item, contract in recipe.items.items()},
        "pages_sha256": None,
        "pages_url": None,
    }


def _summary_of_ours(recipe: Recipe) -> dict[str, Any]:
    facts = RecipeFacts(description=recipe.description, labels=dict(recipe.labels))
    return _summary(recipe.name, recipe.version, recipe.sha256, facts) | {"origin": "deployment"}


def _summary(name: str, version: str, sha256: str, facts: RecipeFacts) -> dict[str, Any]:
    return {
        "name": name,
        "version": version,
        "description": facts.description,
        "sha256": sha256,
        "labels": facts.labels,
        "origin": "client",
    }


def _version(version: RecipeVersion, state: RecipeState) -> dict[str, Any]:
    return {
        "name": version.name,
        "version": version.version,
        "state": state.value,
        "sha256": version.sha256,
        "pages_sha256": version.pages_sha256 or None,
        "pushed_at": version.pushed_ms,
        "checked_at": version.checked_ms,
        "report": _report(version.report),
    }


def _report(report: CheckReport) -> dict[str, Any]:
    return {
        "problems": list(report.problems),
        "tests": [
            {"page": test.page, "snapshot": test.snapshot, "passed": test.passed, "problems": list(test.problems)}
            for test in report.tests
        ],
        "untested": list(report.untested),
    }


def _pages_url(version: RecipeVersion) -> str | None:
    """A link to the saved pages, if there are any, when the audit has it."""
    if not version.pages_sha256:
        return None
    by, object_id = origin(), f"{version.name}@{version.version}"
    after = {"links": 1, "expires_ms": principal().now_ms + _LINK_S * 1000, "pages_sha256": version.pages_sha256}
    ask(lambda store: AuditStore(store).note_links(by, object_id, client=version.client, after=after))
    key = recipe_pages_key(version.pages_sha256)
    file_name = f"{version.name}-{version.version}-pages.tar"
    return services().objects.link(key, file_name=file_name, expires_s=_LINK_S)
