"""A stand-in for the control API, and clients of it."""

from __future__ import annotations

import pytest
from stand_in_api import StandInApi

from crawler.client import Client

KEY = "ck_live_abcdefgh_Secret0Secret0Secret0"


@pytest.fixture
def api():
    made = StandInApi()
    yield made
    made.stop()


@pytest.fixture
def new_client(api):
    """A client of the stand-in: `new_client(patience_s=0)`."""
    made = []

    def make(**options) -> Client:
        made.append(Client(api.url, KEY, **{"timeout_s": 5.0, "patience_s": 5.0, **options}))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def client(new_client):
    return new_client()
