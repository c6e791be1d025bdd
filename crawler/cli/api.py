"""`crawlery api`: the control API as processes of gunicorn."""

from __future__ import annotations

import os
import sys
import tempfile

import click

from crawler import faults
from crawler.config import PROMETHEUS_FOLDER, process_environment, read_api_config


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="0 takes a free one.")
@click.option("--workers", type=click.IntRange(1, 64), help="Processes.  [env: API_WORKERS, 2]")
@click.option("--threads", type=click.IntRange(1, 1000), help="Of each process.  [env: API_THREADS, 300]")
def api(*, host: str, port: int, workers: int | None, threads: int | None) -> None:
    """Run the control API until Ctrl-C or SIGTERM; SIGHUP replaces its processes one by one.

    One line of JSON says where it is. `crawlery keys bootstrap` makes the first key.
    """
    read_api_config()  # every problem at once, before anything is started
    faults.be("api")
    environment = process_environment()
    environment[PROMETHEUS_FOLDER] = tempfile.mkdtemp(prefix="crawlery-metrics-")
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    command = [sys.executable, "-m", "gunicorn", "--config", "python:control_api.gunicorn_conf", "--bind", address]
    command += ["--workers", str(workers)] if workers else []
    environment |= {"API_THREADS": str(threads)} if threads else {}  # the app has to know, too
    sys.stdout.flush()
    os.execve(sys.executable, command, environment)  # noqa: S606 - no shell; the process that was started is the API
