"""One `scrapy crawl job` process, as a person would start it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from node_jobs import PATIENCE_S
from valkey_server import mortal

ORDINARY = Path(__file__).parents[1] / "fleet" / "ordinary"


class Worker:
    """One `scrapy crawl job`."""

    def __init__(self, folder, url, job, settings=(), *, project="crawler.settings", **arguments):
        words = [word for name, value in {"job": job, **arguments}.items() for word in ("-a", f"{name}={value}")]
        words += [word for name, value in dict(settings).items() for word in ("-s", f"{name}={value}")]
        self.log_path = folder / "worker.log"
        environment = {**os.environ, "REDIS_URL": url, "PYTHONPATH": str(ORDINARY), "RECIPES_PATH": str(folder)}
        environment["SCRAPY_SETTINGS_MODULE"] = project
        with self.log_path.open("wb") as log:
            self.process = subprocess.Popen(
                mortal(sys.executable, "-m", "scrapy", "crawl", "job", *words, *FAST),
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def log(self):
        return self.log_path.read_text()

    def finished(self):
        return self.process.wait(timeout=PATIENCE_S)


FAST = [word for name in ("AUTOTHROTTLE_ENABLED", "DOWNLOAD_DELAY", "ROBOTSTXT_OBEY") for word in ("-s", f"{name}=0")]
