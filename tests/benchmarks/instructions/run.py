"""How many instructions a page costs: what does not depend on how busy a machine is. Run by `make bench-instructions`.

Each case runs under valgrind's callgrind in a process of its own, pages before it to warm up, and only what follows is
counted; two runs of the same code differ by 0.1 %. Of whole crawls the difference of two shops is taken, which leaves
out what a crawl costs whatever it reads; they differ by up to 5 % on a busy machine, since some work is done by time.
Seconds it does not tell: caches, branches and the kernel have no part in it.
`run.py --case NAME` is the process of a case.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parents[1]))

from crawls.runs import crawl
from crawls.server import ShopServer
from crawls.shop import Shop
from crawls.site import write_site
from crawls.variants import PROGRAMS, VARIANTS
from shop_pages import LARGE, SMALL, list_page, product_page

if TYPE_CHECKING:
    from collections.abc import Callable

#: Pages that are read before counting, and those that are counted.
WARM, COUNTED = 5, 20

#: Whole crawls that are counted, and lists of the two shops.
WHOLE = ("ours", "hand-ci1", "limit")
CRAWLS = (2, 12)

#: As little chance as there can be.
CALM = {"PYTHONHASHSEED": "0"}

SHOP_RECIPES = Path(__file__).parents[1] / "crawls" / "recipes"


def _bodies(size: str) -> list[bytes]:
    if size == "list":
        return [list_page(number, rows=20) for number in range(WARM + COUNTED)]
    return [product_page(number, {"large": LARGE, "small": SMALL}[size]) for number in range(WARM + COUNTED)]


def _by_recipe(name: str, page: str) -> Callable[[bytes], object]:
    from crawler.recipe.extract import extract_page
    from crawler.recipe.loader import load_recipe
    from crawler.recipe.model import PageInput, PageRequest

    recipe = load_recipe(SHOP_RECIPES / f"{name}.yaml")
    request = PageRequest(url="https://shop.example/p", page=page)
    headers = {"content-type": "text/html; charset=utf-8", "date": "Mon, 02 Mar 2026 10:00:00 GMT"}
    return lambda body: extract_page(recipe, PageInput(request=request, url=request.url, body=body, headers=headers))


def _by_hand() -> Callable[[bytes], object]:
    from test_extraction_ratio import css_by_hand

    return css_by_hand


def _by_the_limit() -> Callable[[bytes], object]:
    sys.path.insert(0, str(PROGRAMS))
    from bare_loop import Crawl

    site = SimpleNamespace(site="https://shop.example")
    return lambda body: Crawl.row(site, "/p/1", body)


def _parsed() -> Callable[[bytes], object]:
    from selectolax.lexbor import LexborHTMLParser

    return LexborHTMLParser


#: Of each case, what reads a page, and which pages.
CASES: dict[str, tuple[Callable[[], Callable[[bytes], object]], str]] = {
    "recipe, 15 fields by CSS, 44 KB": (lambda: _by_recipe("shop", "product"), "large"),
    "recipe, 15 fields by CSS, 7.6 KB": (lambda: _by_recipe("shop", "product"), "small"),
    "recipe, 15 fields by XPath, 7.6 KB": (lambda: _by_recipe("shop-xpath", "product"), "small"),
    "recipe, links of a list, 12 KB": (lambda: _by_recipe("shop", "listing"), "list"),
    "parsel, 15 fields by CSS, 7.6 KB": (_by_hand, "small"),
    "lexbor by hand, 15 fields, 44 KB": (_by_the_limit, "large"),
    "lexbor by hand, 15 fields, 7.6 KB": (_by_the_limit, "small"),
    "lexbor, parse only, 44 KB": (_parsed, "large"),
    "lexbor, parse only, 7.6 KB": (_parsed, "small"),
}


def count(name: str, counter: Path) -> None:
    """In the process that callgrind watches."""
    make, size = CASES[name]
    read, bodies = make(), _bodies(size)
    counting = ctypes.CDLL(str(counter))
    for body in bodies[:WARM]:
        read(body)
    counting.counting_begins()
    for body in bodies[WARM:]:
        read(body)
    counting.counting_ends(b"pages")


def of_case(name: str, folder: Path, counter: Path) -> float:
    """Instructions per page.

    Raises:
        RuntimeError: callgrind has counted nothing; the message has what it said.
    """
    done = subprocess.run(
        [*callgrind(folder), sys.executable, __file__, "--case", name, "--counter", str(counter)],
        env={**os.environ, **CALM},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{name}: callgrind ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return counted(folder) / COUNTED


def of_crawl(name: str, folder: Path, counter: Path) -> float:
    """Instructions per page of a whole crawl of `crawls.variants`, from the opening of the spider to its closing."""
    (variant,) = (each for each in VARIANTS if each.name == name)
    cores = os.sched_getaffinity(0)
    totals, pages = [], []
    for lists in CRAWLS:
        shop, place = Shop(size="7 KB", lists=lists), folder / f"{name}-{lists}"
        watched = replace(
            variant,
            command=lambda *where, place=place: [*callgrind(place), *variant.command(*where)],
            environment={**variant.environment, **CALM, "CRAWL_COUNTING": str(counter)},
        )
        write_site(place / "site", shop, ("identity",))
        with ShopServer(place / "server", place / "site", transports=("plain",), cores=cores) as server:
            crawl(watched, server=server, transport="plain", shop=shop, folder=place / "crawl", cores=cores)
        totals.append(counted(place))
        pages.append(shop.pages)
    return (totals[1] - totals[0]) / (pages[1] - pages[0])


def callgrind(folder: Path) -> list[str]:
    """What goes before a command; it counts when it is told to, see `counting.c`."""
    output = f"--callgrind-out-file={folder / 'callgrind.out'}"
    return ["valgrind", "--tool=callgrind", "--instr-atstart=no", output]


def counted(folder: Path) -> int:
    """Instructions between begin and end, by the dump that was made at the end; the dumps are gone afterwards."""
    dumps = {path: path.read_text() for path in folder.glob("callgrind.out*")}
    found = [text for text in dumps.values() if "Client Request: pages" in text[:2000]]
    for path in dumps:
        path.unlink()
    (summary,) = re.findall(r"^summary: (\d+)", "".join(found), re.MULTILINE)
    return int(summary)


def main() -> int:
    """Prints a line for each case."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", help="count this one in this process")
    parser.add_argument("--counter", type=Path)
    parser.add_argument("--only", default="", help="cases and crawls whose names contain this")
    options = parser.parse_args()
    if options.case:
        count(options.case, options.counter)
        return 0
    with tempfile.TemporaryDirectory(prefix="instructions-") as name:
        folder, counter = Path(name), Path(name) / "counting.so"
        source = Path(__file__).with_name("counting.c")
        subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-Wall", "-o", str(counter), str(source)], check=True)
        for case in CASES:
            if options.only in case:
                print(f"{case:<40} {of_case(case, folder, counter) / 1e6:8.3f} million a page", flush=True)
        for variant in WHOLE:
            if options.only in (what := f"crawl: {variant}, 7.6 KB"):
                print(f"{what:<40} {of_crawl(variant, folder, counter) / 1e6:8.3f} million a page", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
