"""Signs that an answer keeps crawlers out, and ordinary pages that look like it and are none."""

from __future__ import annotations

import time
import tracemalloc

import pytest

from crawler.middlewares.blocked_signs import challenge_sign, has_login_form, is_login_address, is_nothing

ARTICLE = "<p>" + "A chair of oak, oiled, with a seat of woven paper cord. " * 20 + "</p>"


def page(title="", body="", head=""):
    return f"<!DOCTYPE html><html><head><title>{title}</title>{head}</head><body>{body}</body></html>".encode()


CLOUDFLARE = page(
    "Just a moment...",
    "<noscript>Enable JavaScript and cookies to continue</noscript><script>window._cf_chl_opt={}</script>",
)
CHALLENGE_SCRIPT = "<script src='/cdn-cgi/challenge-platform/scripts/x.js'></script>"
DATADOME = page("shop.example", "<p>Please enable JS</p><script src='https://ct.captcha-delivery.com/c.js'></script>")
HUMAN = page(
    "Access to this page has been denied", "<div id='px-captcha'></div><script>window._pxAppId='PX1'</script>" + ARTICLE
)
IMPERVA = page("", "<iframe src='/_Incapsula_Resource?SWUDNSAI=9'>Request unsuccessful. Incident: 5-7</iframe>")
AWS = page("", "<script>window.gokuProps={}</script><script src='https://a.token.awswaf.com/a/challenge.js'></script>")
AKAMAI = page("Access Denied", "You don't have permission. https://errors.edgesuite.net/18.2f")


@pytest.mark.parametrize(
    ("status", "headers", "sign"),
    [
        (403, {"cf-mitigated": "challenge"}, "challenge page (cf-mitigated: challenge)"),
        (200, {"cf-mitigated": " Challenge "}, "challenge page (cf-mitigated: Challenge)"),
        (202, {"x-amzn-waf-action": "challenge"}, "challenge page (x-amzn-waf-action: challenge)"),
        (405, {"x-amzn-waf-action": "captcha"}, "challenge page (x-amzn-waf-action: captcha)"),
        (403, {"x-dd-b": "2"}, "challenge page (x-dd-b: 2)"),
        (403, {"x-datadome": "protected"}, "challenge page (x-datadome: protected)"),
        (403, {"x-sucuri-block": "BOT"}, "challenge page (x-sucuri-block: BOT)"),
        (429, {"x-kpsdk-ct": "a token"}, "challenge page (x-kpsdk-ct: a token)"),
    ],
)
def test_a_header_that_only_such_answers_have_is_a_sign(status, headers, sign):
    assert challenge_sign(status, headers, b"") == sign


