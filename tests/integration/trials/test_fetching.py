"""The page of a preview is fetched in so much time, and what lies behind a wall reads like a closed port."""

from __future__ import annotations

import http.client
import socket
import ssl
import urllib.error

import pytest

from crawler.egress.addresses import EgressPolicy, read_networks
from crawler.egress.single_page import FetchFailed
from crawler.errors import EgressRefused, NoAddress
from crawler.trials.fetching import PreviewFetcher, Unfetched, _for_strangers


def test_a_site_that_never_answers_is_left_after_so_many_seconds():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        fetcher = PreviewFetcher(EgressPolicy(allow=read_networks("EGRESS_ALLOW", "127.0.0.1")), fetch_s=0.3)
        with pytest.raises(Unfetched, match="no complete answer"):
            fetcher.get(f"http://127.0.0.1:{silent.getsockname()[1]}/", {})


@pytest.mark.parametrize(
    ("cause", "told"),
    [
        (EgressRefused("a", address="10.0.0.1", kind="private"), "the site cannot be reached"),
        (NoAddress("a has no address"), "the site cannot be reached"),
        (urllib.error.URLError(ConnectionRefusedError(111, "refused")), "the site cannot be reached"),
        (OSError(113, "No route to host"), "the site cannot be reached"),
        (TimeoutError(), "there is no complete answer in time"),
        (http.client.BadStatusLine("x"), "it says why"),
        (urllib.error.URLError(ssl.SSLError("certificate")), "it says why"),
        (ValueError("larger"), "it says why"),
    ],
)
def test_only_what_a_site_of_the_public_internet_has_answered_is_told(cause, told):
    error = FetchFailed("http://a/: it says why")
    error.__cause__ = cause
    assert _for_strangers(error) == told
