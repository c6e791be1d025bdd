"""A site that keeps crawlers out, in every way it can: never a row, a class of its own, and the host is left alone."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
import struct
import threading
import time
from concurrent.futures import Future

import pytest
from loopback import PATIENCE_S, good, goods_recipe, html, links, listing, names, redirect, spider_for, text

CHALLENGE = text(
    "<html><head><title>Just a moment...</title></head><body><h1>Just a moment</h1>"
    "<script>window._cf_chl_opt = {}</script></body></html>",
    "text/html",
)
LOGIN = html('<h1>Welcome back</h1><form><input name="who"><input type="password" name="word"></form>')


@pytest.fixture
def run(run):
    """Runs the recipe of goods, which does not wait long for a later try."""

    def go(settings=None, backoff="20ms..50ms"):
        return run(goods_recipe(f"fetch: {{retry: {{backoff: {backoff}}}}}"), settings=settings)

    return go


def with_header(status, name, value):
    return html("<h1>No</h1>", status=status, headers=((name, value),))


KINDS = {
    "challenge with 200": (CHALLENGE, "challenge page of Cloudflare"),
    "challenge with 403": (with_header(403, "cf-mitigated", "challenge"), "challenge page (cf-mitigated: challenge)"),
    "challenge with 202": (with_header(202, "x-amzn-waf-action", "challenge"), "x-amzn-waf-action"),
    "challenge with 429": (with_header(429, "x-kpsdk-ct", "1"), "x-kpsdk-ct"),
    "login wall": (redirect("/login?next=x"), "login wall"),
    "empty body": (text(" \n", "text/html"), "an empty page with status 200"),
    "endless redirect": (redirect("/g/3"), "redirected to itself 6 times"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_that_keeps_us_out_is_tried_again_and_ends_as_blocked_and_never_as_a_row(goods, run, kind):
    goods["/g/3"], sign = KINDS[kind]
    goods["/login"] = LOGIN
    result = run(settings={"RETRY_TIMES": 2})
    assert names(result) == ["Good 1", "Good 2", "Good 4", "Good 5"]
    assert result.outcomes == {"ok": 7, "blocked": 1}
    assert (result.ledger.retries, result.stats["blocked/count"]) == (2, 3)
    (failure,) = result.ledger.failures
    assert (failure.url, failure.outcome) == (f"{goods.url}/g/3", "blocked")
    assert sign in failure.reason
    assert "(given up after 3 tries)" in failure.reason
    assert result.summary.outcome == "partial"


def test_a_page_that_is_let_through_at_last_is_a_row(goods, run):
    goods["/g/3"] = [CHALLENGE, CHALLENGE, good("Good 3")]
    result = run()
    assert "Good 3" in names(result)
    assert result.outcomes == {"ok": 8}


def test_all_pages_behind_one_login_are_failures_and_the_login_is_none_of_them(goods, run):
    goods["/login"] = LOGIN
    for number in (1, 2, 3, 4, 5):
        goods[f"/g/{number}"] = redirect("/login")
    result = run(settings={"RETRY_TIMES": 0, "BLOCKED_IN_A_ROW": 0})
    assert result.outcomes == {"ok": 3, "blocked": 5}
    assert not result.items


ORDINARY = {
    "a captcha in a form": '<div class="g-recaptcha" data-sitekey="x"></div><div class="cf-turnstile"></div>',
    "a login in the header": '<form action="/login"><input type="password" name="p"></form>',
    "words of a challenge": "<p>Just a moment... Attention Required! Please verify you are human.</p>",
    "scripts of a service": "<script src='/cdn-cgi/challenge-platform/scripts/x.js'></script>"
    "<script>window._pxAppId = 'PX1'</script><script src='https://js.captcha-delivery.com/tags.js'></script>"
    "<script src='/_Incapsula_Resource?SWJIYLWA=7'></script>" + "<p>A chair of oak, oiled by hand.</p>" * 20,
}


@pytest.mark.parametrize("kind", ORDINARY)
def test_a_page_of_a_shop_that_looks_like_it_is_a_row(goods, run, kind):
    goods["/g/3"] = good("Good 3") + ORDINARY[kind]
    result = run()
    assert "Good 3" in names(result)
    assert (result.outcomes, result.ledger.retries) == ({"ok": 8}, 0)


def test_an_empty_answer_that_is_no_document_is_no_sign(goods, run):
    goods["/g/3"] = text(" \n", "Text/Plain")
    result = run()
    assert result.outcomes == {"ok": 7, "page_error": 1}
    assert result.ledger.retries == 0


def test_a_login_that_asks_for_nothing_is_a_page_like_others(goods, run):
    goods["/g/3"] = redirect("/signin")
    goods["/signin"] = good("Good 3")
    result = run()
    assert "Good 3" in names(result)
    assert result.outcomes == {"ok": 8, "redirected": 1}


def test_a_login_that_the_recipe_itself_asks_for_is_a_page_too(goods, run):
    goods["/"] = listing("/g/1", "/login")
    goods["/login"], goods["/login/form"] = redirect("/login/form"), LOGIN
    result = run()
    assert names(result) == ["Good 1", "Welcome back"]
    assert result.outcomes == {"ok": 3, "redirected": 1}


def test_a_plain_refusal_is_what_it_was(goods, run):
    goods["/g/3"], goods["/g/4"] = html("Forbidden", status=403), html("slow down", status=429)
    result = run()
    assert result.outcomes == {"ok": 6, "http_4xx": 1, "gave_up": 1}


def test_a_spider_of_ones_own_gets_empty_pages_and_login_pages_as_ever_and_no_challenges(site, crawl):
    site["/"] = links("/empty", "/wall", "/challenge")
    site["/empty"], site["/wall"], site["/login"] = text("", "text/html"), redirect("/login"), LOGIN
    site["/challenge"] = CHALLENGE
    result = crawl(spider_for(site))
    assert sorted(item["url"] for item in result.items) == [f"{site.url}/", f"{site.url}/empty", f"{site.url}/login"]
    assert result.outcomes == {"ok": 3, "redirected": 1, "blocked": 1}


@pytest.mark.parametrize(
    ("settings", "meta"), [({"BLOCKED_ENABLED": False}, {}), ({}, {"handle_httpstatus_all": True})]
)
def test_who_wants_the_answers_as_they_are_gets_them(site, crawl, settings, meta):
    async def start(self):
        for path in ("/challenge", "/refused"):
            yield self.ask(site.url + path)

    def ask(self, url):
        from scrapy import Request

        return Request(url, meta={"handle_httpstatus_list": [403], **meta})

    site["/challenge"], site["/refused"] = CHALLENGE, with_header(403, "cf-mitigated", "challenge")
    result = crawl(spider_for(site, start=start, ask=ask), settings)
    assert (len(result.items), result.outcomes) == (2, {"ok": 2})


# --- the host is left alone ---

LONGER = "100ms..10s"
ONE = {"CONCURRENT_REQUESTS_PER_DOMAIN": 1}


@pytest.fixture
def walled(goods):
    """All goods are behind a challenge; answers how long the site was left alone between two questions for any."""
    goods["/"] = listing(*(f"/g/{number}" for number in range(1, 6)))
    for number in range(1, 6):
        goods[f"/g/{number}"] = CHALLENGE

    def gaps():
        asked = sorted(entry.at_s for entry in goods.server.log if entry.path.startswith("/g/"))
        return [later - earlier for earlier, later in itertools.pairwise(asked)]

    return gaps


def test_the_host_is_left_alone_longer_each_time_and_the_crawl_ends_when_it_was_too_often(walled, run):
    result = run({**ONE, "BLOCKED_IN_A_ROW": 5}, LONGER)
    assert len(walled()) == 4
    assert all(gap >= 0.095 * 2**step for step, gap in enumerate(walled())), walled()
    assert result.reason == result.ledger.closed == "blocked"
    assert result.outcomes == {"ok": 1, "cancelled": 5}  # none of them has used up its tries
    summary = result.summary
    assert (summary.outcome, summary.exit_code) == ("empty", 4)
    why = "127.0.0.1 keeps us out: 5 answers without a page that could be read (the last one: challenge page"
    assert why in summary.text()
    assert "5 pages not visited" in summary.text()


def test_so_it_is_if_no_page_is_tried_again(walled, run):
    result = run({**ONE, "RETRY_TIMES": 0}, LONGER)
    assert len(walled()) == 4
    assert all(gap >= 0.095 * 2**step for step, gap in enumerate(walled())), walled()
    assert result.outcomes == {"ok": 1, "blocked": 5}


def test_after_a_page_that_was_read_it_is_left_alone_as_at_first(site, crawl, caplog):
    site["/"], site["/b"] = [CHALLENGE, CHALLENGE, links("/b")], [CHALLENGE, "x"]
    result = crawl(spider_for(site), {"RETRY_BACKOFF_MIN": 0.1, "RETRY_BACKOFF_MAX": 10.0})
    assert result.outcomes == {"ok": 2}
    waits = [record.getMessage().rpartition("again in ")[2] for record in caplog.records if "keeps us" in record.msg]
    assert waits == ["0.2 s", "0.4 s", "0.2 s"]


def test_a_crawl_that_was_kept_out_half_way_says_so_in_its_exit_status(goods, run):
    goods["/g/4"] = goods["/g/5"] = CHALLENGE
    goods["/"] = listing(*(f"/g/{number}" for number in range(1, 6)))
    result = run({**ONE, "BLOCKED_IN_A_ROW": 4})
    assert result.reason == "blocked"
    assert (result.summary.outcome, result.summary.exit_code) == ("partial", 3)
    assert names(result) == ["Good 1", "Good 2", "Good 3"]


def test_a_page_that_is_read_ends_the_row(goods, run):
    goods["/g/2"] = goods["/g/4"] = [CHALLENGE, CHALLENGE, good("late")]
    result = run(settings={"BLOCKED_IN_A_ROW": 3, "CONCURRENT_REQUESTS_PER_DOMAIN": 1})
    assert result.reason == "finished"
    assert result.outcomes == {"ok": 8}


def test_a_single_login_wall_does_not_keep_the_other_pages_of_its_host_waiting(goods, run, caplog):
    goods["/login"], goods["/g/1"] = LOGIN, [redirect("/login"), good("Good 1")]
    result = run(ONE, "500ms..10s")
    assert len(names(result)) == 5
    (said,) = [record.getMessage() for record in caplog.records if "keeps us out" in record.msg]
    assert said.endswith("again in 0.5 s")  # no longer than the page itself


def test_a_single_login_wall_or_redirect_without_end_pauses_nothing(goods, run):
    goods["/login"], goods["/g/1"] = LOGIN, [redirect("/login"), good("Good 1")]
    result = run({**ONE, "BLOCKED_IN_A_ROW": 1})
    assert (result.reason, result.outcomes) == ("finished", {"ok": 8})
    assert result.stats["blocked/count"] == 1


@pytest.mark.parametrize("tries", [0, 3])
def test_answers_that_were_under_way_when_the_wall_went_up_are_one_sign(goods, run, tries):
    goods["/"] = listing(*(f"/g/{number}" for number in range(1, 9)))
    for number in range(1, 9):
        challenge = html("<h1>No</h1>", status=403, headers=(("cf-mitigated", "challenge"),), delay_s=0.2)
        goods[f"/g/{number}"] = [challenge, good(f"Good {number}")]
    result = run({"BLOCKED_IN_A_ROW": 3, "RETRY_TIMES": tries, "CONCURRENT_REQUESTS_PER_DOMAIN": 8}, "1s..5s")
    assert result.reason == "finished"
    assert result.outcomes == ({"ok": 9} if tries else {"ok": 1, "blocked": 8})
    assert result.stats["blocked/count"] == 8


def test_other_hosts_go_on_meanwhile(sites, crawl):
    walled, open_one = sites[:2]
    pages = [f"/p/{number}" for number in range(10)]
    walled["/"] = [CHALLENGE, "x"]
    open_one["/"] = links(*pages)
    open_one.pages.update(dict.fromkeys(pages, "x"))
    spider = spider_for(open_one, start_urls=[f"{walled.url}/", f"{open_one.url}/"])
    result = crawl(spider, {"RETRY_BACKOFF_MIN": 2.0, "RETRY_BACKOFF_MAX": 2.0})
    first, second = walled.times("/")
    assert second - first >= 1.9
    assert [path for path in pages if not first < open_one.times(path)[0] < second] == []
    assert result.outcomes == {"ok": 12}


# --- answers that are none at all ---


class Mute:
    """Serves robots.txt; then it resets connections (`reset`) or says nothing.

    If `now and then`, it resets every other one; if it `starts again`, all for `AWAY_S` after the tenth.
    """

    AWAY_S = 1.5

    def __init__(self, how: str, host: str) -> None:
        self.how, self.host = how, host
        self.url = ""
        self.asked: list[float] = []

    def answers(self) -> bool:
        if self.how == "starts again":
            return len(self.asked) <= 10 or time.monotonic() > self.asked[9] + self.AWAY_S
        return self.how == "now and then" and len(self.asked) % 2 == 1

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            self.asked += [time.monotonic()] * (b"/robots.txt" not in head)
            if self.how == "starts again" and self.answers():
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx")
                await writer.drain()
            elif b"/robots.txt" in head or self.answers():
                writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                await writer.drain()
            else:
                if self.how == "tarpit":
                    await reader.read()
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.close()

    @contextlib.contextmanager
    def running(self):
        started: Future = Future()

        async def serve() -> None:
            stop = asyncio.Event()
            async with await asyncio.start_server(self.answer, self.host, 0) as server:
                self.url = f"http://{self.host}:{server.sockets[0].getsockname()[1]}"
                started.set_result((asyncio.get_running_loop(), stop))
                await stop.wait()

        thread = threading.Thread(target=asyncio.run, args=(serve(),))
        thread.start()
        loop, stop = started.result(timeout=PATIENCE_S)
        try:
            yield self
        finally:
            loop.call_soon_threadsafe(stop.set)
            thread.join(timeout=PATIENCE_S)


@pytest.mark.parametrize(("how", "what"), [("reset", "breaks the connection"), ("tarpit", "times out")])
def test_a_host_that_answers_nothing_while_others_do_keeps_us_out_and_the_job_goes_on(site, crawl, how, what):
    def following(request):
        """The other host: a page with a link to the next one, after a moment, as long as the mute one is asked."""
        is_last = len(mute.asked) >= 12
        return html("" if is_last else links(f"/n/{int(request.path.rpartition('/')[2]) + 1}"), delay_s=0.02)

    site.pages.update({f"/n/{number}": following for number in range(10_000)})
    with Mute(how, "127.0.0.9").running() as mute:
        urls = [f"{site.url}/n/0", *(f"{mute.url}/{number}" for number in range(6))]
        settings = {"DOWNLOAD_TIMEOUT": 0.5, "BLOCKED_IN_A_ROW": 1, "RETRY_TIMES": 1, "RETRY_BACKOFF_MAX": 1.0}
        result = crawl(spider_for(site, start_urls=urls), settings)
    assert result.reason == "finished"
    blocked = [failure for failure in result.ledger.failures if failure.outcome == "blocked"]
    assert blocked
    assert all(f"{what} again and again while other hosts answer" in failure.reason for failure in blocked)
    assert not [item for item in result.items if mute.url in item["url"]]


def test_a_host_that_fails_now_and_then_lets_us_in(site, crawl):
    pages = [f"/n/{number}" for number in range(30)]
    site["/"] = links(*pages)
    site.pages.update(dict.fromkeys(pages, "x"))
    with Mute("now and then", "127.0.0.9").running() as mute:
        urls = [f"{site.url}/", *(f"{mute.url}/{number}" for number in range(20))]
        settings = {"CONCURRENT_REQUESTS_PER_DOMAIN": 1, "RETRY_TIMES": 9}
        result = crawl(spider_for(site, start_urls=urls), settings)
    assert len(mute.asked) >= 39
    assert "blocked/count" not in result.stats
    assert result.outcomes == {"ok": 31, "http_404": 20}


def test_a_host_that_starts_again_is_left_alone_meanwhile_and_no_page_is_given_up(site, crawl):
    with Mute("starts again", "127.0.0.9").running() as mute:
        urls = [f"{mute.url}/{number}" for number in range(200)]
        settings = {"RETRY_TIMES": 3, "RETRY_BACKOFF_MIN": 0.1, "RETRY_BACKOFF_MAX": 5.0}
        result = crawl(spider_for(site, start_urls=urls), settings)
    assert result.outcomes == {"ok": 200}
    in_vain = [at for at in mute.asked if mute.asked[9] < at < mute.asked[9] + mute.AWAY_S]
    assert len(in_vain) < 100
    assert "blocked/count" not in result.stats


def test_a_robots_txt_that_is_not_answered_is_no_answer_of_the_pages(sites, crawl):
    silent, other = sites[:2]
    silent["/robots.txt"] = html("User-agent: *" * 400, cut=True)
    pages = [f"/n/{number}" for number in range(60)]
    other["/"] = links(*pages)
    other.pages.update(dict.fromkeys(pages, "x"))
    urls = [f"{other.url}/", *(f"{silent.url}/{number}" for number in range(8))]
    result = crawl(spider_for(other, start_urls=urls), {"RETRY_TIMES": 1, "CONCURRENT_REQUESTS_PER_DOMAIN": 1})
    assert result.outcomes == {"ok": 61, "gave_up": 8}


def test_a_host_that_answers_nothing_is_only_away_if_no_other_answers(site, crawl):
    with Mute("reset", "127.0.0.9").running() as mute:
        urls = [f"{mute.url}/{number}" for number in range(6)]
        result = crawl(spider_for(site, start_urls=urls), {"RETRY_TIMES": 1, "BLOCKED_IN_A_ROW": 2})
    assert (result.reason, result.outcomes) == ("finished", {"gave_up": 6})
    assert len(mute.asked) == 12
