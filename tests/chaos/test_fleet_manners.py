"""A fleet seen from outside: as the site's own log shows it, four workers are one careful visitor.

And how workers wait for each other: an idle one is quick to help, and none leaves while there may be something to do.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import Counter

import pytest
from big_site import BigSite, SiteProcess
from job_run import JobRun
from workers import wait_until

pytestmark = pytest.mark.timeout(300)

#: What the four workers are allowed together.
TWO_AT_ONCE_TEN_A_SECOND = {
    "CONCURRENT_REQUESTS": "1",  # a worker that may have more takes all that the host allows, and the others are idle
    "CONCURRENT_REQUESTS_PER_DOMAIN": "2",
    "DOWNLOAD_DELAY": "0.1",
    "ROBOTSTXT_OBEY": "1",
}

#: Pages that the site needs long for, so that two are open at once although only ten a second are asked for.
SLOW = {f"/product/{number}": [{"delay": 0.45}] for number in range(3, 400, 8)}


@pytest.fixture
def job(new_valkey, tmp_path):
    """`with job(site, settings...) as run`"""

    def of(site, **settings):
        return JobRun.of(site=site, store=new_valkey(), folder=tmp_path, job="manners", settings=settings)

    return of


def most_in_a_second(visits):
    times = sorted(visit.at_s for visit in visits)
    return max(bisect_left(times, begin + 1) - at for at, begin in enumerate(times))


def check_manners(visits, *, most_open=2, most_a_second=11):
    assert max(visit.concurrent for visit in visits) <= most_open
    assert most_in_a_second(visits) <= most_a_second
    assert [visit.path for visit in visits].count("/robots.txt") == 1


def after_refusal(visits):
    """Seconds between the last byte of the 429 and each request that came later."""
    (refused,) = [visit for visit in visits if visit.status == 429]
    last_byte = refused.at_s + refused.delay_s
    return [visit.at_s - last_byte for visit in visits if visit.at_s > last_byte]


def check_silence(visits, silence_s):
    in_silence = [after for after in after_refusal(visits) if after < silence_s]
    assert max(in_silence, default=0.0) <= 0.1


def described_silence(visits, silence_s):
    later = after_refusal(visits)
    late = [after for after in later if after < silence_s]
    return (
        f"a 429 with Retry-After: {silence_s:g}: {len(late)} requests before its end, the last one "
        f"{max(late, default=0) * 1000:.0f} ms after its last byte; the next one after "
        f"{min(after for after in later if after >= silence_s):.2f} s"
    )


def described(visits):
    span = visits[-1].at_s - visits[0].at_s
    workers = Counter(visit.user_agent for visit in visits)
    return (
        f"{len(visits)} requests of {len(workers)} workers in {span:.1f} s: at most "
        f"{max(visit.concurrent for visit in visits)} open, {most_in_a_second(visits)} in any second"
    )


def test_four_workers_are_one_visitor_who_keeps_quiet_when_asked(job, show):
    silence_s = 5.0
    answers = {**SLOW, "*": [{"after": 25, "status": 429, "retry_after": silence_s}]}
    with SiteProcess(BigSite(products=40), latency_s=0.05, answers=answers) as site:
        with job(site, **TWO_AT_ONCE_TEN_A_SECOND) as run:
            for _ in range(4):
                run.start()
            findings = run.finish()
        visits = site.log()
    show(described(visits), described_silence(visits, silence_s))
    assert findings.problems == []
    check_manners(visits)
    check_silence(visits, silence_s)


@pytest.mark.campaign
def test_the_limits_hold_while_workers_are_killed(job, show):
    with SiteProcess(BigSite(products=300), latency_s=0.05, answers=SLOW) as site:
        with job(site, **TWO_AT_ONCE_TEN_A_SECOND) as run:
            for _ in range(4):
                run.start()
            for share in (0.1, 0.3, 0.5, 0.7):
                run.wait_for_share(share)
                run.kill_while_it_works(next(worker for worker in run.workers if worker.running))
                run.start()
            findings = run.finish()
        visits = site.log()
    show(described(visits))
    assert findings.problems == []
    check_manners(visits)


@pytest.mark.campaign
@pytest.mark.parametrize("after", [20, 50, 100, 200])
def test_retry_after_silences_every_worker_at_full_speed(job, show, after):
    silence_s = 5.0
    answers = {"*": [{"after": after, "status": 429, "retry_after": silence_s}]}
    with SiteProcess(BigSite(products=300), latency_s=0.05, answers=answers) as site:
        with job(site, CONCURRENT_REQUESTS="4", CONCURRENT_REQUESTS_PER_DOMAIN="16") as run:
            for _ in range(4):
                run.start()
            findings = run.finish()
        visits = site.log()
    show(described(visits), described_silence(visits, silence_s))
    assert findings.problems == []
    check_silence(visits, silence_s)


@pytest.mark.parametrize(
    "within_s", [pytest.param(1.0, marks=pytest.mark.long), pytest.param(0.2, marks=pytest.mark.campaign)]
)
def test_an_idle_worker_is_quick_to_help_and_none_leaves_while_another_finds_pages(job, show, within_s):
    quiet_s = 6.0  # longer than the five seconds after which Scrapy would look again, and than a lease lives
    answers = {"/": [{"delay": quiet_s}]}
    with SiteProcess(BigSite(products=480), latency_s=0.01, answers=answers) as site:
        with job(site, CONCURRENT_REQUESTS="2") as run:  # one worker cannot take all lists
            run.start()
            run.start()
            findings = run.finish()
        visits = site.log()
    assert findings.problems == []
    first, *others = visits
    assert first.path == "/"
    told = first.at_s + quiet_s
    busy = min(visit.at_s for visit in others if visit.user_agent == first.user_agent) - told
    helped = min(visit.at_s for visit in others if visit.user_agent != first.user_agent) - told
    show(
        f"a page tells of many others: its worker asks for the first of them after {busy * 1000:.0f} ms, "
        f"an idle worker after {helped * 1000:.0f} ms"
    )
    assert 0 < helped < busy + within_s


@pytest.mark.parametrize("wait_s", [4.0, pytest.param(20.0, marks=pytest.mark.campaign)])
def test_a_job_whose_last_page_is_delayed_ends_right_after_it(job, show, wait_s):
    contents = BigSite(products=40)
    answers = {"*": [{"after": len(contents.links()) - 1, "status": 503, "retry_after": wait_s}]}
    with SiteProcess(contents, answers=answers) as site:
        with job(site) as run:
            run.start()
            run.start()
            wait_until(lambda: not all(worker.running for worker in run.workers), what="the end of the job")
            ended = [time.monotonic()]
            wait_until(lambda: not any(worker.running for worker in run.workers), what="the end of the second worker")
            ended.append(time.monotonic())
            findings = run.finish()
        visits = site.log()
    assert findings.problems == []
    late = visits[-2]
    assert late.status == 503
    last = visits[-1].at_s
    show(
        f"503 with Retry-After: {wait_s:g}: asked again after {last - late.at_s:.2f} s; the workers ended "
        f"{ended[0] - last:.2f} and {ended[1] - last:.2f} s after the last page"
    )
    assert wait_s <= last - late.at_s < wait_s + 1.0
    assert ended[1] - last < 3.0
