"""A steward, a node or an API for tests of `crawlery up`: says that it is ready, and ends on SIGTERM.

Called as the real one, `stand_in.py steward --name NAME`, `stand_in.py api --port PORT` and `stand_in.py node --name
NAME --port PORT --dir DIR`; for `shop` it is the real one. What it does beside that is said by STAND_IN, one or more
of: `fails` at once, `silent` (never ready), `deaf` (to SIGTERM).
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time


def main():
    role, *options = sys.argv[1:]
    if role == "shop":
        os.execv(sys.executable, [sys.executable, "-m", "crawler.cli", role, *options])
    given = dict(zip(options[::2], options[1::2], strict=True))
    manners = os.environ.get("STAND_IN", "").split()
    if "fails" in manners:
        sys.exit("no such luck")
    if "deaf" in manners:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    else:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    if "silent" not in manners:
        said = {role: given.get("--name", role)}
        if role in ("node", "api"):
            said["url"] = f"http://127.0.0.1:{given['--port']}"
        sys.stdout.write(json.dumps(said) + "\n")
        sys.stdout.flush()
    while True:
        time.sleep(0.05)


if __name__ == "__main__":
    main()
