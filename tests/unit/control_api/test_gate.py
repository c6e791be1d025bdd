from __future__ import annotations

import re

import pytest
from flask import Flask

from control_api.gate import ANY_KEY, OPEN, bearer, item_of, needed, needs, request_id, source_of
from crawler.access.model import Scope
from crawler.rate import Rate

APP = Flask("test")


@APP.route("/of-admins", methods=["GET"])
@needs(Scope.ADMIN)
def of_admins():
    raise AssertionError("not called")


@APP.get("/silent")
def silent():
    raise AssertionError("not called")


def test_a_view_says_what_its_callers_need_and_one_that_does_not_is_nobodys():
    with APP.app_context():
        assert needed("of_admins") == Scope.ADMIN
        assert needed("silent") is None
        assert needed("unknown") is needed(None) is None
    assert needs(ANY_KEY)(lambda: None).crawlery_needs == ANY_KEY


def test_what_a_browser_asks_before_it_calls_is_open_and_nothing_else():
    for method, expected in (("OPTIONS", OPEN), ("GET", Scope.ADMIN), ("HEAD", Scope.ADMIN)):
        with APP.test_request_context("/of-admins", method=method):
            assert needed("of_admins") == expected


@pytest.mark.parametrize(
    ("header", "given"),
    [
        ("Bearer key", "key"),
        ("bearer  key ", "key"),
        ("BEARER key", "key"),
        ("Basic key", ""),
        ("key", ""),
        ("Bearer", ""),
        ("", ""),
        ("Bearerkey", ""),
        ("Bearer a b", "a b"),
    ],
)
def test_a_key_is_shown_as_bearer(header, given):
    with APP.test_request_context("/", headers={"Authorization": header}):
        assert bearer() == given


@pytest.mark.parametrize("given", ["a", "A.b-c_9", "x" * 128])
def test_an_id_that_is_fit_for_a_log_is_taken(given):
    with APP.test_request_context("/", headers={"X-Request-Id": given}):
        assert request_id() == given


@pytest.mark.parametrize("given", ["", "x" * 129, "a b", "a\u00e9", "a:b"])
def test_another_one_is_made_anew(given):
    with APP.test_request_context("/", headers={"X-Request-Id": given}):
        assert re.fullmatch("[0-9a-f]{32}", request_id())


@pytest.mark.parametrize(
    ("address", "source"),
    [
        ("192.0.2.7", "192.0.2.7"),
        (" 192.0.2.7:51234 ", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2::1]:443", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("unknown", "unknown"),
        ("-", "-"),
    ],
)
def test_failures_are_charged_to_an_address_or_to_the_network_of_one(address, source):
    assert source_of(address) == source


def test_a_rate_is_what_the_limiter_counts():
    item = item_of(Rate.of("100 per 10 seconds"))
    assert (item.amount, item.get_expiry()) == (100, 10)
