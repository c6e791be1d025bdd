"""Makes a first recipe out of pages that were looked at.

Every candidate rule is measured with the engine; those that hold on all samples are kept, and the YAML is written with
the values found. Pure: who fetches the pages and where the recipe goes is the command line's business.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from msgspec import Struct, field
from msgspec.structs import replace

from crawler.errors import PageError, RecipeError
from crawler.recipe.documents import parse_document
from crawler.recipe.extract import extract_page
from crawler.recipe.loader import load_recipe_text
from crawler.recipe.propose_data import (
    Candidate,
    itemprop_candidates,
    linked_data,
    meta_candidates,
    microdata,
    told_candidates,
)
from crawler.recipe.propose_dom import SeenPage, folded, see
from crawler.recipe.propose_item import facts_of, page_candidates
from crawler.recipe.propose_state import state_candidates, state_data
from crawler.recipe.steps import StepFailed, build_step, run_steps
from crawler.recipe.urls import absolute_url
from crawler.recipe.values import MISSING, Value, is_missing
from crawler.recipe.yaml_writer import block, flow, quoted, scalar

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from crawler.recipe.model import FieldTrace, PageInput, Recipe
    from crawler.recipe.propose_list import NextPage
    from crawler.recipe.propose_rows import RowDraft

#: Which origin is believed first.
_ORIGINS: Final = ("json-ld", "microdata", "page", "state", "meta", "const")

#: What a visitor sees is the price; JSON-LD may name the first variation's, or yesterday's.
_SEEN_FIRST: Final = frozenset({"price", "regular_price"})
#: Alternatives of one field.
_MAX_ALTERNATIVES: Final = 3
#: Fields in the order in which a reader expects them; others follow.
_ORDER: Final = (
    "name", "sku", "gtin", "mpn", "brand", "author", "published", "price", "regular_price", "currency",
    "availability", "category", "color", "rating", "reviews", "image", "images", "description",
)  # fmt: skip
_MAX_COMMENT: Final = 60
_PRICE_STEP: Final = build_step("price")


class Sample(Struct, frozen=True, kw_only=True):
    """One page that was looked at."""

    input: PageInput
    seen: SeenPage


class FieldDraft(Struct, frozen=True, kw_only=True):
    """One proposed field: its alternatives, its contract, and what it gives on each sample."""

    name: str
    rules: tuple[Any, ...]
    spec: Mapping[str, Any]
    values: tuple[Value, ...]
    origins: tuple[str, ...]


class Level(Struct, frozen=True, kw_only=True):
    """A page of links: the selector, how many it gives, and how its list goes on."""

    links: str
    count: int
    next: NextPage | None = None
    below: str = ""  # selector of links to further pages of this kind


class Draft(Struct, frozen=True, kw_only=True):
    """Everything a recipe is written from."""

    name: str
    url: str
    item: str
    categories: Level | None = None
    listing: Level | None = None
    rows: RowDraft | None = None
    rows_next: NextPage | None = None
    sources: Mapping[str, Any] = field(default_factory=dict)
    fields: tuple[FieldDraft, ...] = ()
    required: frozenset[str] = field(default_factory=frozenset)


def sample_of(page_input: PageInput) -> Sample:
    """Parse a fetched page for looking at.

    Raises:
        PageError: it is no HTML page, or one that no parser should be given.
    """
    content_type = page_input.headers.get("content-type")
    document = parse_document(page_input.body, kind=None, url=page_input.url, content_type=content_type)
    if document.kind != "html":
        raise PageError(f"{page_input.url} is {document.kind}, not HTML; a recipe for it has to be written by hand")
    return Sample(input=page_input, seen=see(document.text, url=page_input.url, base_url=document.base_url))


# --- fields of an item page ------------------------------------------------------------------------------------------


class Told(Struct, frozen=True, kw_only=True):
    """What samples say they are about: a type of schema.org, "" if they do not; and the page sources that are read."""

    type: str = ""
    sources: Mapping[str, Any] = field(default_factory=dict)


def item_fields(samples: Sequence[Sample]) -> tuple[tuple[FieldDraft, ...], Told]:
    """The fields of the samples' kind of page, and what they read from."""
    pages = [sample.seen for sample in samples]
    facts = [facts_of(page) for page in pages]
    linked, micro = [linked_data(page) for page in pages], [microdata(page) for page in pages]
    state = state_data(pages, [one.value("name") for one in facts])
    told = [data for data in (*linked, *micro) if data is not None]
    sources = {data.name: data.source for data in reversed(told)} | ({} if state is None else {"state": state.source})
    candidates = [
        *told_candidates(linked),
        *(told_candidates(micro) if any(micro) else itemprop_candidates(pages[0])),
        *page_candidates(facts),
        *state_candidates(state),
        *meta_candidates(pages[0]),
    ]
    fields = tuple(_chosen(samples, measure(samples, candidates, sources)))
    used = {rule["from"] for one in fields for rule in one.rules if isinstance(rule, dict) and "from" in rule}
    return fields, Told(
        type=told[0].type if told else "", sources={name: sources[name] for name in sorted(sources) if name in used}
    )


