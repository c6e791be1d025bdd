"""What the health checks of containers ask, with nothing but Python: the images have neither curl nor wget.

    python probe.py ready URL           exit status 0 if the answer is 200
    python probe.py alive URL           0 if there is any answer: the event loop runs, whatever the store does
    python probe.py fresh FILE SECONDS  0 if the file was touched so lately
    python probe.py drain URL           tells a node to take no more seats, as SCRAPYD_USERNAME

Otherwise 1 and one line that says why. Knows nothing of Crawlery's code, so that a check costs a small process.
"""
# ruff: noqa: INP001 - a script is no package

from __future__ import annotations

import base64
import os
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Final

#: Shorter than the time-outs of the probes that call this.
_PATIENCE_S: Final = 4.0

#: A proxy of the environment is for crawls, never for the machine itself.
_DIRECT: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def ask(url: str, *, data: bytes | None = None, user: str = "") -> tuple[int, str]:
    """Status and text of an answer; `user` is NAME:PASSWORD.

    Raises:
        OSError: there is none.
    """
    if not url.startswith("http://"):
        raise SystemExit(f"{url} is no http:// URL")
    headers = {"Authorization": "Basic " + base64.b64encode(user.encode()).decode()} if user else {}
    request = urllib.request.Request(url, data=data, headers=headers)  # noqa: S310 - the scheme is checked
    try:
        with _DIRECT.open(request, timeout=_PATIENCE_S) as answer:
            return answer.status, answer.read(1000).decode(errors="replace")
    except urllib.error.HTTPError as error:
        return error.code, error.read(1000).decode(errors="replace")


def ready(url: str) -> str:
    """Why not; "" if it is."""
    status, text = ask(url)
    return "" if status == 200 else f"{status}: {text.strip()}"


def alive(url: str) -> str:
    """Why not; "" if it is."""
    ask(url)
    return ""


def fresh(file: str, seconds: str) -> str:
    """Why not; "" if it is."""
    age_s = time.time() - Path(file).stat().st_mtime
    return "" if age_s <= float(seconds) else f"{file} was touched {age_s:.0f} s ago"


def drain(url: str) -> str:
    """What went wrong; "" if nothing."""
    password_file = os.environ.get("SCRAPYD_PASSWORD_FILE", "")
    password = (
        Path(password_file).read_text(encoding="utf-8").rstrip("\n")
        if password_file
        else os.environ.get("SCRAPYD_PASSWORD", "")
    )
    status, text = ask(url, data=b"", user=f"{os.environ.get('SCRAPYD_USERNAME', '')}:{password}")
    return "" if status == 200 and '"draining": true' in text else f"{status}: {text.strip()}"


_CHECKS: Final = {"ready": ready, "alive": alive, "fresh": fresh, "drain": drain}


def main(words: list[str]) -> str:
    """Why the check fails; "" if it does not."""
    if not words or words[0] not in _CHECKS:
        return f"one of {', '.join(_CHECKS)}"
    try:
        return _CHECKS[words[0]](*words[1:])
    except (OSError, ValueError, TypeError) as error:
        return f"{words[0]}: {error}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]) or None)
