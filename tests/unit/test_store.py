"""What the store's error answers mean, as clients and servers of different ages give them."""

from __future__ import annotations

import pytest
from redis._parsers.base import BaseParser

from crawler.store import _message

OOM = "OOM command not allowed when used memory > 'maxmemory'."
BY_6_2 = "ERR Error running script (call to f_0a1b2c3d4e5f6071): @user_script:{0}: @user_script: {0}: "


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (OOM, OOM),
        (f"{OOM} script: 5f2a, on @user_script:12.", f"{OOM} script: 5f2a, on @user_script:12."),
        (f"{BY_6_2.format(12)}-{OOM}", OOM),
        (
            f"{BY_6_2.format(7)}-READONLY You can't write against a replica.",
            "READONLY You can't write against a replica.",
        ),
        (f"{BY_6_2.format(7)}-NOREPLICAS Not enough good replicas.", "NOREPLICAS Not enough good replicas."),
        ("NOREPLICAS Not enough good replicas to write.", "NOREPLICAS Not enough good replicas to write."),
        ("MASTERDOWN Link with MASTER is down.", "MASTERDOWN Link with MASTER is down."),
        ("NOSCRIPT No matching script.", "NOSCRIPT No matching script."),
        ("TRYAGAIN Multiple keys request during rehashing.", "TRYAGAIN Multiple keys request during rehashing."),
        ("WRONGTYPE Operation against a key", "WRONGTYPE Operation against a key"),
        ("ERR unknown command", "unknown command"),
        (
            f"{BY_6_2.format(3)}attempt to index a nil value",
            f"{BY_6_2.format(3)}attempt to index a nil value".removeprefix("ERR "),
        ),
    ],
)
def test_the_code_of_an_error_comes_first_wherever_the_server_puts_it(answer, message):
    assert _message(BaseParser.parse_error(answer)) == message
