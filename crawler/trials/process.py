"""The process in which recipes of strangers are tried: previews of one page, differences of two versions.

It is confined like the one in which pushed recipes are checked (`crawler.recipe.confinement`), but for the network:
a page that is to be fetched is fetched first, and then the network is left before the recipe sees the page.

    python -I -m crawler.trials.process LIMITS     reads an order, writes an answer as JSON
"""

from __future__ import annotations

import json
import tempfile
from decimal import Decimal
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from crawler.egress.addresses import EgressPolicy
from crawler.errors import CrawleryError, InputError, PageError, RecipeError
from crawler.recipe.confinement import MIB, ConfinedLimits, leave_network, run_confined, serve_order
from crawler.recipe.diagnose import diagnose
from crawler.recipe.diff import diff_recipes
from crawler.recipe.diff_report import diff_report
from crawler.recipe.loader import load_recipe_text
from crawler.recipe.model import PageInput, PageRequest
from crawler.recipe.pages_archive import ArchiveRefused, unpack_pages
from crawler.recipe.preview import preview_report
from crawler.recipe.saved_pages import saved_pages
from crawler.recipe.values import is_missing
from crawler.trials.fetching import PreviewFetcher, Unfetched

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from crawler.recipe.model import Recipe

MODULE: Final = "crawler.trials.process"

LIMITS: Final = ConfinedLimits(answer_bytes=32 * MIB)

#: So many things that are wrong are told.
_MAX_TOLD: Final = 50

_JSON: Final = msgspec.json.Encoder(decimal_format="number")


class TooCostly(CrawleryError):
    """Trying a recipe has used up the time or memory that it may have."""

    def __init__(self) -> None:
        super().__init__(
            f"it takes more than {LIMITS.cpu_s} s of processor time, {LIMITS.wall_s:g} s in all, or"
            f" {LIMITS.memory_bytes // MIB:,} MiB of memory"
        )


class TrialRefused(CrawleryError):
    """What was asked for cannot be tried.

    Attributes:
        part: of the order that is wrong: "recipe", "old", "new", "pages", "inputs", "page", "url" or "body".
        messages: what is wrong with it.
        for_operators: more, for the log; may be empty.
    """

    def __init__(self, part: str, messages: list[str], for_operators: str = "") -> None:
        super().__init__(f"{part}: {'; '.join(messages)}")
        self.part, self.messages, self.for_operators = part, messages, for_operators


def preview(order: Mapping[str, Any], egress: EgressPolicy) -> dict[str, Any]:
    """What a page gives, as `crawler.recipe.preview` has it.

    Args:
        order: `recipe_text`, `inputs`, `url`; `page`, its type, or None; `body`, or None to fetch it; `content_type`.
        egress: where it may be fetched.

    Raises:
        TrialRefused: the recipe, its inputs or the page type cannot be used, or there is no page.
        TooCostly: it takes too much.
    """
    ranges = {"allow": [str(each) for each in egress.allow], "deny": [str(each) for each in egress.deny]}
    return _tried({"task": "preview", "order": {**order, "egress": ranges}})


def difference(old: str, new: str, archives: Sequence[bytes], *, most: int) -> dict[str, Any]:
    """What differs between two texts of a recipe over saved pages, as `crawler.recipe.diff_report` has it.

    Args:
        old: the version before; it has no parents.
        new: the version after; the same.
        archives: of saved pages, see `crawler.recipe.pages_archive`; of two files of one name the first one's counts.
        most: differences to tell one by one.

    Raises:
        TrialRefused: one of them cannot be used.
        TooCostly: it takes too much.
    """
    files = {f"{number}.tar": archive for number, archive in enumerate(archives)}
    order = {"old": old, "new": new, "archives": list(files), "most": most}
    return _tried({"task": "difference", "order": order}, files)


def _tried(order: dict[str, Any], files: Mapping[str, bytes] | None = None) -> dict[str, Any]:
    # A folder of ours, so that nothing of it is left when the process is killed.
    with tempfile.TemporaryDirectory(prefix="crawlery-trial-", ignore_cleanup_errors=True) as folder:
        for name, content in (files or {}).items():
            Path(folder, name).write_bytes(content)
        ended = run_confined(MODULE, order, folder=Path(folder), limits=LIMITS)
    if ended.is_failed:
        raise RuntimeError(f"a recipe could not be tried: {ended.complaint}")
    if ended.why_not:
        raise TooCostly
    answer: dict[str, Any] = json.loads(ended.answer, parse_float=Decimal)
    if "refused" in answer:
        raise TrialRefused(**answer["refused"])
    found: dict[str, Any] = answer["found"]
    return found


# --- inside ----------------------------------------------------------------------------------------------------------


def _loaded(part: str, text: str) -> Recipe:
    try:
        return load_recipe_text(text)
    except RecipeError as error:
        raise TrialRefused(part, [str(problem) for problem in error.problems[:_MAX_TOLD]]) from error


