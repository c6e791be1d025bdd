"""Commands that would fail after a while say so at once."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import redis
from click.testing import CliRunner
from valkey_server import mortal

from crawler.cli import steward as command
from crawler.cli.main import cli
from crawler.exports.objects_folder import FolderObjectStore
from crawler.steward.ground import StewardSettings


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("demo", "-o", "/proc/shop.csv"), "--output /proc/shop.csv"),
        (("steward", "--folder", "/proc"), "--folder /proc"),
        (("steward", "--alive", "/proc/alive"), "--alive /proc/alive"),
    ],
)
def test_a_place_that_cannot_be_written_is_refused_before_any_work(valkey, tmp_path, monkeypatch, arguments, message):
    monkeypatch.setenv("REDIS_URL", valkey.url)
    monkeypatch.setenv("STORAGE_URL", f"file://{tmp_path}/objects")
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 2
    assert message in result.output


def test_a_steward_whose_store_is_away_says_that_it_is_alive(tmp_path, monkeypatch):
    with socket.socket() as taken:  # bound, and never listening
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        alive = tmp_path / "alive"
        monkeypatch.setattr(command, "_BEAT_S", 0.02)
        monkeypatch.setattr(command, "_GRACE_S", 0.1)
        beats = set()

        async def run():
            working = asyncio.create_task(
                command._run(
                    f"redis://127.0.0.1:{port}",
                    "crawlery",
                    FolderObjectStore(tmp_path / "objects"),
                    StewardSettings(folder=tmp_path),
                    alive,
                )
            )
            async with asyncio.timeout(20):
                while len(beats) < 3:
                    await asyncio.sleep(0.01)
                    beats.update([alive.stat().st_mtime_ns] if alive.exists() else [])
            os.kill(os.getpid(), signal.SIGTERM)
            await working

        asyncio.run(run())
    assert len(beats) == 3


@pytest.fixture
def steward_on(tmp_path):
    """`steward_on(url)`: a steward as a process; its `stdout` has all that it says."""
    started = []

    def start(url: str) -> subprocess.Popen[str]:
        words = [str(Path(sys.executable).with_name("crawlery")), "steward", "--tick", "0.1"]
        environment = {**os.environ, "REDIS_URL": url, "STORAGE_URL": f"file://{tmp_path}/objects"}
        started.append(
            subprocess.Popen(
                mortal(*words), env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
            )
        )
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_a_steward_that_starts_while_the_store_is_away_waits_for_it(new_valkey, steward_on):
    server = new_valkey()
    server.stop()
    steward = steward_on(server.url)
    line = next(line for line in steward.stdout if "does not answer" in line)
    assert "waiting for it" in line
    server.start()
    with redis.Redis(port=server.port) as client:
        deadline = time.monotonic() + 30
        while not client.dbsize():  # its duties
            assert time.monotonic() < deadline, "it does nothing"
            time.sleep(0.05)
    steward.terminate()
    assert steward.wait(timeout=30) == 0


def test_a_steward_that_the_store_refuses_ends_at_once(new_valkey, steward_on):
    server = new_valkey(appendfsync=None)
    with redis.Redis(port=server.port) as client:
        client.config_set("requirepass", "right")
    steward = steward_on(server.url.replace("redis://", "redis://:wrong@"))
    said, _ = steward.communicate(timeout=60)
    assert (steward.returncode, "does not answer" in said, "wrong@" in said) == (2, True, False)