class Measured(Struct, frozen=True, kw_only=True):
    """A candidate, and what the engine makes of it on each sample."""

    candidate: Candidate
    traces: tuple[FieldTrace | None, ...]

    @property
    def values(self) -> tuple[Value, ...]:
        """The value on each sample, MISSING where there is none."""
        return tuple(MISSING if trace is None or is_missing(trace.value) else trace.value for trace in self.traces)

    @property
    def ambiguity(self) -> int:
        """Matches too many, over all samples."""
        return sum(max(0, trace.matches - 1) for trace in self.traces if trace is not None)


def measure(samples: Sequence[Sample], candidates: Sequence[Candidate], sources: Mapping[str, Any]) -> list[Measured]:
    """Run every candidate on every sample, in one recipe; a candidate that is no valid rule is left out."""
    left = list(candidates)
    while left:
        text = "\n".join(block(_probe(left, sources)))
        try:
            recipe = load_recipe_text(text, name="proposal")
        except RecipeError as error:
            wrong = {
                index for index in range(len(left)) if any(_names(problem.path, index) for problem in error.problems)
            }
            if not wrong:
                raise
            left = [candidate for index, candidate in enumerate(left) if index not in wrong]
            continue
        traces = [_traces(recipe, sample) for sample in samples]
        return [
            Measured(candidate=candidate, traces=tuple(found.get(f"c{index}") for found in traces))
            for index, candidate in enumerate(left)
        ]
    return []


def _names(path: str, index: int) -> bool:
    """Whether a problem's path lies at or below candidate `index` of the probing recipe."""
    at = f"pages.page.fields.c{index}"
    return path == at or path.startswith((f"{at}.", f"{at}["))


def _probe(candidates: Sequence[Candidate], sources: Mapping[str, Any]) -> dict[str, Any]:
    names = {f"c{index}": candidate for index, candidate in enumerate(candidates)}
    page: dict[str, Any] = {"parse": "html"}
    if sources:
        page["sources"] = dict(sources)
    page |= {"item": "item", "fields": {name: candidate.rule for name, candidate in names.items()}}
    return {
        "schema_version": 1,
        "name": "proposal",
        "version": "0.1.0",
        "start": [{"urls": "http://proposal.invalid/", "page": "page"}],
        "pages": {"page": page},
        "items": {"item": {"version": 1, "fields": {name: _loose(candidate) for name, candidate in names.items()}}},
    }


def _loose(candidate: Candidate) -> dict[str, Any]:
    """A contract that refuses as little as possible: the values are what is asked for."""
    return {"type": "array" if candidate.spec.get("type") == "array" else "string"}


def _traces(recipe: Recipe, sample: Sample) -> dict[str, FieldTrace]:
    request = replace(sample.input.request, page="page")
    try:
        result = extract_page(recipe, replace(sample.input, request=request), trace=True)
    except PageError:
        return {}
    return {trace.path: trace for trace in result.traces}


def _chosen(samples: Sequence[Sample], measured: Sequence[Measured]) -> Iterator[FieldDraft]:
    by_field: dict[str, list[Measured]] = {}
    for one in measured:
        by_field.setdefault(one.candidate.field, []).append(one)
    drafts = [draft for found in by_field.values() if (draft := _field(samples, found)) is not None]
    drafts.sort(key=lambda draft: _ORDER.index(draft.name) if draft.name in _ORDER else len(_ORDER))
    kept: list[FieldDraft] = []
    for draft in drafts:
        same = next((other for other in kept if draft.name not in _ORDER and _same_values(samples, other, draft)), None)
        if same is None:
            kept.append(draft)
        elif len(same.rules) < _MAX_ALTERNATIVES:
            # The same value under its own heading in a table: another way to find it, no field of its own.
            joined = replace(same, rules=(*same.rules, *draft.rules[:1]), origins=(*same.origins, *draft.origins[:1]))
            kept[kept.index(same)] = joined
    yield from kept


