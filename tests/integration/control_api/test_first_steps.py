"""The way of a client through the API, in one process and over sockets."""

from __future__ import annotations

import httpx

ORDER = {"recipe": "shop", "inputs": {"site": "http://127.0.0.1:9"}}


def test_a_job_is_submitted_shown_paused_resumed_and_cancelled(api, people):
    made = api.post("/v1/jobs", key=people.alice, json=ORDER)
    assert made.status_code == 201, made.text
    where = made.headers["Location"]
    assert api.get(where, key=people.alice).json["state"] == "queued"
    assert api.post(f"{where}/pause", key=people.alice).json["state"] == "paused"
    assert api.post(f"{where}/resume", key=people.alice).json["state"] == "running"
    assert api.post(f"{where}/cancel", key=people.alice).json["intended"] == "cancel"
    assert [job["id"] for job in api.get("/v1/jobs", key=people.alice).json["jobs"]] == [made.json["id"]]


def test_the_same_call_with_an_idempotency_key_is_answered_like_the_first(api, people):
    answers = [api.post("/v1/jobs", key=people.alice, json=ORDER, headers={"Idempotency-Key": "a"}) for _ in range(3)]
    assert {(answer.status_code, answer.data, answer.headers["Location"]) for answer in answers} == {
        (201, answers[0].data, f"/v1/jobs/{answers[0].json['id']}")
    }
    assert [answer.headers.get("Idempotent-Replayed") for answer in answers] == [None, "true", "true"]


def test_processes_of_the_api_answer_over_sockets_and_end_in_order(new_process, people):
    process = new_process(workers=2)
    answer = httpx.get(f"{process.url}/v1/me", headers={"Authorization": f"Bearer {people.alice}"})
    assert (answer.status_code, answer.json()["client"]) == (200, "alice")
    assert process.stop() == 0
