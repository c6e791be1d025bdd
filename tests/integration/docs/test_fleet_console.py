"""`docs/fleet.md` as a newcomer follows it: two terminals, and its commands print what the page says they print.

On the page a line `...` stands for any lines, and `...` at the end of a line for its rest.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from click import Group

from crawler.cli.job import job
from crawler.sample_shop.server import running_shop
from crawler.spiders.runner import project_settings

PAGE = (Path(__file__).parents[3] / "docs" / "fleet.md").read_text(encoding="utf-8")
CRAWLERY = [sys.executable, "-c", "import sys; from crawler.cli.main import main; sys.argv[0] = 'crawlery'; main()"]
SITE, STORE = "http://127.0.0.1:8000", "redis://127.0.0.1:6379"


def typed():
    """Commands of the page with what it says that they print."""
    blocks = re.findall(r"^```console\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    entries = [entry.partition("\n") for block in blocks for entry in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]]
    return [(command, output) for command, _, output in entries]


def like(expected):
    lines = []
    for line in expected.splitlines():
        if line.strip() == "...":
            lines.append(r"(?:.*\n)*?")
        elif line.endswith("..."):
            lines.append(re.escape(line.removesuffix("...")) + r".*\n")
        else:
            lines.append(re.escape(line) + r" *\n")
    return "".join(lines)


@pytest.fixture
def start(tmp_path, valkey):
    """Starts a command of the page in a terminal of its own; a call of what it answers gives what was printed."""
    started = []
    own = {"HOME": str(tmp_path), "NO_COLOR": "1", "COLUMNS": "120", "REDIS_URL": valkey.url}
    with running_shop() as shop:

        def run(command):
            name, *arguments = shlex.split(command.replace(SITE, shop.url))
            assert name == "crawlery"
            printed = tmp_path / f"terminal-{len(started)}.txt"
            with printed.open("wb") as file:
                process = subprocess.Popen(
                    [*CRAWLERY, *arguments], cwd=tmp_path, env={**os.environ, **own}, stdout=file, stderr=file
                )
            started.append(process)

            def finished():
                assert process.wait(timeout=60) == 0
                return printed.read_text(encoding="utf-8").replace(shop.url, SITE)

            return finished

        yield run
        for process in started:
            process.kill()
            process.wait()


@pytest.mark.long
def test_the_commands_of_the_page_print_what_it_shows(start):  # one test: the commands build on each other
    (export, nothing), (crawl, summary), *others = typed()
    assert (export, nothing) == (f"export REDIS_URL={STORE}", "")
    terminals = [start(crawl), start(crawl)]
    for output in [terminal() for terminal in terminals]:
        assert re.fullmatch(like(summary), output), output
    assert len(others) == 3
    for command, expected in others:
        output = start(command)()
        assert re.fullmatch(like(expected), output), f"$ {command}\n{output}"


def test_the_commands_and_settings_that_the_page_names_exist():
    assert isinstance(job, Group)
    assert set(re.findall(r"crawlery job (\w+) monday", PAGE)) <= set(job.commands)
    settings = project_settings()
    for name in re.findall(r"`([A-Z][A-Z_]{5,})`", PAGE):
        assert name in settings or name.startswith(("REDIS_", "CRAWLERY_")), name
