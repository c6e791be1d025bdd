"""`crawlery` as somebody types it who has an API and no store: an empty folder, a home of its own."""

from __future__ import annotations

import contextlib
import io
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from stand_in_api import StandInApi

from crawler.cli.main import run

if TYPE_CHECKING:
    from pathlib import Path

KEY = "ck_live_abcdefgh_Secret0Secret0Secret0"


@dataclass(frozen=True, kw_only=True, slots=True)
class Done:
    """What a command has printed."""

    stdout: str
    stderr: str


class Terminal:
    """Runs commands. `environment` is that of all of them."""

    def __init__(self, monkeypatch, folder: Path) -> None:
        self.home = folder / "home"
        self.folder = folder / "here"
        for made in (self.home, self.folder):
            made.mkdir()
        self._monkeypatch = monkeypatch
        monkeypatch.chdir(self.folder)
        for name in ("REDIS_URL", "STORAGE_URL", "S3_ENDPOINT_URL", "CRAWLERY_DATA_DIR"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setattr("crawler.cli.api_target.PATIENCE_S", 0.0)
        self.environment = {"XDG_CONFIG_HOME": str(self.home), "RECIPES_PATH": str(self.folder)}

    def __call__(self, *arguments: str, code: int = 0, stdin: str = "", **environment: str) -> Done:
        out, err = io.StringIO(), io.StringIO()
        with self._monkeypatch.context() as patch, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            patch.setattr(sys, "stdin", io.StringIO(stdin))
            for name, value in {**self.environment, **environment}.items():
                patch.setenv(name, value)
            status = run(list(arguments))
        assert status == code, out.getvalue() + err.getvalue()
        assert "Secret0" not in err.getvalue()
        return Done(stdout=out.getvalue(), stderr=err.getvalue())

    @property
    def credentials(self) -> Path:
        """What `login` keeps."""
        return self.home / "crawlery" / "credentials.json"

    def platform(self, url: str, key: str) -> None:
        """As if a platform with an API ran in this folder."""
        (self.folder / "crawlery-data").mkdir()
        lines = f"REDIS_URL=redis://127.0.0.1:1/0\nCRAWLERY_API_URL={url}\nCRAWLERY_API_KEY={key}\n"
        (self.folder / "crawlery-data" / "platform.env").write_text(lines)


@pytest.fixture
def api():
    made = StandInApi()
    made.on("GET", "/v1/me", {"client": "shop", "key_id": "abcdefgh", "scopes": ["jobs:read", "jobs:write"]})
    yield made
    made.stop()


@pytest.fixture
def nobody(monkeypatch, tmp_path):
    """A terminal that knows no API."""
    return Terminal(monkeypatch, tmp_path)


@pytest.fixture
def crawlery(nobody, api):
    """A terminal whose environment names the stand-in."""
    nobody.environment |= {"CRAWLERY_API_URL": api.url, "CRAWLERY_API_KEY": KEY}
    return nobody