@pytest.mark.parametrize(
    ("status", "body", "service"),
    [
        (200, CLOUDFLARE, "Cloudflare"),
        (503, CLOUDFLARE.replace(b"Just a moment...", b"Einen Moment"), "Cloudflare"),
        (200, page("Just a  moment...\n", CHALLENGE_SCRIPT), "Cloudflare"),
        (200, page("Just a moment...", CHALLENGE_SCRIPT).replace(b"title>", b"tItLe lang=en>", 1), "Cloudflare"),
        (200, page("Just a moment...", CHALLENGE_SCRIPT).replace(b"/title>", b"/TITLE >", 1), "Cloudflare"),
        (200, b"<title\n" + b"x" * 300 + page("Just a moment...", CHALLENGE_SCRIPT), "Cloudflare"),
        (403, page("Attention Required! | Cloudflare", "<div id='cf-error-details'></div>" + ARTICLE), "Cloudflare"),
        (200, DATADOME, "DataDome"),
        (403, DATADOME + ARTICLE.encode(), "DataDome"),
        (200, HUMAN, "HUMAN"),
        (403, HUMAN.replace(b"Access", b"No access"), "HUMAN"),
        (200, IMPERVA, "Imperva"),
        (403, IMPERVA, "Imperva"),
        (202, AWS, "AWS WAF"),
        (403, AKAMAI, "Akamai"),
    ],
)
def test_the_page_of_a_known_service_is_a_sign(status, body, service):
    assert challenge_sign(status, {"server": "any"}, body) == f"challenge page of {service}"


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (200, {"cf-ray": "1", "server": "cloudflare", "cf-mitigated": "log"}, b""),
        (200, {"x-datadome": "protected"}, page("Chair", ARTICLE)),
        (503, {"x-datadome": "protected"}, b""),
        (404, {"x-kpsdk-ct": "a token"}, b""),
        (200, {"x-amzn-waf-action": "count"}, b""),
        (403, {}, page("403 Forbidden", "nginx")),
        (429, {"retry-after": "3"}, page("Too many requests")),
        (503, {}, page("We are moving", "Just a moment... we will be back. " + CHALLENGE_SCRIPT)),
        (200, {}, page("Just a moment...", ARTICLE)),
        (200, {}, page("Just a moment... | A blog", CHALLENGE_SCRIPT + ARTICLE)),
        (200, {}, page("Chair", "Just a moment... checking stock" + CHALLENGE_SCRIPT)),
        (403, {}, page("Members only", CHALLENGE_SCRIPT + ARTICLE)),
        (200, {}, page("How Cloudflare works", "<code>window._cf_chl_opt</code> and px-captcha" + ARTICLE)),
        (200, {}, page("Chair", ARTICLE, "<script src='https://js.captcha-delivery.com/tags.js'></script>")),
        (200, {}, page("Chair", ARTICLE, "<script>window._pxAppId='PX1'</script>")),
        (200, {}, page("Chair", ARTICLE, "<script src='/_Incapsula_Resource?SWJIYLWA=7'></script>")),
        (200, {}, page("Comments", "<div class='g-recaptcha'></div><div class='cf-turnstile'></div>")),
        (200, {}, page("Comments", "<script src='https://challenges.cloudflare.com/turnstile/v0/api.js'></script>")),
        (403, {}, page("Comments", "<div class='g-recaptcha' data-sitekey='x'></div>" + ARTICLE)),
        (200, {}, page("Shop", "<header><form><input type=password></form></header>" + ARTICLE)),
        (200, {}, page("Access Denied", "A book about locked rooms. " + ARTICLE)),
        (200, {}, CLOUDFLARE + b" " * 200_000),
    ],
)
def test_an_ordinary_page_that_looks_like_it_is_none(status, headers, body):
    assert challenge_sign(status, headers, body) == ""


@pytest.mark.parametrize(
    ("status", "content_type", "body", "nothing"),
    [
        (200, "text/html; charset=utf-8", b"", True),
        (200, "", b"", True),
        (200, "Text/HTML", b" \r\n\t ", True),
        (200, "text/html", b"<html></html>", False),
        (200, "application/json", b"", False),
        (200, "text/plain", b"", False),
        (204, "text/html", b"", False),
        (404, "text/html", b"", False),
    ],
)
def test_nothing_in_place_of_a_document_is_told_from_other_empty_answers(status, content_type, body, nothing):
    assert is_nothing(status, content_type, body) is nothing


def test_a_page_is_not_copied_to_see_that_it_is_not_empty():
    body = b"\n" + b"x" * 1_000_000
    tracemalloc.start()
    assert not is_nothing(200, "text/html", body)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100_000


@pytest.mark.parametrize(
    ("url", "login"),
    [
        ("http://a.example/login?next=/p/1", True),
        ("http://a.example/account/Sign-In", True),
        ("http://a.example/signin/", True),
        ("http://a.example/wp-login.php", True),
        ("http://a.example/user/logon.aspx?x=1", True),
        ("http://a.example/p/1?from=/login", False),
        ("http://a.example/blog/login-forms-explained", False),
        ("http://a.example/logins", False),
        ("http://login.example/p/1", False),
    ],
)
def test_an_address_at_which_people_log_in_is_told_by_a_step_of_its_path(url, login):
    assert is_login_address(url) is login


@pytest.mark.parametrize(
    ("body", "form"),
    [
        (b"<form><input name=p type=password></form>", True),
        (b"<INPUT\n class='x' TYPE = \"password\">", True),
        (b"<input type=text name=password>", False),
        (b"<p>type=password</p>", False),
        (b"", False),
    ],
)
def test_a_form_that_asks_for_a_password_is_told_by_its_field(body, form):
    assert has_login_form(body) is form


@pytest.mark.parametrize("piece", [b"<script>", b"<!--", b"<", b"<input ", b"<title>"])
def test_a_page_made_to_be_slow_is_looked_at_in_no_time(piece):
    body = b"_Incapsula_Resource captcha-delivery.com " + piece * 100_000
    began = time.process_time()
    for size in (len(body), 128_000, 8_000):
        challenge_sign(200, {}, body[:size])
        has_login_form(body[:size])
    assert time.process_time() - began < 5.0  # 0.1 s; without bounds it would be minutes
