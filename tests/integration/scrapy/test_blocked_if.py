"""Pages that keep crawlers out by the word of the recipe: never a row, tried again, and the host is left alone."""

from __future__ import annotations

import pytest
from loopback import good, goods_recipe, html, jsonp, links, listing, names, redirect, text

WALL = '<h1>Members only</h1><p class="wall">Log in</p>'
QUICK = "fetch: {retry: {times: 2, backoff: 20ms..50ms}}"


def guarded(conditions: str = "p.wall", head: str = QUICK) -> str:
    return goods_recipe(f"{head}\nblocked_if: {conditions}")


KINDS = {
    "css": ("p.wall", WALL),
    "a list": ("[p.none, {response: text, process: [{regex: 'Members?'}]}]", WALL),
    "a status": ("{response: status, process: [{regex: '^403$'}]}", html("<h1>No</h1>", status=403)),
    "a body with a status of failure": ("p.wall", html(WALL, status=503)),
    "json in the place of html": ("{jmespath: error}", jsonp({"error": "slow down"})),
    "plain text in the place of html": ("{response: text, process: [{regex: '^denied'}]}", text("denied")),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_for_which_blocked_if_holds_is_tried_again_and_ends_as_blocked_and_never_as_a_row(goods, run, kind):
    conditions, goods["/g/3"] = KINDS[kind]
    result = run(guarded(conditions))
    assert names(result) == ["Good 1", "Good 2", "Good 4", "Good 5"]
    assert result.outcomes == {"ok": 7, "blocked": 1}
    assert (result.ledger.retries, result.stats["blocked/count"]) == (2, 3)
    (failure,) = result.ledger.failures
    assert (failure.url, failure.outcome) == (f"{goods.url}/g/3", "blocked")
    assert "`blocked_if` holds (" in failure.reason
    assert "(given up after 3 tries)" in failure.reason
    assert result.summary.outcome == "partial"


def test_a_page_that_is_let_through_at_last_is_a_row(goods, run):
    goods["/g/3"] = [WALL, html(WALL, status=403), good("Good 3")]
    result = run(guarded())
    assert "Good 3" in names(result)
    assert result.outcomes == {"ok": 8}


def test_a_list_that_keeps_us_out_hides_nothing(goods, run):
    goods["/"] = [WALL, listing("/g/1", "/g/2")]
    result = run(guarded())
    assert names(result) == ["Good 1", "Good 2"]
    assert result.outcomes == {"ok": 3}


def test_a_page_type_has_its_own_conditions_too(goods, run):
    goods["/g/3"] = goods["/none"] = "<h1>Sorry</h1><p class='sorry'>x</p>"
    recipe = guarded().replace("  good:\n", "  good:\n    blocked_if: .sorry\n", 1)
    goods["/"] = listing("/g/1", "/g/3", categories=("/none",))
    result = run(recipe, settings={"BLOCKED_IN_A_ROW": 0})
    assert names(result) == ["Good 1"]
    assert result.outcomes == {"ok": 3, "blocked": 1}


def test_an_address_to_which_a_wall_redirects_is_one_although_it_matches_no_page_type(goods, run):
    goods["/g/3"], goods["/sorry"] = redirect("/sorry"), "<h1>Sorry</h1>"
    recipe = guarded("{response: url, process: [{regex: /sorry$}]}").replace(
        "  good:\n", "  good:\n    match: /g/\n", 1
    )
    result = run(recipe)
    assert result.outcomes == {"ok": 7, "redirected": 1, "blocked": 1}


def test_too_many_in_a_row_end_the_crawl_with_a_why_and_the_recipe_may_ask_for_fewer(goods, run):
    pages = [f"/g/{number}" for number in range(1, 9)]
    goods["/"] = listing(*pages)
    goods.pages.update(dict.fromkeys(pages, WALL))
    head = "fetch: {retry: {backoff: 20ms..50ms}}\nlimits: {blocked_in_a_row: 3, concurrency_per_domain: 1}"
    result = run(guarded(head=head))
    assert result.reason == "blocked"
    assert not result.items
    assert result.outcomes == {"ok": 1, "cancelled": 8}
    assert result.stats["blocked/count"] == 3
    why = (
        "127.0.0.1 keeps us out: 3 answers without a page that could be read (the last one: `blocked_if` holds (css: p"
    )
    assert why in result.summary.text()


def test_the_host_is_left_alone_between_tries(goods, run):
    goods["/"] = listing("/g/1", "/g/2")
    goods["/g/1"], goods["/g/2"] = [WALL, good("Good 1")], good("Good 2")
    head = "fetch: {retry: {backoff: 500ms..1s}}\nlimits: {concurrency_per_domain: 1}"
    run(guarded(head=head))
    asked = sorted(entry.at_s for entry in goods.server.log if entry.path.startswith("/g/"))
    assert asked[1] - asked[0] >= 0.45


def test_without_the_settings_of_blocked_pages_such_a_page_still_is_no_row(goods, run):
    goods["/g/3"], goods["/g/4"] = WALL, html(WALL, status=403)
    result = run(guarded(), settings={"BLOCKED_ENABLED": False})
    assert result.outcomes == {"ok": 6, "blocked": 1, "http_4xx": 1}
    assert "blocked/count" not in result.stats


def test_an_answer_to_a_follow_up_that_keeps_us_out_is_asked_for_again(goods, run):
    goods["/"] = listing("/g/1")
    goods["/stock"] = [WALL, jsonp({"price": 7})]
    recipe = guarded().replace(
        "price: [b.sale, b.price]", 'price: {request: {url: "{{ inputs.site }}/stock"}, jmespath: price}'
    )
    result = run(recipe)
    assert [str(item["price"]) for item in result.items] == ["7"]
    assert goods.hits["/stock"] == 2


def test_ordinary_pages_are_asked_for_once(goods, run):
    goods["/g/3"] = good("Good 3") + links("/elsewhere")
    result = run(guarded("[p.wall, {jmespath: error}, {response: status, process: [{regex: '^429$'}]}]"))
    assert result.outcomes == {"ok": 8}
    assert set(goods.hits.values()) == {1}
