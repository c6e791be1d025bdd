"""`docs/client.md`: its Python runs as it stands, and the commands, options and methods that it names exist."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import click
import pytest
from stand_in_api import Reply, StandInApi, served

from crawler.cli.main import cli
from crawler.client import Client
from crawler.client.client import PATIENCE_S

PAGE = (Path(__file__).parents[3] / "docs" / "client.md").read_text(encoding="utf-8")
TEXT = " ".join(PAGE.split())
CONTENT = b"name\nchair\n"


@pytest.fixture
def api():
    made = StandInApi()
    yield made
    made.stop()


def table(heading):
    """First and second column of the table under these words."""
    rows = PAGE.partition(heading)[2].partition("---|\n")[2].partition("\n\n")[0]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows.splitlines()]


def test_the_python_of_the_page_runs(api, monkeypatch, tmp_path, capsys):
    progress = {"found": 2, "settled": 2, "rows": {"good": 1}}
    file = {"name": "goods.csv", "size_bytes": len(CONTENT), "sha256": hashlib.sha256(CONTENT).hexdigest()}
    api.on("POST", "/v1/jobs", Reply(status=201, body={"id": "j", "state": "queued"}))
    api.on("GET", "/v1/jobs/j", {"id": "j", "state": "succeeded", "progress": progress})
    api.on("GET", "/v1/jobs/j/results", {"job": "j", "final": True, "files": [{**file, "url": f"{api.url}/file"}]})
    api.on("GET", "/file", served(CONTENT))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CRAWLERY_API_URL", api.url)
    monkeypatch.setenv("CRAWLERY_API_KEY", "ck_live_key")
    (code,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    exec(compile(code, "docs/client.md", "exec"), {})
    assert "succeeded {'good': 1}" in capsys.readouterr().out
    assert (tmp_path / "files" / "goods.csv").read_bytes() == CONTENT


def test_what_the_client_has_is_on_the_page():
    with Client("http://127.0.0.1:1", "key") as client:
        for parts, methods in table("| part |"):
            named = re.findall(r"`([a-z.]+)`", parts)
            owners = [getattr(client, name.removeprefix("client.")) if "." in name else client for name in named]
            for method in re.findall(r"`([a-z]+)`", methods):
                assert any(callable(getattr(owner, method, None)) for owner in owners), (parts, method)
            for owner in owners:
                public = {name for name in dir(type(owner)) if not name.startswith("_")} - {"close", "url"}
                assert public <= set(re.findall(r"`([a-z]+)`", methods)), owner
    assert f"for `patience_s` seconds ({PATIENCE_S:g})" in PAGE


def test_the_commands_and_options_of_the_page_exist():
    options = set()
    for line, _ in table("| command |"):
        group, *names = re.findall(r"`crawlery ([a-z]+) [a-z]+|`([a-z]+)`", line)
        first = re.match(r"`crawlery [a-z]+ ([a-z]+)", line)[1]
        command = cli.get_command(click.Context(cli), group[0])
        for name in (first, *(each[1] for each in names if each[1])):
            found = command.get_command(click.Context(command), name)
            assert found is not None, (group[0], name)
            options |= {option for parameter in found.params for option in (*parameter.opts, *parameter.secondary_opts)}
    login = cli.get_command(click.Context(cli), "login")
    options |= {option for parameter in login.params for option in parameter.opts}
    for name in ("logout", "whoami"):
        assert f"`crawlery {name}`" in PAGE
    rows = cli.get_command(click.Context(cli), "job").get_command(click.Context(cli), "rows")
    options |= {option for parameter in rows.params for option in parameter.opts}
    assert set(re.findall(r"(--[a-z][a-z-]+)", TEXT)) <= options
