"""Values that are no good: all wrong places of a request are named at once, and no other."""

from __future__ import annotations

import pytest
from api_bodies import GOOD, ORDER

LONG = "x" * 101

WRONG_TYPES = {
    "create_job": [
        (
            {"recipe": 7, "inputs": [], "priority": 1, "max_workers": "7", "limits": [], "tags": "x"},
            {"recipe", "inputs", "priority", "max_workers", "limits", "tags"},
        ),
        (dict.fromkeys(("recipe", "inputs", "priority", "max_workers", "limits", "tags")),) * 2,
        ({"recipe": "shop", "recipe_text": 1, "max_workers": True}, {"", "recipe_text", "max_workers"}),
        ({"max_workers": 1.5, "tags": [True, "a b", "a,b", "ok"]}, {"", "max_workers", "tags/0", "tags/1", "tags/2"}),
        (ORDER | {"max_workers": 0}, {"max_workers"}),
        (ORDER | {"max_workers": 101}, {"max_workers"}),
        (ORDER | {"max_workers": -1}, {"max_workers"}),
        (ORDER | {"priority": "urgent", "inputs": {"": 1, LONG: 1}}, {"priority", "inputs/", f"inputs/{LONG}"}),
        (
            ORDER
            | {
                "limits": {
                    "requests": 1.5, "items": "1", "duration_s": False, "queue_timeout_s": 0, "pages": 1,
                }
            },
            {f"limits/{name}" for name in ("requests", "items", "duration_s", "pages")}
            | {"limits/queue_timeout_s"},
        ),
        (ORDER | {"limits": {"requests": 0, "duration_s": -1, "items": 10**16}},
         {"limits/requests", "limits/duration_s", "limits/items"}),
        (ORDER | {"tags": [f"t{number}" for number in range(21)]}, {"tags"}),
        (ORDER | {"tags": ["", "t" * 65, "\x07", "a\u0085b", "\u202egnp.exe", "\u200b", "\ufeff"]},
         {f"tags/{number}" for number in range(7)}),
        (ORDER | {"recipe": "../shop"}, {"recipe"}),
        (ORDER | {"recipe": "shop\n"}, {"recipe"}),
        (ORDER | {"recipe": "shop\u202e"}, {"recipe"}),
        (ORDER | {"recipe": "shop@"}, {"recipe"}),
    ],
    "validate_recipe": [
        ({}, {"recipe_text"}),
        ({"recipe_text": 1, "inputs": [], "x": 1}, {"recipe_text", "inputs", "x"}),
        ({"recipe_text": "", "inputs": {"": 1, LONG: 1}}, {"recipe_text", "inputs/", f"inputs/{LONG}"}),
    ],
    "publish_results": [
        ({}, {"reason"}),
        ({"reason": 1, "by": "me"}, {"reason", "by"}),
        *(({"reason": text}, {"reason"}) for text in ("", " ", " x", "two\nlines", "x" * 501, None, "\u2028")),
    ],
    "replay_job": [
        ({}, {"outcome"}),
        ({"outcome": 1, "job": "x"}, {"outcome", "job"}),
        *(({"outcome": word}, {"outcome"}) for word in ("ok", "cancelled", "TIMEOUT", "", None, ["timeout"])),
    ],
    "create_client": [
        (
            {"id": 1, "name": True, "rate_limit": 600, "quotas": []},
            {"id", "name", "rate_limit", "quotas"},
        ),
        ({"name": "without an id"}, {"id"}),
        ({"id": "a/b", "rate_limit": "fast", "name": "a\nb"}, {"id", "rate_limit", "name"}),
        ({"id": "jobs", "name": "\u202egnp.exe"}, {"id", "name"}),
        ({"id": ".a", "name": "\x1b[31m", "rate_limit": "600/minute\n"}, {"id", "name", "rate_limit"}),
        ({"id": "a" * 65, "name": "n" * 101, "rate_limit": "0/minute"}, {"id", "name", "rate_limit"}),
        (
            {"id": "x", "quotas": {"running_jobs": "7", "jobs_per_day": 1.5, "requests_per_day": True, "z": 1}},
            {f"quotas/{name}" for name in ("running_jobs", "jobs_per_day", "requests_per_day", "z")},
        ),
        ({"id": "x", "quotas": {"running_jobs": -1, "jobs_per_day": 10**12 + 1}},
         {"quotas/running_jobs", "quotas/jobs_per_day"}),
        ({"id": "x", "quotas": None, "name": None}, {"quotas", "name"}),
    ],
    "change_client": [
        ({"id": "bob"}, {"id"}),
        ({"disabled": 1, "name": 1, "rate_limit": None}, {"disabled", "name", "rate_limit"}),
        ({"disabled": "true"}, {"disabled"}),
        ({"disabled": None, "quotas": {"running_jobs": 1.5}}, {"disabled", "quotas/running_jobs"}),
    ],
    "create_key": [
        ({}, {"client", "scopes"}),
        ({"client": True, "scopes": "admin", "note": 7, "expires_at": 5}, {"client", "scopes", "note", "expires_at"}),
        ({"client": "alice", "scopes": []}, {"scopes"}),
        ({"client": "alice", "scopes": ["jobs:read"] * 10}, {"scopes"}),
        ({"client": "alice", "scopes": ["jobs:read", "Admin", 1, None]}, {"scopes/1", "scopes/2", "scopes/3"}),
        ({"client": "", "scopes": ["admin"], "note": "n" * 201}, {"client", "note"}),
        *(
            (GOOD["create_key"] | {"expires_at": when}, {"expires_at"})
            for when in (
                *("", "soon", "2100-01-01", "2100-01-01T00:00:00", "1969-12-31T23:59:59Z", "2100-02-30T00:00:00Z"),
                *("9999-12-31T23:59:59-12:00", "10000-01-01T00:00:00Z", "0001-01-01T00:00:00+12:00", True, 1.5, {}),
                "2020-01-01T00:00:00Z",
            )
        ),
    ],
    "rotate_key": [
        ({"grace_s": True}, {"grace_s"}),
        ({"grace_s": "7"}, {"grace_s"}),
        ({"grace_s": 1.5}, {"grace_s"}),
        ({"grace_s": -1}, {"grace_s"}),
        ({"grace_s": 7 * 24 * 3600 + 1}, {"grace_s"}),
        ({"grace_s": None, "x": 1}, {"grace_s", "x"}),
    ],
    "init_scrape": [
        ({}, {"siteUrl", "recipe"}),
        ({"siteUrl": 1, "recipe": 2, "options": []}, {"siteUrl", "recipe", "options"}),
        ({"site_url": "x", "recipe": LONG, "options": None}, {"siteUrl", "site_url", "recipe", "options"}),
        *(
            ({"siteUrl": url, "recipe": ""}, {"siteUrl", "recipe"})
            for url in ("", "a.example", "ftp://a.example", "javascript:alert(1)", "http://", "http://a b", "http://[x")
        ),
        (
            GOOD["init_scrape"]
            | {
                "options": {
                    "maxProducts": "7", "categories": "x", "retryOnFailure": 1, "maxRetries": True,
                    "max_products": 1,
                }
            },
            {f"options/{name}" for name in ("maxProducts", "categories", "retryOnFailure", "maxRetries")}
            | {"options/max_products"},
        ),
        (GOOD["init_scrape"] | {"options": {"maxProducts": 0, "categories": [1, "", "c" * 2001], "maxRetries": 101}},
         {"options/maxProducts", "options/maxRetries", *(f"options/categories/{n}" for n in range(3))}),
    ],
    "old_recipe_validate": [
        ({}, {"recipe"}),
        ({"recipe": 1, "x": 2}, {"recipe", "x"}),
        ({"recipe": ""}, {"recipe"}),
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "number"), [(name, n) for name, all_ in WRONG_TYPES.items() for n in range(len(all_))]
)
def test_all_wrong_places_are_named_at_once_and_no_other(body_calls, name, number):
    body, places = WRONG_TYPES[name][number]
    assert set(body_calls.wrong(name, body)) == {f"/body/{place}" if place else "/body" for place in places}


