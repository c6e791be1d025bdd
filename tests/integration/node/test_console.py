"""A node's console, and what machines ask of it."""

from __future__ import annotations

import re

import pytest
from node_jobs import new_job, wait_until


def test_the_page_of_jobs_shows_what_waits_runs_and_has_ended(node, shop, jobs):
    shop.delay_s = 0.03
    alpha = node(slots=1)
    for job in ("j1", "j2"):
        jobs.create(new_job(job, site=shop.url))
    alpha.wait_for_workers()
    wait_until(lambda: sections(alpha)["Pending"] == ["j2"], what="a job that waits")
    shown = sections(alpha)
    assert (shown["Pending"], shown["Running"], shown["Finished"]) == (["j2"], ["j1"], [])
    shop.delay_s = 0
    wait_until(lambda: sections(alpha)["Finished"] == ["j2", "j1"], what="both jobs")
    page = alpha.ask("jobs").text
    assert "exit 0" in page
    for link in re.findall(r'href="(/logs/[^"]+)"', page):
        assert "Spider closed (finished)" in alpha.ask(link.strip("/")).text
    assert alpha.ask("").text.count("crawlery") >= 1


def sections(alpha):
    """Ids of the jobs in each part of the page."""
    found, part = {}, ""
    for line in alpha.ask("jobs").text.splitlines():
        if head := re.search(r"<th colspan=.*>(\w+)</th>", line):
            part = found.setdefault(head[1], [])
        elif cell := re.fullmatch(r"\s*<td>(j\d)</td>", line):
            part.append(cell[1])
    return found


@pytest.mark.long
def test_what_has_ended_is_listed_after_a_restart(node, shop, jobs):
    first = node(slots=1)
    jobs.create(new_job("j1", site=shop.url))
    wait_until(lambda: sections(first)["Finished"] == ["j1"], what="the job")
    assert first.terminate() == 0
    assert sections(node(slots=1))["Finished"] == ["j1"]


@pytest.fixture
def locked(node):
    alpha = node(environment={"SCRAPYD_USERNAME": "op", "SCRAPYD_PASSWORD": "sesame-long-enough"})
    alpha.user = ("op", "sesame-long-enough")
    return alpha


def test_without_the_password_there_is_nothing_but_readiness(locked):
    assert locked.ask("jobs").status == 200
    for user in (None, ("op", "wrong"), ("other", "sesame-long-enough")):
        locked.user = user
        answers = [locked.ask(path).status for path in ("", "jobs", "logs/", "metrics", "listjobs.json", "nothing")]
        assert answers == [401] * 6
        assert locked.ask("drain", {}).status == 401
        wait_until(lambda: locked.ask("ready").status == 200, what="a node that is ready")


def test_a_form_from_the_page_of_another_site_is_refused(locked, jobs):
    form = {"project": "crawlery", "job": "j1"}
    jobs.create(new_job("j1", spider="absent"))
    assert locked.ask("cancel.json", form, Origin="http://evil.example").status == 403
    assert jobs.status("j1").intended is None
    assert locked.ask("cancel.json", form, Origin=locked.url).json["prevstate"] is not None
