"""A job on a fleet ends with exactly its rows, whatever of the fleet is killed, restarted or away."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis
from big_site import BigSite, SiteProcess
from fleet_run import Fleet

from crawler.joblogs.reader import JobLogs

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def fleet_on(new_valkey, new_seaweed, tmp_path):
    """`with fleet_on(products=300) as fleet`: a site, two stewards, two nodes, and the job submitted."""

    @contextmanager
    def start(*, products: int = 300, latency_s: float = 0.05, **facts):
        with (
            SiteProcess(BigSite(products=products), latency_s=latency_s) as site,
            Fleet.of(
                site=site, store=new_valkey(appendfsync="always"), storage=new_seaweed(), folder=tmp_path, **facts
            ) as fleet,
        ):
            fleet.submit()
            yield fleet

    return start


def is_gone(pid: int) -> bool:
    """Whether it has ended; one whose new parent has not noticed it yet has."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


@pytest.mark.long
def test_a_killed_worker_is_seen_at_once_and_costs_no_row(fleet_on, show):
    # Connections of a dead worker count for another 15 s: so many per site that nobody misses them.
    with fleet_on(products=600, per_site=32, latency_s=0.1) as fleet:
        fleet.wait_for_share(0.1)
        pid = fleet.kill_worker()
        seen_s = fleet.wait(
            lambda: any(attempt.pid == pid and attempt.signal == 9 for attempt in fleet.attempts()), what="signal 9"
        )
        manifest = fleet.wait_for_end()
        assert fleet.findings(manifest).problems == []
        (attempt,) = [attempt for attempt in fleet.attempts() if attempt.pid == pid]
        assert attempt.log_tail
        last = attempt.log_tail[-1]
        logs = JobLogs(fleet.objects, fleet.keys)
        fleet.wait(lambda: logs.newest(limit=1, text=last, worker=attempt.worker).records, what="its last words")
        show(f"a worker killed: seen after {seen_s:.2f} s, {manifest.outcome}, {len(fleet.attempts())} attempts")


@pytest.mark.long
def test_a_killed_node_takes_its_workers_with_it_and_another_takes_the_seats(fleet_on, show):
    with fleet_on(nodes=1, per_site=8) as fleet:
        fleet.wait_for_share(0.2)
        victim = fleet.of_kind("node")[0]
        pids = fleet.worker_pids(victim.name)
        assert pids
        other = fleet.start_node()
        fleet.wait(lambda: '"url"' in other.log(), what="another node")
        fleet.kill_node(victim)
        gone_s = fleet.wait(lambda: all(map(is_gone, pids)), what="the end of its workers")
        seat_s = fleet.wait(lambda: any(seat.node == other.name for seat in fleet.seats()), what="a new seat")
        manifest = fleet.wait_for_end()
        show(f"a node killed: its workers gone after {gone_s:.2f} s, a seat taken elsewhere after {seat_s:.1f} s")
        assert fleet.findings(manifest).problems == []
        assert [attempt for attempt in fleet.attempts() if attempt.node == victim.name]


@pytest.mark.long
def test_nodes_and_stewards_are_replaced_one_by_one_and_nothing_is_lost_or_tried_again(fleet_on, show):
    with fleet_on(products=1_200, per_site=8) as fleet:
        fleet.wait_for_share(0.05)
        slowest_s = 0.0
        for process in [*fleet.of_kind("node"), *fleet.of_kind("steward")]:
            pids = fleet.worker_pids(process.name)
            process.process.send_signal(signal.SIGTERM)
            assert process.finished() == 0, process.log()[-3000:]
            back_s = fleet.wait(lambda pids=pids: not any(map(fleet.books.held_by, pids)), what="leases back")
            slowest_s = max(slowest_s, back_s)
            if process.name.startswith("node"):
                fleet.start_node()
            else:
                fleet.start_steward()
        assert fleet.books.state() == "running", "the job was to be longer than the restarts"
        manifest = fleet.wait_for_end()
        found = fleet.findings(manifest)
        show(f"all nodes and stewards restarted: leases back {slowest_s:.2f} s after exit, refetched {found.refetched}")
        assert found.problems == []
        assert fleet.books.ledger().retries == 0


