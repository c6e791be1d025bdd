"""`docs/up.md` names every option of `crawlery up`, and what it says of times is what the code has."""

from __future__ import annotations

from pathlib import Path

import pytest

from crawler.cli.up import up
from crawler.up.folder import DataFolder
from crawler.up.options import PlatformOptions
from crawler.up.servers import SEAWEEDFS_PORTS, seaweedfs, valkey
from crawler.up.spec import Restart
from crawler.up.workers import nodes

PAGE = (Path(__file__).parents[3] / "docs" / "up.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("option", [name for param in up.params for name in param.opts])
def test_every_option_is_on_the_page(option):
    assert f"`{option}" in PAGE


def test_times_are_those_of_the_code(tmp_path):
    assert "after 0.2 s, then 0.4 s, ... 10 s; from the start once it has lived for 30 s" in PAGE
    assert Restart() == Restart(first_s=0.2, longest_s=10.0, healthy_s=30.0)
    options = PlatformOptions(data_dir=Path(), nodes=1)
    node = nodes(options, {}, (), ports={"node-1": 1}, folders={"node-1": Path()})[0]
    folder = DataFolder(tmp_path)
    s3 = seaweedfs(folder, ports=dict.fromkeys(SEAWEEDFS_PORTS, 1), secrets=folder.secrets())
    assert f"(Valkey {valkey(folder, port=1, password='x').ready_within_s:g} s," in PAGE
    assert f"SeaweedFS {s3.ready_within_s:g} s; others {node.ready_within_s:g} s)" in PAGE
    assert f"which give back the pages that they\nhave open ({node.stop_within_s:g} s at most)" in PAGE
