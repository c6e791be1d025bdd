"""The collector waits while modules are loaded, and not in a crawl."""

from __future__ import annotations

import gc
import json
import subprocess
import sys

import pytest

from crawler.collector import loading_begins, loading_ends


@pytest.fixture
def usual():
    thresholds = gc.get_threshold()
    yield thresholds
    gc.set_threshold(*thresholds)
    gc.unfreeze()


def test_it_looks_seldom_until_all_is_loaded_and_then_as_it_usually_does(usual):
    loading_begins()
    assert gc.get_threshold()[0] > 10 * usual[0]
    loading_ends()
    assert gc.get_threshold() == usual
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
