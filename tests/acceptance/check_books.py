"""Crawls a saved copy of books.toscrape.com with the `books` recipe and compares every cell with the saved pages.

    python tests/acceptance/check_books.py DIRECTORY

DIRECTORY holds the copy (index.html, catalogue/...). It is served on a free loopback port and crawled by `crawlery
crawl books` with default settings, as a user would. The truth is read from the files by other code than ours
(parsel), values are compared after NFC and white-space folding. Exit status 0 = every cell is right.
"""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
import tempfile
import unicodedata
from decimal import Decimal
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import duckdb
import pandas as pd
from parsel import Selector

from crawler.sample_shop.server import running_site

COLUMNS = [
    "url",
    "upc",
    "title",
    "price",
    "currency",
    "rating",
    "availability",
    "stock",
    "category",
    "description",
    "image",
]
RATINGS = {"One": "1", "Two": "2", "Three": "3", "Four": "4", "Five": "5"}


def folded(text: str | None) -> str:
    return " ".join(unicodedata.normalize("NFC", text or "").split())


def page(directory: Path, url: str) -> Selector | None:
    path = directory / unquote(urlsplit(url).path).lstrip("/")
    path = path / "index.html" if path.is_dir() else path
    return Selector(path.read_text(encoding="utf-8")) if path.is_file() else None


def truth(directory: Path, site: str) -> tuple[dict[str, dict[str, str]], list[str]]:
    """Rows by UPC as the saved pages say, and the linked book pages that are missing."""
    rows, missing = {}, []
    url: str | None = f"{site}/"
    while url is not None:
        listing = page(directory, url)
        assert listing is not None, url
        for href in listing.css("article.product_pod h3 a::attr(href)").getall():
            book_url = urljoin(url, href)
            book = page(directory, book_url)
            if book is None:
                missing.append(book_url)
                continue
            row = book_row(book, book_url)
            rows[row["upc"]] = row
        following = listing.css("li.next a::attr(href)").get()
        url = urljoin(url, following) if following else None
    return rows, missing


def book_row(book: Selector, url: str) -> dict[str, str]:
    table = {tr.css("th::text").get(): tr.css("td::text").get() for tr in book.css("table tr")}
    main = book.css(".product_main")
    price = main.css(".price_color::text").get("")
    availability = folded("".join(main.css(".availability ::text").getall()))
    stock = re.search(r"\d+", availability)
    return {
        "url": url,
        "upc": table["UPC"],
        "title": main.css("h1::text").get(""),
        "price": str(Decimal(price.lstrip("£Â"))),
        "currency": {"£": "GBP"}[price.lstrip("Â")[0]],
        "rating": RATINGS[main.css(".star-rating::attr(class)").get("").split()[-1]],
        "availability": "InStock" if availability.startswith("In stock") else "OutOfStock",
        "stock": stock.group() if stock else "0",
        "category": book.css("ul.breadcrumb li:nth-child(3) a::text").get(""),
        "description": "".join(book.xpath("//div[@id='product_description']/following-sibling::p[1]//text()").getall()),
        "image": urljoin(url, book.css("#product_gallery img::attr(src)").get("")),
    }


def crawl(site: str, out: Path, summary: Path) -> int:
    command = [str(Path(sys.executable).with_name("crawlery")), "crawl", "books", "--input", f"site={site}"]
    return subprocess.run([*command, "-o", str(out), "--summary", str(summary)], check=False).returncode


def main() -> int:
    directory = Path(sys.argv[1])
    problems: list[str] = []
    with tempfile.TemporaryDirectory() as folder, running_site(directory) as server:
        site = str(getattr(server, "url", server)).rstrip("/")
        out, summary_path = Path(folder) / "books.csv", Path(folder) / "summary.json"
        status = crawl(site, out, summary_path)
        expected, missing = truth(directory, site)
        with out.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            columns = list(reader.fieldnames or [])
            found = list(reader)
        summary = json.loads(summary_path.read_text())
        frame = pd.read_csv(out)
        table = duckdb.sql(f"select * from '{out}'")
        problems += compare(found, expected)
        checks = {
            "exit status 0": status == 0,
            "columns": columns == COLUMNS,
            f"{len(expected)} rows": len(found) == len(expected) == summary["rows"]["book"],
            "outcome partial": summary["outcome"] == "partial",
            f"{len(missing)} http_404": summary["failures"].get("http_404") == missing,
            "pandas": list(frame.columns) == COLUMNS and len(frame) == len(expected),
            "pandas reads prices as numbers": str(frame["price"].dtype) == "float64",
            "duckdb": table.columns == COLUMNS and len(table.fetchall()) == len(expected),
        }
    problems += [f"failed: {name}" for name, holds in checks.items() if not holds]
    for problem in problems[:40]:
        sys.stdout.write(problem + "\n")
    empty = sum(not row["description"] for row in found)
    sys.stdout.write(
        f"{len(found)} rows, {len(COLUMNS)} columns, {empty} without description, outcome {summary['outcome']},"
        f" {summary['elapsed_s']} s: {'every cell is right' if not problems else f'{len(problems)} problems'}\n"
    )
    return 1 if problems else 0


def compare(found: list[dict[str, str]], expected: dict[str, dict[str, str]]) -> list[str]:
    problems = [f"{upc}: no row" for upc in expected.keys() - {row["upc"] for row in found}]
    for row in found:
        wanted = expected.get(row["upc"])
        if wanted is None:
            problems.append(f"{row['upc']}: unexpected row")
            continue
        problems += [
            f"{row['upc']}.{name}: {row[name][:80]!r}, expected {wanted[name][:80]!r}"
            for name in COLUMNS
            if folded(row[name]) != folded(wanted[name])
        ]
    return problems


if __name__ == "__main__":
    sys.exit(main())
