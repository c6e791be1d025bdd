"""Recipes that clients push to a control API, and the processes that check and crawl them."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import io
import os
import subprocess
import sys
import tarfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
from api_people import new_people
from api_process import ApiProcess
from valkey_server import mortal

from crawler.jobs.redis import RedisJobStore
from crawler.steward.ground import Ground, StewardSettings
from crawler.steward.recipe_checks import RecipeChecks
from crawler.store import Store, connect

if TYPE_CHECKING:
    from collections.abc import Mapping

CRAWLERY = Path(sys.executable).with_name("crawlery")

#: What has not happened after so long, in seconds, never will.
PATIENCE_S = 60.0

#: The site is ours.
_FAST = {"AUTOTHROTTLE_ENABLED": "0", "DOWNLOAD_DELAY": "0", "ROBOTSTXT_OBEY": "0"}

PAGE = b"<html><body><h1>Stool</h1><h2>Low</h2></body></html>"


def goods(
    name: str = "goods", *, version: str = "1.0.0", css: str = "h1", expect: str = "Stool", item: str = "good"
) -> str:
    """A recipe of one page, with a test: the text of `css` is `expect`."""
    return f"""schema_version: 1
name: {name}
version: "{version}"
description: Goods of one page
inputs: {{site: {{type: string, format: uri}}}}
start:
  - {{urls: ["{{{{ inputs.site }}}}/"], page: good}}
pages:
  good: {{item: {item}, fields: {{name: {css}}}}}
items:
  {item}: {{version: 1, fields: {{name: {{type: string, required: true}}}}}}
exports:
  - {{name: all, item: {item}, format: csv}}
tests:
  - {{page: good, snapshot: good.html, url: "http://a.example/", inputs: {{site: "http://a.example"}},
     expect: {{name: "{expect}"}}}}
