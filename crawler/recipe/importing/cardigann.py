"""Definitions of Cardigann, as Jackett and Prowlarr use them: a search on a site, and the rows of its answer.

A search becomes a request with the input `keywords`; settings become inputs, and further addresses mirrors.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from crawler.recipe.importing.cardigann_fields import HERE, Fields, json_path
from crawler.recipe.importing.cardigann_login import session_of
from crawler.recipe.importing.cardigann_templates import read_template
from crawler.recipe.importing.draft import Draft
from crawler.recipe.importing.foreign_css import css_problem
from crawler.recipe.importing.foreign_nodes import Part, field_name, maps_of, recipe_name, text_of, version_of
from crawler.recipe.queries import compile_jmespath
from crawler.recipe.query_error import QueryError
from crawler.recipe.yaml_nodes import MapNode, Scalar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crawler.recipe.importing.findings import Findings

PAGE: Final = "search"
_SITE: Final = "{{ inputs.site }}"
_WHOLE: Final = re.compile(r"\{\{ (inputs\.\w+) \}\}")
ITEM: Final = "release"
_SECRETS: Final = ("password", "cookie", "apikey", "passkey", "token", "username", "rsskey", "pid", "pin", "2fa")
_NEEDLESS: Final = {
    "legacylinks": "addresses that the site once had",
    "caps": "what can be asked for is said by `inputs` here",
    "replaces": "it is about other definitions",
    "followredirect": "redirects are followed",
    "testlinktorrent": "it is about downloads",
    "requestDelay": "the wait between requests is limits.delay",
    "certificates": "certificates are checked by the deployment",
    "ratio": "it is about the site's account",
    "type": "it says who may join the site",
}


def is_cardigann(root: MapNode) -> bool:
    """Whether a file is a definition: it has links and a search with rows and fields."""
    search = root.get("search")
    return isinstance(search, MapNode) and "fields" in search and ("links" in root or "id" in root or "site" in root)


def import_cardigann(root: MapNode, *, stem: str, found: Findings) -> Iterator[Draft]:
    """The recipe of a definition; `stem` is its file's name without the ending."""
    draft = Draft(values={})
    draft.origins[()] = root.mark
    part = Part(node=root, path=(), found=found, draft=draft)
    search = part.below("search")
    assert search is not None
    answers = _paths(search)
    is_json = any(one.json for one in answers)
    fields = Fields(json=is_json)
    named = search.below("fields")
    if named is not None:
        fields.read(named)
    settings = _settings(part)
    needed = set(fields.inputs)
    start = [_request(search, one, needed) for one in answers]
    page = _rows(search, fields, is_json=is_json)
    _head(part, draft, stem)
    session, secrets = session_of(part, draft.values["name"])
    draft.values["inputs"] = _inputs(part, settings, needed) | secrets
    if session:
        draft.values["session"] = session
        draft.origins["session",] = part.node.mark
    draft.values["start"] = _with_mirrors(part, start)
    draft.values["pages"] = {PAGE: page}
    draft.values["items"] = {ITEM: {"version": 1, "fields": fields.contract}}
    draft.values["exports"] = [{"name": draft.values["name"], "item": ITEM, "format": "csv"}]
    _rest(part, search)
    yield draft


# --- head ------------------------------------------------------------------------------------------------------------


def _head(part: Part, draft: Draft, stem: str) -> None:
    title = part.text("name") or ""
    name = recipe_name(part.text("id") or part.text("site") or title or stem, otherwise=stem)
    draft.values |= {"schema_version": 1, "name": name, "version": version_of(part.text("version")) or "1.0.0"}
    description = part.text("description") or title
    if description:
        draft.values["description"] = description
    language, encoding = part.text("language"), part.text("encoding")
    if language:
        draft.values["labels"] = {"language": language}
    if encoding and encoding.lower() not in ("utf-8", "utf8"):
        draft.values["fetch"] = {"encoding": encoding.lower()}
        entry = part.entry("encoding")
        if entry is not None:
            draft.origins["fetch",] = entry.mark


def _inputs(part: Part, settings: dict[str, dict[str, Any]], needed: set[str]) -> dict[str, Any]:
    links = part.scalars("links")
    site: dict[str, Any] = {"type": "string", "format": "uri"}
    if links:
        site["default"] = links[0][1].raw.rstrip("/")
    else:
        part.found.add("decide", part.node.mark, ("links",), "there is no address", "say which with --input site=...")
    found = {"site": site}
    if "keywords" in needed:
        found["keywords"] = {"type": "string", "description": "What is searched for"}
    for name in sorted(needed - {"keywords"}):
        found[name] = settings.get(name, {"type": "string"})
        if name not in settings:
            message = f"a template reads the setting `{name}`, and there is none"
            part.found.add("decide", part.node.mark, ("settings",), message, "it is an input that must be given")
    return found


