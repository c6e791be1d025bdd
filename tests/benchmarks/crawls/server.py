"""nginx on loopback, for one shop: plain, compressed, and with TLS; it notes what it has sent, and how.

It gets the first core, if there is more than one. The certificate is of a CA that is made for it.
"""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import socket
import subprocess
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

#: By name: what the scheme is, which coding the pages have, and which protocol has to be spoken.
TRANSPORTS: Final = {
    "plain": ("http", "identity", "HTTP/1.1"),
    "gzip": ("http", "gzip", "HTTP/1.1"),
    "br": ("http", "br", "HTTP/1.1"),
    "https/1.1": ("https", "identity", "HTTP/1.1"),
    "https/2": ("https", "identity", "HTTP/2.0"),
}

#: Debian has it where only root looks.
NGINX: Final = shutil.which("nginx") or "/usr/sbin/nginx"

#: A server that is not up, or has not written its log, after so many seconds never will.
PATIENCE_S: Final = 20.0

# One process, as much as one core can send. A cookie for whoever has none, as shops have it. Whoever does not take the
# coding gets what he cannot read, and fails.
_CONFIG: Final = """
daemon off;
{user}worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 1024; }}
http {{
    log_format crawls '$server_protocol $status $request_method $uri $http_cookie';
    access_log {folder}/access.log crawls buffer=1m;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    default_type "text/html; charset=utf-8";
    sendfile on; tcp_nopush on; tcp_nodelay on;
    keepalive_timeout 120s; keepalive_requests 10000000;
    open_file_cache max=20000 inactive=600s; open_file_cache_valid 600s;
    ssl_certificate {folder}/site.pem; ssl_certificate_key {folder}/site.key;
    ssl_session_cache shared:tls:1m;
    map $http_cookie $visit {{ "" "visit=7f3a2c; Path=/"; default ""; }}
    add_header Set-Cookie $visit;
{servers}}}
"""

_SERVER: Final = """    server {{
        listen 127.0.0.1:{port}{options};
        root {root};
        location = /robots.txt {{ default_type text/plain; {header} }}
        location / {{ {header} }}
    }}
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sent:
    """What a server has sent since it was asked last.

    Attributes:
        pages: how often each path was sent with status 200, robots.txt left out.
        others: lines of the log that are neither that nor of robots.txt.
        protocols: as nginx names them, of the pages.
        with_cookie: how many requests of pages carried the cookie.
        robots: how often robots.txt was sent.
    """

    pages: Counter[str]
    others: tuple[str, ...]
    protocols: frozenset[str]
    with_cookie: int
    robots: int


class ShopServer:
    """A context manager; `url(transport)` is where it serves."""

    def __init__(self, folder: Path, site: Path, *, transports: Collection[str], cores: Collection[int]) -> None:
        """`site` has a folder for each coding; `folder` is the server's own."""
        self._folder, self._site, self._cores = folder.resolve(), site.resolve(), set(cores)
        self._ports = dict(zip(transports, _free_ports(len(transports)), strict=True))
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def ca_path(self) -> Path:
        """Of the CA that its certificate is of."""
        return self._folder / "ca.pem"

    def url(self, transport: str) -> str:
        """Without a slash at the end."""
        return f"{TRANSPORTS[transport][0]}://127.0.0.1:{self._ports[transport]}"

    def __enter__(self) -> Self:
        """Starts it; returns when it answers.

        Raises:
            RuntimeError: it does not; the message ends with what it said.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        _make_certificates(self._folder)
        servers = "".join(self._server(transport, port) for transport, port in self._ports.items())
        (self._folder / "nginx.conf").write_text(_config(self._folder, servers))
        ours = os.sched_getaffinity(0)
        os.sched_setaffinity(0, self._cores)
        try:
            command = [NGINX, "-c", str(self._folder / "nginx.conf"), "-p", str(self._folder)]
            self._process = subprocess.Popen([*command, "-e", str(self._folder / "error.log")])
        finally:
            os.sched_setaffinity(0, ours)
        self._wait_until_up()
        return self

    def __exit__(self, *_: object) -> None:
        """Stops it."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=PATIENCE_S)

    def sent(self) -> Sent:
        """Since it was asked last."""
        assert self._process is not None
        log, taken = self._folder / "access.log", self._folder / "access.taken"
        log.rename(taken)
        self._process.send_signal(signal.SIGUSR1)  # it writes what it holds to the old file and opens a new one
        deadline = time.monotonic() + PATIENCE_S
        while not log.exists() or _is_open(self._worker_pid(), taken):
            if time.monotonic() > deadline:
                raise RuntimeError("nginx does not open its log anew")
            time.sleep(0.01)
        pages, others, protocols, with_cookie, robots = Counter[str](), [], set(), 0, 0
        for line in taken.read_text().splitlines():
            protocol, status, _, path, cookie = line.split(" ", 4)
            if path == "/robots.txt":
                robots += 1
            elif status == "200":
                pages[path] += 1
                protocols.add(protocol)
                with_cookie += cookie != "-"
            else:
                others.append(line)
        protocols_seen = frozenset(protocols)
        return Sent(pages=pages, others=tuple(others), protocols=protocols_seen, with_cookie=with_cookie, robots=robots)

    def _server(self, transport: str, port: int) -> str:
        scheme, coding, protocol = TRANSPORTS[transport]
        options = (" ssl" if scheme == "https" else "") + (" http2" if protocol == "HTTP/2.0" else "")
        # A location with a header of its own has none of those above it.
        coded = f"add_header Content-Encoding {coding}; add_header Set-Cookie $visit;" if coding != "identity" else ""
        return _SERVER.format(port=port, options=options, root=self._site / coding, header=coded)

    def _worker_pid(self) -> int:
        assert self._process is not None
        (pid,) = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        return int(pid)

    def _wait_until_up(self) -> None:
        assert self._process is not None
        port = next(iter(self._ports.values()))
        deadline = time.monotonic() + PATIENCE_S
        while self._process.poll() is None and time.monotonic() < deadline:
            try:
                with socket.create_connection(("127.0.0.1", port), timeout=1.0):
                    return
            except ConnectionRefusedError:
                time.sleep(0.01)
        self.__exit__()
        raise RuntimeError(f"nginx does not come up:\n{(self._folder / 'error.log').read_text()[-2000:]}")


def _config(folder: Path, servers: str) -> str:
    # Started by root it would become somebody else, who may not look into the folder.
    user = f"user {getpass.getuser()};\n" if os.geteuid() == 0 else ""
    return _CONFIG.format(folder=folder, servers=servers, user=user)


def _is_open(pid: int, path: Path) -> bool:
    return any(_target(link) == str(path) for link in Path(f"/proc/{pid}/fd").iterdir())


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except FileNotFoundError:  # closed meanwhile
        return ""


def _free_ports(count: int) -> Iterator[int]:
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return iter(ports)


def _make_certificates(folder: Path) -> None:
    """A CA and a certificate of 127.0.0.1 that it has signed."""
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\nbasicConstraints=CA:FALSE\n")
    new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    authority = ["req", "-x509", *new_key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "7", "-subj", "/CN=Crawls"]
    request = ["req", *new_key, "-keyout", "site.key", "-out", "site.csr", "-subj", "/CN=127.0.0.1"]
    signed = ["x509", "-req", "-in", "site.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "7"]
    for words in (authority, request, [*signed, "-extfile", "names", "-out", "site.pem"]):
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)
