"""Ten million keys of a series are compared, kept and looked up without being in memory."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

KEYS = int(os.environ.get("SERIES_KEYS", "10_000_000"))
MOST_MIB = 150


@pytest.mark.bench
@pytest.mark.timeout(7200)
def test_keys_are_on_disk(tmp_path):
    program = Path(__file__).with_name("comparing_process.py")
    command = [sys.executable, str(program), str(tmp_path), str(KEYS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    for name, value in found.items():
        print(f"{name:14} {value}")
    assert found["peak_mib"] < MOST_MIB
    assert found["first"]["+"] == KEYS
    same_numbers = range(100, KEYS)
    changed = sum(1 for number in range(1000, KEYS, 1000) if number in same_numbers)
    assert {sign: found["second"][sign] for sign in "+~-"} == {"+": 100, "~": changed, "-": 100}
    assert found["hits"] == 100_000
