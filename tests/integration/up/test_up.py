"""`crawlery up` with a real Valkey and a real SeaweedFS: started, looked at, killed in every way, started again."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import boto3
import pytest
import redis

from crawler.store import connect_sync

ALONE = ("--nodes", "0", "--stewards", "0")


@contextmanager
def store_and_bucket(run):
    values = run.reach()
    s3 = boto3.client(
        "s3",
        endpoint_url=values["S3_ENDPOINT_URL"],
        region_name=values["S3_REGION"],
        aws_access_key_id=values["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=values["AWS_SECRET_ACCESS_KEY"],
    )
    with redis.Redis.from_url(values["REDIS_URL"]) as store:
        yield store, s3
    s3.close()


def test_it_says_where_everything_is_and_what_to_type_next(shared):
    shared.until_said(r"^  crawlery job run shop")  # the last line, which may come a moment after the first one
    said = shared.output.partition("The platform is up.")[2]
    for pattern in (
        r"node-1 +http://127.0.0.1:\d+$",
        r"S3 +http://127.0.0.1:\d+, bucket crawlery$",
        r"store +redis://127.0.0.1:\d+$",
        r"passwords +crawlery-data/platform.env \(consoles of nodes: user crawlery\)$",
        r"logs +crawlery-data/logs$",
        r"  crawlery job run shop -i site=http://127.0.0.1:\d+$",
    ):
        assert re.search(pattern, said, re.MULTILINE), (pattern, said)


def test_it_serves_the_sample_shop(shared):
    address = re.search(r"shop +(http://127.0.0.1:\d+)$", shared.output, re.MULTILINE)[1]
    with urllib.request.urlopen(f"{address}/c/lighting/") as answer:
        assert answer.status == 200


def test_secrets_are_neither_printed_nor_in_any_command_nor_readable_by_others(shared):
    secrets = json.loads((shared.data / "secrets.json").read_text())
    commands = [Path(f"/proc/{pid}/cmdline").read_text() for pid in shared.pids.values()]
    logs = [path.read_text() for path in (shared.data / "logs").glob("*.log")]
    assert len(commands) == len(logs) == 7
    for name, secret in secrets.items():
        if name not in ("v", "s3_access_key_id"):
            assert not [text for text in (*commands, *logs, shared.output) if secret in text], name
    assert stat.S_IMODE(shared.data.stat().st_mode) == 0o700
    assert shared.output.count("ck_live_") == 1  # the first key, for whoever has started it
    for name in ("secrets.json", "platform.env", "state.json", "api-key", "valkey/valkey.conf"):
        assert stat.S_IMODE((shared.data / name).stat().st_mode) == 0o600, name


def test_it_listens_on_loopback_only_and_with_passwords(shared):
    with store_and_bucket(shared) as (store, s3):
        kept = store.config_get("*")
        assert [kept[name] for name in ("bind", "appendonly", "appendfsync", "maxmemory-policy")] == [
            *("127.0.0.1", "yes", "always", "noeviction")
        ]
        s3.put_object(Bucket="crawlery", Key="encrypted", Body=b"x", ServerSideEncryption="AES256")
        assert s3.head_object(Bucket="crawlery", Key="encrypted")["ServerSideEncryption"] == "AES256"
    ports = json.loads((shared.data / "state.json").read_text())["ports"]
    with pytest.raises(redis.AuthenticationError), connect_sync({"port": ports["valkey"]}) as nobody:
        nobody.ping()
    for name, path in (("s3", "/crawlery"), ("seaweedfs-filer", "/buckets/crawlery/")):
        with pytest.raises(urllib.request.HTTPError) as refused:
            urllib.request.urlopen(f"http://127.0.0.1:{ports[name]}{path}")
        assert refused.value.code in (401, 403)
        refused.value.close()
    sockets = Path("/proc/net/tcp").read_text().splitlines()[1:]
    listening = {line.split()[1] for line in sockets if line.split()[3] == "0A"}
    ours = {f"{port:04X}" for port in ports.values()}
    assert {address.split(":")[0] for address in listening if address.split(":")[1] in ours} == {"0100007F"}


def test_children_learn_where_store_and_storage_are(shared):
    for name in ("steward-1", "node-1", "node-2"):
        inherited = Path(f"/proc/{shared.pids[name]}/environ").read_text().split("\0")
        reach = {name: value for name, value in shared.reach().items() if not name.startswith("CRAWLERY_API_")}
        assert {f"{key}={value}" for key, value in reach.items()} <= set(inherited)
        assert not [word for word in inherited if word.startswith(("CRAWLERY_API_", "API_KEY_PEPPERS"))]
        assert not [variable for variable in inherited if variable.startswith(("AWS_SESSION_TOKEN", "S3_PUBLIC"))]
        assert "EGRESS_ALLOW=10.1.0.0/16 127.0.0.1" in inherited  # the shop is on this machine


def test_other_commands_of_the_folder_find_the_platform(shared):
    done = shared.crawlery("job", "rows", "none")  # from the store: the API here is a stand-in that answers nobody
    assert done.returncode == 2
    assert "there is no job none" in done.stderr


def test_a_crawl_beside_it_is_still_a_crawl_of_ones_own(shared):
    site = re.search(r"shop +(http://127.0.0.1:\d+)$", shared.output, re.MULTILINE)[1]
    done = shared.crawlery("crawl", "shop", "-i", f"site={site}", "--sample")
    assert done.returncode == 0, done.stderr
    with store_and_bucket(shared) as (store, _):
        assert not [key for key in store.keys("*") if b":{access}:" not in key and b":{audit}:" not in key]


def test_a_second_one_is_told_who_has_the_folder(shared, up, tmp_path):
    second = up("--data-dir", str(shared.data))
    assert second.wait() == 2
    assert re.fullmatch(
        rf"Error: data folder {shared.data}: another `crawlery up` \(pid {shared.process.pid}\) runs on it; .*\n",
        second.output,
    )


def test_a_child_that_dies_comes_again(shared):
    for name in ("valkey", "seaweedfs", "node-1"):
        before = shared.pids[name]
        os.kill(before, signal.SIGKILL)
        shared.until_said(rf"  {name} +down +it was ended by SIGKILL; again in 0.2 s$")
        shared.until_said(rf"  {name} +ready .*pid (?!{before})\d+, 1 restart$")
    with store_and_bucket(shared) as (store, s3):
        assert store.ping()
        s3.head_bucket(Bucket="crawlery")


def test_ctrl_c_ends_everything_in_order_and_leaves_nothing_behind(up):
    run = up().until_up()
    assert run.stop() == 0
    stopped = re.findall(r"  (\S+) +stopped$", run.output, re.MULTILINE)
    assert set(stopped[:3]) == {"api", "node-1", "node-2"}
    assert stopped[3:] == ["steward-1", "seaweedfs", "valkey"]
    assert run.output.endswith("Everything has stopped; what there was is kept in crawlery-data\n")
    assert not run.running()
    assert not (run.data / "lock").exists()
    assert not list(run.data.rglob("*.new"))
    assert not (run.data / "tmp").exists()
    assert not run.sockets()


def test_on_a_terminal_a_table_is_drawn_and_ctrl_c_reaches_the_supervisor_only(up, tmp_path):
    spawn = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))"
    run = up(
        *("--storage-url", f"file://{tmp_path}/files"),
        command=(sys.executable, "-c", spawn),
        stdin=subprocess.PIPE,
        TERM="xterm",
        COLUMNS="120",
    )
    run.until_said("The platform is up")
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", run.output)
    assert re.search(r"name +what +state +since +pid +address", plain)
    assert re.search(r"node-2 +crawls +ready +\d+ s +\d+ +http://127.0.0.1:\d+ +0", plain)
    with run.process.stdin as keyboard:
        keyboard.write(b"\x03")
        keyboard.flush()
        assert run.wait() == 0
    assert "Everything has stopped" in run.output
    logs = {path.stem: path.read_text() for path in (run.data / "logs").glob("*.log")}
    assert "KeyboardInterrupt" not in logs["node-1"]
    assert "Received SIGTERM" in logs["valkey"]
    assert "Received SIGINT" not in logs["valkey"]


def test_a_second_ctrl_c_kills_at_once(up):
    run = up(STAND_IN="deaf").until_up()
    run.signal(signal.SIGINT)
    run.until_said("^Stopping, nodes first; Ctrl-C again kills")
    run.until_said("node-1 +stopping")
    run.signal(signal.SIGINT)
    assert run.wait() == 130
    assert run.output.endswith("Everything was killed; what there was is kept in crawlery-data\n")
    assert not run.running()
    assert not (run.data / "lock").exists()
    assert not run.sockets()


def test_after_a_sudden_end_of_everything_it_goes_on_where_it_was(up):
    run = up(*ALONE).until_up()
    before = run.reach()
    with store_and_bucket(run) as (store, s3):
        for number in range(100):
            store.set(f"key-{number}", number)
        s3.put_object(Bucket="crawlery", Key="a/b", Body=b"x" * 3_000_000, ServerSideEncryption="AES256")
    run.kill_everything()
    assert (run.data / "lock").exists()
    part = next((run.data / "valkey" / "appendonlydir").glob("*.incr.aof"))
    with part.open("r+b") as file:
        file.truncate(part.stat().st_size - 5)
    again = up(*ALONE).until_up()
    assert again.reach() == before
    with store_and_bucket(again) as (store, s3):
        assert store.mget("key-0", "key-98") == [b"0", b"98"]
        assert s3.get_object(Bucket="crawlery", Key="a/b")["Body"].read() == b"x" * 3_000_000
    assert again.stop() == 0


def test_children_die_with_a_supervisor_that_is_killed_and_the_next_one_starts_at_once(up):
    run = up().until_up()
    run.signal(signal.SIGKILL)
    again = up("--nodes", "1").until_up()
    run.until_nothing_runs()
    assert again.stop() == 0


def test_a_port_that_was_kept_is_not_moved_when_somebody_has_taken_it(up, tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        (tmp_path / "crawlery-data").mkdir()
        (tmp_path / "crawlery-data" / "state.json").write_text(f'{{"v": 1, "ports": {{"valkey": {port}}}}}')
        kept, given = up(), up("--s3-port", str(port), "--data-dir", "other")
        assert (kept.wait(), given.wait()) == (2, 2)
    assert f"port {port} for valkey is taken" in kept.output
    assert f'remove "valkey" from "ports" in {tmp_path}/crawlery-data/state.json' in kept.output
    assert f"--s3-port {port} says so: give another, or leave it out" in given.output


def test_a_child_that_does_not_come_up_ends_everything_with_its_last_words(up, tmp_path, new_valkey):
    run = up("--storage-url", f"file://{tmp_path}/files", "--redis-url", new_valkey().url, STAND_IN="fails")
    assert run.wait() == 2
    last = run.output.rpartition("Error: ")[2]
    assert re.match(
        r"(api|steward-1|node-[12]) did not come up: it ended with status 1; the end of .*\n  no such luck", last
    )
    assert not run.running()


def test_sigterm_while_it_starts_ends_it_in_order(up, tmp_path, new_valkey):
    run = up("--storage-url", f"file://{tmp_path}/files", "--redis-url", new_valkey().url, STAND_IN="silent")
    run.until_said("node-2 +starting")
    run.signal(signal.SIGTERM)
    assert run.wait() == 0
    assert not run.running()
    assert not (run.data / "lock").exists()


def test_the_first_key_is_shown_once_and_kept_over_a_restart(up, tmp_path):
    # a SeaweedFS that is started again takes its time now and then
    storage = ("--storage-url", f"file://{tmp_path}/files")
    first = up(*storage).until_up()
    key = first.reach()["CRAWLERY_API_KEY"]
    first.until_said(rf"^  {key}$")
    assert first.stop() == 0
    second = up(*storage).until_up()
    assert second.reach()["CRAWLERY_API_KEY"] == key
    assert "ck_live_" not in second.output
    assert second.stop() == 0
