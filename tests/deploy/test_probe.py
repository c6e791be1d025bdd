"""`deploy/probe.py` as the images call it: a process with an exit status."""

from __future__ import annotations

import http.server
import os
import subprocess
import sys
import threading
import time

import pytest
from deployment import ROOT

PROBE = ROOT / "deploy" / "probe.py"


def probe(*words, **environment):
    """Exit status and what was said."""
    done = subprocess.run(
        [sys.executable, "-I", str(PROBE), *words],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    return done.returncode, done.stderr.strip()


@pytest.fixture
def site():
    """Answers 503 at /ready, and says at /drain who has asked."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.answer(200 if self.path == "/health" else 503, "it is draining\n")

        def do_POST(self):
            self.answer(200, '{"draining": true}' if self.headers["Authorization"] == "Basic bm9kZTpvcGVu" else "{}")

        def answer(self, status, text):
            self.send_response(status)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_ready_is_an_answer_of_200(site):
    assert probe("ready", f"{site}/health") == (0, "")
    assert probe("ready", f"{site}/ready") == (1, "503: it is draining")


def test_alive_is_any_answer(site):
    assert probe("alive", f"{site}/ready") == (0, "")


def test_no_answer_is_neither(site):
    nobody = "http://127.0.0.1:1/"
    for question in ("ready", "alive"):
        status, said = probe(question, nobody)
        assert status == 1
        assert "refused" in said


def test_a_proxy_of_the_environment_is_not_asked(site):
    assert probe("ready", f"{site}/health", http_proxy="http://127.0.0.1:1") == (0, "")


def test_a_file_is_fresh_for_so_many_seconds(tmp_path):
    file = tmp_path / "alive"
    assert probe("fresh", str(file), "30")[0] == 1
    file.touch()
    assert probe("fresh", str(file), "30") == (0, "")
    os.utime(file, (time.time() - 31,) * 2)
    status, said = probe("fresh", str(file), "30")
    assert status == 1
    assert "was touched 31 s ago" in said


@pytest.mark.parametrize("by_file", [True, False])
def test_a_node_is_told_to_drain_by_somebody_who_may(site, tmp_path, by_file):
    (tmp_path / "password").write_text("open\n", encoding="ascii")
    given = {"SCRAPYD_PASSWORD_FILE": str(tmp_path / "password")} if by_file else {"SCRAPYD_PASSWORD": "open"}
    assert probe("drain", f"{site}/drain", SCRAPYD_USERNAME="node", **given) == (0, "")
    assert probe("drain", f"{site}/drain", SCRAPYD_USERNAME="other", **given)[0] == 1


@pytest.mark.parametrize(
    "words", [(), ("sing",), ("fresh",), ("fresh", "file", "soon"), ("ready", "file:///etc/passwd")]
)
def test_a_question_that_is_none_fails_in_a_line(words):
    status, said = probe(*words)
    assert status == 1
    assert len(said.splitlines()) == 1
