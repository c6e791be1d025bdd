"""What workers are forked from: it lives as long as its node, and its workers no longer than it."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys

import pytest
from node_jobs import NAMES, ended, new_job, wait_until
from node_process import alive


def test_workers_of_a_dead_fork_server_are_dead_and_others_are_started(node, shop, jobs):
    shop.delay_s = 0.03
    alpha = node(slots=1)
    jobs.create(new_job("j1", site=shop.url))
    wait_until(lambda: len(shop.hits) > 5, what="a few pages")
    (worker,) = alpha.workers()
    (forks,) = set(alpha.family()) - {alpha.process.pid, worker}
    os.kill(forks, signal.SIGKILL)
    wait_until(lambda: not alive(worker), what="the end of the worker", patience_s=2)
    assert ended(jobs, "j1")[0].signal == signal.SIGKILL
    shop.delay_s = 0
    wait_until(lambda: jobs.ledger("j1").closed, what="the end of the job")
    assert jobs.names("j1") == NAMES
    assert "crawlery_node_fork_server_restarts 1" in alpha.ask("metrics").text


def test_signals_to_a_whole_group_of_processes_do_not_end_the_fork_server(node, shop, jobs):
    alpha = node(slots=1)
    wait_until(lambda: len(alpha.family()) == 2, what="a fork server")
    forks = max(set(alpha.family()) - {alpha.process.pid})
    jobs.create(new_job("j1", site=shop.url))
    wait_until(lambda: jobs.ledger("j1").closed, what="the end of a job, so the fork server is ready")
    for number in (signal.SIGTERM, signal.SIGINT):
        os.kill(forks, number)
    jobs.create(new_job("j2", site=shop.url))
    wait_until(lambda: jobs.ledger("j2").closed, what="the end of the next job")
    assert forks in alpha.family()


@pytest.mark.parametrize("reads", [True, False], ids=["all read", "something unread"])
def test_a_fork_server_ends_without_a_word_when_its_node_has_died(reads):
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    command = [sys.executable, "-m", "crawler.scrapyd.forkserver", str(its.fileno()), str(os.getpid())]
    with subprocess.Popen(command, pass_fds=[its.fileno()], stderr=subprocess.PIPE, text=True) as process:
        its.close()
        assert select.select([ours], [], [], 60)[0], "it is ready"
        if reads:
            ours.recv(4096)
        ours.close()
        _, said = process.communicate(timeout=20)
    assert (process.returncode, said) == (0, "")
