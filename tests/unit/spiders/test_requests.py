from __future__ import annotations

from decimal import Decimal

import pytest
from scrapy import Request, Spider
from scrapy.http import FormRequest, JsonRequest

from crawler.dupefilter import Filtering
from crawler.frontier.codec import Undecodable, WireRequest, encode
from crawler.frontier.contract import FrontierRequest
from crawler.frontier.identity import Occurrences
from crawler.spiders.requests import RecipeFacts, RequestCodec


class Hand(Spider):
    name = "hand"
    not_callable = 3

    def parse(self, response): ...

    def failed(self, failure): ...


@pytest.fixture
def spider():
    return Hand()


@pytest.fixture
def codec(spider):
    return RequestCodec(spider=spider, secret=b"k")


def travel(codec, request, **kwargs):
    return codec.unpack(codec.pack(request, parent=1, occurrences=Occurrences(), **kwargs))


def test_a_request_of_the_spiders_methods_travels_whole(codec, spider):
    request = JsonRequest(
        "http://a/x",
        data={"q": 1},
        callback=spider.parse,
        errback=spider.failed,
        headers={"X": ["1", "2"]},
        cookies=[{"name": "c", "value": "v"}],
        meta={"depth": 1, "price": Decimal("1.50"), "pair": (1, 2)},
        cb_kwargs={"n": 1},
        priority=5,
        flags=["f"],
        encoding="latin-1",
    )
    found = travel(codec, request)
    assert found is not request
    for name in request.attributes:
        assert getattr(found, name) == getattr(request, name), name
    assert type(found) is JsonRequest


def test_a_request_without_callback_has_none_afterwards(codec):
    found = travel(codec, FormRequest("http://a/", formdata={"a": "1"}))
    assert (found.callback, found.errback, found.body, found.method) == (None, None, b"a=1", "POST")


class Special(Request):
    pass


@pytest.mark.parametrize(
    "make",
    [
        lambda spider: Request("http://a/", callback=lambda response: None),
        lambda spider: Request("http://a/", callback=Hand().parse),
        lambda spider: Request("http://a/", errback=print),
        lambda spider: Request("http://a/", meta={"object": object()}),
        lambda spider: Request("http://a/", cb_kwargs={"spider": spider}),
        lambda spider: Special("http://a/"),
    ],
)
def test_what_cannot_travel_stays_as_it_is_until_it_is_forgotten(codec, spider, make):
    request = make(spider)
    packed = codec.pack(request, parent=1, occurrences=Occurrences())
    assert codec.unpack(packed) is request
    codec.forget(packed)
    with pytest.raises(Undecodable, match="another process"):
        codec.unpack(packed)


def test_an_object_that_its_sender_holds_is_kept(codec):
    request = Request("http://a/")
    assert travel(codec, request, keep=True) is request


def test_forgetting_a_request_that_travelled_does_nothing(codec):
    packed = codec.pack(Request("http://a/"), parent=1, occurrences=Occurrences())
    codec.forget(packed)
    assert codec.unpack(packed).url == "http://a/"


@pytest.mark.parametrize(
    "wire",
    [
        WireRequest(kind="os.system", url="http://a/"),
        WireRequest(url="http://a/", callback="nothing"),
        WireRequest(url="http://a/", callback="not_callable"),
        WireRequest(url="no url"),
    ],
)
def test_bytes_that_ask_for_what_is_not_there_are_refused(codec, wire):
    with pytest.raises(Undecodable):
        codec.unpack(FrontierRequest(id=2, host="a", body=encode(wire)))


def pack(codec, request, parent=1, occurrence=1):
    return codec.pack(request, parent=parent, occurrences=lambda _: occurrence)


def test_host_priority_and_identity_come_from_the_request(codec):
    packed = pack(codec, Request("http://A.example:8080/x?b=1&a=2#f", priority=3))
    assert (packed.host, packed.priority) == ("a.example", 3)
    assert packed.id == pack(codec, Request("http://a.example:8080/x?a=2&b=1")).id
    assert pack(codec, Request("http://a/", meta={"download_slot": "mine"})).host == "mine"


def test_a_request_that_must_not_be_filtered_is_known_by_its_parent_its_page_and_how_often_that_was_asked_for(codec):
    same = Request("http://a/", dont_filter=True)
    occurrences = Occurrences()
    first, other, second = (
        codec.pack(Request(url, dont_filter=True), parent=1, occurrences=occurrences).id
        for url in ("http://a/", "http://b/", "http://a/#again")
    )
    assert first == pack(codec, same).id
    assert second == pack(codec, same, occurrence=2).id
    assert other == pack(codec, Request("http://b/", dont_filter=True)).id
    assert pack(codec, same).id == pack(codec, same).id
    assert len({pack(codec, same).id, pack(codec, same, occurrence=2).id, pack(codec, same, parent=2).id}) == 3


def facts(**values):
    return {"recipe": {"page": "list", "chain": None, "on_progress": False, "dedupe": True, **values}}


def test_page_type_chain_and_progress_come_from_the_recipe(codec):
    packed = pack(codec, Request("http://a/", meta=facts(chain={"id": "c1", "number": 2}, on_progress=True)))
    assert (packed.chain, packed.on_progress) == ("c1", True)
    assert packed.id != pack(codec, Request("http://a/", meta=facts(page="other"))).id
    assert packed.id != pack(codec, Request("http://a/")).id
    travelling = Request("http://a/", meta=facts(dedupe=False))
    assert pack(codec, travelling).id != pack(codec, travelling, occurrence=2).id


@pytest.mark.parametrize("meta", [{}, {"recipe": None}, {"recipe": "text"}, {"recipe": {}}])
def test_other_requests_have_no_facts(meta):
    assert RecipeFacts.of(Request("http://a/", meta=meta)) == RecipeFacts()


def test_a_projects_own_fingerprint_is_the_identity(spider):
    codec = RequestCodec(spider=spider, secret=b"k", filtering=Filtering(fingerprint=lambda request: b"all the same"))
    assert pack(codec, Request("http://a/")).id == pack(codec, Request("http://b/")).id
