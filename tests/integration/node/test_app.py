"""A node from its start to its end: it takes work from the store, and leaves nothing behind however it goes."""

from __future__ import annotations

import signal
import subprocess
import time

import pytest
from click.testing import CliRunner
from node_jobs import NAMES, Jobs, ended, new_job, wait_until
from node_process import CRAWLERY, alive, unmeasured

from crawler.cli.main import cli

PASSWORD = "canary-Sesam"


def test_a_job_of_the_store_is_crawled(node, shop, jobs, show):
    alpha = node()
    took_s = []
    for number in range(5):
        job = f"j{number}"
        shop.hits.clear()
        since = time.monotonic()
        jobs.create(new_job(job, site=shop.url))
        wait_until(lambda: shop.hits, what="the first page")
        took_s.append(time.monotonic() - since)
        wait_until(lambda job=job: jobs.ledger(job).closed, what="the end of the job")
        assert jobs.names(job) == NAMES
    show(f"node: seat wanted -> first request at the site: median {sorted(took_s)[2] * 1000:.0f} ms (5 warm starts)")
    (attempt,) = ended(jobs, "j4")
    assert (attempt.node, attempt.exit_code, attempt.signal) == ("alpha", 0, None)
    assert "80" in "".join(attempt.log_tail)
    assert alpha.terminate() == 0


def test_sigterm_lets_workers_leave_in_order_and_takes_the_node_off_the_list(node, shop, jobs):
    shop.delay_s = 0.05
    alpha = node(slots=1)
    jobs.create(new_job("j1", site=shop.url))
    wait_until(lambda: len(shop.hits) > 3, what="a few pages")
    (name,) = jobs.ask(lambda doors: doors.nodes.all())
    assert (name.name, name.slots, name.url) == ("alpha", 1, alpha.url)
    assert alpha.terminate() == 0
    ledger = jobs.ledger("j1")
    assert (ledger.leased, ledger.retries, ledger.closed) == (0, 0, "")
    assert jobs.seats("j1") == ()
    (attempt,) = jobs.attempts("j1")
    assert attempt.exit_code == 130
    assert jobs.ask(lambda doors: doors.nodes.all()) == ()


def test_ctrl_c_is_the_same(node, jobs):
    alpha = node()
    alpha.process.send_signal(signal.SIGINT)
    assert alpha.finished() == 0


def test_a_killed_node_leaves_no_process_behind_and_another_one_goes_on(node, shop, jobs):
    shop.delay_s = 0.05
    alpha = node(slots=2, LEASE_TTL=2, SEAT_TTL=2)
    jobs.create(new_job("j1", site=shop.url))
    jobs.create(new_job("j2", site=shop.url))
    alpha.wait_for_workers(2)
    family = alpha.family()
    assert len(family) == 4  # with its fork server
    alpha.kill()
    wait_until(lambda: not any(map(alive, family)), what="the end of its family", patience_s=2)
    shop.delay_s = 0
    assert jobs.attempts("j1")[0].ended_ms is None  # nobody has seen it
    node(name="beta", LEASE_TTL=2, SEAT_TTL=2)
    wait_until(lambda: jobs.ledger("j1").closed and jobs.ledger("j2").closed, what="the end of the jobs")
    assert jobs.names("j1") == jobs.names("j2") == NAMES


def test_no_secret_is_in_a_process_list_a_log_or_a_record(node, shop, new_valkey):
    server = new_valkey()
    with Jobs(server.url) as jobs:
        jobs.ask(lambda doors: doors.store.command("CONFIG", "SET", "requirepass", PASSWORD))
    url = server.url.replace("redis://", f"redis://:{PASSWORD}@")
    secrets = {"SCRAPYD_USERNAME": "op", "SCRAPYD_PASSWORD": f"{PASSWORD}-web"}
    with Jobs(url) as jobs:
        shop.delay_s = 0.05
        alpha = node(store=url, environment=secrets)
        alpha.user = ("op", f"{PASSWORD}-web")
        jobs.create(new_job("j1", site=shop.url))
        wait_until(lambda: "of job j1 at" in alpha.worker_log("j1"), what="a worker")
        shown = subprocess.run(["ps", "-ww", "-eo", "args"], capture_output=True, text=True, check=True).stdout
        assert "crawler.scrapyd.forkserver" in shown
        assert PASSWORD not in shown
        pages = "".join(alpha.ask(path).text for path in ("jobs", "listjobs.json", "metrics", "ready"))
        assert alpha.terminate() == 0
        kept = repr(jobs.attempts("j1")) + pages + alpha.log() + alpha.worker_log("j1")
        assert "of job j1 at redis://127.0.0.1" in kept
        assert PASSWORD not in kept


@pytest.mark.parametrize(
    ("options", "environment", "words"),
    [
        (["--bind", "0.0.0.0"], {}, "set SCRAPYD_USERNAME and SCRAPYD_PASSWORD"),
        ([], {"SCRAPYD_USERNAME": "op"}, "SCRAPYD_USERNAME (without a colon) and SCRAPYD_PASSWORD go together"),
        (["--redis-url", "redis://:pw@127.0.0.1:1"], {}, "--redis-url holds a password"),
        (["--name", "a/b"], {}, "'a/b' is no name of a node"),
        (["-s", "REDIS_HOST=x"], {}, "--set REDIS_HOST: workers ask the store that the node asks"),
        (["-s", "LOG_LEVEL"], {}, "--set LOG_LEVEL: write NAME=VALUE"),
        ([], {"REDIS_URL": ""}, "which store?"),
    ],
)
def test_what_a_node_cannot_be_is_a_message(tmp_path, monkeypatch, options, environment, words):
    monkeypatch.chdir(tmp_path)
    for name, value in {"REDIS_URL": "redis://127.0.0.1:1", **environment}.items():
        monkeypatch.setenv(name, value)
    done = CliRunner().invoke(cli, ["node", "--port", "0", "--dir", str(tmp_path / "n"), *options])
    assert done.exit_code == 2, done.output
    assert words in done.output


def test_an_address_that_cannot_be_listened_at_is_a_message(tmp_path):
    password = {"SCRAPYD_USERNAME": "op", "SCRAPYD_PASSWORD": "x"}
    done = subprocess.run(
        [CRAWLERY, "node", "--bind", "192.0.2.1", "--port", "0", "--dir", tmp_path / "n"],
        env={**unmeasured(), "REDIS_URL": "redis://127.0.0.1:1", **password},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert "192.0.2.1:0 cannot be listened at" in done.stderr
    assert "Traceback" not in done.stderr


def test_two_nodes_do_not_share_a_folder(node, tmp_path, valkey):
    alpha = node()
    with pytest.raises(AssertionError, match="another node uses"):
        node()
    assert alpha.ask("jobs").status == 200
