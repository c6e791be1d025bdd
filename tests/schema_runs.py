"""The API called by its own description: whatever that allows, and whatever it does not, by schemathesis.

All of its checks are on. What they may find nevertheless is in `EXCUSED`, with the reason.
"""

from __future__ import annotations

import itertools
import json
from collections import Counter
from copy import deepcopy
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from random import Random
from typing import TYPE_CHECKING, NamedTuple, Self

import httpx
import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.config._checks import NEGATIVE_DATA_REJECTION_EXPECTED_STATUSES
from schemathesis.engine import events, from_schema
from schemathesis.hooks import GLOBAL_HOOK_DISPATCHER

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence


class Excuse(NamedTuple):
    """A refusal of what the description allows: of this call, with this status, because of this part of the request.

    `pointer` may end in `*`.
    """

    call: str
    status: int
    pointer: str
    why: str


EXCUSED = (
    Excuse("POST /v1/jobs", 422, "/body/recipe", "names of recipes are those of the deployment"),
    Excuse("POST /v1/jobs", 422, "/body/recipe_text", "YAML has no JSON Schema; the text must be a recipe"),
    Excuse("POST /v1/jobs", 422, "/body/inputs/[a-z]*", "each recipe has a schema of its own for them"),
    Excuse("POST /v1/jobs", 400, "/body/inputs/*", "whole numbers have 64 bits, however deep they stand"),
    Excuse("POST /v1/recipes/preview", 422, "/body/recipe", "names of recipes are those of the deployment"),
    Excuse("POST /v1/recipes/preview", 422, "/body/recipe_text", "YAML has no JSON Schema; the text must be a recipe"),
    Excuse("POST /v1/recipes/preview", 422, "/body/inputs", "each recipe has a schema of its own for them"),
    Excuse("POST /v1/recipes/preview", 422, "/body/page", "each recipe has page types of its own"),
    Excuse("POST /v1/recipes/preview", 422, "/body/url", "a page must be there"),
    Excuse("POST /v1/recipes/preview", 422, "/body/body", "a page must be of the kind that its recipe is for"),
    Excuse("POST /v1/recipes/preview", 400, "/body/inputs/*", "whole numbers have 64 bits, however deep they stand"),
    Excuse("POST /v1/recipes/validate", 400, "/body/inputs/*", "whole numbers have 64 bits, however deep they stand"),
    Excuse("PUT /v1/recipes/{name}", 422, "/body", "YAML has no JSON Schema; the text must be a recipe of that name"),
    Excuse("GET /v1/recipes/{name}/diff", 422, "/query/*", "versions are those that were pushed with saved pages"),
    Excuse("POST /api/scrape/init", 422, "/body/siteUrl", "each recipe says which addresses it takes"),
    Excuse("POST /api/scrape/init", 422, "/body/options/categories", "a recipe that knows no categories takes none"),
    Excuse("GET /v1/jobs", 400, "/query/cursor", "a cursor is opaque: only the API can tell which ones are"),
    Excuse("GET /v1/audit", 400, "/query/cursor", "a cursor is opaque: only the API can tell which ones are"),
    Excuse("GET /v1/jobs/{job_id}/logs", 400, "/query/before", "a place is opaque, and not asked for with another one"),
    Excuse(
        "GET /v1/jobs/{job_id}/logs", 400, "/query/after", "a place is opaque: only the API can tell which ones are"
    ),
    Excuse("POST /v1/keys", 422, "/body/client", "the client must exist"),
    Excuse("POST /v1/keys", 400, "/body/expires_at", "the time must be in the future"),
)

#: Statuses with which the HTTP server refuses what is no request, before the API has it: in HTML, described nowhere.
OF_THE_SERVER = {
    414: "a line of more than 8,190 bytes",
    417: "a header Expect with anything but 100-continue",
    431: "a header of more than 8,190 bytes, or more than 60 of them",
}

#: Fetches a page, if it is given none.
PREVIEW = "POST /v1/recipes/preview"
NOBODY_LISTENS = "http://127.0.0.1:9/"

REFUSED = "Schema-valid request rejected"


@dataclass
class Findings:
    """Failures by what they are, with the call that shows each; and what was called and checked."""

    failures: dict[tuple[str, str], str] = field(default_factory=dict)
    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    checks: Counter[str] = field(default_factory=Counter)
    excused: Counter[Excuse] = field(default_factory=Counter)

    @property
    def calls(self) -> int:
        return sum(self.answers.values())

    def __iadd__(self, other: Self) -> Self:
        self.failures |= other.failures
        self.answers += other.answers
        self.checks += other.checks
        self.excused += other.excused
        return self

    def report(self) -> str:
        return "\n\n".join(f"{call}: {title}\n{text}" for (call, title), text in sorted(self.failures.items()))


