from __future__ import annotations

import re
import socket
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest

from crawler.up import ports as module
from crawler.up.ports import COMPANION, PortTaken, is_free, settle_ports


@contextmanager
def listening(port=0, host="127.0.0.1"):
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((host, port))
        server.listen()
        yield server.getsockname()[1]


@pytest.fixture(autouse=True)
def impatience(monkeypatch):
    monkeypatch.setattr(module, "_PATIENCE_S", 0.1)


def settle(names, *, kept=None, given=None, **more):
    return settle_ports(names, kept=kept or {}, given=given or {}, state_file=Path("/data/state.json"), **more)


def test_ports_are_chosen_free_and_different_and_below_those_of_outgoing_connections():
    names = [f"n{number}" for number in range(40)]
    ports = settle(names, with_companion=frozenset(names))
    assert list(ports) == names
    assert len(set(ports.values())) == 40
    assert all(is_free(port) and is_free(port + COMPANION) for port in ports.values())
    assert min(ports.values()) > 10_000
    assert max(ports.values()) + COMPANION < 32_768


def test_kept_ports_stay_and_those_of_other_names_are_not_forgotten():
    first = settle(["a", "b"])
    second = settle(["b", "c"], kept=first)
    assert {name: second[name] for name in first} == first
    assert set(second) == {"a", "b", "c"}


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_a_kept_port_that_is_taken_is_not_moved_and_the_message_says_what_to_do(host):
    with listening(host=host) as port, pytest.raises(PortTaken) as taken:
        settle(["valkey"], kept={"valkey": port})
    assert re.match(rf"port {port} for valkey is taken: something else listens on 127.0.0.1:{port}", str(taken.value))
    assert 'remove "valkey" from "ports" in /data/state.json' in str(taken.value)


def test_a_given_port_that_is_taken_is_named_by_its_option():
    with listening() as port, pytest.raises(PortTaken, match=rf"--s3-port {port} says so: give another, or leave it"):
        settle(["s3"], kept={"s3": 1}, given={"s3": port})


def test_a_given_port_is_kept_from_then_on():
    port = settle(["x"])["x"]
    assert settle(["s3"], kept={"s3": 1}, given={"s3": port}) == {"s3": port}


def test_the_companion_of_a_kept_port_must_be_free_too():
    port = settle(["admin"], with_companion=frozenset({"admin"}))["admin"]
    with listening(port + COMPANION), pytest.raises(PortTaken, match=f"port {port + COMPANION} for admin is taken"):
        settle(["admin"], kept={"admin": port}, with_companion=frozenset({"admin"}))


def test_a_port_on_which_only_old_connections_end_is_free():
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            server.accept()[0].close()  # who closes first keeps the port for a minute
            assert client.recv(1) == b""
    assert is_free(port)


def test_a_kept_port_that_its_last_owner_is_about_to_leave_is_waited_for(monkeypatch):
    monkeypatch.setattr(module, "_PATIENCE_S", 20.0)
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        leaves = threading.Timer(0.1, server.close)
        leaves.start()
        assert settle(["valkey"], kept={"valkey": port}) == {"valkey": port}
        leaves.join()
