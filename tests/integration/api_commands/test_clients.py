"""`crawlery clients ...`: what is sent, and what is shown."""

from __future__ import annotations

import json

import pytest
from stand_in_api import Reply

AT = "2026-01-02T03:04:05.678Z"
QUOTAS = {"running_jobs": 5, "jobs_per_day": None, "requests_per_day": 1000}
SHOP = {"id": "shop", "name": "Shop", "quotas": QUOTAS, "rate_limit": "5/minute", "disabled": False, "created_at": AT}


def test_clients_are_listed_with_their_quotas(api, crawlery):
    api.on("GET", "/v1/clients", {"clients": [SHOP]})
    shown = crawlery("clients", "list").stdout
    for word in ("shop", "Shop", "5", "no limit", "1,000", "5/minute", "good"):
        assert word in shown
    assert json.loads(crawlery("clients", "list", "--json").stdout) == {"clients": [SHOP]}
    api.on("GET", "/v1/clients", {"clients": []})
    assert "there is no client" in crawlery("clients", "list").stderr


def test_a_client_is_shown(api, crawlery):
    api.on("GET", "/v1/clients/shop", {**SHOP, "disabled": True})
    assert "state           disabled" in crawlery("clients", "show", "shop").stdout
    assert json.loads(crawlery("clients", "show", "shop", "--json").stdout)["disabled"] is True


def test_a_client_is_made_with_what_is_typed(api, crawlery):
    api.on("POST", "/v1/clients", Reply(status=201, body=SHOP))
    crawlery("clients", "create", "shop", "--name", "Shop", "--running-jobs", "5", "--jobs-per-day", "none")
    assert api.requests[0].json() == {"id": "shop", "name": "Shop", "quotas": {"running_jobs": 5}}


@pytest.mark.parametrize(
    ("words", "sent"),
    [
        (("--jobs-per-day", "none"), {"quotas": {"jobs_per_day": None}}),
        (("--running-jobs", "0", "--rate-limit", ""), {"quotas": {"running_jobs": 0}, "rate_limit": ""}),
        (("--disable",), {"disabled": True}),
        (("--enable", "--name", "S"), {"disabled": False, "name": "S"}),
    ],
)
def test_only_what_is_typed_changes(api, crawlery, words, sent):
    api.on("PATCH", "/v1/clients/shop", SHOP)
    assert "client          shop" in crawlery("clients", "update", "shop", *words).stdout
    assert api.requests[0].json() == sent


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("update", "shop"), "what is to change?"),
        (("update", "shop", "--running-jobs", "-1"), "neither a whole number nor"),
        (("create", "shop", "--jobs-per-day", "many"), "neither a whole number nor"),
    ],
)
def test_what_cannot_be_done_is_one_message(api, crawlery, words, says):
    assert says in crawlery("clients", *words, code=2).stderr
    assert not api.requests
