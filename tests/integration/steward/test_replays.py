"""Failed pages of a job that has ended, fetched again by another one: exactly those, and the rows of both once."""

from __future__ import annotations

import hashlib
import json
import secrets
import time

import pytest
from goods_recipe import RECIPE

from crawler.errors import NothingToReplay, TransitionRefused
from crawler.exports.keys import JobKeys
from crawler.exports.replay_orders import replay_of
from crawler.frontier.contract import FrontierRequest, PageCommit, Row
from crawler.frontier.replays import RedisReplays
from crawler.jobs.model import Intended, Job, Limits, Outcome, State
from crawler.jobs.rows import encode_row
from crawler.steward.replays import prepare

KEYED = RECIPE.replace("    version: 1\n    fields:", "    version: 1\n    key: [url]\n    fields:")


class Pages:
    """The pages of one job as its workers read them, one at a time."""

    def __init__(self, bench, name):
        self.bench, self.name = bench, name
        self._frontier = bench.frontier(name)
        self._is_keyed = "key: [url]" in bench.run(bench.jobs.get(name)).job.recipe_text
        self._calls = 0

    def find(self, *numbers):
        found = [FrontierRequest(id=each, host="a", body=b"page %d" % each) for each in numbers]
        return [str(fate) for fate in self.bench.run(self._frontier.enqueue(found))]

    def read(self, number, *names, outcome="ok", **commit):
        """The page is leased, and gives rows of these names."""
        self._calls += 1
        call = {"worker": "w", "call": self._calls, "limit": 1, "ttl_s": 60}
        (lease,) = self.bench.run(self._frontier.lease(**call)).leases
        assert lease.request.id == number
        rows = tuple(self._row(number, name) for name in names)
        commit = PageCommit(lease=lease, outcome=outcome, rows=rows, url=f"http://a/{number}", **commit)
        (reply,) = self.bench.run(self._frontier.commit([commit]))
        return [str(fate) for fate in reply.rows]

    def _row(self, number, name):
        url = f"http://a/{name if self._is_keyed else number}"
        key = int.from_bytes(hashlib.sha256(url.encode()).digest()[:7]) if self._is_keyed else 0
        return Row(item="good", body=encode_row({"url": url, "name": name}), key=key)

    def open(self):
        """Ids and bodies of the pages that it has to read."""
        self._calls += 1
        call = {"worker": "looker", "call": self._calls, "limit": 100, "ttl_s": 60}
        leases = self.bench.run(self._frontier.lease(**call)).leases
        self.bench.run(self._frontier.release(worker="looker"))
        return {lease.request.id: lease.request.body for lease in leases}


def a_job(bench, recipe=RECIPE, **values):
    job = Job(id="j", recipe="goods", recipe_text=recipe, secret=secrets.token_bytes(32), **values)
    bench.run(bench.jobs.create(job))
    return Pages(bench, "j")


@pytest.fixture
def ended(bench):
    """Job j: pages 1 and 2 gave rows; 3 and 4 came to http_5xx, 5 to timeout."""
    pages = a_job(bench)
    pages.find(1, 2, 3, 4, 5)
    pages.read(1, "a")
    pages.read(2, "b", "c")
    for number, outcome in ((3, "http_5xx"), (4, "http_5xx"), (5, "timeout")):
        pages.read(number, outcome=outcome)
    bench.work(bench.ended())
    return pages


def order(bench, first, outcome, name):
    stored = bench.run(bench.jobs.get(first))
    return replay_of(stored, bench.manifest(first), outcome, new_id=name)


def replay(bench, first="j", outcome="http_5xx", name="again"):
    """The pages of a job that replays another one, as soon as it has them."""
    bench.run(bench.jobs.create(order(bench, first, outcome, name)))
    wait_for(lambda: bench.run(prepare(bench.ground(), bench.run(bench.jobs.get(name)))))
    return Pages(bench, name)


def wait_for(holds):
    """A server in its first second cannot tell that it was not started anew."""
    until = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.05)


def names(bench, name):
    return [json.loads(line)["name"] for line in bench.file("jsonl", name).splitlines()]


