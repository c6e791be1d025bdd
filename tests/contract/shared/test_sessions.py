"""The session of a job: written by whoever has just logged in, unless another was faster."""

from __future__ import annotations

from crawler.frontier.shared_contract import Session


def test_in_the_beginning_there_is_no_session(session):
    assert session.read() == Session(version=0, body=b"")


def test_a_session_that_was_written_is_read_by_all(session):
    written = session.write(b"cookie=1\xff", expected=0)
    assert written == Session(version=1, body=b"cookie=1\xff")
    assert session.read() == written


def test_a_new_login_takes_the_place_of_the_session_it_knew(session):
    session.write(b"first", expected=0)
    assert session.write(b"second", expected=1) == Session(version=2, body=b"second")
    assert session.read() == Session(version=2, body=b"second")


def test_who_comes_too_late_changes_nothing(session):
    session.write(b"first", expected=0)
    assert session.write(b"late", expected=0) is None
    session.write(b"second", expected=1)
    assert session.write(b"first", expected=0) is None
    assert session.read() == Session(version=2, body=b"second")


def test_a_version_that_never_was_has_no_successor(session):
    assert session.write(b"odd", expected=5) is None
    assert session.read() == Session()


def test_a_call_that_is_repeated_counts_once_and_hears_so(session):
    first = session.write(b"first", expected=0)
    assert session.write(b"first", expected=0) == first
    assert session.read() == first


def test_an_empty_session_is_one(session):
    assert session.write(b"", expected=0) == Session(version=1)
    assert session.read() == Session(version=1)
