"""Lists by next link: nothing is lost, and every end has its name."""

from __future__ import annotations

from loopback import good, goods_recipe, html, listing, names, redirect, text


def test_a_list_page_that_fails_three_times_loses_nothing(goods, run):
    failed = html("oops", status=500)
    goods["/?page=2"] = [failed, failed, failed, goods.pages["/?page=2"]]
    result = run(goods_recipe("fetch: {retry: {times: 3, backoff: 10ms..20ms}}"))
    assert len(result.items) == 5
    assert result.summary.outcome == "complete"


def test_a_list_page_that_always_fails_makes_the_result_partial_and_is_named(goods, run):
    goods["/?page=2"] = html("oops", status=500)
    result = run(goods_recipe("fetch: {retry: {times: 1, backoff: 10ms..20ms}}"))
    assert len(result.items) == 2
    assert (result.summary.outcome, result.summary.exit_code) == ("partial", 3)
    assert dict(result.summary.facts.lost_lists) == {f"{goods.url}/?page=2": "gave_up"}
    assert f"a list page was lost (gave_up): {goods.url}/?page=2" in result.summary.text()
    assert goods.hits["/?page=2"] == 2


def test_a_good_that_is_gone_makes_the_result_partial_and_that_is_all(goods, run):
    del goods.pages["/g/2"]
    result = run()
    assert (result.summary.outcome, result.summary.exit_code) == ("partial", 0)
    assert result.summary.as_dict()["failures"] == {"http_404": [f"{goods.url}/g/2"]}
    assert not result.summary.facts.lost_lists


def test_a_next_link_that_leads_back_ends_the_list_as_stalled(goods, run):
    goods["/?page=3"] = listing("/g/5", following="?page=2")
    result = run()
    assert len(result.items) == 5
    assert result.summary.facts.stalled_lists == (f"{goods.url}/?page=3",)
    assert result.summary.outcome == "complete"
    assert sum(goods.hits.values()) == 8


def test_a_list_without_end_that_shows_nothing_new_is_left(goods, run):
    def endless(request):
        number = int(request.parameters.get("page", "1"))
        return html(listing("/g/1", "/g/2", following=f"?page={number + 1}"))

    goods.pages = {"/": endless, "/g/1": good("One"), "/g/2": good("Two")}
    result = run()
    assert goods.hits["/?page=2"] == 1
    assert goods.hits["/?page=3"] == 0
    assert result.summary.facts.stalled_lists == (f"{goods.url}/?page=2",)


def test_categories_that_overlap_entirely_lose_nothing(goods, run):
    goods["/"] = listing(categories=("/a", "/b", "/sale"))
    goods["/a"] = listing("/g/1", "/g/2", following="/a?page=2")
    goods["/a?page=2"] = listing("/g/3")
    goods["/b"] = listing("/g/4", "/g/5")
    goods["/sale"] = listing("/g/1", "/g/2", following="/sale?page=2")
    goods["/sale?page=2"] = listing("/g/3", "/g/4", following="/sale?page=3")
    goods["/sale?page=3"] = listing("/g/5", "/g/8")
    result = run()
    assert names(result) == [f"Good {number}" for number in (1, 2, 3, 4, 5, 8)]
    assert not result.summary.facts.stalled_lists
    assert all(count == 1 for count in goods.hits.values())


def test_two_lists_that_run_into_one_are_no_fault(goods, run):
    goods["/"] = listing(categories=("/a", "/b"))
    goods["/a"] = listing("/g/1", following="/more")
    goods["/b"] = listing("/g/2", following="/more")
    goods["/more"] = listing("/g/3")
    result = run()
    assert len(result.items) == 3
    assert (result.ledger.joined, result.ledger.stalled) == (1, 0)
    assert result.summary.outcome == "complete"


def test_a_list_is_cut_at_max_pages_and_says_so(goods, run):
    result = run(goods_recipe().replace("paginate: {next: a.next}", "paginate: {next: a.next, max_pages: 2}"))
    assert len(result.items) == 4
    assert result.summary.facts.cut_lists == (f"{goods.url}/?page=2",)


def test_a_list_page_that_is_redirected_keeps_its_place(goods, run):
    goods["/?page=2"] = redirect("/second")
    goods["/second"] = listing("/g/3", "/g/4", following="/?page=3")
    result = run()
    assert len(result.items) == 5
    assert result.outcomes["redirected"] == 1


def test_a_list_page_that_is_redirected_to_its_first_page_is_stalled(goods, run):
    goods["/?page=3"] = redirect("/")
    result = run()
    assert len(result.items) == 4
    assert result.summary.facts.stalled_lists == (f"{goods.url}/?page=3",)
    assert goods.hits["/"] == 1


def test_a_list_page_that_robots_txt_forbids_is_a_lost_list(goods, run):
    goods["/robots.txt"] = text("User-agent: *\nDisallow: /?page=2")
    result = run()
    assert result.outcomes["robots"] == 1
    assert (result.summary.outcome, result.summary.exit_code) == ("partial", 3)


def test_a_link_to_a_list_that_robots_txt_forbids_was_never_ours_to_read(goods, run):
    goods["/"] = listing("/g/1", categories=("/private",))
    goods["/robots.txt"] = text("User-agent: *\nDisallow: /private")
    result = run()
    assert result.outcomes["robots"] == 1
    assert (result.summary.outcome, result.summary.exit_code) == ("complete", 0)


def test_a_dead_link_to_a_list_is_a_dead_link(goods, run):
    goods["/"] = listing("/g/1", categories=("/gone",))
    result = run()
    assert (result.summary.outcome, result.summary.exit_code) == ("partial", 0)
    assert result.summary.as_dict()["failures"] == {"http_404": [f"{goods.url}/gone"]}


def test_depth_counts_links_and_not_the_pages_of_a_list(goods, run):
    goods["/"] = listing("/g/1", following="?page=2", categories=("/deep",))
    goods["/deep"] = listing("/g/6")
    result = run(goods_recipe("limits: {depth: 1}"))
    assert names(result) == ["Good 1", "Good 3", "Good 4", "Good 5"]
    assert result.stats["recipe/depth_limited"] == 1
