"""The collector waits while modules are loaded, and not in a crawl."""

from __future__ import annotations

import gc
import json
import subprocess
import sys

import pytest

from crawler.collector import loading_begins, loading_ends


@pytest.fixture
def _as_before():
    thresholds = gc.get_threshold()
    yield
    gc.set_threshold(*thresholds)
    gc.unfreeze()


@pytest.mark.usefixtures("_as_before")
def test_it_looks_seldom_until_all_is_loaded_and_then_as_it_usually_does():
    loading_begins()
    while_loading = gc.get_threshold()[0]
    loading_ends()
    assert while_loading > 10 * gc.get_threshold()[0] > 0
    assert gc.get_freeze_count() > 10_000


LIST = """
import gc, json, sys
looked = []
gc.callbacks.append(lambda phase, _facts: looked.append(phase) if "crawler.commands.crawl" in sys.modules else None)
from scrapy.cmdline import execute
try:
    execute(["scrapy", "list"])
except SystemExit:
    print(json.dumps([len(looked) // 2, gc.get_threshold()]))
"""


def test_commands_of_scrapy_are_loaded_without_it(tmp_path):
    environment = {"SCRAPY_SETTINGS_MODULE": "crawler.settings", "RECIPES_PATH": str(tmp_path), "PATH": ""}
    said = subprocess.run(
        [sys.executable, "-c", LIST],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    looked, threshold = json.loads(said.stdout.splitlines()[-1])
    assert looked < 20
    assert threshold[0] > 10_000
