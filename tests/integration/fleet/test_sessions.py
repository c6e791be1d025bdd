"""Workers of a fleet that share a login: one for each session that ends, and no page of a stranger is a row."""

from __future__ import annotations

import pytest
import redis
from click.testing import CliRunner
from login_site import PASSWORD, RECIPE, LoginSite
from terminals import wait_until

from crawler.cli.main import cli

#: Quick enough for a test, and slow enough that four workers have something to do.
SETTINGS = {"AUTOTHROTTLE_ENABLED": False, "DOWNLOAD_DELAY": 0.002, "CONCURRENT_REQUESTS_PER_DOMAIN": 8}

WORKERS = 4

#: How the names of goods end that the pipeline of this project drops.
UNLUCKY = "13"


def kept(members) -> list[str]:
    names = [f"Good {number}" for number in range(members.goods)]
    return sorted(name for name in names if not name.endswith(UNLUCKY))


@pytest.fixture
def members(shop, tmp_path):
    """A site that forgets people, in the place of the shop; the recipe and its secret lie where workers start."""
    served = LoginSite(goods=240, lasts=60)
    shop.answer_with(served.handle)
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes" / "members.yaml").write_text(RECIPE, encoding="utf-8")
    (tmp_path / "secrets").mkdir()
    served.secret = tmp_path / "secrets" / "shop_password"
    served.secret.write_text(PASSWORD, encoding="utf-8")
    return served


@pytest.fixture
def crawlery(valkey, tmp_path, monkeypatch):
    """`crawlery job ...` on the store of the fleet; answers what it says."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REDIS_URL", valkey.url)

    def run(*words):
        result = CliRunner().invoke(cli, ["job", *words])
        assert result.exit_code == 0, result.output
        return " ".join(result.output.split())

    return run


@pytest.fixture
def start_all(start, shop, members):
    """Starts the workers, to which the site gives nothing before all have joined the job."""

    def start_all():
        shop.opened.clear()
        workers = [start("members", job="j1", **SETTINGS) for _ in range(WORKERS)]
        for worker in workers:
            worker.wait_for("of job j1 at")
        shop.opened.set()
        return workers

    yield start_all
    shop.opened.set()


@pytest.mark.long
def test_four_workers_log_in_once_for_each_session_that_ends_and_no_page_of_a_stranger_is_a_row(
    members, start_all, stored
):
    workers = start_all()
    assert [worker.finished() for worker in workers] == [0] * WORKERS
    names = [row["name"] for row in stored("j1").rows()]
    assert sorted(names) == kept(members)
    assert members.refused == 0
    assert members.strangers > members.logins
    assert members.logins == len(members.ended) + 1
    assert members.logins >= 4
    assert len([worker for worker in workers if "'session/invalid'" in worker.log()]) > 1
    books = stored("j1").ledger()
    assert books.balanced
    assert set(books.settled) == {"ok"}


@pytest.mark.long
def test_a_job_that_cannot_log_in_is_paused_says_why_and_goes_on_when_that_is_mended(
    members, start_all, stored, crawlery, valkey
):
    members.secret.write_text("wrong", encoding="utf-8")
    workers = start_all()
    records = redis.Redis.from_url(valkey.url)
    wait_until(lambda: records.hget("crawlery:{j1}:job", "state") == b"paused", what="the pause")
    records.close()
    assert members.refused == 1
    said = crawlery("status", "j1")
    assert "could not log in: the site says: Wrong name or password; resume the job when that is mended" in said
    members.secret.write_text(PASSWORD, encoding="utf-8")
    crawlery("resume", "j1")
    assert [worker.finished() for worker in workers] == [0] * WORKERS
    assert members.refused == 1
    assert sorted(row["name"] for row in stored("j1").rows()) == kept(members)
    assert PASSWORD not in "".join(worker.log() for worker in workers)
