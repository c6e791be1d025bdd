"""`crawlery keys ...`: what is sent, and that a new key is on stdout alone."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from stand_in_api import Reply

AT = "2026-01-02T03:04:05.678Z"
GOOD = {"id": "k1", "client": "shop", "scopes": ["jobs:read"], "note": "ci", "created_at": AT, "expires_at": None}
GOOD |= {"revoked_at": None, "last_used_at": AT}
OVER = {**GOOD, "id": "k2", "expires_at": AT}
REVOKED = {**GOOD, "id": "k3", "revoked_at": AT}
NEW = Reply(status=201, body={**GOOD, "key": "ck_live_NEW"})


def test_keys_are_listed_with_their_state(api, crawlery):
    api.on("GET", "/v1/keys", {"keys": [GOOD, OVER, REVOKED]})
    shown = crawlery("keys", "list", "--client", "shop").stdout.splitlines()
    assert api.requests[0].query == {"client": ["shop"]}
    for line, state in zip(shown[1:], ("good", "over 2026-01-02", "revoked"), strict=True):
        assert state in line
    assert json.loads(crawlery("keys", "list", "--json").stdout) == {"keys": [GOOD, OVER, REVOKED]}
    api.on("GET", "/v1/keys", {"keys": []})
    assert "there is no key" in crawlery("keys", "list").stderr


def test_a_key_is_shown_without_itself(api, crawlery):
    api.on("GET", "/v1/keys/k3", REVOKED)
    shown = crawlery("keys", "show", "k3").stdout
    assert "k3: shop, revoked" in shown
    assert f"revoked   {AT}" in shown
    assert json.loads(crawlery("keys", "show", "k3", "--json").stdout) == REVOKED


def test_a_new_key_is_alone_on_stdout(api, crawlery):
    api.on("POST", "/v1/keys", NEW)
    done = crawlery("keys", "create", "--client", "shop", "--scope", "jobs:read", "--scope", "results:read")
    assert done.stdout == "ck_live_NEW\n"
    assert "ck_live_NEW" not in done.stderr
    assert "it is not shown again" in done.stderr
    sent = {"client": "shop", "scopes": ["jobs:read", "results:read"], "note": "", "expires_at": None}
    assert api.requests[0].json() == sent


@pytest.mark.parametrize(
    ("words", "moment"),
    [
        ("90d", datetime.now(UTC) + timedelta(days=90)),
        ("2030-01-31", datetime(2030, 1, 31, tzinfo=UTC)),
        ("2030-01-31T12:00:00+02:00", datetime(2030, 1, 31, 10, tzinfo=UTC)),
    ],
)
def test_a_key_may_expire(api, crawlery, words, moment):
    api.on("POST", "/v1/keys", NEW)
    crawlery("keys", "create", "--client", "shop", "--scope", "jobs:read", "--expires", words)
    sent = datetime.fromisoformat(api.requests[0].json()["expires_at"])
    assert abs(sent - moment) < timedelta(minutes=10)


def test_a_key_is_rotated_with_the_grace_that_is_typed(api, crawlery):
    api.on("POST", "/v1/keys/k1/rotate", NEW)
    assert crawlery("keys", "rotate", "k1").stdout == "ck_live_NEW\n"
    crawlery("keys", "rotate", "k1", "--grace", "2h")
    assert [each.json() for each in api.requests] == [{}, {"grace_s": 7200}]


def test_a_key_is_revoked(api, crawlery):
    api.on("POST", "/v1/keys/k1/revoke", REVOKED)
    assert "k3 of shop is revoked" in crawlery("keys", "revoke", "k1").stderr


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("create", "--client", "shop", "--scope", "x", "--expires", "soon"), "is no time"),
        (("rotate", "k1", "--grace", "long"), "is no duration"),
        (("create", "--client", "shop"), "--scope"),
        (("show", ".."), "is no id"),
        (("show", "k9"), "there is no /v1/keys/k9"),
    ],
)
def test_what_cannot_be_done_is_one_message(crawlery, words, says):
    assert says in crawlery("keys", *words, code=2).stderr
