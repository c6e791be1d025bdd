"""What the HTTP server before the API answers itself: the exceptions of `schema_runs`, and no more of them."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import httpx
from schema_runs import OF_THE_SERVER


def test_it_refuses_what_is_hardly_http(new_process):
    url = new_process().url
    found = set()
    for query, headers in (
        ("x" * 8200, {}),
        ("", {"Expect": "200-ok"}),
        ("", {"X-Long": "x" * 8200}),
        ("", {f"X-{number}": "x" for number in range(70)}),
    ):
        answer = httpx.get(f"{url}/health?{query}", headers=headers)
        assert "X-Request-Id" not in answer.headers
        found.add(answer.status_code)
    assert found == set(OF_THE_SERVER)


def test_processes_start_anew_although_somebody_has_tidied_up_the_folder_of_the_figures(new_process):
    api = new_process()
    environment = Path(f"/proc/{api.pid}/environ").read_text().split("\0")
    (folder,) = (line.partition("=")[2] for line in environment if line.startswith("PROMETHEUS_MULTIPROC_DIR="))
    shutil.rmtree(folder)
    before = api.workers()
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    api.wait_until_it_answers()
    assert not set(api.workers()) & set(before)
