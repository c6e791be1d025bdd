"""The process in which recipes of strangers are tried, and how one is started.

It is another program with an empty environment and no descriptor but its pipes, in a session of its own; so much
processor time, memory and clock, then it is killed. Before a recipe sees a page it is cut off from the network, where
that is allowed (root, or a kernel that lets users). Orders go in as MessagePack, answers come out as JSON.

    python -I -m crawler.trials.process SECONDS BYTES     reads an order on stdin, writes an answer on stdout
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
from decimal import Decimal
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from crawler.egress.addresses import EgressPolicy
from crawler.errors import CrawleryError, InputError, PageError, RecipeError
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

MAX_CPU_S: Final = 20
MAX_CLOCK_S: Final = 30
MAX_MEMORY_BYTES: Final = 1024 * 1024 * 1024
_MAX_FILE_BYTES: Final = 32 * 1024 * 1024
_MAX_OPEN_FILES: Final = 64

#: So many things that are wrong are told.
_MAX_TOLD: Final = 50

#: Exit status of a process that was refused memory; one that used up its time is killed.
_NO_MEMORY: Final = 3

#: CLONE_NEWNET of Linux' sched.h: an empty network of the process' own.
_NEW_NETWORK: Final = 0x40000000

_JSON: Final = msgspec.json.Encoder(decimal_format="number")


class TooCostly(CrawleryError):
    """Trying a recipe has used up the time or memory that it may have."""

    def __init__(self) -> None:
        super().__init__(
            f"it takes more than {MAX_CPU_S} s of processor time, {MAX_CLOCK_S} s in all, or"
            f" {MAX_MEMORY_BYTES // 1024 // 1024:,} MiB of memory"
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
    return _tried({"task": "difference", "order": {"old": old, "new": new, "archives": list(archives), "most": most}})


def _tried(order: dict[str, Any]) -> dict[str, Any]:
    process = subprocess.Popen(  # noqa: S603 - its arguments are numbers of ours
        [sys.executable, "-I", "-m", "crawler.trials.process", str(MAX_CPU_S), str(MAX_MEMORY_BYTES)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={},
        start_new_session=True,
    )
    with process:
        try:
            out, err = process.communicate(msgspec.msgpack.encode(order), timeout=MAX_CLOCK_S)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):  # it ends this moment
                os.killpg(process.pid, signal.SIGKILL)
            raise TooCostly from None
    if process.returncode < 0 or process.returncode == _NO_MEMORY:
        raise TooCostly
    if process.returncode:
        raise RuntimeError(f"a recipe could not be tried: {err[-2000:].decode(errors='replace')}")
    answer: dict[str, Any] = json.loads(out, parse_float=Decimal)
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
    _leave_network()
    old, new = _loaded("old", order["old"]), _loaded("new", order["new"])
    with tempfile.TemporaryDirectory(prefix="crawlery-diff-") as place:
        folders = [_unpacked(Path(place), number, each) for number, each in enumerate(order["archives"])]
        pages, absent = saved_pages([new, old], lambda name: _body(folders, name))
    return diff_report(old, new, diff_recipes(old, new, pages), absent=absent, most=order["most"])


def _unpacked(place: Path, number: int, packed: bytes) -> Path:
    archive, folder = place / f"{number}.tar", place / str(number)
    archive.write_bytes(packed)
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
    _leave_network()
    url = given.pop("url")
    name = page or _type_of(recipe, url)
    given = given or _given(order, recipe.pages[name].fetch.encoding)
    request = PageRequest(url=order["url"], page=name)
    whole = PageInput(request=request, url=url, inputs=inputs, **given)
    try:
        return preview_report(recipe, whole, diagnose(recipe, whole))
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


def _leave_network() -> None:
    """A recipe opens no connection; from here on none could be. Users other than root may not always do this."""
    if sys.platform == "linux":
        ctypes.CDLL(None).unshare(_NEW_NETWORK)


_TASKS: Final = {"preview": _preview, "difference": _difference}


def main() -> None:
    """The process."""
    cpu_s, memory_bytes = map(int, sys.argv[1:])
    for what, most in (
        (resource.RLIMIT_CPU, cpu_s),
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_FSIZE, _MAX_FILE_BYTES),
        (resource.RLIMIT_NOFILE, _MAX_OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))
    try:
        order = msgspec.msgpack.decode(sys.stdin.buffer.read())
        answer: dict[str, Any]
        try:
            answer = {"found": _TASKS[order["task"]](order["order"])}
        except TrialRefused as error:
            refused = {"part": error.part, "messages": error.messages, "for_operators": error.for_operators}
            answer = {"refused": refused}
        sys.stdout.buffer.write(_JSON.encode(answer))
    except MemoryError:
        sys.exit(_NO_MEMORY)


if __name__ == "__main__":
    main()
