from __future__ import annotations

import asyncio

import pytest

from crawler.up.probes import SaysAddress, SaysLine
from crawler.up.spec import Answer, Started


def ask(probe, output):
    return asyncio.run(probe.ask(Started(pid=1, output=output)))


@pytest.mark.parametrize(
    ("output", "address"),
    [
        (b'{"node": "node-1", "url": "http://127.0.0.1:1"}\n', "http://127.0.0.1:1"),
        (b'a log line\n{"level": "info"}\n{not json\n{"node": "node-1"}\nmore\n', ""),
    ],
)
def test_a_line_of_json_with_its_role_says_that_a_child_is_ready(output, address):
    assert ask(SaysLine(key="node"), output) == Answer(ready=True, address=address)


@pytest.mark.parametrize("output", [b"", b"node\n", b'{"node": "no', b'{"steward": "x"}\n', b'["node"]\n'])
def test_anything_else_does_not(output):
    answer = ask(SaysLine(key="node"), output)
    assert not answer.ready
    assert answer.why == 'it has printed no line {"node": ...}'


def test_an_address_counts_when_its_line_is_whole():
    assert ask(SaysAddress(), b"hello\nhttp://127.0.0.1:80\n") == Answer(ready=True, address="http://127.0.0.1:80")
    assert not ask(SaysAddress(), b"http://127.0.0.1:8").ready
