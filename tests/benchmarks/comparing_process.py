"""Compares runs of a series of so many keys, in a process of its own: `comparing_process.py FOLDER KEYS`."""

import json
import resource
import sys
import time
from pathlib import Path

from crawler.exports import series_store
from crawler.exports.keys import SeriesKeys
from crawler.exports.objects_folder import FolderObjectStore
from crawler.exports.page_notes import PageNote
from crawler.exports.series_state import Comparison, KnownPages, RunState, StateMeta

KEYS = SeriesKeys("local", "0" * 32)
LOOKUPS = 100_000


def run(path: Path, numbers: range, *, changed: int, order: int) -> dict[str, float]:
    """One run that reads a page for each number; of every `changed`-th one the price is another (0: of none)."""
    began = time.monotonic()
    signs = {"+": 0, "~": 0, "=": 0}
    with RunState(path, keys={"good": ("sku",)}, comparison=Comparison()) as state:
        for number in numbers:
            price = order if changed and number % changed == 0 else 1
            values = {"sku": f"sku-{number:09d}", "name": f"Good number {number}", "price": price}
            signs[state.add_row("good", values, page=number)] += 1
            note = PageNote(page=number, etag=f'"{number:x}-{price}"', fetched_ms=1, rows=1)
            state.add_note(note, page=number)
        state.all_here(recipe="r")
        gone = state.settle(StateMeta(order=order, recipe="r"), is_whole=True, gone_after=1)
        state.finish()
    return {**signs, "-": gone, "seconds": round(time.monotonic() - began, 1)}


def main(folder: Path, count: int) -> None:
    path = folder / "state"
    first = run(path, range(count), changed=0, order=1)
    second = run(path, range(100, count + 100), changed=1000, order=2)
    objects = FolderObjectStore(folder / "objects")
    began = time.monotonic()
    key = series_store.put(objects, KEYS, "j", path)
    put_s = time.monotonic() - began
    series_store.fetch(objects, key, folder / "again")
    known = KnownPages(folder / "again", recipe="r")
    began = time.monotonic()
    hits = sum(known.page(number * 7919 % count + 100) is not None for number in range(LOOKUPS))
    lookups_s = time.monotonic() - began
    print(
        json.dumps(
            {
                "first": first,
                "second": second,
                "state_bytes": path.stat().st_size,
                "object_bytes": objects.info(key).size_bytes,
                "put_s": round(put_s, 1),
                "hits": hits,
                "lookups_per_s": round(LOOKUPS / lookups_s),
                "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
            }
        )
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
