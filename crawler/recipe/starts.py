"""Where a crawl begins: the requests of `start`, of its URLs, its mirrors and its sitemaps.

Pure, but for the clock that `modified_since: 7d` counts back from.
"""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from msgspec.structs import replace

from crawler.errors import InputError
from crawler.recipe.incremental import LAST_RUN
from crawler.recipe.made_requests import made_request, url_of
from crawler.recipe.model import PageRequest
from crawler.recipe.sitemap_pages import first_request, since_of
from crawler.recipe.steps import StepFailed
from crawler.recipe.values import MISSING, Value, is_missing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from crawler.recipe.model import Recipe, Start

#: A crawl begins with so many requests at most, and so many bytes of addresses and bodies: `for_each` over two lists of
#: an input makes one of each combination.
MAX_START_REQUESTS: Final = 100_000
MAX_START_BYTES: Final = 64 * 1024 * 1024

#: Who is told so many times what is wrong needs no more.
_MAX_PROBLEMS: Final = 50


def start_requests(recipe: Recipe, inputs: Mapping[str, Any], *, now: datetime | None = None) -> list[PageRequest]:
    """The requests of `start`, one per URL and combination of `for_each`, in the order of the recipe.

    Args:
        recipe: the plan.
        inputs: as `recipe.inputs.resolve` gave them.
        now: what a duration in `modified_since` counts back from; None = the present moment.

    Raises:
        InputError: an input leads to no URL, to one that is not http(s), or to more than `MAX_START_REQUESTS` or
            `MAX_START_BYTES`.
    """
    requests: list[PageRequest] = []
    problems: list[str] = []
    size = 0
    moment = now or datetime.now(UTC)
    for number, start in enumerate(recipe.start):
        try:
            for request in _requests_of(start, inputs, number=number, now=moment):
                if isinstance(request, str):
                    problems.append(f"start[{number}]: {request}")
                else:
                    requests.append(request)
                    size += len(request.url) + len(request.body) + sum(map(len, request.mirrors))
                if len(problems) == _MAX_PROBLEMS:
                    raise InputError(problems)
                if len(requests) > MAX_START_REQUESTS or size > MAX_START_BYTES:
                    most = f"{MAX_START_REQUESTS:,} requests of {MAX_START_BYTES:,} bytes together"
                    raise InputError([f"start: with these inputs it begins with more than {most}"])
        except StepFailed as error:
            problems.append(f"start[{number}]: {error}")
    if not requests and not problems:
        problems = [f"start: with these inputs there is no value for {_names(recipe)}, and so no page to begin with"]
    if problems:
        raise InputError(problems)
    return requests


def site_of(recipe: Recipe) -> str:
    """Where a recipe begins without being told, such as `https://shop.example`; "" if it has to be told."""
    try:
        first = start_requests(recipe, recipe.inputs.resolve({}))
    except InputError:
        return ""
    parts = urlsplit(first[0].url) if first else urlsplit("")
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""


def _names(recipe: Recipe) -> str:
    return " or ".join(f"`for_each.{name}`" for start in recipe.start for name in start.for_each)


def _requests_of(start: Start, inputs: Mapping[str, Any], *, number: int, now: datetime) -> Iterator[PageRequest | str]:
    since = _since(start, inputs, now)
    if since is None and start.sitemap is not None and start.sitemap.modified_since is not None:
        yield f"`modified_since: {start.sitemap.modified_since.text}` gives no date and no duration with these inputs"
        return
    for names in _combinations(start, inputs):
        scopes = {"inputs": inputs, "carried": {}, "item": {}, "row": {}, "": names}
        for template in start.sitemap.urls if start.sitemap is not None else ():
            url = url_of(template, scopes)
            yield first_request(url.address, entry=number, since=since or "") if url.address else url.problem
        found = [made_request(spec, start.page, scopes) for spec in start.requests]
        if start.mirrors:
            yield _with_mirrors(found)
        else:
            yield from found


def _since(start: Start, inputs: Mapping[str, Any], now: datetime) -> str | None:
    """The moment of `modified_since`; "" where there is none, None where the inputs give something else."""
    if start.sitemap is not None and start.sitemap.last_run:
        return LAST_RUN
    template = start.sitemap.modified_since if start.sitemap is not None else None
    value = MISSING if template is None else template.render({"inputs": inputs})
    if is_missing(value):
        return ""
    try:
        return since_of(str(value), now=now)
    except ValueError:
        return None


def _with_mirrors(found: list[PageRequest | str]) -> PageRequest | str:
    """One request: the first, with the others in reserve. An address that an input leaves empty is none of them."""
    requests = [request for request in found if isinstance(request, PageRequest)]
    if not requests:
        return next((problem for problem in found if isinstance(problem, str)), "`urls.any` is empty")
    urls = dict.fromkeys(request.url for request in requests)
    return replace(requests[0], mirrors=tuple(url for url in urls if url != requests[0].url))


def _combinations(start: Start, inputs: Mapping[str, Any]) -> Iterator[dict[str, Value]]:
    scopes = {"inputs": inputs, "carried": {}, "item": {}, "row": {}, "": {}}
    choices: list[list[Value]] = []
    for template in start.for_each.values():
        value = template.render(scopes)
        choices.append(value if isinstance(value, list) else [] if is_missing(value) else [value])
    for combination in itertools.product(*choices):
        yield dict(zip(start.for_each, combination, strict=True))
