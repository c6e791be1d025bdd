"""The description and the figures: who may read them."""

from __future__ import annotations

import pytest
from api_in_process import METRICS_TOKEN, Calls


@pytest.mark.parametrize("path", ["/docs", "/openapi.json"])
def test_who_may_read_the_description_is_a_matter_of_configuration(new_calls, callers, path):
    with new_calls(docs="open") as opened, new_calls(docs="key") as keyed, new_calls(docs="off") as off:
        answers = {
            name: [Calls(app)("GET", path, key).status_code for key in ("", "nonsense", callers.alice)]
            for name, app in {"open": opened, "key": keyed, "off": off}.items()
        }
    assert answers == {"open": [200, 200, 200], "key": [401, 401, 200], "off": [404, 404, 404]}


def test_the_description_is_the_same_for_everybody_and_holds_no_script(calls):
    spec = calls("GET", "/openapi.json")
    assert spec.json["openapi"] == "3.1.0"
    page = calls("GET", "/docs")
    assert page.mimetype == "text/html"
    assert "<script" not in page.text


def test_figures_are_for_whoever_shows_the_token_as_bearer(calls, callers):
    def ask(authorization):
        return calls("GET", "/metrics", headers={"Authorization": authorization} if authorization else {})

    assert ask(f"Bearer {METRICS_TOKEN}").status_code == 200
    assert ask(f"bearer {METRICS_TOKEN}").status_code == 200
    for wrong in (
        "",
        METRICS_TOKEN,
        f"Basic {METRICS_TOKEN}",
        f"Bearer {METRICS_TOKEN}x",
        "Bearer ",
        f"Bearer {callers.root}",
        "Bearer \u00e9",
    ):
        answer = ask(wrong)
        assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer"), wrong


def test_a_token_of_figures_cannot_be_guessed_at_any_speed(new_api):
    api = new_api(metrics_token=METRICS_TOKEN, failure_limit="3/minute")
    assert [api.get("/metrics", key="guess").status_code for _ in range(5)] == [401, 401, 401, 429, 429]
    assert api.get("/metrics", key=METRICS_TOKEN).status_code == 200
