"""A fleet that the tests of a module share: whoever pushes takes names that no other test takes."""

from __future__ import annotations

import pytest
from recipe_pushes import Fleet
from valkey_server import Database


@pytest.fixture(scope="module")
def fleet(valkey_server, _database_numbers, tmp_path_factory):
    """An API and a steward."""
    database = Database(server=valkey_server, number=next(_database_numbers))
    database.flush()
    made = Fleet(tmp_path_factory.mktemp("fleet"), database.url)
    try:
        yield made.start()
    finally:
        made.stop()
