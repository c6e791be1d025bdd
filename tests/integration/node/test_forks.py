"""Workers of a project of its own, and a fork server that cannot begin."""

from __future__ import annotations

import asyncio
import signal
import socket

import pytest
from job_terminal import ORDINARY
from node_jobs import NAMES, ended, new_job

from crawler.scrapyd.forks import Exit, ForkServer, ForkServerGone


def test_spiders_of_a_project_are_run_with_its_settings(node, shop, jobs):
    project = {"SCRAPY_SETTINGS_MODULE": "ordinary_settings", "PYTHONPATH": str(ORDINARY)}
    alpha = node(slots=1, environment=project)
    jobs.create(new_job("j1", spider="hand", site=shop.url))
    (attempt,) = ended(jobs, "j1")
    assert attempt.exit_code == 0, alpha.worker_log("j1")
    assert sum(jobs.ledger("j1").rows.values()) >= len(NAMES)
    assert "hand" in alpha.ask("listspiders.json?project=crawlery").json["spiders"]


@pytest.fixture
def silent():
    """The address of a store that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"redis://127.0.0.1:{listener.getsockname()[1]}"


def order(tmp_path, job, store="redis://127.0.0.1:1"):  # nobody is there
    settings = {"REDIS_URL": store}
    return {"job": job, "seat": "s", "node": "n", "log": str(tmp_path / f"{job}.log"), "settings": settings}


def test_a_worker_is_forked_ends_and_can_be_signalled(tmp_path, silent):
    async def run():
        forks = ForkServer()
        forks.start()
        first = await forks.spawn(order(tmp_path, "j1"))
        assert forks.is_ready
        forks.signal(first.pid + 100_000, signal.SIGKILL)  # none of ours: nothing happens
        ends = await first.ended
        second = await forks.spawn(order(tmp_path, "j2", silent))
        forks.signal(second.pid, signal.SIGKILL)
        ends = ends, await second.ended
        forks.stop()
        with pytest.raises(ForkServerGone):
            await forks.spawn(order(tmp_path, "j3"))
        return ends

    assert asyncio.run(run()) == (Exit(code=75), Exit(signal=signal.SIGKILL))
    assert (tmp_path / "j1.log").read_text().startswith("the store at redis://127.0.0.1:1 does not answer")


def test_workers_that_are_told_to_go_before_they_have_begun_end_in_order(tmp_path, silent):
    async def run():
        forks = ForkServer()
        forks.start()
        workers = []
        for number in range(10):
            workers.append(await forks.spawn(order(tmp_path, f"j{number}", silent)))
            forks.signal(workers[-1].pid, signal.SIGTERM)
            await asyncio.sleep(0.002 * number)
        async with asyncio.timeout(10):
            ends = [await worker.ended for worker in workers]
        forks.stop()
        return ends

    assert asyncio.run(run()) == [Exit(code=130)] * 10
    assert "told to go before" in (tmp_path / "j9.log").read_text()


def test_a_fork_server_that_dies_while_it_starts_is_told_to_those_who_wait(tmp_path, caplog):
    async def run():
        forks = ForkServer()
        forks.start()
        waiting = asyncio.ensure_future(forks.spawn(order(tmp_path, "j1")))
        await asyncio.sleep(0)
        forks._process.kill()
        with pytest.raises(ForkServerGone):
            await waiting
        assert forks.restarts == 1
        async with asyncio.timeout(60):
            while not forks.is_ready:  # noqa: ASYNC110 - nobody tells of it
                await asyncio.sleep(0.05)
        forks.stop()

    asyncio.run(run())
    assert "The fork server has died" in caplog.text