@pytest.mark.parametrize(
    "away_s", [pytest.param(3, marks=pytest.mark.long), pytest.param(60, marks=pytest.mark.campaign)]
)
def test_a_storage_that_is_away_holds_the_job_which_says_why_and_goes_on_by_itself(fleet_on, show, away_s):
    with fleet_on(products=600, per_site=4) as fleet:
        fleet.wait_for_share(0.2)
        fleet.storage.kill()
        since = time.monotonic()
        fleet.wait(lambda: "rows are stored" in fleet.why(), what="a why")
        said, settled = fleet.why(), fleet.books.settled()
        fleet.wait(lambda: time.monotonic() - since >= away_s, what="the end of the outage")
        held = fleet.books.settled()
        fleet.storage.start()
        manifest = fleet.wait_for_end()
        show(f"storage away for {away_s} s: {said!r} at {settled} pages, {held} at its end")
        assert fleet.findings(manifest).problems == []
        assert manifest.outcome == "complete"


@pytest.mark.long
def test_a_store_at_its_limit_of_memory_holds_the_job_which_says_why_and_goes_on_by_itself(fleet_on, show):
    with fleet_on(products=600, per_site=4) as fleet, redis.Redis.from_url(fleet.store.url) as client:
        fleet.wait_for_share(0.2)
        client.config_set("maxmemory", int(client.info("memory")["used_memory"] * 1.05))
        fleet.wait(lambda: "maxmemory" in fleet.why(), what="a why")
        said, settled = fleet.why(), fleet.books.settled()
        client.config_set("maxmemory", 0)
        manifest = fleet.wait_for_end()
        show(f"store at maxmemory: {said!r} at {settled} pages")
        assert fleet.findings(manifest).problems == []
        assert manifest.outcome == "complete"


@pytest.mark.long
def test_a_store_whose_disk_is_full_and_that_is_started_again_loses_nothing(fleet_on, show):
    with fleet_on(products=600, per_site=4) as fleet:
        fleet.wait_for_share(0.2)
        fleet.store.fill_disk()
        fleet.wait(lambda: not fleet.store.running, what="the end of the store")
        fleet.store.restart()
        manifest = fleet.wait_for_end()
        show(f"store's disk full: {fleet.books.settled()} pages settled in the end")
        assert fleet.findings(manifest).problems == []
        assert manifest.outcome == "complete"


@pytest.mark.long
def test_stewards_that_are_killed_all_the_time_leave_one_manifest_and_name_what_does_not_count(fleet_on, show):
    with fleet_on(products=600, per_site=4, stewards=1) as fleet:

        def objects() -> set[str]:
            prefixes = (fleet.keys.segment_prefix, fleet.keys.file_prefix)
            return {info.key for prefix in prefixes for info in fleet.objects.list(prefix)}

        kills, known = 0, objects()
        while kills < 8 and fleet.books.state() != "succeeded":
            fresh = objects() - known
            if not fresh:
                continue
            for steward in fleet.of_kind("steward"):  # just after it has written something, and told nobody perhaps
                steward.kill()
            kills, known = kills + 1, objects()
            fleet.start_steward("--hold", "1")
        fleet.start_steward()
        manifest = fleet.wait_for_end()
        assert fleet.findings(manifest).problems == []
        for file in manifest.files:
            content = fleet.objects.get(file.key)
            assert (hashlib.sha256(content).hexdigest(), len(content)) == (file.sha256, file.size_bytes)
        for segment in manifest.segments:
            assert hashlib.sha256(fleet.objects.get(segment.key)).hexdigest() == segment.sha256
        written = {
            info.key
            for prefix in (fleet.keys.segment_prefix, fleet.keys.file_prefix)
            for info in fleet.objects.list(prefix)
        }
        nameless = written - manifest.keys
        listed = fleet.objects.info(fleet.keys.orphans)
        assert set(json.loads(fleet.objects.get(fleet.keys.orphans)) if listed else ()) == nameless
        show(
            f"{kills} stewards killed: one manifest, {len(manifest.segments)} segments, {len(nameless)} orphans, listed"
        )


@pytest.mark.long
def test_the_seat_of_a_node_that_stands_still_is_taken_elsewhere(fleet_on):
    with fleet_on(nodes=1, per_site=8) as fleet:
        fleet.wait_for_share(0.1)
        victim = fleet.of_kind("node")[0]
        pids = fleet.worker_pids(victim.name)
        fleet.note_loss(victim.name)
        for pid in [victim.pid, *pids]:
            os.kill(pid, signal.SIGSTOP)
        other = fleet.start_node()
        fleet.wait(lambda: any(seat.node == other.name for seat in fleet.seats()), what="a seat elsewhere")
        manifest = fleet.wait_for_end()
        for pid in [victim.pid, *pids]:
            os.kill(pid, signal.SIGCONT)
        assert fleet.findings(manifest).problems == []
