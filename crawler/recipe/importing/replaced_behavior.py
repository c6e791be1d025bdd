"""How recipes of the replaced system fetched pages, and the keys that they had and nobody read.

What has an equal here is carried over; everything else is reported.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from crawler.recipe.compile_requests import SECRET_HEADERS
from crawler.recipe.importing.foreign_nodes import maps_of, scalars_of, text_of
from crawler.recipe.yaml_nodes import MapNode, Scalar

if TYPE_CHECKING:
    from crawler.recipe.diagnostics import Path
    from crawler.recipe.importing.foreign_nodes import Part
    from crawler.recipe.yaml_nodes import Entry, Node

#: The shortest wait that the engine took.
_SHORTEST_MS: Final = 10
_BROWSER: Final = "pages rendered by a browser are not part of this version"
_TRY: Final = "try a page without one: the data may be in the source, in a script or behind an API"
#: Headers that the connection or the deployment sets, and why.
_OWN_HEADERS: Final = {
    "accept-encoding": "what can be unpacked is known to the crawler",
    "user-agent": "a crawler says who it is: the deployment sets it (USER_AGENT)",
    "host": "the address says it",
    "connection": "the connection sets it",
    "content-length": "the request says it",
    "upgrade": "the connection sets it",
}
_KNOWN_BEHAVIOR: Final = frozenset(
    {
        "waitForSelectors", "scrollToLoad", "useHeadlessBrowser", "rateLimit", "maxConcurrent", "retryAttempts",
        "retryDelay", "timeout", "fastMode", "skipImages", "skipStyles", "skipScripts",
    }
)  # fmt: skip


@dataclass(kw_only=True, slots=True)
class Extras:
    """What became of keys that were read by nobody: labels, headers, further start addresses."""

    labels: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    urls: list[str] = field(default_factory=list)


def fast_mode(part: Part) -> bool:
    """Whether the recipe ran in fast mode: no attributes, no variations, three images, short descriptions."""
    behaves = part.below("behavior")
    return behaves is not None and behaves.flag("fastMode")


def behavior(part: Part, shared: Part | None) -> dict[str, Any]:
    """`fetch` and `limits`; `shared` is `globalSettings`."""
    own = part.below("behavior")
    fetch: dict[str, Any] = {}
    retry: dict[str, Any] = {}
    limits: dict[str, Any] = {}
    timeout = _number(own, "timeout")
    if timeout:
        fetch["timeout"] = _duration(timeout)
    times = _number(own, "retryAttempts")
    if times is not None:
        retry["times"] = min(times, 20)
    backoff = _number(own, "retryDelay")
    if backoff:
        retry["backoff"] = f"{_duration(min(backoff, 60_000))}..60s"
    if retry:
        fetch["retry"] = retry
    delay = _number(own, "rateLimit") or _number(shared, "defaultRateLimit")
    if delay:
        limits["delay"] = _duration(max(delay, _SHORTEST_MS))
    seats = _number(own, "maxConcurrent") or _number(shared, "defaultMaxConcurrent")
    if seats:
        limits["concurrency_per_domain"] = seats
    _origins(part, own)
    if own is not None:
        _report_behavior(own)
    return ({"fetch": fetch} if fetch else {}) | ({"limits": limits} if limits else {})


def _origins(part: Part, own: Part | None) -> None:
    for key in ("fetch", "limits"):
        if own is not None:
            part.draft.origins[key,] = own.node.mark


def _number(part: Part | None, key: str) -> int | None:
    return None if part is None else part.number(key)


def _duration(milliseconds: int) -> str:
    return f"{milliseconds // 1000}s" if milliseconds % 1000 == 0 else f"{milliseconds}ms"


def _report_behavior(own: Part) -> None:
    browser = own.flag("useHeadlessBrowser")
    for entry in own.node.entries:
        path = (*own.path, entry.key)
        if entry.key not in _KNOWN_BEHAVIOR:
            own.found.add("ignored", entry.mark, path, *_unknown_behavior(entry.key))
        elif entry.key == "useHeadlessBrowser" and browser:
            own.found.add("decide", entry.mark, path, _BROWSER, _TRY)
        elif entry.key in ("waitForSelectors", "scrollToLoad") and _said(entry.node):
            why = _BROWSER if browser else "without a browser there was nothing to wait or to scroll for"
            own.found.add("dropped", entry.mark, path, why)
        elif entry.key == "fastMode" and own.flag("fastMode"):
            message = "carried over: three images, descriptions of 500 characters, no attributes, no variations"
            own.found.add("changed", entry.mark, path, message)
        elif entry.key in ("skipImages", "skipStyles", "skipScripts") and own.flag(entry.key):
            own.found.add("dropped", entry.mark, path, "a page is fetched without what it shows")
        elif entry.key in ("rateLimit", "maxConcurrent") and own.number(entry.key) is not None:
            message = "it holds for list and product pages alike, as there; a site's slow answers slow it down further"
            own.found.add("changed", entry.mark, path, message)


def _said(node: Node) -> bool:
    return not (isinstance(node, Scalar) and node.value in (False, None))


def _unknown_behavior(key: str) -> tuple[str, str | None]:
    if key.lower().startswith(("wait", "delay", "scroll", "load")):
        return f"that system has no `{key}` here; {_BROWSER}", None
    return f"that system has no `{key}` here", None


# --- keys that nobody read -------------------------------------------------------------------------------------------


def ignored_keys(part: Part, known: frozenset[str]) -> Extras:
    """Report the top-level keys that were read by nobody, and keep of them what has an equal here."""
    extras = Extras()
    for entry in part.node.entries:
        if entry.key in known:
            continue
        path = (*part.path, entry.key)
        if entry.key == "headers" and isinstance(entry.node, MapNode):
            _headers(part, entry, path, extras)
        elif entry.key == "language":
            _language(part, entry, path, extras)
        elif entry.key == "categories":
            _categories(part, entry, path, extras)
        elif entry.key == "pagination":
            part.found.add("ignored", entry.mark, path, "it was read below `selectors` only", "it counts now")
        elif entry.key == "javascript":
            part.found.add("ignored", entry.mark, path, f"it was read by nobody, and {_BROWSER}", _TRY)
        elif entry.key == "errorHandling":
            message = "it was read by nobody; failed pages are tried again and counted, wrong rows are kept apart"
            part.found.add("ignored", entry.mark, path, message)
        elif entry.key == "performance":
            message = "it was read by nobody; `limits` and `fetch` are the words for it here"
            part.found.add("ignored", entry.mark, path, message)
        else:
            part.found.add("ignored", entry.mark, path, "it was read by nobody, and there is nothing like it here")
    return extras


def _headers(part: Part, entry: Entry, path: Path, extras: Extras) -> None:
    part.found.add("ignored", entry.mark, path, "headers were read by nobody", "they are sent now")
    node = entry.node
    for header in node.entries if isinstance(node, MapNode) else ():
        name, where = header.key.lower(), (*path, header.key)
        value = text_of(header.node)
        if value is None:
            continue
        if name in SECRET_HEADERS:
            message = "a secret does not belong in a recipe"
            part.found.add("decide", header.mark, where, message, "keep it where it is; the site may answer without it")
        elif name in _OWN_HEADERS:
            part.found.add("dropped", header.mark, where, _OWN_HEADERS[name])
        elif name.startswith(("sec-", "upgrade-")):
            part.found.add("dropped", header.mark, where, "only a browser says it")
        else:
            extras.headers[header.key] = quote(value, safe="/:?=&%#;,.*+ -_~@!$'()\"<>[]{}|\\^`")
            part.draft.origins["fetch", "headers", header.key] = header.mark


def _language(part: Part, entry: Entry, path: Path, extras: Extras) -> None:
    node = entry.node
    code = text_of(node.get("code") if isinstance(node, MapNode) else node)
    hint = None
    if code:
        extras.labels["language"] = code
        hint = f"it is the label `language: {code}` now"
    part.found.add("ignored", entry.mark, path, "it was read by nobody", hint)


def _categories(part: Part, entry: Entry, path: Path, extras: Extras) -> None:
    for _, node in maps_of(entry.node, path):
        url = text_of(node.get("url"))
        if url:
            extras.urls.append(url.strip())
    if not isinstance(entry.node, MapNode):
        extras.urls.extend(scalar.raw.strip() for _, scalar in scalars_of(entry.node, path) if "/" in scalar.raw)
    hint = "their addresses are start addresses now" if extras.urls else "they have no `url` to begin at"
    part.found.add("ignored", entry.mark, path, "it was read by nobody", hint)
