"""A lease that was lost, a request that cannot be read, a frontier that fails: the crawl ends and says so."""

from __future__ import annotations

from loopback import links, spider_for

from crawler.frontier.contract import CommitReply, Fate, FrontierRequest, Reply
from crawler.frontier.memory import MemoryFrontier


class Forgetful(MemoryFrontier):
    """Takes the lease of one page away before it is committed, as if its holder had been away for too long."""

    lost = 0

    async def commit(self, commits):
        replies = []
        for commit in commits:
            if commit.url.endswith("/p/1") and not Forgetful.lost:
                Forgetful.lost += 1
                await self.release(worker="local", leases=[commit.lease])
            replies += await super().commit([commit])
        return tuple(replies)


class Garbled(MemoryFrontier):
    """Holds one request whose bytes are none of ours."""

    async def enqueue(self, requests):
        await super().enqueue([FrontierRequest(id=77, host="h", body=b"\xc1garbage")])
        return await super().enqueue(requests)


class Broken(MemoryFrontier):
    """Fails at its first commit of a page."""

    async def commit(self, commits):
        if any(commit.url.startswith("http") for commit in commits):
            raise ConnectionError("the store is gone")
        return await super().commit(commits)


class Closing(MemoryFrontier):
    """Takes no new pages."""

    async def commit(self, commits):
        replies = await super().commit([*commits])
        return tuple(CommitReply(reply=Reply.OK, children=(Fate.CLOSED,) * len(reply.children)) for reply in replies)


def test_what_a_page_gave_without_its_lease_does_not_count_and_it_is_read_again(site, crawl):
    Forgetful.lost = 0
    site["/"] = links("/p/1")
    site["/p/1"] = links("/p/2")
    site["/p/2"] = "x"
    result = crawl(spider_for(site), {"FRONTIER": Forgetful})
    assert site.hits == {"/": 1, "/p/1": 2, "/p/2": 1}
    assert result.stats["scheduler/stale"] == 1
    assert result.outcomes == {"ok": 3}


def test_a_request_that_cannot_be_read_is_settled_and_the_crawl_goes_on(site, crawl):
    site["/"] = "x"
    result = crawl(spider_for(site), {"FRONTIER": Garbled})
    assert result.outcomes == {"ok": 1, "page_error": 1}
    assert "unreadable request" in "".join(result.summary.facts.reasons.values())


def test_children_that_the_frontier_does_not_take_are_forgotten(site, crawl):
    site["/"] = links("/p/1")
    result = crawl(spider_for(site), {"FRONTIER": Closing})
    assert result.stats.get("scheduler/enqueued") == 1


def test_a_frontier_that_fails_ends_the_crawl_instead_of_hanging_it(site, crawl_broken):
    site["/"] = links("/p/1")
    result = crawl_broken(spider_for(site), {"FRONTIER": Broken})
    assert result.reason == "scheduler_failed"
    assert result.summary.outcome == "partial"
