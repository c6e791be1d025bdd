"""Puts the folder's own module where its tests find it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from log_workers import KEYS, Worker

from crawler.exports.objects_folder import FolderObjectStore
from crawler.joblogs.reader import JobLogs


@pytest.fixture
def objects(tmp_path):
    return FolderObjectStore(tmp_path / "objects")


@pytest.fixture
def worker(objects, tmp_path):
    return lambda seat="s1", **options: Worker(objects, tmp_path, seat, **options)


@pytest.fixture
def logs(objects):
    return JobLogs(objects, KEYS, budget_s=60)
