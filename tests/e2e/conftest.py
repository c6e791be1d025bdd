"""Real processes of `crawlery` in an empty folder, and the sample shop on loopback."""

import csv
import os
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from crawler.sample_shop.server import running_shop

ROOT = Path(__file__).parents[2]
CRAWLERY = [sys.executable, "-c", "import sys; from crawler.cli.main import main; sys.argv[0] = 'crawlery'; main()"]


@pytest.fixture(scope="session")
def shop():
    """The sample shop with 60 products."""
    with running_shop(products=60) as server:
        yield server


class Workplace:
    """An empty folder with an empty folder of recipes: where a newcomer stands."""

    def __init__(self, folder):
        self.folder = folder
        self.recipes = folder / "recipes"
        self.recipes.mkdir()
        paths = os.pathsep.join((str(self.recipes), str(ROOT / "recipes")))
        own = {"RECIPES_PATH": paths, "HOME": str(folder), "COLUMNS": "80", "NO_COLOR": "1", "PYTHONUNBUFFERED": "1"}
        own["EGRESS_ALLOW"] = ""  # a newcomer has set nothing
        self.environment = {**os.environ, **own}

    def crawlery(self, *arguments, code=0):
        """What the command prints; its exit status must be `code`."""
        done = subprocess.run(
            [*CRAWLERY, *map(str, arguments)],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
        output = done.stdout + done.stderr
        assert done.returncode == code, output
        assert "Traceback" not in output
        assert "bug in Crawlery" not in output
        return output

    @contextmanager
    def running(self, *arguments):
        """A command that runs until it is told to stop, and the lines it has printed so far."""
        seen = []
        process = subprocess.Popen(
            [*CRAWLERY, *map(str, arguments)],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        reader = threading.Thread(target=lambda: seen.extend(iter(process.stdout.readline, "")))
        reader.start()
        try:
            yield process, seen
        finally:
            process.kill()
            process.wait()
            reader.join()
            process.stdout.close()

    def rows(self, name):
        """The rows of a CSV file."""
        with (self.folder / name).open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))


@pytest.fixture
def workplace(tmp_path):
    return Workplace(tmp_path)


@pytest.fixture
def wait_for():
    """Wait until something holds."""

    def wait(holds, timeout_s=40.0):
        deadline = time.monotonic() + timeout_s
        while not holds():
            assert time.monotonic() < deadline, "waited in vain"
            time.sleep(0.02)

    return wait