def _settings(part: Part) -> dict[str, dict[str, Any]]:
    """Settings as inputs, by their names here."""
    found: dict[str, dict[str, Any]] = {}
    for _, node in maps_of(part.node.get("settings"), ("settings",)):
        name, kind, default = text_of(node.get("name")), text_of(node.get("type")) or "text", node.get("default")
        if name is None or kind.startswith("info"):
            continue
        spec: dict[str, Any] = {"type": "boolean" if kind == "checkbox" else "string"}
        options = node.get("options")
        if kind == "select" and isinstance(options, MapNode):
            spec["enum"] = [entry.key for entry in options.entries]
        if isinstance(default, Scalar) and default.value is not None:
            spec["default"] = default.value is True if kind == "checkbox" else default.raw
            if default.raw not in spec.get("enum", [default.raw]):
                del spec["enum"]
        label = text_of(node.get("label"))
        if label:
            spec["description"] = label
        found[field_name(name, set())] = spec
    return found


# --- the search ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class _Answer:
    """One path that is searched, and whether it answers in JSON."""

    part: Part
    json: bool


def _paths(search: Part) -> list[_Answer]:
    listed = list(maps_of(search.node.get("paths"), (*search.path, "paths")))
    parts = [Part(node=node, path=path, found=search.found, draft=search.draft) for path, node in listed] or [search]
    answers = []
    for part in parts:
        response = part.below("response")
        answers.append(_Answer(part=part, json=response is not None and response.text("type") == "json"))
    return answers


def _request(search: Part, answer: _Answer, needed: set[str]) -> dict[str, Any]:
    part = answer.part
    path = _text(part, "path", needed) or ""
    address = path if "://" in path else "{{ inputs.site }}/" + path.removeprefix("{{ inputs.site }}").lstrip("/")
    values: dict[str, Any] = {}
    for block in (search, part) if part is not search else (search,):
        inputs = block.below("inputs")
        for entry in () if inputs is None else inputs.node.entries:
            assert inputs is not None
            text = _text(inputs, entry.key, needed)
            if entry.key == "$raw":
                values |= _raw(text or "")
            elif text:
                values[entry.key] = text
    post = (part.text("method") or search.text("method") or "get").lower() == "post"
    request: dict[str, Any] = {"url": address}
    if values:
        request["form" if post else "query"] = values
    elif post:
        request["method"] = "POST"
    headers = search.below("headers")
    if headers is not None:
        search.found.add(
            "dropped", headers.node.mark, headers.path, "headers of a search are written into `fetch` by hand"
        )
    part.draft.origins["start", len(part.draft.origins)] = part.node.mark
    return {"request": request, "page": PAGE}