def _field(samples: Sequence[Sample], found: Sequence[Measured]) -> FieldDraft | None:
    """The best candidate of each origin; those that contradict the first are left out."""
    chosen: list[Measured] = []
    for origin in _origins(found):
        fitting = [one for one in found if one.candidate.origin == origin and _fits(samples, one)]
        if not fitting:
            continue
        best = min(fitting, key=lambda one: (_misses(one), one.ambiguity > 0))
        if not chosen or _agrees(samples, chosen[0], best):
            chosen.append(best)
    if not chosen:
        return None
    chosen = chosen[:_MAX_ALTERNATIVES]
    values = tuple(
        next((value for value in values if value is not MISSING), MISSING)
        for values in zip(*(one.values for one in chosen), strict=True)
    )
    first = chosen[0].candidate
    return FieldDraft(
        name=first.field,
        rules=tuple(one.candidate.rule for one in chosen),
        spec=first.spec,
        values=values,
        origins=tuple(one.candidate.origin for one in chosen),
    )


def _origins(found: Sequence[Measured]) -> tuple[str, ...]:
    """The order in which sources are trusted."""
    if found[0].candidate.field in _SEEN_FIRST:
        return ("page", *(origin for origin in _ORIGINS if origin != "page"))
    # A constant is better than nothing, and worse than a page that says nothing.
    elsewhere = any(one.candidate.origin != "const" and not _misses(one) for one in found)
    return _ORIGINS[:-1] if elsewhere else _ORIGINS


def _misses(one: Measured) -> int:
    return sum(value is MISSING for value in one.values)


def _fits(samples: Sequence[Sample], one: Measured) -> bool:
    """Whether a candidate gives what it should: what was seen on each sample, or anything if nobody has seen it."""
    if all(value is MISSING for value in one.values):
        return False
    wanted = one.candidate.wanted
    if wanted is None:
        return True
    return all(
        _comparable(sample, value, one.candidate.spec) == _comparable(sample, goal, one.candidate.spec)
        for sample, value, goal in zip(samples, one.values, wanted, strict=True)
    )


def _agrees(samples: Sequence[Sample], first: Measured, other: Measured) -> bool:
    spec = first.candidate.spec
    pairs = [
        (_comparable(sample, mine, spec), _comparable(sample, theirs, spec))
        for sample, mine, theirs in zip(samples, first.values, other.values, strict=True)
    ]
    return all(mine == theirs for mine, theirs in pairs if mine is not None and theirs is not None)


def _same_values(samples: Sequence[Sample], first: FieldDraft, other: FieldDraft) -> bool:
    if first.spec.get("type") != "string" or other.spec.get("type") != "string":
        return False
    pairs = [
        (_comparable(sample, mine, first.spec), _comparable(sample, theirs, first.spec))
        for sample, mine, theirs in zip(samples, first.values, other.values, strict=True)
    ]
    return any(mine is not None for mine, _ in pairs) and all(mine == theirs for mine, theirs in pairs)


def _comparable(sample: Sample, value: Value, spec: Mapping[str, Any]) -> Any:
    """A value in a form in which equal things are equal; None for missing."""
    if is_missing(value):
        return None
    if spec.get("type") == "decimal":
        return _amount(value)
    if spec.get("format") == "uri":
        return absolute_url(sample.seen.base_url, str(value))
    return folded(str(value)) if isinstance(value, str) else value


def _amount(value: Value) -> Value:
    if isinstance(value, int | Decimal):
        return Decimal(value)
    try:
        return run_steps((_PRICE_STEP,), str(value), base_url="")
    except StepFailed:
        return str(value)


# --- the recipe ------------------------------------------------------------------------------------------------------


