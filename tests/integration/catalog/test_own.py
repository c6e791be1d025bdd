"""Bodies of pushes: what is none is refused, and leaves nothing."""

from __future__ import annotations

from recipe_pushes import PAGE, goods, tar


def test_a_push_that_is_no_recipe_changes_nothing(fleet):
    key = fleet.people.alice
    archive = tar({"good.html": PAGE})
    wrong = [
        fleet.push(key, "no recipe", name="wrong"),
        fleet.push(key, goods("others"), name="wrong"),
        fleet.push(key, goods("wrong", version="1"), name="wrong"),
        fleet.call("PUT", "/v1/recipes/wrong", key, json={"recipe": goods("wrong")}),
        fleet.call("PUT", "/v1/recipes/wrong", key, files={"pages": ("p", archive)}),
        fleet.call("PUT", "/v1/recipes/wrong", key, files={"recipe": ("r", goods("wrong")), "more": ("m", b"x")}),
        fleet.call("PUT", "/v1/recipes/wrong", key, content=b"\xff\xfe", headers={"Content-Type": "application/yaml"}),
        fleet.push(key, goods("wrong"), b"x" * (20 * 1024**2 + 1), name="wrong"),
        fleet.push(key, goods("wrong"), b"x" * (24 * 1024**2), name="wrong"),
        fleet.push(key, "x" * 300_000, name="wrong"),
    ]
    assert [answer.status_code for answer in wrong] == [422, 422, 422, 415, 400, 400, 400, 413, 413, 422]
    assert fleet.call("GET", "/v1/recipes/wrong/versions", key).status_code == 404
