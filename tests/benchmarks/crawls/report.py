"""The figures as tables and as a picture, for the terminal and for docs/performance.md. Pure: text from a record."""

from __future__ import annotations

from html import escape
from statistics import median
from typing import TYPE_CHECKING, Final

from crawls.figures import BARS, middle, of_bar, ratio, runs_of, sizes_of

if TYPE_CHECKING:
    from pathlib import Path

    from crawls.figures import Bar, Record

BEGIN: Final = "<!-- crawls: written by `make bench RECORD=1` -->"
END: Final = "<!-- end of crawls -->"
PLOT: Final = "performance-crawls.svg"

#: What figures call the competitors, and what readers do.
WHAT: Final = {
    "ours": "a recipe",
    "hand": "hand-written Scrapy, CSS, stock settings",
    "hand-ci1": "hand-written Scrapy, CSS, `CONCURRENT_ITEMS=1`",
    "ours-xpath": "a recipe of XPath only",
    "hand-xpath": "hand-written Scrapy, XPath, `CONCURRENT_ITEMS=1`",
    "scrapy-redis": "hand-written Scrapy, CSS, `CONCURRENT_ITEMS=1`, scrapy-redis on Valkey",
    "crawlee-parsel": "crawlee (Python), `ParselCrawler`",
    "crawlee-lexbor": "crawlee (Python), `HttpCrawler` and lexbor",
    "colly": "colly (Go) with goquery",
    "limit": "no crawler: uvloop, httptools, lexbor",
}


def figures_table(record: Record) -> list[str]:
    """What each competitor took of the plain site, and ours by every transport."""
    lines = [
        "| pages | transport | who | CPU a page, µs | pages/s | of a core | ours is faster by | peak, MiB |",
        "|---|---|---|---:|---:|---:|---:|---:|",
    ]
    for entry in record["crawls"]:
        size, transport, name = entry["size"], entry["transport"], entry["variant"]
        pages, runs = record["pages"], entry["runs"]
        times = ratio(record, size=size, transport=transport, ours="ours", than=name)
        faster = "" if times is None or name == "ours" else f"{times:.2f}"
        busy = median(run["cpu_s"] / run["wall_s"] for run in runs)
        lines.append(
            f"| {size} | {transport} | {WHAT[name]} | {middle(runs, 'cpu_s') / pages * 1e6:,.0f} | "
            f"{pages / middle(runs, 'wall_s'):,.0f} | {busy:.0%} | {faster} | {middle(runs, 'peak_mib'):.0f} |"
        )
    return lines


def ratios_table(record: Record) -> list[str]:
    """Our bars, and whether they are held."""
    lines = ["| pages | transport | ours | beside | wanted | measured | |", "|---|---|---|---|---:|---:|---|"]
    for bar in BARS:
        if bar.size not in sizes_of(record):
            continue
        found = of_bar(record, bar)
        wanted = f"at most {bar.at_most:g}" if bar.at_most else f"at least {bar.at_least:g}"
        lines.append(
            f"| {bar.size} | {bar.transport} | {WHAT[bar.ours]} | {WHAT[bar.than]} | {wanted} | "
            f"{_measured(bar, found)} | {_verdict(bar, found)} |"
        )
    return lines


def _measured(bar: Bar, found: float | None) -> str:
    if found is None:
        return ""
    return f"{1 / found:.2f}" if bar.at_most else f"{found:.2f}"


def _verdict(bar: Bar, found: float | None) -> str:
    if found is None:
        return "not measured"
    return "held" if bar.held(found) else "**short**"


def short_table(record: Record) -> list[str]:
    """What a whole process takes for few pages: most of it is its start."""
    if not record["short"]:
        return []
    pages = record["short_pages"]
    lines = [f"| {pages} pages of | who | CPU of the process, s | by the clock, s |", "|---|---|---:|---:|"]
    for entry in record["short"]:
        runs = entry["runs"]
        lines.append(
            f"| {entry['size']} | {WHAT[entry['variant']]} | {middle(runs, 'process_cpu_s'):.2f} | "
            f"{middle(runs, 'process_wall_s'):.2f} |"
        )
    return lines


