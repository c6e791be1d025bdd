"""The allocator's settings are taken where there is glibc, and harmless elsewhere."""

from __future__ import annotations

import subprocess
import sys


def test_settings_are_taken_or_declined_without_an_error():
    code = "from crawler.recipe.allocator import tune_allocator; print(tune_allocator())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() in {"True", "False"}
    assert done.stderr == ""