def test_exactly_the_failed_pages_are_read_again_and_the_files_have_the_rows_of_both_jobs(bench, ended):
    again = replay(bench)
    assert again.open() == {3: b"page 3", 4: b"page 4"}
    again.read(3, "d")
    again.read(4, "e", "f")
    bench.work(bench.ended("again"))
    assert names(bench, "again") == ["a", "b", "c", "d", "e", "f"]
    assert bench.status("again").outcome is Outcome.PARTIAL  # of the page that timed out
    manifest = bench.manifest("again")
    assert manifest.joined == ("j",)
    assert manifest.ledger.settled == {"ok": 4, "timeout": 1}
    assert (manifest.ledger.accepted, manifest.ledger.rows) == (5, {"good": 6})
    assert names(bench, "j") == ["a", "b", "c"]


def test_pages_that_the_first_job_has_seen_are_not_read_again_and_others_are(bench, ended):
    again = replay(bench)
    assert again.find(1, 2, 5, 6) == ["seen", "seen", "seen", "enqueued"]


def test_a_row_whose_key_the_first_job_has_is_a_duplicate(bench):
    pages = a_job(bench, KEYED)
    pages.find(1, 2)
    pages.read(1, "a")
    pages.read(2, outcome="timeout")
    bench.work(bench.ended())
    again = replay(bench, outcome="timeout")
    assert again.read(2, "a", "b") == ["duplicate", "stored"]
    bench.work(bench.ended("again"))
    assert names(bench, "again") == ["a", "b"]


def test_rows_of_a_page_that_had_failed_half_way_are_there_once(bench):
    pages = a_job(bench)
    pages.find(1, 2, 3)
    pages.read(1, "a")
    pages.read(2, "b", "c", outcome="page_error")
    pages.read(3, "d", "e", outcome="page_error")
    bench.work(bench.ended())
    assert names(bench, "j") == ["a", "b", "c", "d", "e"]
    again = replay(bench, outcome="page_error")
    again.read(2, "b", "c", "x")  # to its end
    again.read(3, "d", outcome="page_error")  # not even as far as before
    bench.work(bench.ended("again"))
    assert names(bench, "again") == ["a", "d", "e", "b", "c", "x"]
    assert bench.manifest("again").ledger.rows == {"good": 6}
    assert [file.rows for file in bench.manifest("again").files] == [6, 6]


def test_what_fails_once_more_and_what_failed_otherwise_can_be_replayed_from_the_replay(bench, ended):
    again = replay(bench)
    again.find(6)
    again.read(3, "d")
    again.read(4, outcome="http_5xx")
    again.read(6, outcome="timeout")
    bench.work(bench.ended("again"))
    third = replay(bench, "again", "timeout", "third")
    assert set(third.open()) == {5, 6}
    assert third.find(1, 2, 3, 4) == ["seen"] * 4
    third.read(6, "g")
    third.read(5, "h")
    bench.work(bench.ended("third"))
    fourth = replay(bench, "third", "http_5xx", "fourth")
    assert set(fourth.open()) == {4}
    fourth.read(4, "i")
    bench.work(bench.ended("fourth"))
    assert names(bench, "fourth") == ["a", "b", "c", "d", "g", "h", "i"]
    manifest = bench.manifest("fourth")
    assert (bench.status("fourth").outcome, manifest.joined) == (Outcome.COMPLETE, ("j", "again", "third"))
    assert (manifest.ledger.settled, manifest.replay_key) == ({"ok": 6}, "")


def test_a_page_whose_holders_died_can_be_replayed(bench):
    pages = a_job(bench)
    pages.find(11)
    bench.run(bench.store.command("HSET", "crawlery:{j}:books", "grace", "0"))
    frontier = bench.frontier()
    for call in range(1, 7):
        bench.run(frontier.lease(worker=f"w{call}", call=1, limit=1, ttl_s=60))
        bench.run(frontier.abandon(f"w{call}"))
    bench.work(bench.ended())
    assert replay(bench, outcome="poison").open() == {11: b"page 11"}