def section(record: Record) -> str:
    """The part of the page between the markers."""
    machine = record["machine"]
    where = f"{machine['cores']} cores of {machine['cpu']}, Linux {machine['kernel']}, Python {machine['python']}"
    packages = ", ".join(f"{name} {number}" for name, number in machine["packages"].items())
    missing = "".join(f"\nNot measured: {name} ({why}).\n" for name, why in record["not_measured"].items())
    tables = ["\n".join(table) for table in (ratios_table(record), figures_table(record), short_table(record))]
    return f"""{BEGIN}
![Processor time of a page]({PLOT})

{where}, nginx {machine["nginx"]}, {packages}.
{record["pages"]:,} pages a crawl, {record["repetitions"]} repetitions; load before the run {machine["load_before"]}.

What is wanted, as ratios of processor time per page (of the limit: what ours takes of it):

{tables[0]}

All figures. Who does not use all of his core waits for the site, or for a rule that he keeps. The last but one column
says how many times as fast as this ours is:

{tables[1]}

A crawl of few pages, from the start of its process to its end:

{tables[2]}
{missing}{END}"""


def written_page(text: str, record: Record) -> str:
    """The page with the part between the markers written anew. Raises ValueError: it has no such part."""
    return written_between(text, BEGIN, END, section(record))


def written_between(text: str, begins: str, ends: str, part: str) -> str:
    """The page with a part of it written anew; the part has its markers with it.

    Raises:
        ValueError: the page has no such part.
    """
    before, begin, rest = text.partition(begins)
    _, end, after = rest.partition(ends)
    if not begin or not end:
        raise ValueError(f"the page has no lines {begins!r} and {ends!r}")
    return before + part + after


def write_page(path: Path, record: Record) -> None:
    """The page anew, and the picture beside it."""
    path.write_text(written_page(path.read_text(encoding="utf-8"), record), encoding="utf-8")
    path.with_name(PLOT).write_text(plot(record), encoding="utf-8")


_WIDTH, _ROW, _LEFT, _RIGHT = 960, 24, 480, 90


def plot(record: Record) -> str:
    """Processor time of a page of the plain site as bars, a group for each size; shorter is better."""
    y, shapes = 10, []
    for size in sizes_of(record):
        named = [name for name in WHAT if runs_of(record, size=size, transport="plain", variant=name)]
        values = {
            name: middle(runs_of(record, size=size, transport="plain", variant=name), "cpu_s") / record["pages"] * 1e6
            for name in named
        }
        shapes.append(f'<text x="10" y="{y + 16}" class="head">{size} a product: µs of processor time a page</text>')
        y += _ROW + 4
        for name, value in sorted(values.items(), key=lambda item: item[1]):
            width = value / max(values.values()) * (_WIDTH - _LEFT - _RIGHT)
            kind = "ours" if name.startswith("ours") else "limit" if name == "limit" else "other"
            shapes += [
                f'<text x="{_LEFT - 8}" y="{y + 16}" class="name">{escape(WHAT[name].replace("`", ""))}</text>',
                f'<rect x="{_LEFT}" y="{y + 3}" width="{width:.1f}" height="{_ROW - 6}" class="{kind}"/>',
                f'<text x="{_LEFT + width + 6:.1f}" y="{y + 16}">{value:,.0f}</text>',
            ]
            y += _ROW
        y += 14
    style = (
        "text{font:13px sans-serif;fill:#24292f}.head{font-weight:bold}.name{text-anchor:end}"
        ".ours{fill:#1a7f37}.limit{fill:#8c959f}.other{fill:#54aeff}"
    )
    background = f'<rect width="{_WIDTH}" height="{y}" fill="#fff"/>'
    body = "\n".join([f"<style>{style}</style>", background, *shapes])
    return f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{y}" role="img">\n{body}\n</svg>\n'
