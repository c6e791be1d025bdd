"""`docs/api.md` as a newcomer follows it: its commands against a whole platform, and a reference that is not stale.

On the page `...` at the end of a line stands for its rest.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from up_process import Platform

from control_api.app import description
from control_api.reference import BEGINS, renewed

PAGE = (Path(__file__).parents[3] / "docs" / "api.md").read_text(encoding="utf-8")
API, SHOP = "http://127.0.0.1:10489", "http://127.0.0.1:10492"

#: Stands between what two commands print.
MARK = "@@@ next @@@"


def typed():
    """Commands of the page, each with what it says that they print. Lines that begin with > go on with a command."""
    blocks = re.findall(r"^```console\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    found = []
    for line in "".join(blocks).splitlines():
        if line.startswith("$ "):
            found.append((line.removeprefix("$ "), []))
        elif line.startswith("> "):
            command, output = found[-1]
            found[-1] = (f"{command}\n{line.removeprefix('> ')}", output)
        else:
            found[-1][1].append(line)
    return found


def like(expected):
    return "".join(
        re.escape(line.removesuffix("...")) + (r".*\n" if line.endswith("...") else r"\n") for line in expected
    )


@pytest.fixture
def platform(tmp_path):
    running = Platform(tmp_path, "--demo", "--nodes", "1", "--slots", "2")
    running.start()
    yield running
    running.stop()


def test_the_commands_of_the_page_print_what_it_shows(platform, tmp_path):  # one test: they build on each other
    entries = typed()
    assert len(entries) > 30
    api, shop = (re.search(rf"^  {name} +(\S+)$", platform.log(), re.MULTILINE)[1] for name in ("api", "shop"))
    script = "".join(f"{command}\necho '{MARK}'\n" for command, _ in entries)
    done = subprocess.run(
        ["bash", "-c", script.replace(API, api).replace(SHOP, shop)],
        cwd=tmp_path,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=100,
        check=False,
    )
    outputs = done.stdout.replace("\r\n", "\n").split(f"{MARK}\n")
    assert len(outputs) == len(entries) + 1, done.stdout
    others = [
        f"$ {command}\n{output}"
        for (command, expected), output in zip(entries, outputs[:-1], strict=True)
        if re.fullmatch(like(expected), output) is None
    ]
    assert others == [], "\n\n".join(others)


def test_the_reference_of_the_page_is_what_the_api_says_of_itself():
    assert BEGINS in PAGE
    assert renewed(PAGE, description()) == PAGE, "docs/api.md is stale: `make reference`"