def test_nobody_ends_a_replay_before_it_has_its_pages_and_its_start_page_is_nobodys(bench, ended):
    bench.run(bench.jobs.create(order(bench, "j", "http_5xx", "again")))
    again = Pages(bench, "again")
    assert again.find(1) == ["seen"]
    assert again.open() == {}
    assert str(bench.run(bench.frontier("again").close("finished"))) == "stale"
    ledger = bench.run(bench.frontier("again").ledger())
    assert (ledger.accepted, ledger.staged, ledger.balanced) == (1, 1, True)


def test_what_is_given_twice_or_late_changes_nothing(bench, ended):
    again = replay(bench)
    again.read(3, "d")
    replays = RedisReplays(bench.store, job="again")
    bench.run(bench.store.command("HSET", "crawlery:{again}:books", "preparing", "1", "staged", "1"))
    wait_for(lambda: bench.run(prepare(bench.ground(), bench.run(bench.jobs.get("again")))))
    assert set(again.open()) == {4}
    assert not bench.run(replays.fill("seen", [77]))
    assert again.find(77) == ["enqueued"]


def test_a_store_that_was_started_again_meanwhile_is_given_all_of_it_once_more(bench, ended):
    bench.run(bench.jobs.create(order(bench, "j", "http_5xx", "again")))
    replays = RedisReplays(bench.store, job="again")
    long_ago_ms = bench.run(bench.ground().now_ms()) - 10**9
    assert not bench.run(replays.end(began_ms=long_ago_ms, pages=2))
    assert bench.run(replays.is_open())


def test_a_replay_that_was_cancelled_before_it_began_has_the_rows_of_the_first_job(bench, ended):
    bench.run(bench.jobs.create(order(bench, "j", "http_5xx", "again")))
    bench.run(bench.jobs.intend("again", Intended.CANCEL))
    bench.run(bench.frontier("again").close("cancelled"))
    bench.work(bench.ended("again"))
    assert (bench.status("again").state, names(bench, "again")) == (State.CANCELLED, ["a", "b", "c"])
    assert bench.manifest("again").ledger.settled == bench.manifest("j").ledger.settled
    assert set(replay(bench, "again", "http_5xx", "third").open()) == {3, 4}


def test_pages_that_a_cancelled_job_never_fetched_keep_its_replay_from_being_complete(bench):
    pages = a_job(bench)
    pages.find(1, 2, 3)
    pages.read(1, "a")
    pages.read(2, outcome="timeout")
    bench.run(bench.jobs.intend("j", Intended.CANCEL))
    bench.run(bench.frontier().close("cancelled"))
    bench.work(bench.ended())
    again = replay(bench, outcome="timeout")
    again.read(2, "b")
    bench.work(bench.ended("again"))
    assert (bench.status("again").state, bench.status("again").outcome) == (State.SUCCEEDED, Outcome.PARTIAL)
    assert "1 page never fetched" in bench.status("again").why


def test_rows_that_a_recipe_asks_for_may_come_from_both_jobs(bench):
    pages = a_job(bench, RECIPE + "quality: {items: {minimum: 2}}\n")
    pages.find(1, 2)
    pages.read(1, "a")
    pages.read(2, outcome="timeout")
    bench.work(bench.ended())
    assert bench.manifest().withheld
    again = replay(bench, outcome="timeout")
    again.read(2, "b")
    bench.work(bench.ended("again"))
    assert (bench.status("again").outcome, bench.manifest("again").withheld) == (Outcome.COMPLETE, False)


def test_of_a_replay_whose_first_job_has_lost_its_files_nothing_is_given_out(bench, ended):
    again = replay(bench)
    again.read(3, "d")
    again.read(4, "e")
    bench.objects.delete([segment.key for segment in bench.segments()])
    bench.work(bench.ended("again"))
    status = bench.status("again")
    assert (status.state, status.outcome) == (State.FAILED, Outcome.QUALITY_FAILED)
    assert "the rows of job j, which it replays, cannot be had" in status.why
    assert names(bench, "again") == ["d", "e"]


def test_a_replay_whose_first_job_has_lost_what_it_left_fails(bench, ended):
    bench.run(bench.jobs.create(order(bench, "j", "http_5xx", "again")))
    bench.objects.delete([bench.manifest().replay_key])
    bench.work(bench.ended("again"))
    assert bench.status("again").state is State.FAILED
    assert "it cannot be replayed" in bench.status("again").why


