"""What a page has led to, kept for the next run."""

from decimal import Decimal

import pytest

from crawler.recipe.model import Chain, PageRequest, PageResult, Waiting
from crawler.recipe.sitemap_place import SitemapPlace
from crawler.spiders.page_children import MAX_BYTES, decoded_children, encoded_children
from crawler.wire import Undecodable

LINK = PageRequest(url="https://a.example/1", page="good", carried={"price": Decimal("1.50")}, lastmod="2026")
NEXT = PageRequest(
    url="https://a.example/?p=2",
    page=None,
    method="POST",
    headers=(("X-A", "b"),),
    body=b"\xff",
    chain=Chain(id="c", number=2, value=2),
)


def result(*requests, following=None, **more):
    return PageResult(page="list", outcome="ok", requests=requests, next=following, **more)


@pytest.mark.parametrize("following", [None, NEXT])
def test_requests_come_back_as_they_were(following):
    assert decoded_children(encoded_children(result(LINK, NEXT, following=following))) == ([LINK, NEXT], following)


def test_a_page_that_leads_nowhere_takes_no_room():
    assert encoded_children(result()) == b""
    assert decoded_children(b"") == ([], None)


@pytest.mark.parametrize(
    "request_of_one_run",
    [
        PageRequest(url="https://a.example/", page="a", mirrors=("https://b.example/",)),
        PageRequest(url="https://a.example/", page="a", sitemap=SitemapPlace(entry=0)),
        PageRequest(url="https://a.example/", page="a", chain=Chain(id="c", pending=("u", {}))),
        PageRequest(url="https://a.example/", page="a", waiting=Waiting(url="u", base_url="u", values={}, open={})),
    ],
    ids=["mirrors", "sitemap", "append", "follow-up"],
)
def test_what_is_of_one_run_only_is_not_kept(request_of_one_run):
    assert encoded_children(result(LINK, request_of_one_run)) is None


def test_a_page_with_follow_ups_or_with_too_many_links_is_not_kept():
    assert encoded_children(result(LINK, follow_ups=(LINK,))) is None
    many = [PageRequest(url=f"https://a.example/{number * 7919**3:x}", page="a") for number in range(60_000)]
    assert encoded_children(result(*many)) is None
    assert len(encoded_children(result(*many[:2000]))) < MAX_BYTES


@pytest.mark.parametrize("damaged", [b"x", encoded_children(result(LINK))[:-3], b"x\x9c\x03\x00\x00\x00\x00\x01"])
def test_what_is_damaged_is_said_to_be(damaged):
    with pytest.raises(Undecodable, match="what a page has led to cannot be read"):
        decoded_children(damaged)
