import json
from urllib.parse import urljoin

import pytest
from lxml import html

from crawler.sample_shop.httpd import HttpRequest
from crawler.sample_shop.traps import TRAPS, trap


def ask(target):
    path, _, query = target.partition("?")
    return trap(HttpRequest(method="GET", path=path, query=query))


def following(target, path="//a[@class='next']/@href"):
    return urljoin(target, html.document_fromstring(ask(target).body).xpath(path)[0])


@pytest.mark.parametrize("path", TRAPS)
def test_every_trap_answers_and_is_listed_in_the_index(path):
    assert ask(path) is not None
    assert path.encode() in ask("/traps/").body


@pytest.mark.parametrize("path", ["/traps/no-such", "/traps/loop/page-9.html", "/traps/loop/page-"])
def test_there_is_nothing_at_other_paths(path):
    assert ask(path) is None


def test_the_calendar_goes_on_for_ever_with_the_same_entries():
    assert following("/traps/calendar?page=41") == "/traps/calendar?page=42"
    first, later = (ask(f"/traps/calendar?page={page}").body for page in (1, 9))
    assert first.replace(b"page=2", b"page=10") == later


def test_the_loop_closes_after_three_pages():
    path = "/traps/loop/page-1.html"
    for _ in range(3):
        path = following(path)
    assert path == "/traps/loop/page-1.html"


def test_deep_links_lead_ever_deeper():
    assert following("/traps/deep/deeper/", "//a/@href") == "/traps/deep/deeper/deeper/"


def test_redirects_never_arrive():
    place = "/traps/redirect-a"
    for _ in range(4):
        answer = ask(place)
        assert answer.status == 302
        place = dict(answer.headers)["Location"]
    assert place == "/traps/redirect-a"
    assert dict(ask("/traps/redirect-self").headers)["Location"] == "/traps/redirect-self"


def test_the_items_of_the_json_list_move_away_on_page_two():
    assert "items" in json.loads(ask("/traps/api-gone?page=1").body)
    assert "items" not in json.loads(ask("/traps/api-gone?page=2").body)


def test_the_script_only_list_has_an_empty_root_and_no_links():
    page = ask("/traps/javascript").body
    assert len(page) < 400
    assert not html.document_fromstring(page).xpath("//a | //div[@id='root']/*")
