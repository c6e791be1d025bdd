"""Finds what a list page lists: the links to its items, and the link to its next page.

Links that stand in the same place of repeated elements form a group; the group whose rows look most like things to
buy or read wins. Every selector that comes out has been run on the page and gives exactly the links of its group.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urlsplit

from crawler.recipe.propose_dom import (
    SeenPage,
    ancestors,
    children,
    common_selectors,
    is_around,
    is_aside,
    lineage,
    link_of,
    prices_in,
    selectors_of,
    text_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from selectolax.lexbor import LexborNode

_HEADINGS: Final = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
#: Elements of the same tag beside each other that make a list.
_MIN_SIBLINGS: Final = 2
#: Groups below this are menus and footers.
MIN_SCORE: Final = 3.0

_NEXT_SELECTORS: Final = (
    "link[rel=next]",
    "a[rel~=next]",
    "li.next a",
    "a.next",
    ".next a",
    ".pagination-next a",
    "a.pagination-next",
    "a[aria-label~=Next]",
    "a[aria-label~=next]",
    "a[title~=Next]",
)
_NEXT_PHRASES: Final = (
    "next|next page|next \u00bb|next \u203a|next >|next \u2192|older|older posts|more|\u203a|\u00bb|\u2192|>|>>|weiter"
    "|nächste|nächste seite|suivant|suivante|page suivante|siguiente|successiva|avanti|volgende|próxima|próximo"
    "|następna|הבא|الصفحة التالية|下一页|次へ|次のページ"
    "|\u0441\u043b\u0435\u0434\u0443\u044e\u0449\u0430\u044f|\u0434\u0430\u043b\u0435\u0435"  # Russian: next, further
)
_NEXT_WORDS: Final = frozenset(_NEXT_PHRASES.split("|"))
_PAGE_PARAMETERS: Final = ("page", "p", "pg", "paged", "seite", "pagina", "PAGEN_1", "pageNumber", "page_no")


@dataclass(frozen=True, kw_only=True, slots=True)
class LinkGroup:
    """Links in the same place of repeated elements. `selector` gives exactly `urls`."""

    selector: str
    urls: tuple[str, ...]
    score: float
    texts: tuple[str, ...] = ()
    discounted: tuple[str, ...] = ()  # those beside which a price is struck out


@dataclass(frozen=True, kw_only=True, slots=True)
class NextPage:
    """How the list goes on: a `paginate` map, and the URL it leads to."""

    paginate: dict[str, Any]
    url: str


@dataclass(slots=True)
class _Links:
    """A group that is still being collected."""

    links: list[LexborNode]
    rows: list[LexborNode]
    urls: dict[str, None]


def link_groups(page: SeenPage, *, most: int = 6, least: float = MIN_SCORE) -> list[LinkGroup]:
    """The groups of links of a page, the most promising first; one that has no selector of its own is left out."""
    collected: dict[tuple[str, ...], _Links] = {}
    for link in page.select("a[href]"):
        url = link_of(page, link)
        row = _row_of(link)
        if url is None or row is None or url == page.url:
            continue
        group = collected.setdefault(_place(link, row), _Links([], [], {}))
        group.links.append(link)
        group.rows.append(row)
        group.urls[url] = None
    scored = sorted(((_score(page, group), group) for group in collected.values()), key=lambda pair: -pair[0])
    found: list[LinkGroup] = []
    for score, group in scored:
        if score < least or len(found) == most:
            break
        urls = tuple(group.urls)
        if any(set(urls) <= set(other.urls) for other in found):
            continue  # the picture beside the heading leads to the same page
        selector = _group_selector(page, group)
        if selector is not None:
            texts = tuple(text_of(link) for link in group.links[:3])
            found.append(
                LinkGroup(selector=selector, urls=urls, score=score, texts=texts, discounted=_discounted(page, group))
            )
    return found


def _discounted(page: SeenPage, group: _Links) -> tuple[str, ...]:
    struck = zip(group.links, group.rows, strict=True)
    urls = (link_of(page, link) for link, row in struck if row.css_first("del, s, strike") is not None)
    return tuple(url for url in urls if url is not None)


def is_listed(page: SeenPage, group: LinkGroup, node: LexborNode) -> bool:
    """Whether an element stands in one of the rows of a group, so that it is about another page."""
    rows = {row.mem_id for link in page.select(group.selector) if (row := _row_of(link)) is not None}
    return any(above.mem_id in rows for above in lineage(node))


def _row_of(link: LexborNode) -> LexborNode | None:
    """The nearest element around a link that stands among others of its tag which hold links too."""
    for node in lineage(link):
        parent = node.parent
        if parent is None:
            return None
        alike = [child for child in children(parent) if child.tag == node.tag]
        if len(alike) > _MIN_SIBLINGS and sum(_holds_link(child) for child in alike) > _MIN_SIBLINGS:
            return node
    return None


def _holds_link(node: LexborNode) -> bool:
    return node.tag == "a" or node.css_first("a[href]") is not None


def _place(link: LexborNode, row: LexborNode) -> tuple[str, ...]:
    """Where in the page a link stands: tags from the row down, and what the row's container is."""
    inside = []
    for node in lineage(link):
        inside.append(str(node.tag))
        if node.mem_id == row.mem_id:
            break
    outside = [f"{above.tag}.{above.attributes.get('class') or ''}" for above in list(ancestors(row))[:2]]
    return (*inside, "<", *outside)


