"""`docs/scrapy-redis.md` as somebody follows it who moves a project: its files, its commands, and what they print."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import redis
from scrapy_redis import defaults

from crawler.redis_settings import _INSTEAD
from crawler.sample_shop.server import running_shop
from crawler.spiders.runner import project_settings

PAGE = (Path(__file__).parents[3] / "docs" / "scrapy-redis.md").read_text(encoding="utf-8")
SITE, STORE = "http://127.0.0.1:8000", "redis://127.0.0.1:6379"
COMMANDS = {
    "scrapy": [sys.executable, "-m", "scrapy"],
    "crawlery": [
        sys.executable,
        "-c",
        "import sys; from crawler.cli.main import main; sys.argv[0] = 'crawlery'; main()",
    ],
}


def typed():
    """Commands of the page with what it says that they print."""
    blocks = re.findall(r"^```console\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    entries = [entry.partition("\n") for block in blocks for entry in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]]
    return [(command, output) for command, _, output in entries]


def like(expected):
    lines = expected.splitlines()
    return "".join(r"(?:.*\n)*?" if line.strip() == "..." else re.escape(line) + r" *\n" for line in lines)


@pytest.fixture
def terminal(tmp_path, valkey):
    """Types a command of the page on one terminal, or on two at once; gives what each has printed."""
    with running_shop() as shop:
        for name, text in re.findall(r"^```\w+ (\S+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL):
            path = tmp_path / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text.replace(STORE, valkey.url), encoding="utf-8")
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SCRAPY_")}
        environment |= {"HOME": str(tmp_path), "NO_COLOR": "1", "COLUMNS": "120", "PYTHONPATH": str(tmp_path)}
        started = []

        def run(command, *, terminals=1):
            name, *words = shlex.split(command.replace(SITE, shop.url).replace(STORE, valkey.url))
            if name == "redis-cli":
                with redis.Redis.from_url(valkey.url) as client:
                    return [f"{client.execute_command(*words)}\n"]
            files = [tmp_path / f"terminal-{len(started) + number}.txt" for number in range(terminals)]
            processes = []
            for file in files:
                with file.open("wb") as printed:
                    processes.append(
                        subprocess.Popen(
                            [*COMMANDS[name], *words], cwd=tmp_path, env=environment, stdout=printed, stderr=printed
                        )
                    )
            started.extend(processes)
            texts = [
                (process.wait(timeout=60), file.read_text()) for process, file in zip(processes, files, strict=True)
            ]
            assert {status for status, _ in texts} == {0}, texts[0][1]
            return [text.replace(shop.url, SITE).replace(valkey.url, STORE) for _, text in texts]

        yield run
        for process in started:
            process.kill()
            process.wait()


@pytest.mark.long
def test_the_commands_of_the_page_print_what_it_shows(terminal):  # one test: the commands build on each other
    commands = typed()
    assert [command.split()[0] for command, _ in commands] == ["redis-cli", "scrapy", "crawlery"]
    for command, expected in commands:
        for output in terminal(command, terminals=2 if command.startswith("scrapy") else 1):
            assert re.fullmatch(like(expected), output), f"$ {command}\n{output}"


def test_the_page_says_what_becomes_of_each_setting_and_names_none_that_does_not_exist():
    named = set(re.findall(r"`([A-Z][A-Z_]{5,})`", PAGE))
    assert set(_INSTEAD) - {"REDIS_DECODE_RESPONSES"} <= named
    for name in named - set(_INSTEAD):
        known = name in project_settings() or name.startswith("REDIS_")
        assert known or name in {"SCHEDULER_FLUSH_ON_START", "MAX_IDLE_TIME_BEFORE_CLOSE"}, name
    honoured = {f"REDIS_{name}" for name in vars(defaults) if name.startswith("START_URLS_")}
    assert honoured <= named
