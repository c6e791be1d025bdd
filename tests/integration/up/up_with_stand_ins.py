"""`crawlery up` as it is, but that stewards and nodes are stand-ins: run as `up_with_stand_ins.py OPTIONS`."""

from __future__ import annotations

import functools
import sys
from pathlib import Path

import crawler.cli.up
from crawler.cli.main import run

STAND_IN = Path(__file__).with_name("stand_in.py")

crawler.cli.up.PlatformOptions = functools.partial(
    crawler.cli.up.PlatformOptions, crawlery=(sys.executable, "-I", str(STAND_IN))
)

if __name__ == "__main__":
    sys.exit(run(["up", *sys.argv[1:]]))