def _score(page: SeenPage, group: _Links) -> float:
    """How much a group looks like the items of a list."""
    rows = group.rows
    total = len(rows)
    if len(group.urls) < _MIN_SIBLINGS:
        return 0.0
    priced = sum(bool(prices_in(text_of(row)[:400])) for row in rows) / total
    pictured = sum(row.css_first("img, picture") is not None for row in rows) / total
    headed = sum(_is_headed(link) for link in group.links) / total
    worded = sum(len(text_of(link)) > 8 for link in group.links) / total
    rich = sum(sum(1 for _ in row.traverse()) > 3 for row in rows) / total
    score = 4 * priced + 1.5 * pictured + 2 * headed + worded + rich + min(len(group.urls), 30) / 10
    if all(is_around(row) for row in rows[:3]):
        score -= 3
    if all(is_aside(row) for row in rows[:3]):
        score -= 2
    here = urlsplit(page.url).path
    if sum(here.startswith(urlsplit(url).path) for url in group.urls) > len(group.urls) / 2:
        score -= 3  # breadcrumbs
    return score


def _is_headed(link: LexborNode) -> bool:
    if any(above.tag in _HEADINGS for above in list(ancestors(link))[:2]):
        return True
    return link.css_first("h1, h2, h3, h4, h5, h6") is not None


def _group_selector(page: SeenPage, group: _Links) -> str | None:
    """The first selector that gives exactly the URLs of the group."""
    wanted = set(group.urls)
    for selector in _candidates(group):
        matches = page.select(selector)
        if len(matches) > 4 * len(group.links):
            continue
        if {url for node in matches if (url := link_of(page, node)) is not None and url != page.url} == wanted:
            return selector
    return None


def _candidates(group: _Links) -> Iterator[str]:
    """Selectors for a group: by what is around the links, by the links themselves, then by tags only."""
    levels = _levels(group)
    own = [f"a{name}" if name.startswith(".") else name for name in common_selectors(group.links) if name[0] in ".a"]
    heading = next((names[0] for tag, names in levels if tag in _HEADINGS and names), None)
    heading = heading or next((tag for tag, _ in levels if tag in _HEADINGS), None)
    inner = f"{heading} a" if heading else "a"
    around = [name for _, names in levels for name in names]
    precise = [name for name in around if "." in name[1:]]  # tag.class
    named = [name for name in around if name not in precise and name[0] in ".#["]
    tagged = [name for name in around if name not in precise and name not in named]
    for name in [*precise, *named, *tagged]:
        yield f"{name} {inner}" if not heading or not name.startswith(heading) else f"{name} a"
        yield f"{name} > a"
    yield from own
    for name in around:
        for link in own:
            yield f"{name} {link}"
    for (_, inner_names), (_, outer_names) in pairwise(levels):
        for outside in outer_names:
            for inside in inner_names:
                yield f"{outside} {inside} {inner}"
    tags = [tag for tag, _ in levels]
    for outside_index, (_, names) in enumerate(levels):
        path = " > ".join([*reversed(tags[:outside_index]), "a"])
        for name in names:
            yield f"{name} > {path}"
    yield " > ".join([*reversed(tags[:3]), "a"])


