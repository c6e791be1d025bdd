"""A key that may not be used any more is refused by every process from its next call on."""

from __future__ import annotations

import time

import pytest
from api_calls import bearer, new_client
from api_people import in_store, new_key, new_people


@pytest.fixture
def processes(new_process):
    return [new_process() for _ in range(2)]


def test_keys_that_are_over_are_refused_by_every_process_at_their_next_call(processes, valkey):
    people = new_people(valkey.url)
    doomed, expiring, carols = (new_key(valkey.url, client) for client in ("alice", "alice", "carol"))
    with new_client() as client:

        def statuses(key: str) -> list[int]:
            return [client.get(f"{each.url}/v1/me", headers=bearer(key)).status_code for each in processes * 2]

        def by_root(number: int, method: str, path: str, **given) -> None:
            answer = client.request(method, processes[number].url + path, headers=bearer(people.root), **given)
            assert answer.status_code in (200, 201), answer.text

        assert [statuses(key) for key in (people.alice, doomed, expiring, carols)] == [[200] * 4] * 4
        by_root(0, "POST", f"/v1/keys/{id_of(doomed)}/revoke")
        assert statuses(doomed) == [401] * 4
        by_root(1, "PATCH", "/v1/clients/carol", json={"disabled": True})
        assert statuses(carols) == [401] * 4
        by_root(0, "PATCH", "/v1/clients/carol", json={"disabled": False})
        assert statuses(carols) == [200] * 4
        by_root(1, "POST", f"/v1/keys/{id_of(expiring)}/rotate", json={"grace_s": 0})
        assert statuses(expiring) == [401] * 4
        assert statuses(people.alice) == [200] * 4, "other keys of the client"
        refused = [client.get(f"{processes[0].url}/v1/me", headers=bearer(key)) for key in (doomed, expiring)]
        assert len({answer.json()["detail"] for answer in refused}) == 1


def test_a_key_works_until_the_moment_it_expires(api, valkey):
    now_ms = in_store(valkey.url, lambda access, _: access._now_ms())
    key = new_key(valkey.url, "carol", expires_ms=now_ms + 500, rate_limit="1000/second")
    while api.get("/v1/me", key=key).status_code == 200:
        time.sleep(0.01)
    after_ms = in_store(valkey.url, lambda access, _: access._now_ms())
    assert after_ms >= now_ms + 500
    assert api.get("/v1/me", key=key).status_code == 401


def id_of(key: str) -> str:
    return key.split("_")[2]
