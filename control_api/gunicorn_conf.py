"""How gunicorn runs the API: `crawlery api` hands this file to it.

Threads wait for the store and for the storage of files, so a process has many of them. A process that is told to go
answers what it has begun. No access log: the API writes one line for each request itself.
"""

from __future__ import annotations

import gc
import json
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from prometheus_client import multiprocess

from crawler.config import prometheus_folder, read_api_config

if TYPE_CHECKING:
    import logging

    from gunicorn.arbiter import Arbiter
    from gunicorn.workers.base import Worker

_config: Final = read_api_config()

wsgi_app = "control_api.wsgi:make()"
worker_class = "control_api.worker.PatientWorker"
workers = _config.workers
threads = _config.threads
graceful_timeout = 30
timeout = 60
keepalive = 5
limit_request_line = 8190
limit_request_fields = 60
forwarded_allow_ips = ""  # who is behind a proxy is the business of API_PROXIES alone
proc_name = "crawlery-api"
accesslog = None
errorlog = "-"
loglevel = "warning"
control_socket_disable = True


def on_starting(server: Arbiter) -> None:
    """What gunicorn says of requests goes through `_without_request`, in all processes."""
    server.log.error_log.addFilter(_without_request)


def _without_request(record: logging.LogRecord) -> bool:
    """A line of gunicorn about a request that it could not read quotes it, and so may show a key: that is left out."""
    if isinstance(record.msg, str) and record.msg.startswith("Invalid request from ip="):
        record.msg = f"{record.msg.partition(': ')[0]}: it is no HTTP that is understood"
    elif isinstance(record.msg, str) and record.msg.startswith("Error handling request"):
        record.msg, record.args = "Error handling a request", ()
    return True


def when_ready(server: Arbiter) -> None:
    """Says where it listens, which nobody else knows if it was told to take a free port."""
    host, port = server.LISTENERS[0].sock.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    sys.stdout.write(json.dumps({"api": proc_name, "url": f"http://{shown}:{port}"}) + "\n")
    sys.stdout.flush()


def pre_fork(server: Arbiter, worker: Worker) -> None:
    """Whoever tidies up folders of temporary files may have taken that of the figures, without which none starts."""
    _ = server, worker
    if folder := prometheus_folder():
        Path(folder).mkdir(parents=True, exist_ok=True)


def post_worker_init(worker: Worker) -> None:
    """What is there now stays: collections that walk through all of it would hold every thread up for long.

    And streams end when the process is told to go: it would wait for each of them otherwise.
    """
    gc.collect()
    gc.freeze()
    patient: Any = worker  # a PatientWorker with our app; neither is loaded here, so that SIGHUP loads them anew
    patient.on_told_to_go = patient.wsgi.extensions["crawlery-end-streams"]


def child_exit(server: Arbiter, worker: Worker) -> None:
    """What a process that has ended had counted as under way is over."""
    _ = server
    if prometheus_folder():
        multiprocess.mark_process_dead(worker.pid)


def on_exit(server: Arbiter) -> None:
    """Figures of this run end with it."""
    _ = server
    if folder := prometheus_folder():
        shutil.rmtree(folder, ignore_errors=True)