def _levels(group: _Links) -> list[tuple[str, list[str]]]:
    """For each level above the links: its tag, and the simple selectors that all elements of that level share."""
    chains = [list(ancestors(link))[:6] for link in group.links]
    levels = []
    for depth in range(min(map(len, chains), default=0)):
        nodes = list({chain[depth].mem_id: chain[depth] for chain in chains}.values())
        levels.append((str(nodes[0].tag), common_selectors(nodes)))
    return levels


# --- the next page ---------------------------------------------------------------------------------------------------


def next_page(page: SeenPage, items: Sequence[str] = ()) -> NextPage | None:
    """How the list goes on, if the page says so. `items` are links that are known to be something else."""
    for selector in _NEXT_SELECTORS:
        urls = _urls(page, selector)
        if len(urls) == 1 and urls[0] != page.url and urls[0] not in items:
            return NextPage(paginate={"next": selector}, url=urls[0])
    for link in page.select("a[href]"):
        url = link_of(page, link)
        if url is None or url == page.url or url in items or text_of(link).lower() not in _NEXT_WORDS:
            continue
        named = next((name for name in selectors_of(page, link) if len(page.select(name)) == 1), None)
        if named is None:
            named = f'a:contains("{text_of(link)}")'
        if len(set(_urls(page, named.replace(":contains", ":lexbor-contains")))) == 1:
            return NextPage(paginate={"next": named}, url=url)
    return _numbered(page, items)


def _urls(page: SeenPage, selector: str) -> list[str]:
    return list(dict.fromkeys(url for node in page.select(selector) if (url := link_of(page, node)) is not None))


def _numbered(page: SeenPage, items: Sequence[str]) -> NextPage | None:
    """Links to pages 2, 3, .. that differ only in one parameter."""
    here = urlsplit(page.url)
    mine = dict(parse_qsl(here.query))
    counted: Counter[str] = Counter()
    for link in page.select("a[href]"):
        url = link_of(page, link)
        if url is None or url in items or urlsplit(url).path != here.path:
            continue
        query = dict(parse_qsl(urlsplit(url).query))
        changed = [name for name, value in query.items() if mine.get(name) != value]
        if len(changed) == 1 and changed[0] in _PAGE_PARAMETERS and query[changed[0]].isdecimal():
            counted[changed[0]] += 1
            if int(query[changed[0]]) == int(mine.get(changed[0], "1")) + 1:
                return NextPage(paginate={"param": changed[0], "start": 1}, url=url)
    return None


def links_below(page: SeenPage) -> list[LinkGroup]:
    """Links to pages whose path continues this page's, as sub-categories do: one group or none."""
    here = urlsplit(page.url).path.rstrip("/") + "/"
    following = next_page(page)
    wanted = {
        url: node
        for node in page.select("a[href]")
        if (url := link_of(page, node)) is not None
        and urlsplit(url).path.startswith(here)
        and urlsplit(url).path != here
        and (following is None or url != following.url)
    }
    if not wanted or here == "/":
        return []
    group = _Links(list(wanted.values()), list(wanted.values()), dict.fromkeys(wanted))
    selector = _group_selector(page, group)
    return [] if selector is None else [LinkGroup(selector=selector, urls=tuple(wanted), score=0.0)]