def test_what_stands_in_a_query_is_checked_with_all_its_places(body_calls):
    def wrong(query):
        answer = body_calls.client.get(f"/v1/jobs?{query}", headers={"Authorization": f"Bearer {body_calls.key}"})
        assert answer.status_code == 400, answer.text
        return {error["pointer"] for error in answer.json["errors"]}

    assert wrong("state=queued&state=x&outcome=y&limit=0&tag=a%00&recipe=/&client=/&cursor=&x=1&created_after=now") == {
        *("/query/state/1", "/query/outcome/0", "/query/limit", "/query/tag", "/query/recipe", "/query/client"),
        *("/query/cursor", "/query/x", "/query/created_after"),
    }
    for limit in ("201", "-1", "1.0", "+1", "1e1", "", "%D9%A1", "9" * 5000, "true"):
        assert wrong(f"limit={limit}") == {"/query/limit"}
    for cursor in ("AAAA", "%ff", "%C3%A9", "bnVsbA", "W10", "W1tbW1tb" * 30):
        assert wrong(f"cursor={cursor}") == {"/query/cursor"}


def test_a_key_that_is_made_is_none_of_a_wrong_request(body_calls):
    headers = {"Authorization": f"Bearer {body_calls.key}"}
    before = body_calls.client.get("/v1/keys", headers=headers).json["keys"]
    for body, _ in WRONG_TYPES["create_key"]:
        body_calls.wrong("create_key", body)
    assert body_calls.client.get("/v1/keys", headers=headers).json["keys"] == before
