"""Pages that a person asks for: a place of their own to begin with, and from there to the public internet only."""

from __future__ import annotations

import pytest
from canary import Canary
from loopback import html, redirect

from crawler.cli.fetch import fetcher_for
from crawler.cli.recipe.survey import Surveyor
from crawler.egress.addresses import EgressPolicy, read_networks
from crawler.egress.resolve import resolve
from crawler.egress.single_page import FetchFailed, PageFetcher
from crawler.errors import DENIED, EgressRefused

NOTHING = EgressPolicy()


@pytest.fixture
def canary():
    canary = Canary()
    yield canary
    canary.close()


def allowing(text):
    return EgressPolicy(allow=read_networks("EGRESS_ALLOW", text))


def test_what_a_person_types_may_be_their_own_machine(site):
    site["/"] = "hello"
    assert b"hello" in PageFetcher(NOTHING, typed=[site.url]).get(f"{site.url}/").body


def test_a_place_that_nobody_typed_is_refused_in_one_sentence_with_the_way_out(site):
    with pytest.raises(FetchFailed) as caught:
        PageFetcher(NOTHING).get(f"{site.url}/")
    assert str(caught.value) == (
        f"{site.url}/: 127.0.0.1 leads to 127.0.0.1, which is no address of the public internet (loopback): "
        "nothing is sent to it. EGRESS_ALLOW=127.0.0.1 would allow it"
    )
    assert not site.server.log


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_leads_nowhere_else(site, canary, status):
    site["/"] = redirect(canary.url(), status)
    with pytest.raises(FetchFailed, match=r"127\.0\.0\.2 leads to 127\.0\.0\.2"):
        PageFetcher(NOTHING, typed=[site.url]).get(f"{site.url}/")
    assert canary.connections == 0


def test_a_redirect_leads_to_where_a_deployment_allows(sites):
    sites[0]["/"] = redirect(f"{sites[1].url}/")
    sites[1]["/"] = "hello"
    assert PageFetcher(allowing("127.0.0.2"), typed=[sites[0].url]).get(f"{sites[0].url}/").url == f"{sites[1].url}/"


def test_https_is_judged_as_http_is(canary):
    with pytest.raises(FetchFailed, match="loopback"):
        PageFetcher(NOTHING).get(canary.url().replace("http:", "https:"))
    assert canary.connections == 0


def test_a_proxy_is_judged_as_any_host_is(site, canary, monkeypatch):
    monkeypatch.setenv("http_proxy", canary.url(path=""))
    monkeypatch.setenv("no_proxy", "")
    with pytest.raises(FetchFailed, match=r"127\.0\.0\.2 leads to"):
        PageFetcher(NOTHING, typed=[site.url]).get(f"{site.url}/")
    assert canary.connections == 0


def test_what_is_denied_is_denied_to_a_person_too(site):
    denying = EgressPolicy(deny=read_networks("EGRESS_DENY", "127.0.0.1"))
    with pytest.raises(FetchFailed, match=r"\(denied here\): nothing is sent to it\. EGRESS_DENY has it"):
        PageFetcher(denying, typed=[site.url]).get(f"{site.url}/")
    assert not site.server.log


def test_the_environment_says_what_may_be_fetched(site, monkeypatch):
    monkeypatch.setenv("EGRESS_ALLOW", "")
    monkeypatch.setenv("EGRESS_DENY", "")
    site["/"] = "hello"
    assert fetcher_for(site.url).get(f"{site.url}/").status == 200
    with pytest.raises(FetchFailed, match="loopback"):
        fetcher_for("https://shop.example/").get(f"{site.url}/")
    monkeypatch.setenv("EGRESS_ALLOW", "127.0.0.1")
    assert fetcher_for("https://shop.example/").get(f"{site.url}/").status == 200
    monkeypatch.setenv("EGRESS_DENY", "127.0.0.1")
    with pytest.raises(FetchFailed, match="denied here"):
        fetcher_for(site.url).get(f"{site.url}/")


def test_a_second_address_is_tried_when_the_first_takes_no_connection(site, monkeypatch):
    async def two_addresses(host, policy, *, timeout_s):
        found = await resolve(host, policy, timeout_s=timeout_s)
        return (*await resolve("127.0.0.9", policy, timeout_s=timeout_s), *found)

    monkeypatch.setattr("crawler.egress.single_page.resolve", two_addresses)
    site["/"] = "hello"
    assert PageFetcher(allowing("127.0.0.0/8")).get(f"{site.url}/").status == 200
    canary = Canary("127.0.0.1")
    canary.close()
    with pytest.raises(FetchFailed, match="connection refused"):
        PageFetcher(allowing("127.0.0.0/8")).get(f"http://127.0.0.1:{canary.port}/")


def test_a_name_without_address_says_so():
    with pytest.raises(FetchFailed, match=r"^http://\S+: a name of more than 253 characters has no address$"):
        PageFetcher(NOTHING).get(f"http://{'a.' * 127}/")


def test_who_looks_around_on_a_site_follows_no_link_to_elsewhere(site, canary, capsys):
    site["/"] = html(f'<a href="{canary.url()}">x</a>')
    surveyor = Surveyor(PageFetcher(NOTHING, typed=[site.url]))
    surveyor.first(f"{site.url}/")
    assert surveyor.get(canary.url()) is None
    assert canary.connections == 0
    assert "EGRESS_ALLOW=127.0.0.2 would allow it" in " ".join(capsys.readouterr().err.split())


def test_what_is_denied_is_not_said_to_be_allowed_by_a_variable_that_is_weaker():
    refused = EgressRefused("shop.example", address="10.0.0.1", kind=DENIED)
    assert refused.for_operators.endswith("nothing is sent to it. EGRESS_DENY has it")