def _with_mirrors(part: Part, start: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The start with the further addresses of the site as mirrors, where all of the search is in its address."""
    links = part.scalars("links")
    if len(links) < 2:
        return start
    path, scalar = links[1]
    others = [link.raw.rstrip("/") for _, link in links[1:]]
    urls = [_address(one["request"]) for one in start]
    if None in urls or "fetch" in part.draft.values:
        message = f"{len(others)} further addresses of the same site"
        part.found.add("dropped", scalar.mark, path, message, "pass another one with --input site=...")
        return start
    message = f"{len(others)} further addresses of the same site are asked where the one before gives no page"
    part.found.add("changed", scalar.mark, path, message)
    return [
        {"urls": {"any": [_SITE + url, *(other + url for other in others)]}, "page": PAGE}
        for url in urls
        if url is not None
    ]


def _address(request: dict[str, Any]) -> str | None:
    """What a request asks of the site, as one text below its address; None if it is more than an address."""
    url, query = request["url"], request.get("query", {})
    if not url.startswith(f"{_SITE}/") or not set(request) <= {"url", "query"}:
        return None
    pairs = []
    for name, value in query.items():
        whole = _WHOLE.fullmatch(value)
        if whole is None and "{{" in value:
            return None
        pairs.append(f"{quote(name)}={f'{{{{ {whole[1]} | url_encode }}}}' if whole else quote(value)}")
    return str(url.removeprefix(_SITE)) + (f"?{'&'.join(pairs)}" if pairs else "")


def _text(part: Part, key: str, needed: set[str]) -> str | None:
    """A text of the request as a template; settings that are secrets are told and left out."""
    raw = part.text(key)
    if raw is None:
        return None
    found = read_template(raw)
    entry = part.entry(key)
    mark = entry.mark if entry is not None else part.node.mark
    text = found.alternatives[0] if found.alternatives else ""
    for name in sorted(found.inputs):
        if any(secret in name for secret in _SECRETS) and name != "keywords":
            message = f"the setting `{name}` is a secret, and a recipe holds none; it is left out"
            part.found.add("decide", mark, (*part.path, key), message, "the site may answer without it")
            text = text.replace(f"{{{{ inputs.{name} }}}}", "")
        else:
            needed.add(name)
    for doubt in found.doubts:
        part.found.add("decide", mark, (*part.path, key), doubt, "look at the address that is requested")
    return text


def _raw(text: str) -> dict[str, Any]:
    """`$raw`: a piece of a query, `a=1&b={{ inputs.keywords }}`, as its parameters."""
    pairs = (part.partition("=") for part in text.split("&") if "=" in part)
    return {name: value for name, _, value in pairs if name}


def _rows(search: Part, fields: Fields, *, is_json: bool) -> dict[str, Any]:
    rows = search.below("rows")
    page: dict[str, Any] = {"parse": "json"} if is_json else {}
    selector = "" if rows is None else (rows.text("selector") or "").strip()
    each: Any = None
    if rows is not None and is_json:
        each = _json_rows(rows, selector)
    elif rows is not None:
        rule = fields.css(rows, selector, attribute=False) if selector else None
        each = None if rule is None else rule["css"]
        remove = rows.text("remove")
        if remove and each is not None and css_problem(remove, row=True) is None:
            each = {"css": each, "remove": remove}
    if each is None:
        at = rows.node.mark if rows is not None else search.node.mark
        message = "there is no selector of rows that can be had here; a page is one row"
        search.found.add("decide", at, (*search.path, "rows"), message, "write `each`")
    else:
        page["each"] = each
    if rows is not None:
        _about_rows(rows, fields)
    if fields.reads_page:
        page["sources"] = {HERE: {"css": "body", "as": "html", "parse": "html"}}
    return page | {"item": ITEM, "fields": fields.rules}


def _json_rows(rows: Part, selector: str) -> str | None:
    path = json_path(selector)
    if rows.text("attribute"):
        path = f"{path}[].{rows.text('attribute')}"
    try:
        compile_jmespath(path)
    except QueryError as error:
        message = f"the path is none here: {error.args[0]}"
        rows.found.add("decide", rows.node.mark, (*rows.path, "selector"), message, error.hint)
        return None
    return path


def _about_rows(rows: Part, fields: Fields) -> None:
    """What else is said of rows: headings with dates, rows that go together, filters, counts."""
    for entry in rows.node.entries:
        path = (*rows.path, entry.key)
        if entry.key == "after":
            message = "a row that takes the rows behind it along has no equal here"
            rows.found.add(
                "decide", entry.mark, path, message, "read the next row with `xpath: ./following-sibling::tr[1]`"
            )
        elif entry.key == "dateheaders":
            headers = rows.below("dateheaders")
            css = None if headers is None else headers.text("selector")
            if css is not None and css_problem(css) is None and "date" not in fields.rules:
                fields.rules["date"] = {"preceding": {"css": css, "value": ":scope"}}
                fields.contract["date"] = {"type": "string"}
                message = "the date is that of the heading before the row"
                rows.found.add("changed", entry.mark, path, message, "its filters are left out")
            else:
                rows.found.add("decide", entry.mark, path, "the heading before a row", "write a `preceding` rule")
        elif entry.key in ("filters", "count", "missingAttributeEqualsNoResults", "multiple", "missingAttribute"):
            message = "rows are taken as the site gives them"
            rows.found.add("dropped", entry.mark, path, message)


def _rest(part: Part, search: Part) -> None:
    """What a definition also says."""
    for entry in part.node.entries:
        if entry.key in _NEEDLESS:
            part.found.add("dropped", entry.mark, (entry.key,), _NEEDLESS[entry.key])
        elif entry.key == "download":
            message = "what a row links to is not downloaded; the link is in the row"
            part.found.add("dropped", entry.mark, (entry.key,), message)
    for key in ("keywordsfilters", "preprocessingfilters", "error"):
        found = search.entry(key)
        if found is not None:
            message = "keywords are used as they are given" if key != "error" else "a page of an error is no row"
            search.found.add("dropped", found.mark, (*search.path, key), message)