def description_of(url: str) -> dict:
    """The description, with answers closed: members that it does not name are failures here."""
    spec = httpx.get(f"{url}/openapi.json").json()
    for schema in spec["components"]["schemas"].values():
        if "properties" in schema:
            schema.setdefault("additionalProperties", False)
    return spec


def run_by_description(
    url: str,
    *,
    key: str,
    seed: int,
    examples: int,
    phases: Collection[str],
    known: Mapping[str, Sequence[str]],
    spared: Collection[str],
) -> Findings:
    """Calls the API at `url`, with `key` or without.

    `known`: ids of what there is, by parameter of paths; half of the calls get one. `ended_job`: that which is watched.
    `spared`: ids that none gets, such as that of the caller's own key, which would be revoked.
    """
    config = SchemathesisConfig()
    config.update(seed=seed, max_failures=None)
    project = config.projects.default
    # NUL is refused in every text, which no schema says; so it is no part of what is allowed
    project.generation.update(max_examples=examples, database="none", allow_x00=False)
    project.checks.negative_data_rejection.expected_statuses = [*NEGATIVE_DATA_REJECTION_EXPECTED_STATUSES, "413"]
    project.phases.update(phases=list(phases))
    project.update(continue_on_failure=True, base_url=url, headers={"Authorization": f"Bearer {key}"} if key else None)
    schema = schemathesis.openapi.from_dict(deepcopy(description_of(url)), config=config)

    steer = _steering(known, spared)
    schemathesis.hook("before_call")(steer)
    try:
        return _findings(from_schema(schema).execute())
    finally:
        GLOBAL_HOOK_DISPATCHER.unregister(steer)


def _steering(known: Mapping[str, Sequence[str]], spared: Collection[str]) -> Callable:
    counter = itertools.count()

    def steer(context, case, **kwargs) -> None:
        # decided by what the case is, so that one that is tried again is the same
        dice = Random(repr((case.path_parameters, case.query, case.body)))
        is_allowed = case.meta is not None and case.meta.generation.mode.is_positive
        for name, value in (case.path_parameters or {}).items():
            if is_allowed and name in known and dice.random() < 0.5:
                case.path_parameters[name] = dice.choice(known[name])
            elif value in spared:
                case.path_parameters[name] = "nobody"
        if is_allowed and case.operation.path.endswith("/events"):  # of a job that goes on, they take a minute
            case.path_parameters["job_id"] = known["ended_job"][0]
        if is_allowed and case.operation.label == PREVIEW:
            if "body" not in case.body:  # else it asks the world
                case.body["url"] = NOBODY_LISTENS
            if dice.random() < 0.9:  # else each starts a process, and the rest of the call has no time
                case.body.pop("recipe_text", None)
                case.body["recipe"] = "nobody-has-this"
        if is_allowed and "Idempotency-Key" in (case.headers or {}) and dice.random() < 0.8:  # else most are repeated
            case.headers["Idempotency-Key"] = f"{case.headers['Idempotency-Key'][:100]}{next(counter)}"

    return steer


def _findings(stream) -> Findings:
    findings = Findings()
    for event in stream:
        if isinstance(event, events.ScenarioFinished):
            _note(event.recorder, findings)
        elif isinstance(event, events.NonFatalError):
            findings.failures[event.label, type(event.value).__name__] = str(event.value)
        elif isinstance(event, events.FatalError):
            raise event.exception
    return findings


def _note(recorder, findings: Findings) -> None:
    for case_id, interaction in recorder.interactions.items():
        if interaction.response is not None:
            findings.answers[recorder.cases[case_id].value.operation.label, interaction.response.status_code] += 1
    for case_id, checks in recorder.checks.items():
        for check in checks:
            findings.checks[check.name] += 1
            if check.failure_info is None:
                continue
            call, failure = recorder.cases[case_id].value.operation.label, check.failure_info.failure
            response = recorder.interactions[case_id].response
            if response is not None and _is_of_the_server(response):
                continue
            if failure.title == REFUSED and (excuse := _excuse(call, response)):
                findings.excused[excuse] += 1
                continue
            text = f"{failure.message}\n{check.failure_info.code_sample}\n{response.text[:600] if response else ''}"
            findings.failures.setdefault((call, failure.title), text)


def _is_of_the_server(response) -> bool:
    return response.status_code in OF_THE_SERVER and "x-request-id" not in response.headers


def _excuse(call: str, response) -> Excuse | None:
    body = json.loads(response.content)
    wrong = body.get("errors") or body.get("error", {}).get("details", ())  # the second under the replaced paths
    pointers = {error["pointer"] for error in wrong}
    found = [
        next(
            (each for each in EXCUSED if each[:2] == (call, response.status_code) and fnmatchcase(at, each.pointer)),
            None,
        )
        for at in sorted(pointers)
    ]
    return found[0] if all(found) and found else None
