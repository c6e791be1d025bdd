from __future__ import annotations

import pytest

from crawler.access.model import ApiKey, Client, Principal, Quotas, Scope
from crawler.errors import InvalidAccess, InvalidJob


def a_key(**changes) -> ApiKey:
    return ApiKey(
        **{"id": "abcdefgh", "client": "acme", "scopes": frozenset(), "pepper": "1", "digest": b"x", **changes}
    )


def test_a_principal_may_what_its_key_has_and_nothing_that_follows_from_it():
    for scope in Scope:
        caller = Principal(client=Client(id="acme"), key=a_key(scopes=frozenset({scope})), now_ms=1)
        assert [other for other in Scope if caller.may(other)] == [scope]


def test_the_scopes_are_those_that_clients_know():
    assert [str(scope) for scope in Scope] == [
        *(
            "jobs:read",
            "jobs:write",
            "results:read",
            "results:override",
            "recipes:read",
            "recipes:write",
            "recipes:inline",
        ),
        *("admin", "support:read"),
    ]


@pytest.mark.parametrize("name", ["running_jobs", "jobs_per_day", "requests_per_day"])
def test_a_quota_is_none_or_a_number_that_can_be_reached(name):
    for good in (None, 0, 1, 10**12):
        assert getattr(Quotas(**{name: good}), name) == good
    for bad in (-1, 10**12 + 1):
        with pytest.raises(InvalidAccess, match=rf"quotas\.{name} is "):
            Quotas(**{name: bad})


@pytest.mark.parametrize("bad", ["", "jobs", "a/b", ".a", "a" * 65, "a\n"])
def test_the_id_of_a_client_can_stand_in_a_key_of_an_object(bad):
    with pytest.raises(InvalidJob):
        Client(id=bad)
    with pytest.raises(InvalidJob):
        a_key(client=bad)


@pytest.mark.parametrize("bad", ["a\nb", "\x1b[31m", "\u202egnp.exe", "\u200b", "\0"])
def test_names_and_notes_are_one_line_that_shows_what_it_is(bad):
    with pytest.raises(InvalidAccess, match="name must be one line of at most 100 characters"):
        Client(id="acme", name=bad)
    with pytest.raises(InvalidAccess, match="note must be one line of at most 200 characters"):
        a_key(note=bad)


def test_names_and_notes_are_short():
    assert Client(id="acme", name="\u00e9" * 100).name
    assert a_key(note="n" * 200).note
    with pytest.raises(InvalidAccess):
        Client(id="acme", name="n" * 101)
    with pytest.raises(InvalidAccess):
        a_key(note="n" * 201)


def test_the_rate_of_a_client_is_one():
    assert Client(id="acme", rate_limit="10/second").rate_limit == "10/second"
    with pytest.raises(InvalidAccess, match="is no rate"):
        Client(id="acme", rate_limit="fast")


def test_a_digest_is_not_shown():
    assert "d1gest" not in repr(a_key(digest=b"d1gest"))
