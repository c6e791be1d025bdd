from __future__ import annotations

import pytest
from flask import Flask, g

from control_api.problems import CODES, Problem
from control_api.replaced.envelope import ALL_CODES, failure, success


@pytest.fixture(autouse=True)
def request_of_somebody():
    with Flask("test").test_request_context("/api/x"):
        g.request_id = "r1"
        yield


def test_what_was_done_is_data_with_a_time_and_the_id_of_the_request():
    answer = success({"jobId": "a"})
    assert list(answer) == ["success", "data", "timestamp", "requestId"]
    assert (answer["success"], answer["data"], answer["requestId"]) == (True, {"jobId": "a"}, "r1")
    assert answer["timestamp"].endswith("Z")
    assert success(None, "told")["message"] == "told"


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_code_has_a_word_of_the_replaced_system(code):
    answer = failure(Problem(code, "what was wrong"))
    assert list(answer) == ["success", "error", "timestamp", "requestId"]
    assert answer["success"] is False
    assert answer["error"].keys() == {"code", "message"}
    assert answer["error"]["message"] == "what was wrong"
    assert answer["error"]["code"] in ALL_CODES


def test_a_problem_may_have_a_word_of_its_own_and_places():
    problem = Problem("not_found", "no", errors=[("/body/recipe", "none")], replaced_code="RECIPE_NOT_FOUND")
    assert failure(problem)["error"] == {
        "code": "RECIPE_NOT_FOUND",
        "message": "no",
        "details": [{"pointer": "/body/recipe", "message": "none"}],
    }