def recipe_text(draft: Draft) -> str:
    """The recipe as YAML, with the values found as comments."""
    parts = urlsplit(draft.url)
    site = f"{parts.scheme}://{parts.netloc}"
    rest = draft.url[len(site) :] or "/"
    page = "listing" if draft.rows is not None else draft.item
    first = "categories" if draft.categories else "listing" if draft.listing else page
    lines = [
        "schema_version: 1",
        f"name: {scalar(draft.name)}",
        'version: "0.1.0"',
        f"description: {quoted(f'First draft made from {draft.url}: look at every field before you rely on it')}",
        "inputs:",
        f"  site: {flow({'type': 'string', 'format': 'uri', 'default': site})}",
        "start:",
        f"  - urls: {quoted('{{ inputs.site }}' + rest)}",
        f"    page: {first}",
        "",
        *page_lines(draft, page=page),
        "",
        f"quality: {flow({'items': {'minimum': _expected(draft)}, 'rejected': {'maximum': '10%'}})}",
        "exports:",
        f"  - {flow({'name': draft.name, 'item': draft.item, 'format': 'csv'})}",
    ]
    return "\n".join(lines) + "\n"


def page_lines(draft: Draft, *, page: str) -> list[str]:
    """The page types and their items; `page` is what the one with the fields is called."""
    return [
        "pages:",
        *_pages(draft, page),
        "",
        "items:",
        f"  {draft.item}:",
        "    version: 1",
        *_key(draft),
        "    fields:",
        *_contract(draft),
    ]


def _expected(draft: Draft) -> int:
    """Rows below which the site has probably changed: half of what its first list shows."""
    shown = draft.rows.count if draft.rows is not None else draft.listing.count if draft.listing is not None else 1
    return max(1, shown // 2)


def _pages(draft: Draft, page: str) -> Iterator[str]:
    if draft.categories is not None:
        yield from ("  categories:", "    follow:", *_follow(draft.categories, "listing"))
    if draft.listing is not None:
        yield from ("  listing:", "    follow:", *_follow(draft.listing, page))
        if draft.listing.below:
            yield f"      - links: {scalar(draft.listing.below)}"
            yield "        page: listing"
        if draft.listing.next is not None:
            yield f"    paginate: {flow(draft.listing.next.paginate)}"
    yield f"  {page}:"
    if draft.rows is not None:
        if draft.rows_next is not None:
            yield f"    paginate: {flow(draft.rows_next.paginate)}"
        yield f"    each: {flow({'css': draft.rows.each})}  # {draft.rows.count} rows"
    if draft.sources:
        yield from ("    sources:", *(f"      {name}: {flow(source)}" for name, source in draft.sources.items()))
    yield from (f"    item: {draft.item}", "    fields:")
    if draft.rows is None:
        yield "      url: {response: url}"
    for one in draft.fields:
        yield from _field_lines(one)


def _follow(level: Level, page: str) -> Iterator[str]:
    yield f"      - links: {scalar(level.links)}  # {level.count} links"
    yield f"        page: {page}"


def _field_lines(one: FieldDraft) -> Iterator[str]:
    found = next((value for value in one.values if value is not MISSING), MISSING)
    comment = f"  # {_comment(found)}" if found is not MISSING else ""
    if len(one.rules) == 1:
        yield f"      {one.name}: {flow(one.rules[0])}{comment}"
    else:
        yield f"      {one.name}:{comment}"
        yield from (f"        - {flow(rule)}" for rule in one.rules)


def _comment(value: Value) -> str:
    """A value as a comment: one line of printable characters."""
    text = " ".join((str(value) if isinstance(value, str | Decimal) else flow(value)).split())
    text = "".join(character if character.isprintable() else " " for character in text)
    return text if len(text) <= _MAX_COMMENT else f"{text[: _MAX_COMMENT - 3].rstrip()}..."


def _key(draft: Draft) -> Iterator[str]:
    """An SKU is better than an address, of which a page may have several."""
    if draft.rows is None:
        yield f"    key: [{'sku' if _has_sku(draft) else 'url'}]"


def _has_sku(draft: Draft) -> bool:
    values = next((one.values for one in draft.fields if one.name == "sku"), ())
    return bool(values) and MISSING not in values and len(set(map(str, values))) == len(values)


def _contract(draft: Draft) -> Iterator[str]:
    if draft.rows is None:
        yield f"      url: {flow({'type': 'string', 'format': 'uri', 'required': True})}"
    for one in draft.fields:
        required = one.name in draft.required or (one.name == "sku" and draft.rows is None and _has_sku(draft))
        spec = {**one.spec, "required": True} if required else dict(one.spec)
        yield f"      {one.name}: {flow(spec)}"