"""


def tar(pages: Mapping[str, bytes]) -> bytes:
    """A packed archive of these pages; the same bytes at any time."""
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as file, tarfile.open(fileobj=file, mode="w") as archive:
        for name, content in pages.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def stored_text(redis_url: str, job: str) -> str:
    """The text that a job was accepted with."""

    async def look():
        store = Store(connect({"url": redis_url}))
        try:
            return (await RedisJobStore(store).get(job)).job.recipe_text
        finally:
            await store.close()

    return asyncio.run(look())


def check_all(url: str, objects: Any, folder: Path) -> int:
    """Checks what was pushed, as a steward does; answers how many versions."""

    async def run() -> int:
        store = Store(connect({"url": url}))
        try:
            settings = StewardSettings(folder=folder)
            ground = Ground(store=store, jobs=RedisJobStore(store), objects=objects, settings=settings)
            return await RecipeChecks(ground).run()
        finally:
            await store.close()

    return asyncio.run(run())


class Fleet:
    """An API, a steward, and a node when it is asked for: processes on one store, with a folder for files."""

    def __init__(self, folder: Path, redis_url: str, **environment: str) -> None:
        """`environment`: further variables of its processes."""
        self.folder, self.redis_url = folder, redis_url
        self.files = folder / "files"
        self._storage = {"STORAGE_URL": f"file://{self.files}"}
        self._further = environment
        settings = {"API_RATE_LIMIT": "10000/second", **environment}
        self._api = ApiProcess(folder / "api", redis_url=redis_url, storage=self._storage, **settings)
        self._beside: list[subprocess.Popen] = []
        self.people = new_people(redis_url)

    def start(self) -> Fleet:
        self.scratch = self.folder / "scratch"
        self.start_steward()
        self._api.start()
        return self

    def start_steward(self, *more: str, fault: str = "") -> subprocess.Popen:
        """One more, with `more` options; `fault` as CRAWLERY_FAULT has it."""
        words = ("--tick", "0.1", "--hold", "2", "--segment-age", "0.2", "--folder", str(self.scratch), *more)
        return self._start("steward", *words, fault=fault)

    @property
    def url(self) -> str:
        """Of the API."""
        return self._api.url

    def stop_steward(self) -> None:
        """SIGKILL to the one that was started last."""
        steward = next(process for process in reversed(self._beside) if "steward" in process.args)
        steward.kill()
        steward.wait()

    def start_node(self) -> None:
        words = [word for name, value in _FAST.items() for word in ("-s", f"{name}={value}")]
        self._start("node", "--name", "n", "--port", "0", "--slots", "2", "--dir", str(self.folder / "node"), *words)

    def _start(self, kind: str, *words: str, fault: str = "") -> subprocess.Popen:
        foreign = ("AWS_", "S3_", "REDIS_", "STORAGE_", "API_", "COVERAGE_", "CRAWLERY_")
        clean = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        environment = {**clean, "REDIS_URL": self.redis_url, "EGRESS_ALLOW": "127.0.0.0/8", **self._storage}
        if fault:
            environment["CRAWLERY_FAULT"] = fault
        environment |= {"SECRET_OF_THE_STEWARD": "canary-of-the-environment", **self._further}
        with (self.folder / f"{kind}.log").open("ab") as log:
            self._beside.append(
                subprocess.Popen(
                    mortal(str(CRAWLERY), kind, *words),
                    cwd=self.folder, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                )
            )  # fmt: skip
        return self._beside[-1]

    def log(self, kind: str) -> str:
        return (self.folder / f"{kind}.log").read_text(encoding="utf-8", errors="replace")

    def stop(self) -> None:
        for process in self._beside:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            process.wait()
        self._api.kill()

    # --- calls ---

    def call(self, method: str, path: str, key: str, **given: Any) -> httpx.Response:
        """The answer; one that says to come again is no answer yet."""
        headers = {"Authorization": f"Bearer {key}", **given.pop("headers", {})}
        until = time.monotonic() + PATIENCE_S
        while True:
            url = f"{self._api.url}{path}"
            answer = httpx.request(method, url, headers=headers, timeout=30, trust_env=False, **given)
            if answer.status_code != 503 or time.monotonic() > until:
                assert answer.status_code < 500, f"{answer.text} {self._api.log()[-3000:]}"
                return answer
            time.sleep(0.1)

    def push(
        self,
        key: str,
        text: str,
        pages: Mapping[str, bytes] | bytes | None = None,
        *,
        name: str = "goods",
        headers: Mapping[str, str] | None = None,
        **query: Any,
    ) -> httpx.Response:
        """The answer to a push; of pages by name an archive is made."""
        path, headers = f"/v1/recipes/{name}", dict(headers or {})
        if pages is None:
            headers["Content-Type"] = "application/yaml"
            return self.call("PUT", path, key, content=text.encode(), headers=headers, params=query)
        archive = pages if isinstance(pages, bytes) else tar(pages)
        files = {"recipe": ("recipe.yaml", text.encode()), "pages": ("pages.tar", archive)}
        return self.call("PUT", path, key, files=files, headers=headers, params=query)

    def judged(self, key: str, *, name: str = "goods", version: str = "1.0.0", **query: Any) -> dict[str, Any]:
        """The version, once its check has ended."""
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            answer = self.call("GET", f"/v1/recipes/{name}/versions", key, params=query)
            (found,) = [each for each in answer.json()["versions"] if each["version"] == version]
            if found["state"] != "checking":
                return found
            time.sleep(0.05)
        raise AssertionError(f"not checked: {self.log('steward')[-3000:]}")

    def ended(self, key: str, job: str) -> dict[str, Any]:
        """The job, once it has ended."""
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            found = self.call("GET", f"/v1/jobs/{job}", key).json()
            if found["finished_at"] is not None:
                return found
            time.sleep(0.05)
        raise AssertionError(f"not ended: {found} {self.log('node')[-3000:]}")
