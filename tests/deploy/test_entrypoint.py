"""`deploy/entrypoint.sh`: secrets of files become what the commands read, or nothing is started."""

from __future__ import annotations

import os
import subprocess

import pytest
from deployment import ROOT

ENTRYPOINT = ROOT / "deploy" / "entrypoint.sh"


def enter(*command, **environment):
    return subprocess.run(
        ["sh", str(ENTRYPOINT), *command],
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


def test_a_secret_of_a_file_is_a_variable_of_the_command(tmp_path):
    file = tmp_path / "redis_url"
    file.write_text("redis://:a b$(c)'\"*@store:6379/0\n", encoding="ascii")
    done = enter("env", REDIS_URL_FILE=str(file))
    assert "REDIS_URL=redis://:a b$(c)'\"*@store:6379/0" in done.stdout.splitlines()
    assert "REDIS_URL_FILE" not in done.stdout


def test_the_command_is_the_process_itself():
    done = enter("sh", "-c", "echo $0 $PPID", "name")
    assert done.stdout == f"name {os.getpid()}\n"


def test_without_files_nothing_is_changed():
    assert "REDIS_URL=redis://store" in enter("env", REDIS_URL="redis://store").stdout.splitlines()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"REDIS_URL_FILE": "/nowhere"}, "REDIS_URL_FILE=/nowhere cannot be read by the user"),
        ({"REDIS_URL_FILE": "/dev/null"}, "REDIS_URL_FILE=/dev/null is empty"),
        ({"SCRAPYD_PASSWORD_FILE": "/nowhere", "SCRAPYD_PASSWORD": "x"}, "are both set; one of them says it"),
    ],
)
def test_a_secret_that_is_not_there_starts_nothing(given, message):
    done = enter("echo", "started", **given)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
