"""Pages over TLS: certificates, versions, and HTTP/2, which only ours speaks beside HTTP/1.1."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
import ssl
import subprocess
import threading

import pytest
from scrapy.exceptions import DownloadFailedError
from wire import PATIENCE_S, page, wire_site

from crawler.middlewares.open_pages import outcome_of


@pytest.fixture
def secure(trusted):
    with wire_site(tls=trusted.context("127.0.0.1", "localhost")) as site:
        site["/"] = page()
        yield site


@pytest.fixture
def strict(name, new_client, trusted):
    """A client that was made when the authority was trusted."""
    return new_client(name)


def test_a_certificate_of_an_authority_is_accepted(strict, secure):
    assert strict.get(secure.url + "/").body == b"<html>x</html>"
    assert strict.get(secure.url + "/").protocol == "HTTP/1.1"
    assert secure.opened == 1


def test_the_name_of_the_site_is_said_and_looked_for(strict, trusted):
    context, said = trusted.context("localhost"), []
    context.sni_callback = lambda _socket, name, _context: said.append(name)
    with wire_site(tls=context, name="localhost") as site:
        site["/"] = page()
        assert strict.get(site.url + "/").status == 200
    assert said == ["localhost"]


@pytest.mark.parametrize(
    ("hosts", "how"),
    [
        (["127.0.0.1"], {"self_signed": True}),
        (["127.0.0.1"], {"days": (-30, -1)}),
        (["127.0.0.1"], {"days": (1, 30)}),
        (["other.example"], {}),
    ],
    ids=["self-signed", "expired", "not yet", "of another site"],
)
def test_a_certificate_that_is_not_right_is_refused_unless_nobody_looks(name, new_client, trusted, hosts, how):
    with wire_site(tls=trusted.context(*hosts, **how)) as site:
        site["/"] = page()
        with pytest.raises(DownloadFailedError) as raised:
            new_client(name).get(site.url + "/")
        assert not site.asked
        outcome, reason = outcome_of(raised.value)
        assert outcome == "gave_up"
        assert "certificate" in reason or name == "scrapy"
        assert new_client(name, DOWNLOAD_VERIFY_CERTIFICATES=False).get(site.url + "/").status == 200


def test_an_authority_that_nobody_has_heard_of_is_none(name, new_client, authority):
    with wire_site(tls=authority.context("127.0.0.1")) as site:
        with pytest.raises(DownloadFailedError):
            new_client(name).get(site.url + "/")
        assert not site.asked


@pytest.mark.parametrize(
    ("bounds", "spoken"), [(("TLSv1.2", None), True), (("TLSv1.3", None), False), ((None, "TLSv1.2"), True)]
)
def test_versions_of_tls_are_bounded(name, new_client, trusted, bounds, spoken):
    least, most = bounds
    context = trusted.context("127.0.0.1")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    client = new_client(name, DOWNLOAD_TLS_MIN_VERSION=least, DOWNLOAD_TLS_MAX_VERSION=most)
    with wire_site(tls=context) as site:
        site["/"] = page()
        if spoken:
            assert client.get(site.url + "/").status == 200
        else:
            with pytest.raises(DownloadFailedError):
                client.get(site.url + "/")


def test_ciphers_may_be_chosen(name, new_client, trusted):
    context = trusted.context("127.0.0.1")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE-ECDSA-AES256-GCM-SHA384")
    with wire_site(tls=context) as site:
        site["/"] = page()
        other = new_client(name, DOWNLOADER_CLIENT_TLS_CIPHERS="ECDHE-ECDSA-AES128-GCM-SHA256")
        with pytest.raises(DownloadFailedError):
            other.get(site.url + "/")
        same = new_client(name, DOWNLOADER_CLIENT_TLS_CIPHERS="ECDHE-ECDSA-AES256-GCM-SHA384")
        assert same.get(site.url + "/").status == 200


def test_what_speaks_no_tls_is_a_failure(strict):
    def answer(server):
        connection, _ = server.accept()
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
        connection.recv(65536)
        connection.close()

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=answer, args=(server,), daemon=True).start()
        with pytest.raises(DownloadFailedError):
            strict.get(f"https://127.0.0.1:{server.getsockname()[1]}/")


def test_a_body_without_a_length_may_end_without_a_goodbye(strict, trusted):
    """As many servers end it; both take what has come, and say that it may be a part, or lost."""

    async def answer(_asked, writer):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\nall of it")
        await writer.drain()
        writer.transport.get_extra_info("socket").shutdown(socket.SHUT_WR)

    with wire_site(tls=trusted.context("127.0.0.1")) as site:
        site["/"] = answer
        response = strict.get(site.url + "/", meta={"download_fail_on_dataloss": False})
    assert response.body == b"all of it"
    assert response.flags in (["partial"], ["dataloss"])


def test_one_that_is_slow_keeps_no_other_waiting(strict, secure):
    async def slow(_asked, _writer):
        await secure.released.wait()
        return page(b"slow")

    secure["/slow"] = slow

    async def go():
        download = strict.handler.download_request
        waiting = asyncio.ensure_future(download(strict.request(secure.url + "/slow")))
        others = await asyncio.gather(*(download(strict.request(secure.url + "/")) for _ in range(16)))
        assert not waiting.done()
        secure.release()
        return [response.status for response in others], (await waiting).body

    assert strict.run(go()) == ([200] * 16, b"slow")


@pytest.fixture
def nginx(trusted, tmp_path):
    """A server that speaks HTTP/2: its URL."""
    crt, key = trusted.files("127.0.0.1")
    (tmp_path / "page.html").write_bytes(b"<html>" + b"x" * 50_000)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (tmp_path / "nginx.conf").write_text(
        f"""user root; daemon off; worker_processes 1; pid {tmp_path}/pid; error_log {tmp_path}/error.log;
        events {{ worker_connections 256; }}
        http {{
            access_log off; types {{ text/html html; }}
            client_body_temp_path {tmp_path}/b; proxy_temp_path {tmp_path}/p; fastcgi_temp_path {tmp_path}/f;
            uwsgi_temp_path {tmp_path}/u; scgi_temp_path {tmp_path}/s;
            server {{
                listen 127.0.0.1:{port} ssl http2; root {tmp_path};
                ssl_certificate {crt}; ssl_certificate_key {key};
                location /echo {{ add_header X-Names "$http_user_agent|$http_accept|$http_x_own" always;
                                  add_header X-Connection $connection always; return 200 "$request_method"; }}
                location /twice {{ add_header Set-Cookie a=1; add_header Set-Cookie b=2; return 200 "x"; }}
                location /moved {{ return 301 /page.html; }}
            }}
        }}"""
    )
    binary = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin")
    with subprocess.Popen([binary, "-p", tmp_path, "-c", tmp_path / "nginx.conf"], stderr=subprocess.DEVNULL) as server:
        for _ in range(int(PATIENCE_S * 20)):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.05):
                break
        yield f"https://127.0.0.1:{port}"
        server.terminate()


def test_http2_is_spoken_where_the_site_does(new_client, nginx):
    client = new_client("curl")
    response = client.get(nginx + "/page.html")
    assert (response.status, response.protocol, len(response.body)) == (200, "h2", 50_006)
    assert response.headers["Content-Type"] == b"text/html"
    assert response.flags == []
    echo = client.get(nginx + "/echo", method="POST", body=b"a=1", headers={"X-Own": "1", "User-Agent": "me"})
    assert (echo.body, echo.headers["X-Names"], echo.protocol) == (b"POST", b"me||1", "h2")
    assert client.get(nginx + "/twice").headers.getlist("Set-Cookie") == [b"a=1", b"b=2"]
    assert client.get(nginx + "/moved").status == 301
    head = client.get(nginx + "/page.html", method="HEAD")
    assert (head.body, head.headers["Content-Length"]) == (b"", b"50006")


def test_pages_over_http2_share_a_connection(new_client, nginx):
    client = new_client("curl")
    client.get(nginx + "/echo")
    responses = client.get_all([nginx + "/echo"] * 40)
    assert {response.protocol for response in responses} == {"h2"}
    assert len({response.headers["X-Connection"] for response in responses}) == 1


def test_http2_may_be_switched_off(new_client, nginx):
    assert new_client("curl", DOWNLOAD_HTTP2=False).get(nginx + "/page.html").protocol == "HTTP/1.1"
    assert new_client("scrapy").get(nginx + "/page.html").protocol == "HTTP/1.1"


def test_a_limit_holds_over_http2(new_client, nginx):
    client = new_client("curl", DOWNLOAD_MAXSIZE=50_006)
    assert client.get(nginx + "/page.html").status == 200
    with pytest.raises(Exception, match="50006 bytes"):
        client.get(nginx + "/page.html", meta={"download_maxsize": 50_005})
    assert client.get(nginx + "/page.html").status == 200
