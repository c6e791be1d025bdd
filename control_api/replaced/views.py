"""The calls of the replaced system's clients: same keys, same jobs, other words.

What its options said and recipes say now (retries) is taken and has no effect; the answer tells.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from flask import redirect, request

from control_api.blueprint import Blueprint
from control_api.gate import needs
from control_api.jobs import submit
from control_api.jobs.lookup import own_job
from control_api.jobs.results import results_of
from control_api.jobs.schemas import DEFAULT_LINK_S
from control_api.jobs.steering import cancel
from control_api.problems import Problem, of_input
from control_api.recipe_check import look_at
from control_api.replaced.envelope import success
from control_api.replaced.recipes import KnownRecipe, known, known_by_site, known_recipes, wrong_with
from control_api.replaced.schemas import (
    CheckedAnswerSchema,
    RecipeAnswerSchema,
    RecipeCheckSchema,
    RecipeListAnswerSchema,
    RecipeNamesAnswerSchema,
    ScrapeOrderSchema,
    SiteQuerySchema,
    StartedAnswerSchema,
    StatusAnswerSchema,
    StatusListAnswerSchema,
)
from control_api.services import ask, origin, principal
from crawler.access.model import Scope
from crawler.errors import InputError
from crawler.frontier.redis import RedisFrontier
from crawler.jobs.model import Priority, State
from crawler.jobs.redis import RedisJobStore

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from crawler.frontier.contract import Ledger
    from crawler.jobs.store_contract import JobPage, StoredJob
    from crawler.store import Store

scrape: Final = Blueprint(
    "scrape", __name__, url_prefix="/api/scrape", description="Crawls, in the words of the replaced system."
)
old_recipes: Final = Blueprint(
    "old_recipes", __name__, url_prefix="/api/recipes", description="Recipes, in the words of the replaced system."
)

#: Inputs of recipes that take the address of a site, the first one that there is.
_SITE_INPUTS: Final = ("site", "site_url", "siteUrl", "url", "start_url")

_ROUTE: Final = "POST /api/scrape/init"

_STATUSES: Final = {
    State.QUEUED: "pending",
    State.RUNNING: "running",
    State.FINISHING: "running",
    State.PAUSED: "paused",
    State.SUCCEEDED: "completed",
    State.FAILED: "failed",
    State.EXPIRED: "failed",
    State.CANCELLED: "cancelled",
}

_LISTED: Final = 200


@scrape.route("/init", methods=["POST"])
@needs(Scope.JOBS_WRITE)
@scrape.response(201, StartedAnswerSchema, headers={"Idempotent-Replayed": {}})
@scrape.doc(requestBody={"required": True, "content": {"application/json": {"schema": ScrapeOrderSchema}}})
def init_scrape() -> ResponseReturnValue:
    """Submit a crawl of a site.

    An Idempotency-Key makes the call safe to repeat, as with `POST /v1/jobs`.
    """
    done = _submitted()
    ignored = [name for name in ("retryOnFailure", "maxRetries") if name in (request.json or {}).get("options", {})]
    message = f"Without effect, as recipes say it themselves: {', '.join(ignored)}." if ignored else ""
    headers = {"Idempotent-Replayed": "true"} if done.replayed else {}
    return success({"jobId": done.job.id}, message), 201, headers


@scrape.arguments(ScrapeOrderSchema)
def _order(order: dict[str, Any]) -> dict[str, Any]:
    """The body, checked."""
    return order


def _submitted() -> submit.Accepted:
    """See `submit.submitted`; what is wrong with inputs is said of what they were made of."""
    try:
        return submit.submitted(_ROUTE, lambda: _translated(_order()))
    except InputError as error:
        wrong = [of_input(message) for message in error.messages]
        places = [
            ("/body/options/categories" if "/categories" in place else "/body/siteUrl", why) for place, why in wrong
        ]
        raise Problem("unprocessable", "The recipe does not take this.", errors=places) from error


def _translated(order: dict[str, Any]) -> dict[str, Any]:
    """The order as POST /v1/jobs takes it.

    Raises:
        Problem: the recipe is not there, or does not take what was said.
    """
    recipe = known(order["recipe"])
    options = order["options"]
    inputs: dict[str, Any] = {}
    site_input = next((name for name in _SITE_INPUTS if name in recipe.inputs), None)
    if site_input is not None:
        inputs[site_input] = order["site_url"]
    elif not recipe.is_of(order["site_url"]):
        raise _wrong("siteUrl", f"the recipe {recipe.name} is for {recipe.site or 'another site'}")
    if options.get("categories"):
        if "categories" not in recipe.inputs:
            raise _wrong("options/categories", f"the recipe {recipe.name} takes no categories")
        inputs["categories"] = options["categories"]
    return {
        "recipe": recipe.name,
        "inputs": inputs,
        "priority": Priority.NORMAL,
        "max_workers": 1,
        "tags": [],
        "limits": {"items": options["max_products"]} if "max_products" in options else {},
    }


def _wrong(where: str, why: str) -> Problem:
    return Problem("unprocessable", f"{why[0].upper()}{why[1:]}.", errors=[(f"/body/{where}", why)])


@scrape.route("/status/<job_id>", methods=["GET"])
@needs(Scope.JOBS_READ)
@scrape.response(200, StatusAnswerSchema)
def scrape_status(job_id: str) -> dict[str, Any]:
    """Show how far a crawl is.

    `GET /v1/jobs/ID` tells more.
    """

    async def look(store: Store) -> tuple[StoredJob, Ledger]:
        stored = await _old_job(store, job_id)
        return stored, await RedisFrontier(store, job=job_id).ledger(failures=False)

    return success(_status(*ask(look)))


@scrape.route("/jobs", methods=["GET"])
@needs(Scope.JOBS_READ)
@scrape.response(200, StatusListAnswerSchema)
def scrape_jobs() -> dict[str, Any]:
    """List the newest crawls.

    200 at most, without figures; `GET /v1/jobs` has all.
    """
    client = principal().client.id

    async def look(store: Store) -> JobPage:
        return await RedisJobStore(store).newest(client=client, limit=_LISTED)

    return success({"jobs": [_status(stored) for stored in ask(look).jobs]})


@scrape.route("/cancel/<job_id>", methods=["POST"])
@needs(Scope.JOBS_WRITE)
@scrape.response(200, StatusAnswerSchema)
def scrape_cancel(job_id: str) -> dict[str, Any]:
    """End a crawl.

    Its files are made of what there is.
    """
    by = origin()

    async def end(store: Store) -> tuple[StoredJob, Ledger]:
        await _old_job(store, job_id)
        await cancel(store, job_id, by)
        return await _old_job(store, job_id), await RedisFrontier(store, job=job_id).ledger(failures=False)

    return success(_status(*ask(end)))


@scrape.route("/download/<job_id>/<any(parent, variation):kind>", methods=["GET"])
@needs(Scope.RESULTS_READ)
@scrape.response(
    302,
    description="Where the file is: a link that needs no key for 15 minutes.",
    headers={"Location": {}},
)
def scrape_download(job_id: str, kind: str) -> ResponseReturnValue:
    """Go to the CSV of a crawl.

    To that of its products, or to that of their variations; `GET /v1/jobs/ID/results` has all files.
    """
    try:
        found = results_of(job_id, expires_s=DEFAULT_LINK_S)
    except Problem as problem:
        raise _renamed(problem) from problem
    csv = [file for file in found["files"] if file["format"] == "csv"]
    variations = [file for file in csv if "variation" in file["name"].lower()]
    parents = [file for file in csv if file not in variations]
    chosen = variations if kind == "variation" else parents
    if not chosen:
        raise Problem("not_found", f"There is no {kind} file of this job.", replaced_code="STORAGE_ENTRY_NOT_FOUND")
    return redirect(chosen[0]["url"], 302)


async def _old_job(store: Store, job_id: str) -> StoredJob:
    try:
        return await own_job(store, job_id)
    except Problem as problem:
        raise _renamed(problem) from problem


def _renamed(problem: Problem) -> Problem:
    """A problem in the codes of the replaced system."""
    if problem.code != "not_found":
        return problem
    return Problem("not_found", problem.detail, replaced_code="JOB_NOT_FOUND")


def _status(stored: StoredJob, books: Ledger | None = None) -> dict[str, Any]:
    job, status = stored
    figures: dict[str, int | None] = dict.fromkeys(("progress", "processed", "total", "products"))
    if books is not None:
        settled = sum(books.settled.values())
        figures = {
            "progress": math.floor(100 * settled / books.accepted) if books.accepted else 0,
            "processed": settled,
            "total": books.accepted,
            "products": sum(books.rows.values()),
        }
    return figures | {
        "job_id": job.id,
        "status": _STATUSES[status.state],
        "recipe": job.recipe,
        "message": status.why,
        "created_at": job.created_ms,
        "started_at": status.started_ms,
        "completed_at": status.finished_ms,
    }


# --- recipes ----------------------------------------------------------------------------------------------------------


@old_recipes.route("/list", methods=["GET"])
@needs(Scope.RECIPES_READ)
@old_recipes.response(200, RecipeListAnswerSchema)
def old_recipe_list() -> dict[str, Any]:
    """List recipes.

    The client's own that are current, and those of the deployment; broken ones are left out.
    """
    return success({"recipes": [recipe.entry() for recipe in known_recipes()]})


@old_recipes.route("/names", methods=["GET"])
@needs(Scope.RECIPES_READ)
@old_recipes.response(200, RecipeNamesAnswerSchema)
def old_recipe_names() -> dict[str, Any]:
    """List names of recipes.

    The client's own that are current, and those of the deployment; broken ones are left out.
    """
    return success({"names": [recipe.name for recipe in known_recipes()]})


@old_recipes.route("/get/<name>", methods=["GET"])
@needs(Scope.RECIPES_READ)
@old_recipes.response(200, RecipeAnswerSchema)
def old_recipe_get(name: str) -> dict[str, Any]:
    """Show a recipe as it is written.

    `GET /v1/recipes/NAME` tells more.
    """
    return _shown(known(name))


@old_recipes.route("/getBySite", methods=["GET"])
@needs(Scope.RECIPES_READ)
@old_recipes.arguments(SiteQuerySchema, location="query")
@old_recipes.response(200, RecipeAnswerSchema)
def old_recipe_by_site(query: dict[str, Any]) -> dict[str, Any]:
    """Show the recipe of a site.

    The first one, by name, that begins there; one of the client's own before one of the deployment.
    """
    return _shown(known_by_site(query["site_url"]))


@old_recipes.route("/validate", methods=["POST"])
@needs(Scope.RECIPES_READ)
@old_recipes.arguments(RecipeCheckSchema)
@old_recipes.response(200, CheckedAnswerSchema)
def old_recipe_validate(order: dict[str, Any]) -> dict[str, Any]:
    """Check a recipe.

    Its YAML, or by name one of the client's own, of which it says what came of its check, or one of the deployment.
    """
    text = order["recipe"]
    wrong = look_at(text).wrong if "\n" in text or ":" in text else wrong_with(text)
    return success({"valid": not wrong, "errors": list(wrong)})


def _shown(recipe: KnownRecipe) -> dict[str, Any]:
    return success(recipe.entry() | {"text": recipe.text})
