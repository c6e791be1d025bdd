"""A caller who is slow, with his headers or with taking an answer, holds a thread for a while, and not for ever."""

from __future__ import annotations

import contextlib
import importlib
import signal
import socket
import subprocess
import sys
import time

import httpx
import pytest
from valkey_server import mortal

THREADS = 2

#: Gunicorn with short patience, and an app whose answers are larger than what a socket takes unread.
PROGRAM = f"""
import sys
from gunicorn.app.wsgiapp import run
from control_api import worker

worker.HEAD_PATIENCE_S, worker.CALL_PATIENCE_S = 1.0, 2.0

def app(environ, start):
    body = b"x" * (50_000_000 if environ["PATH_INFO"] == "/large" else 10)
    start("200 OK", [("Content-Length", str(len(body)))])
    return [body]

sys.modules["app_of_test"] = sys.modules["__main__"]
sys.argv = ["gunicorn", "--bind", "fd://0", "--threads", "{THREADS}", "--log-level", "error",
            "--worker-class", "control_api.worker.PatientWorker", "--no-control-socket", "app_of_test:app"]
run()
"""


@pytest.fixture
def address():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        process = subprocess.Popen(mortal(sys.executable, "-c", PROGRAM), stdin=listener.fileno())
        try:
            yield listener.getsockname()
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()


def answers(address) -> bool:
    host, port = address
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(f"http://{host}:{port}/small", timeout=5, trust_env=False).status_code == 200
    return False


@pytest.mark.parametrize("beginning", [b"GET /small HT", b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n"])
def test_slow_callers_do_not_keep_others_from_their_answer(address, beginning):
    assert answers(address)
    with contextlib.ExitStack() as stack:
        for _ in range(THREADS):
            slow = stack.enter_context(socket.create_connection(address))
            slow.sendall(beginning)
        assert answers(address)


def test_the_api_has_such_processes(api_config):
    assert importlib.import_module("control_api.gunicorn_conf").worker_class == "control_api.worker.PatientWorker"
