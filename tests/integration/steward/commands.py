"""`crawlery` on the store and the storage of a bench, as its entry point runs it."""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass

from crawler.cli.main import run


@dataclass(frozen=True, kw_only=True, slots=True)
class Done:
    """What a command has printed."""

    stdout: str
    stderr: str


class Commands:
    """Runs commands in an empty folder whose environment names store and storage."""

    def __init__(self, monkeypatch, folder, url: str) -> None:
        monkeypatch.chdir(folder)
        self._monkeypatch = monkeypatch
        self.environment = {
            "REDIS_URL": url,
            "STORAGE_URL": f"file://{folder / 'objects'}",
            "RECIPES_PATH": str(folder),
        }

    def __call__(self, *arguments: str, code: int = 0, **environment: str) -> Done:
        out, err = io.StringIO(), io.StringIO()
        with self._monkeypatch.context() as patch, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            for name, value in {**self.environment, **environment}.items():
                patch.setenv(name, value)
            status = run(list(arguments))
        assert status == code, out.getvalue() + err.getvalue()
        return Done(stdout=out.getvalue(), stderr=err.getvalue())
