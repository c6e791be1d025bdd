"""`crawlery audit ...`: what is asked, what is shown, and the exit status that a script can rely on."""

from __future__ import annotations

import asyncio
import json
import secrets

from crawler.audit.chain import NO_SEAL, sealed
from crawler.audit.store import AuditStore
from crawler.jobs.model import Job
from crawler.jobs.redis import RedisJobStore
from crawler.origin import Origin
from crawler.store import Store, connect

AT = "2026-01-02T03:04:05.678Z"
ENTRY = {"id": "1-0", "number": 7, "at": AT, "action": "key.revoked", "object": "k7m2p4q6", "client": "shop"}
ENTRY |= {"by": "api", "actor": "root", "key": "k2", "source": "192.0.2.7", "request_id": "r-1"}
ENTRY |= {"before": {"revoked_ms": None}, "after": {"revoked_ms": 5}}
WHOLE = {"whole": True, "sealed": 9, "anchored": 7, "unsealed": 1, "findings": [], "unnamed": 0}
FINDING = {"kind": "deleted", "first": 3, "last": 5, "why": "these entries and their seals are missing"}
KEY = "a-key-of-tests-that-seals-the-audit"


def test_entries_are_listed_page_by_page_up_to_as_many_as_were_asked_for(api, crawlery):
    api.on("GET", "/v1/audit", {"entries": [ENTRY], "next": "more"}, {"entries": [ENTRY], "next": None})
    shown = crawlery("audit", "list", "--client", "shop", "--action", "key", "-n", "9").stdout
    for word in (AT, "key.revoked", "k7m2p4q6", "shop", "root", "192.0.2.7", "r-1"):
        assert shown.count(word) >= 2, word
    first, second = api.requests
    assert first.query == {"client": ["shop"], "action": ["key"], "limit": ["9"]}
    assert second.query == {"client": ["shop"], "action": ["key"], "limit": ["8"], "cursor": ["more"]}


def test_entries_are_listed_for_scripts(api, crawlery):
    api.on("GET", "/v1/audit", {"entries": [ENTRY], "next": None})
    assert json.loads(crawlery("audit", "list", "--json").stdout) == {"entries": [ENTRY]}
    api.on("GET", "/v1/audit", {"entries": [], "next": None})
    assert "nothing was changed" in crawlery("audit", "list").stderr


def test_what_the_api_has_verified_is_shown_and_a_finding_is_an_exit_status(api, crawlery):
    api.on("GET", "/v1/audit/verify", WHOLE)
    done = crawlery("audit", "verify")
    assert "nothing is wrong" in done.stdout
    assert "not yet anchored: 2, not yet sealed: 1" in done.stdout
    api.on("GET", "/v1/audit/verify", {**WHOLE, "whole": False, "findings": [FINDING], "unnamed": 4})
    done = crawlery("audit", "verify", code=1)
    assert "deleted 3-5: these entries and their seals are missing" in done.stdout
    assert "and 4 more" in done.stdout
    assert "nothing is wrong" not in done.stdout


def test_with_the_key_it_looks_at_the_store_itself(crawlery, valkey, tmp_path):
    async def one_sealed_entry() -> str:
        store = Store(connect({"url": valkey.url}))
        jobs, audit = RedisJobStore(store, origin=Origin(by="command")), AuditStore(store)
        await jobs.create(Job(id="j", spider="s", secret=secrets.token_bytes(32)))
        entries = await audit.entries()
        await audit.seal(NO_SEAL, sealed(KEY.encode(), NO_SEAL, entries))
        await store.close()
        return entries[0].id

    entry = asyncio.run(one_sealed_entry())
    told = {"AUDIT_KEY": KEY, "REDIS_URL": valkey.url, "STORAGE_URL": f"file://{tmp_path}/files"}
    assert "1 entries are sealed; an anchor vouches for 0" in crawlery("audit", "verify", **told).stdout
    told["AUDIT_KEY"] = KEY[::-1]
    assert f"edited 1: entry {entry} is not what was sealed" in crawlery("audit", "verify", code=1, **told).stdout
