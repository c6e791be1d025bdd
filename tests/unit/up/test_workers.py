from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from crawler.up import workers
from crawler.up.options import PlatformOptions


@pytest.fixture
def options():
    return PlatformOptions(data_dir=Path("/data"), nodes=2, stewards=2, slots=3, crawlery=("crawlery",))


def test_a_node_is_told_its_name_its_port_its_slots_and_its_folder(options):
    folders = {name: Path("/data/nodes") / name for name in workers.node_names(options)}
    first, second = workers.nodes(options, {"A": "b"}, ("valkey",), ports={"node-1": 1, "node-2": 2}, folders=folders)
    assert " ".join(first.command) == "crawlery node --name node-1 --port 1 --slots 3 --dir /data/nodes/node-1"
    assert (second.name, second.address, second.environment) == ("node-2", "http://127.0.0.1:2", {"A": "b"})
    assert first.stop_within_s == 30


def test_nodes_are_gone_before_stewards_and_the_shop(options):
    ports, folders = {"node-1": 1, "node-2": 2}, dict.fromkeys(workers.node_names(options), Path())
    for node in workers.nodes(options, {}, ("valkey",), ports=ports, folders=folders):
        assert (node.needs, set(node.outlived_by)) == (("valkey",), {"steward-1", "steward-2", "shop"})


def test_stewards_are_told_their_names(options):
    commands = [" ".join(steward.command) for steward in workers.stewards(options, {}, ())]
    assert commands == ["crawlery steward --name steward-1", "crawlery steward --name steward-2"]


def test_the_shop_keeps_its_port(options):
    assert " ".join(workers.shop(options, {}, port=8000).command) == "crawlery shop --port 8000 --delay-ms 0"


def test_nodes_hand_settings_of_scrapy_to_their_workers(options):
    told = replace(options, settings={"DOWNLOAD_DELAY": "1", "LEASE_TTL": "5"})
    ports, folders = {"node-1": 1, "node-2": 2}, dict.fromkeys(workers.node_names(options), Path())
    command = " ".join(workers.nodes(told, {}, (), ports=ports, folders=folders)[0].command)
    assert command.endswith("--set DOWNLOAD_DELAY=1 --set LEASE_TTL=5")
