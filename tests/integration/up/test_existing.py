"""Servers that are there already, and servers that should be."""

from __future__ import annotations

import asyncio
import re

import pytest

from crawler.up.probes import StoreAnswers
from crawler.up.spec import Answer, Started


def test_servers_that_are_there_are_used_and_not_started(up, new_valkey, tmp_path):
    server = new_valkey()
    run = up("--storage-url", f"file://{tmp_path}/files", "--nodes", "1", REDIS_URL=server.url).until_up()
    assert set(run.pids) == {"api", "steward-1", "node-1"}
    reach = run.reach()
    assert reach.pop("SCRAPYD_PASSWORD")
    assert reach.pop("CRAWLERY_API_URL").startswith("http://127.0.0.1:")
    assert reach.pop("CRAWLERY_API_KEY").startswith("ck_live_")
    assert reach == {
        "SCRAPYD_USERNAME": "crawlery",
        "REDIS_URL": server.url,
        "STORAGE_URL": f"file://{tmp_path}/files",
        "S3_ENDPOINT_URL": "''",
        "S3_PUBLIC_ENDPOINT_URL": "''",
        "S3_REGION": "us-east-1",
        "S3_SSE": "AES256",
    }
    assert run.stop() == 0
    assert server.running


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ("--redis-url", "redis://:s3cret@127.0.0.1:1/0"),
            r"Error: REDIS_URL: the store at redis://127.0.0.1:1/0 does not answer: .*refused.*; start it, or leave",
        ),
        (
            ("--redis-url", "redis://:s3cret/x@127.0.0.1:1/0"),
            r"Error: REDIS_URL: no address of a store \(redis://HOST:PORT/DB\): in a password / is written %2F",
        ),
        (("--redis-url", "127.0.0.1"), r"Error: REDIS_URL: no address of a store \(redis://HOST:PORT/DB\)"),
        (
            ("--storage-url", "bucket"),
            r"Error: environment: STORAGE_URL='bucket'; it may be s3://BUCKET/PREFIX or file:///FOLDER",
        ),
        (("--storage-url", "file:///proc/x"), r"Error: STORAGE_URL: .*/proc/x"),
    ],
)
def test_a_server_that_is_not_there_is_one_clear_message_and_nothing_is_started(up, options, message):
    run = up(*options)
    assert run.wait() == 2
    assert re.match(message, run.output), run.output
    assert "s3cret" not in run.output
    assert not run.pids
    assert not (run.data / "lock").exists()


def test_an_s3_that_is_not_there_is_one_clear_message(up):
    run = up(S3_ENDPOINT_URL="http://127.0.0.1:1", AWS_ACCESS_KEY_ID="x", AWS_SECRET_ACCESS_KEY="y")
    assert run.wait() == 2
    assert re.match(
        "Error: STORAGE_URL: .*crawlery.*127.0.0.1:1.*leave STORAGE_URL and S3_ENDPOINT_URL out", run.output
    )


def test_a_server_that_happens_to_have_the_port_of_ours_is_not_taken_for_it(valkey_server):
    probe = StoreAnswers(port=valkey_server.port, password="")
    assert asyncio.run(probe.ask(Started(pid=valkey_server.pid, output=b""))) == Answer(ready=True)
    answer = asyncio.run(probe.ask(Started(pid=valkey_server.pid + 1, output=b"")))
    assert answer == Answer(ready=False, why=f"another server answers on port {valkey_server.port}")
