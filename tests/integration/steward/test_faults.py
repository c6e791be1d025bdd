"""A steward that fails at a named point is one process of a fleet; commands whose fault cannot be used do not begin."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from valkey_server import mortal

from crawler.cli import exits
from crawler.cli.main import run

CRAWLERY = Path(sys.executable).parent / "crawlery"

PATIENCE_S = 60.0


def test_a_steward_dies_when_its_answer_is_lost(valkey, tmp_path):
    faults = tmp_path / "faults"
    (faults / "armed").mkdir(parents=True)
    for process in ("node", "steward"):
        fault = {"point": "hold.reply", "kind": "kill", "process": process}
        (faults / "armed" / process).write_text(json.dumps(fault))
    said = {
        "REDIS_URL": valkey.url,
        "STORAGE_URL": f"file://{tmp_path}/objects",
        "CRAWLERY_FAULT": str(faults),
    }
    process = subprocess.Popen(
        mortal(str(CRAWLERY), "steward", "--folder", str(tmp_path / "compose")),
        cwd=tmp_path,
        env={**os.environ, **said},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    _, log = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == -signal.SIGKILL
    assert log.startswith(f"CRAWLERY_FAULT={faults}: this process fails on purpose")
    report = json.loads((faults / "fired" / "steward.json").read_text())
    assert (report["pid"], report["process"]) == (process.pid, "steward")
    assert (faults / "armed" / "node").exists()


@pytest.mark.parametrize("command", [("steward",), ("node",), ("crawl", "shop"), ("api",)])
def test_a_process_whose_fault_cannot_be_used_does_not_begin(command, monkeypatch, capsys, valkey, tmp_path):
    monkeypatch.setenv("CRAWLERY_FAULT", "no.such:1:kill")
    monkeypatch.setenv("STORAGE_URL", f"file://{tmp_path}")
    monkeypatch.setenv("REDIS_URL", valkey.url)
    monkeypatch.setenv("API_KEY_PEPPERS", "tests:a-pepper-of-tests")
    monkeypatch.setattr(os, "execve", lambda *_: pytest.fail("the API would begin"))
    assert run(list(command)) == exits.USAGE
    assert "CRAWLERY_FAULT: 'no.such:1:kill': there is no point 'no.such'" in capsys.readouterr().err
