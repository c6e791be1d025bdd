"""Where the processor time of a page goes, stage by stage: crawls of the shop of `run`, sampled from inside.

python tests/benchmarks/crawls/stages.py [--docs docs/performance.md] [--pages 4000] [--reps 3]

Run by `make bench-stages`. Beside them the limit crawls the same shop; the last line tells how much of its time ours
takes.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[2]))

from crawls.report import written_between
from crawls.runs import crawl
from crawls.server import ShopServer
from crawls.shop import PER_LIST, Shop
from crawls.variants import VARIANTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from crawls.variants import Variant

BEGIN: Final = "<!-- stages: written by `make bench-stages` -->"
END: Final = "<!-- end of stages -->"

_EXTENSIONS: Final = 'EXTENSIONS={"marks.OpenToClose": 0, "stages.Stages": 0}'


@dataclass(frozen=True, kw_only=True, slots=True)
class Shares:
    """Of crawls of one size of page.

    Attributes:
        ours_us: processor time of a page, in microseconds.
        limit_us: ditto, of the limit.
        samples: by stage.
    """

    ours_us: float
    limit_us: float
    samples: Mapping[str, int]

    def us(self, stage: str) -> float:
        """What a page takes of a stage."""
        return self.ours_us * self.samples.get(stage, 0) / sum(self.samples.values())


def sampled(variant: Variant, path: Path) -> Variant:
    """The same, with samples by stage written to the path."""
    return replace(
        variant,
        command=lambda *where: [*variant.command(*where), "-s", _EXTENSIONS],
        environment={**variant.environment, "CRAWL_STAGES": str(path)},
    )


def measure(shop: Shop, server: ShopServer, folder: Path, *, cores: set[int], repetitions: int) -> Shares:
    """Ours and the limit, in turns."""
    ours, limit = (next(each for each in VARIANTS if each.name == name) for name in ("ours", "limit"))
    samples: Counter[str] = Counter()
    times: dict[str, list[float]] = {"ours": [], "limit": []}
    for number in range(repetitions):
        path = folder / f"stages-{number}"
        for variant in (sampled(ours, path), limit):
            place = folder / f"{variant.name}-{number}"
            run = crawl(variant, server=server, transport="plain", shop=shop, folder=place, cores=cores)
            times[variant.name].append(run.cpu_s / shop.pages * 1e6)
        samples.update(json.loads(path.read_text(encoding="utf-8")))
    return Shares(ours_us=median(times["ours"]), limit_us=median(times["limit"]), samples=samples)


def table(found: Mapping[str, Shares]) -> list[str]:
    """Stages, the dearest first, by size of pages."""
    sizes = list(found)
    stages = sorted(
        {stage for shares in found.values() for stage in shares.samples}, key=lambda stage: -found[sizes[-1]].us(stage)
    )
    lines = [f"| µs of a page of | {' | '.join(sizes)} |", f"|---|{'---:|' * len(sizes)}"]
    lines += [f"| {stage} | {' | '.join(f'{found[size].us(stage):.0f}' for size in sizes)} |" for stage in stages]
    lines.append(f"| together | {' | '.join(f'{found[size].ours_us:.0f}' for size in sizes)} |")
    lines.append(f"| no crawler, in the same run | {' | '.join(f'{found[size].limit_us:.0f}' for size in sizes)} |")
    times = [f"{found[size].ours_us / found[size].limit_us:.2f}" for size in sizes]
    return [*lines, f"| ours in terms of that | {' | '.join(times)} |"]


def written_page(text: str, lines: Sequence[str]) -> str:
    """The page with the part between the markers written anew. Raises ValueError: it has no such part."""
    return written_between(text, BEGIN, END, "\n".join([BEGIN, *lines, END]))


def main(arguments: list[str] | None = None) -> int:
    """Measures, prints, and writes the page that is named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="48 KB,7 KB", help="of product pages")
    parser.add_argument("--pages", type=int, default=4000, help="products; lists and the index come on top")
    parser.add_argument("--reps", type=int, default=3, help="how often each crawls")
    parser.add_argument("--docs", type=Path, help="the page with figures that is written anew")
    options = parser.parse_args(arguments)
    cores = sorted(os.sched_getaffinity(0))
    found = {}
    for size in options.sizes.split(","):
        shop = Shop(size=size, lists=max(1, options.pages // PER_LIST))
        with tempfile.TemporaryDirectory(prefix="stages-") as name:
            folder = Path(name)
            words = [str(folder / "site"), size, str(shop.lists), "identity"]
            subprocess.run([sys.executable, str(Path(__file__).with_name("site.py")), *words], check=True)
            with ShopServer(folder / "server", folder / "site", transports=("plain",), cores={cores[0]}) as server:
                found[size] = measure(shop, server, folder, cores={cores[-1]}, repetitions=options.reps)
    lines = table(found)
    print("\n".join(lines))
    if options.docs:
        options.docs.write_text(written_page(options.docs.read_text(encoding="utf-8"), lines), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