def test_what_cannot_be_replayed_is_said(bench, ended):
    with pytest.raises(
        NothingToReplay, match="no page of job j came to blocked; there are pages with http_5xx, timeout"
    ):
        order(bench, "j", "blocked", "again")
    with pytest.raises(NothingToReplay, match="not there any more"):
        replay_of(bench.run(bench.jobs.get("j")), None, "timeout", new_id="again")
    bench.a_job("running")
    with pytest.raises(TransitionRefused, match="job running is queued"):
        replay_of(bench.run(bench.jobs.get("running")), None, "timeout", new_id="again")


def test_a_replay_may_keep_as_many_rows_as_its_first_job_has_left(bench):
    pages = a_job(bench, limits=Limits(items=4))
    pages.find(1, 2)
    pages.read(1, "a")
    pages.read(2, outcome="timeout")
    bench.work(bench.ended())
    assert order(bench, "j", "timeout", "again").limits == Limits(items=3)


def test_the_store_keeps_nothing_of_it_once_the_files_are_made(bench, ended):
    left = bench.run(bench.store.command("KEYS", "crawlery:{j}:*"))
    assert not [key for key in left if b":set:" in key or key.endswith(b":failed")]
    keys = JobKeys(client="local", job="j")
    assert bench.manifest().replay_key.startswith(keys.file_prefix)
    assert bench.objects.info(bench.manifest().replay_key) is not None


def test_a_terminal_hands_a_replay_over_once_for_a_key(bench, ended, crawlery):
    said = crawlery("job", "replay", "j", "http_5xx", "--key", "monday")
    job = said.stdout.strip()
    again = crawlery("job", "replay", "j", "http_5xx", "--key", "monday")
    assert again.stdout.strip() == job
    assert "was there already" in again.stderr
    assert f"{job}: goods, http_5xx of j again, queued" in crawlery("job", "status", job).stdout
    assert crawlery("job", "replay", "j", "http_5xx").stdout.strip() != job
    assert "no page of job j came to blocked" in crawlery("job", "replay", "j", "blocked", code=2).stderr
    assert "there is no job none" in crawlery("job", "replay", "none", "blocked", code=2).stderr
    assert "'ok' is not one of" in crawlery("job", "replay", "j", "ok", code=2).stderr
    assert "STORAGE_URL" in crawlery("job", "replay", "j", "timeout", code=2, STORAGE_URL="").stderr


LEARNS = RECIPE + "quality: {bands: {minimum_runs: 3}, coverage: {name: 100%}}\n"


def test_a_replay_is_held_against_earlier_runs_with_the_rows_of_both_jobs_and_teaches_nothing(bench):
    for number in range(3):
        bench.a_job(f"r{number}", more="quality: {bands: {minimum_runs: 3}}\n")
        bench.crawl(2, f"r{number}", rows=2)
        bench.work(bench.ended(f"r{number}"))
    pages = a_job(bench, LEARNS)
    pages.find(1, 2)
    pages.read(1, "a", "b")
    pages.read(2, outcome="timeout")
    bench.work(bench.ended())
    assert bench.manifest().why[0].startswith("quality.bands: 2 rows of good; the last 3 whole runs had 4 (median)")
    again = replay(bench, outcome="timeout")
    again.read(2, "c", "d")
    bench.work(bench.ended("again"))
    manifest = bench.manifest("again")
    assert (manifest.outcome, manifest.judged.figures.rows) == (Outcome.COMPLETE, {"good": 4})
    name = manifest.judged.figures.coverage[0]
    assert (name.field, name.filled, name.places) == ("name", 4, 4)
    assert "again.json" not in "".join(info.key for info in bench.objects.list("-runs/"))


def test_a_replay_that_has_lost_the_rows_before_it_is_nothing_to_learn_from(bench):
    pages = a_job(bench, LEARNS)
    pages.find(1, 2)
    pages.read(1, "a", "b")
    pages.read(2, outcome="timeout")
    bench.work(bench.ended())
    again = replay(bench, outcome="timeout")
    again.read(2, "c")
    bench.objects.delete([segment.key for segment in bench.segments()])
    bench.work(bench.ended("again"))
    assert bench.manifest("again").withheld
    assert list(bench.objects.list("-runs/")) == []
