"""Workers that write logs, and readers that read all of them."""

from __future__ import annotations

from crawler.exports.keys import JobKeys
from crawler.joblogs.writer import LogWriter

KEYS = JobKeys(client="acme", job="monday")


def line(second, text, level="INFO"):
    return f"2026-11-29 12:{second // 60:02}:{second % 60:02} [a] {level}: {text}\n"


class Worker:
    """One that writes: `worker.says("text")`, `worker.flush()`."""

    def __init__(self, objects, folder, seat, *, started_ms=1, **options):
        self.path = folder / f"{seat}.log"
        self.path.touch()
        self.writer = LogWriter(
            objects, KEYS, path=self.path, seat=seat, node="node-1", worker=f"node-1-{seat}", started_ms=started_ms,
            **options,
        )  # fmt: skip

    def says(self, text, *, flush=True, ended=False):
        with self.path.open("a") as file:
            file.write(text)
        if flush or ended:
            self.writer.flush(ended=ended)


def texts(page):
    return [record.text.partition(": ")[2] for record in page.records]


def all_backwards(logs, *, limit, **asked):
    """Every record, read from the end page by page."""
    pages = [logs.newest(limit=limit, **asked)]
    while pages[-1].earlier is not None:
        pages.append(logs.newest(limit=limit, before=pages[-1].earlier, **asked))
    return [text for page in reversed(pages) for text in texts(page)]


def all_forwards(logs, places, *, limit, **asked):
    """Every record behind a place, page by page."""
    found = []
    while page := logs.after(places, limit=limit, **asked):
        places = page.next
        found += texts(page)
        if not page.records:
            return found, places
    raise AssertionError("a page is always there")
