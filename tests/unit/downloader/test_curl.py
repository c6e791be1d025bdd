"""What the handler makes of settings and of headers; what it does with pages is in `tests/contract/download`."""

from __future__ import annotations

import pytest
from scrapy.http import Headers, HtmlResponse

from crawler import lean_responses
from crawler.downloader import curl
from crawler.downloader.curl import headers_of, options_of
from crawler.downloader.curl_answer import Fetched
from crawler.spiders.runner import project_settings


def test_headers_are_those_that_scrapy_would_make():
    pairs = [(b"content-TYPE", b"a/b"), (b"x-a_b.c", b"1"), (b"X-A_B.C", b""), (b"etag", b'"1"'), (b"2nd-x", b"\xff")]
    made = headers_of(pairs)
    assert type(made) is Headers
    assert dict.items(made) == dict.items(Headers(pairs))
    assert made.encoding == Headers(pairs).encoding


def test_authorities_are_those_of_the_system_or_of_mozilla(monkeypatch, tmp_path):
    settings = project_settings()
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "missing"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "folder"))
    assert (options_of(settings).ca_file, options_of(settings).ca_folder) == (curl.certifi.where(), "")
    (tmp_path / "folder" / "some.0").write_text("x")
    assert (options_of(settings).ca_file, options_of(settings).ca_folder) == ("", str(tmp_path / "folder"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "file"))
    assert (options_of(settings).ca_file, options_of(settings).ca_folder) == (str(tmp_path / "file"), "")


@pytest.mark.parametrize("name", ["DOWNLOAD_TLS_MIN_VERSION", "DOWNLOAD_TLS_MAX_VERSION"])
def test_a_version_of_tls_that_is_none_is_named(name):
    with pytest.raises(ValueError, match=f"{name} is 'SSLv3'; it must be one of TLSv1.0, "):
        options_of(project_settings({name: "SSLv3"}))


def test_what_a_site_makes_up_is_not_remembered():
    curl._short_titled.cache_clear()
    lean_responses._class_of_type.cache_clear()
    for number in range(20):
        long = b"x" * 5_000 + str(number).encode()
        pairs = [(long, b"1"), (b"content-type", b"text/html; charset=" + long)]
        fetched = Fetched(status=200, headers=pairs, body=b"<p>", latency_s=0.0, protocol="HTTP/1.1", ip="127.0.0.1")
        response = curl.response_of(fetched, "http://a.example/")
        assert type(response) is HtmlResponse
        assert long.title() in response.headers
    assert curl._short_titled.cache_info().currsize == 1
    assert lean_responses._class_of_type.cache_info().currsize == 0
