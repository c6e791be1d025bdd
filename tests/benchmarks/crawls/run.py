"""Whole crawls, ours and those of others, of the same shop on the same machine in turns.

python tests/benchmarks/crawls/run.py                    all of it (about an hour on an idle machine)
python tests/benchmarks/crawls/run.py --only ours,hand,hand-ci1,limit --pages 1000 --reps 1 --sizes "7 KB"

In each repetition every competitor crawls once, in turn, on a core of its own; nginx and the store have the other. All
rows of a shop must be the same, and each page must have been asked for once, or there are no figures at all. Ends with
1 when a bar is short, with 2 when crawls differ.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[2]))

from crawls.figures import short_bars
from crawls.report import figures_table, ratios_table, short_table, write_page
from crawls.runs import CrawlWrong, OtherProtocol, Run, crawl
from crawls.server import NGINX, ShopServer
from crawls.shop import PER_LIST, Shop
from crawls.variants import ALL, PEERS_PYTHON, VARIANTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crawls.figures import Record
    from crawls.variants import Variant

#: Pages of the run whose fixed cost is looked at, and who is measured with it.
SHORT_LISTS = 10
SHORT_VARIANTS = ("ours", "hand", "limit")


@dataclass(kw_only=True)
class Bench:
    """One run of the benchmark."""

    folder: Path
    variants: list[Variant]
    transports: tuple[str, ...]
    crawler_cores: set[int]
    server_cores: set[int]
    store: Any = None
    not_measured: dict[str, str] = field(default_factory=dict)
    _crawls: int = 0

    def interleaved(self, shop: Shop, *, repetitions: int, names: set[str]) -> list[dict[str, Any]]:
        """All competitors in turn, so many times; a list of entries with their runs.

        Raises:
            CrawlWrong: two gave different rows, or one did not do what it should.
        """
        pairs = [
            (variant, transport)
            for transport in self.transports
            for variant in self.variants
            if variant.name in names and transport in variant.transports
        ]
        runs: dict[tuple[str, str], list[Run]] = {}
        with self._server(shop) as server:
            for repetition in range(repetitions):
                for variant, transport in pairs:
                    if f"{variant.name}, {transport}" in self.not_measured:
                        continue
                    run = self._crawl(variant, server, transport, shop)
                    if run is not None:
                        runs.setdefault((variant.name, transport), []).append(run)
                        _tell(variant, transport, shop, run, repetition)
        check_rows(runs)
        return [
            {"size": shop.size, "transport": transport, "variant": name, "runs": [each.figures() for each in found]}
            for (name, transport), found in runs.items()
        ]

    def _crawl(self, variant: Variant, server: ShopServer, transport: str, shop: Shop) -> Run | None:
        self._crawls += 1
        if variant.needs_store:
            self.store.flush()
        try:
            return crawl(
                variant,
                server=server,
                transport=transport,
                shop=shop,
                folder=self.folder / f"crawl-{self._crawls}",
                cores=self.crawler_cores,
                store_url=self.store.url if variant.needs_store else "",
            )
        except OtherProtocol as error:
            self.not_measured[f"{variant.name}, {transport}"] = str(error)
            print(f"not measured: {error}", flush=True)
            return None

    def _server(self, shop: Shop) -> ShopServer:
        """The shop is written by a process of its own: it needs memory, and this one is to be small."""
        codings = ["identity", *(each for each in ("gzip", "br") if each in self.transports)]
        site = self.folder / f"site-{shop.size.replace(' ', '')}-{shop.lists}"
        words = [str(site), shop.size, str(shop.lists), *codings]
        subprocess.run([sys.executable, str(Path(__file__).with_name("site.py")), *words], check=True)
        return ShopServer(site.with_suffix(".server"), site, transports=self.transports, cores=self.server_cores)


def check_rows(runs: dict[tuple[str, str], list[Run]]) -> None:
    """All crawls of a shop, by competitor and transport, gave the same rows.

    Raises:
        CrawlWrong: two did not; the message says who gave what.
    """
    hashes: dict[str, list[str]] = {}
    for (name, transport), found in runs.items():
        for run in found:
            hashes.setdefault(run.rows, []).append(f"{name} ({transport})")
    if len(hashes) > 1:
        groups = "\n".join(f"  {rows[:12]}: {', '.join(sorted(set(who)))}" for rows, who in hashes.items())
        raise CrawlWrong(f"rows differ, so nothing was measured:\n{groups}")


def _tell(variant: Variant, transport: str, shop: Shop, run: Run, repetition: int) -> None:
    print(
        f"{repetition + 1}. {variant.name:<15} {transport:<10} {shop.size:>6}: {run.cpu_s / shop.pages * 1e6:7,.0f} us "
        f"of CPU a page, {shop.pages / run.wall_s:7,.0f} pages/s, {run.peak_mib:4.0f} MiB",
        flush=True,
    )


def machine() -> dict[str, Any]:
    """What the figures were taken on."""
    cpus = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    nginx = subprocess.run([NGINX, "-v"], capture_output=True, text=True, check=True).stderr.rpartition("/")[2]
    packages = ("scrapy", "twisted", "parsel", "lxml", "selectolax", "uvloop", "httptools", "scrapy-redis")
    return {
        "cpu": cpus[0].partition(": ")[2] if cpus else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "nginx": nginx.strip(),
        "packages": {**{name: version(name) for name in packages}, **_peers()},
        "load_before": round(os.getloadavg()[0], 2),
    }


def _peers() -> dict[str, str]:
    """The version of crawlee, if it is there."""
    if not PEERS_PYTHON.exists():
        return {}
    words = [str(PEERS_PYTHON), "-c", "from importlib.metadata import version; print(version('crawlee'))"]
    return {"crawlee": subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()}


def measure(options: argparse.Namespace, folder: Path) -> Record:
    """The record of a whole run."""
    cores = sorted(os.sched_getaffinity(0))
    only = set(options.only.split(",")) if options.only else {variant.name for variant in VARIANTS}
    wanted = [variant for variant in VARIANTS if variant.name in only]
    present = [variant for variant in wanted if not variant.missing]
    bench = Bench(
        folder=folder,
        variants=present,
        transports=tuple(options.transports.split(",")),
        server_cores={cores[0]},
        crawler_cores={cores[-1]},
        not_measured={variant.name: variant.missing for variant in wanted if variant.missing},
    )
    record: Record = {"machine": machine(), "repetitions": options.reps, "crawls": [], "short": []}
    lists = max(1, options.pages // PER_LIST)
    with ExitStack() as stack:
        if any(variant.needs_store for variant in present):
            bench.store = stack.enter_context(_store(folder, bench.server_cores))
        for size in options.sizes.split(","):
            shop = Shop(size=size, lists=lists)
            record["pages"] = shop.pages
            record["crawls"] += bench.interleaved(shop, repetitions=options.reps, names=only)
            if options.short:
                shop, bench.transports = Shop(size=size, lists=SHORT_LISTS), ("plain",)
                record["short_pages"] = shop.pages
                names = only & set(SHORT_VARIANTS)
                record["short"] += bench.interleaved(shop, repetitions=options.reps, names=names)
                bench.transports = tuple(options.transports.split(","))
    record["not_measured"] = bench.not_measured
    return record


def _store(folder: Path, cores: set[int]) -> Any:
    """A Valkey beside the site, until the end of the block."""
    from contextlib import contextmanager

    from valkey_server import ValkeyServer

    @contextmanager
    def running() -> Iterator[ValkeyServer]:
        (folder / "store").mkdir()
        server = ValkeyServer(folder / "store", appendfsync=None)
        ours = os.sched_getaffinity(0)
        os.sched_setaffinity(0, cores)
        try:
            server.start()
        finally:
            os.sched_setaffinity(0, ours)
        try:
            yield server
        finally:
            server.stop()

    return running()


def show(record: Record) -> None:
    """All tables, and what is short."""
    for lines in (figures_table(record), ratios_table(record), short_table(record)):
        print("\n" + "\n".join(lines))
    for name, why in record["not_measured"].items():
        print(f"\nnot measured: {name}: {why}")


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help=f"of {','.join(variant.name for variant in VARIANTS)}")
    parser.add_argument("--sizes", default="48 KB,7 KB", help="of product pages")
    parser.add_argument("--transports", default=",".join(ALL), help="how the site is served")
    parser.add_argument("--pages", type=int, default=4000, help="products; lists and the index come on top")
    parser.add_argument("--reps", type=int, default=5, help="how often each competitor crawls")
    parser.add_argument("--no-short", dest="short", action="store_false", help="leave out the run of 200 pages")
    parser.add_argument("--no-bars", dest="bars", action="store_false", help="end with 0 also when a bar is short")
    parser.add_argument("--json", type=Path, help="where the record goes")
    parser.add_argument("--docs", type=Path, help="the page with figures that is written anew; the plot goes beside it")
    options = parser.parse_args(arguments)
    known = {"only": [variant.name for variant in VARIANTS], "sizes": ["48 KB", "7 KB"], "transports": list(ALL)}
    for name, values in known.items():
        wrong = set(filter(None, getattr(options, name).split(","))) - set(values)
        if wrong:
            parser.error(f"--{name}: {', '.join(sorted(wrong))} is none of {', '.join(values)}")
    return options


def main(arguments: list[str] | None = None) -> int:
    """0: bars are held; 1: not all; 2: crawls differ, so nothing was measured."""
    options = _options(arguments)
    with tempfile.TemporaryDirectory(prefix="crawls-") as name:
        try:
            record = measure(options, Path(name))
        except CrawlWrong as error:
            print(f"\n{error}", file=sys.stderr)
            return 2
    show(record)
    if options.json:
        options.json.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    if options.docs:
        write_page(options.docs, record)
    short = short_bars(record)
    for line in short:
        print(f"short: {line}")
    return 1 if short and options.bars else 0


if __name__ == "__main__":
    sys.exit(main())