def _difference(order: dict[str, Any]) -> dict[str, Any]:
    leave_network()
    old, new = _loaded("old", order["old"]), _loaded("new", order["new"])
    folders = [_unpacked(Path(archive)) for archive in order["archives"]]
    pages, absent = saved_pages([new, old], lambda name: _body(folders, name))
    return diff_report(old, new, diff_recipes(old, new, pages), absent=absent, most=order["most"])


def _unpacked(archive: Path) -> Path:
    folder = Path(archive.stem)
    try:
        unpack_pages(archive, folder)
    except ArchiveRefused as error:
        raise TrialRefused("pages", [str(error)]) from error
    return folder


def _body(folders: Sequence[Path], name: str) -> bytes | None:
    for folder in folders:
        path = folder / name
        if path.resolve().is_relative_to(folder.resolve()) and path.is_file():
            return path.read_bytes()
    return None


def _preview(order: dict[str, Any]) -> dict[str, Any]:
    recipe = _loaded("recipe", order["recipe_text"])
    try:
        inputs = recipe.inputs.resolve(order["inputs"])
    except InputError as error:
        raise TrialRefused("inputs", list(error.messages[:_MAX_TOLD])) from error
    page = order["page"]
    if page is not None and page not in recipe.pages:
        raise TrialRefused("page", [f"there is no page type {page!r}; there are {', '.join(recipe.pages)}"])
    given = _fetched(recipe, order, inputs) if order["body"] is None else {"url": order["url"]}
    leave_network()
    url = given.pop("url")
    name = page or _type_of(recipe, url)
    given = given or _given(order, recipe.pages[name].fetch.encoding)
    request = PageRequest(url=order["url"], page=name)
    whole = PageInput(request=request, url=url, inputs=inputs, **given)
    asked: list[PageRequest] = []
    stranger = order["body"] is None and recipe.session is not None and recipe.pages[name].session
    try:
        # Whoever sees a page and a recipe of strangers has left the network, so nobody answers follow-up requests.
        found = diagnose(recipe, whole, answer=asked.append)
        return preview_report(recipe, whole, found, asked=asked, stranger=stranger)
    except PageError as error:  # it cannot even be parsed, or its final URL is not of this type
        raise TrialRefused(
            "body" if order["body"] is not None else "url", [f"{type(error).__name__}: {error}"]
        ) from error


def _given(order: dict[str, Any], encoding: str | None) -> dict[str, Any]:
    """A page that came as text, as bytes that are read as just that text."""
    kind = order["content_type"].partition(";")[0].strip()
    try:
        body = order["body"].encode(encoding or "utf-8", "xmlcharrefreplace")
    except LookupError:  # a name for it that the web knows and Python does not
        body = order["body"].encode()
    return {"body": body, "headers": {"content-type": f"{kind}; charset=utf-8"}}


def _fetched(recipe: Recipe, order: dict[str, Any], inputs: Mapping[str, Any]) -> dict[str, Any]:
    allow, deny = (tuple(map(ip_network, order["egress"][which])) for which in ("allow", "deny"))
    page = order["page"] or _matching(recipe, order["url"])
    headers = {} if page is None else _headers(recipe, page, inputs)
    try:
        fetched = PreviewFetcher(EgressPolicy(allow=allow, deny=deny)).get(order["url"], headers)
    except Unfetched as error:
        raise TrialRefused("url", [str(error)], error.for_operators) from error
    return {"url": fetched.url, "body": fetched.body, "status": fetched.status, "headers": fetched.headers}


def _headers(recipe: Recipe, page: str, inputs: Mapping[str, Any]) -> dict[str, str]:
    scopes: dict[str, Mapping[str, Any]] = {"inputs": inputs, "carried": {}, "item": {}, "row": {}, "": {}}
    rendered = {name: template.render(scopes) for name, template in recipe.pages[page].fetch.headers.items()}
    return {name: str(value) for name, value in rendered.items() if not is_missing(value)}


def _matching(recipe: Recipe, url: str) -> str | None:
    """The page type of a URL, if that alone tells it."""
    if len(recipe.pages) == 1:
        return next(iter(recipe.pages))
    fitting = [page.name for page in recipe.pages.values() if any(pattern.search(url) for pattern in page.match)]
    return fitting[0] if len(fitting) == 1 else None


def _type_of(recipe: Recipe, url: str) -> str:
    name = _matching(recipe, url)
    if name is None:
        raise TrialRefused("page", [f"say which page type it is: {', '.join(recipe.pages)}"])
    return name


_TASKS: Final = {"preview": _preview, "difference": _difference}


def _answer(order: dict[str, Any]) -> bytes:
    answer: dict[str, Any]
    try:
        answer = {"found": _TASKS[order["task"]](order["order"])}
    except TrialRefused as error:
        refused = {"part": error.part, "messages": error.messages, "for_operators": error.for_operators}
        answer = {"refused": refused}
    return _JSON.encode(answer)


def main() -> None:
    """The process."""
    serve_order(_answer, needs_network=True)


if __name__ == "__main__":
    main()
