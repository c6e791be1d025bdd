"""`crawlery login`, `logout`, `whoami`: a key is kept once the API has taken it, and only its owner can read it."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys

import pytest
from stand_in_api import problem
from valkey_server import mortal

KEY = "ck_live_abcdefgh_Secret0Secret0Secret0"


def test_a_key_from_stdin_is_checked_and_kept_for_its_owner_alone(api, nobody):
    done = nobody("login", "--url", f"{api.url}/", stdin=f"{KEY}\n")
    assert f"logged in at {api.url} as shop, with key abcdefgh" in done.stderr
    assert api.requests[0].headers["authorization"] == f"Bearer {KEY}"
    assert json.loads(nobody.credentials.read_text()) == {"url": api.url, "key": KEY}
    assert nobody.credentials.stat().st_mode & 0o777 == 0o600
    assert nobody.credentials.parent.stat().st_mode & 0o777 == 0o700
    assert f"{api.url}  (key of crawlery login)" in nobody("whoami").stdout


def test_another_login_replaces_the_first_and_needs_no_address(api, nobody):
    nobody("login", "--url", api.url, stdin=KEY)
    nobody.credentials.chmod(0o600)
    nobody("login", stdin=f"{KEY}2")
    assert json.loads(nobody.credentials.read_text()) == {"url": api.url, "key": f"{KEY}2"}
    assert [path.name for path in nobody.credentials.parent.iterdir()] == ["credentials.json"]


def test_the_environment_may_say_the_key(api, nobody):
    nobody("login", "--url", api.url, CRAWLERY_API_KEY=KEY)
    assert json.loads(nobody.credentials.read_text())["key"] == KEY


@pytest.mark.parametrize(
    ("words", "stdin", "says"),
    [
        ((), KEY, "which API? --url https://HOST says it"),
        (("--url", "crawlery.example"), KEY, "is no address of an API"),
        (("--url", "API"), "", "no key came on stdin"),
        (("--url", "API"), "Secret0 with spaces", "has characters that no key has"),
    ],
)
def test_what_cannot_be_a_login_is_one_message_and_nothing_is_kept(api, nobody, words, stdin, says):
    done = nobody("login", *[api.url if word == "API" else word for word in words], stdin=stdin, code=2)
    assert says in done.stderr
    assert done.stderr.count("Error") == 1
    assert not nobody.credentials.exists()


def test_a_key_that_the_api_does_not_take_is_not_kept(api, nobody):
    api.on("GET", "/v1/me", problem(401, "invalid_key", "no valid key"))
    done = nobody("login", "--url", api.url, stdin=KEY, code=2)
    assert f"{api.url} does not take the key of this login: no valid key" in done.stderr
    api.stop()
    assert "the API does not answer" in nobody("login", "--url", api.url, stdin=KEY, code=2).stderr
    assert not nobody.credentials.exists()


def test_on_a_terminal_the_key_is_asked_for_and_not_shown(api, nobody):
    ours, theirs = pty.openpty()
    code = (
        "import fcntl, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); from crawler.cli.main import run;"
        f" sys.exit(run(['login', '--url', {api.url!r}]))"
    )
    environment = {**os.environ, **nobody.environment}
    process = subprocess.Popen(
        mortal(sys.executable, "-c", code),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment,
        cwd=nobody.folder,
        start_new_session=True,
    )
    os.close(theirs)
    seen, is_typed = b"", False
    try:
        while select.select([ours], [], [], 30)[0]:
            try:
                seen += os.read(ours, 4096)
            except OSError:  # the other side has closed it
                break
            if b"API key" in seen and not is_typed:
                is_typed = True
                os.write(ours, f"{KEY}\n".encode())
        assert process.wait(timeout=30) == 0, seen
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    assert b"logged in at" in seen
    assert b"Secret0" not in seen
    assert json.loads(nobody.credentials.read_text())["key"] == KEY


def test_who_logs_out_is_nobody_again(api, nobody):
    nobody("login", "--url", api.url, stdin=KEY)
    assert "is gone" in nobody("logout").stderr
    assert not nobody.credentials.exists()
    assert "nobody is logged in" in nobody("logout").stderr
    assert "which API?" in nobody("whoami", code=2).stderr


def test_whoami_tells_what_the_key_may_do(api, crawlery):
    me = {
        "client": "shop",
        "key_id": "abcdefgh",
        "scopes": ["jobs:read"],
        "expires_at": "2027-01-02T00:00:00.000Z",
        "rate_limit": "600/minute",
        "quotas": {"running_jobs": 10, "jobs_per_day": None, "requests_per_day": None},
        "usage": {"running_jobs": 3, "jobs_today": 7},
    }
    api.on("GET", "/v1/me", me)
    shown = crawlery("whoami").stdout
    assert f"{api.url}  (key of CRAWLERY_API_KEY)" in shown
    for line in ("client    shop", "abcdefgh, until 2027-01-02", "600/minute", "running jobs 3 of 10", "jobs today 7"):
        assert line in shown
    assert json.loads(crawlery("whoami", "--json").stdout) == me
