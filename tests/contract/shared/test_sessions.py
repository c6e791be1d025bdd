"""The session of a job: written by whoever has just logged in, unless another was faster."""

from __future__ import annotations

from crawler.frontier.shared_contract import LOGIN_CLAIM_S, LOGIN_FAILED_S, Session, SessionReply


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


# --- who logs in ------------------------------------------------------------------------------------------------------


def test_one_worker_logs_in_and_the_others_wait_for_what_it_writes(session):
    assert session.ask(worker="w1", beyond=0) == SessionReply(session=Session(), yours=True)
    assert session.ask(worker="w2", beyond=0) == SessionReply(session=Session())
    assert session.ask(worker="w1", beyond=0).yours
    written = session.write(b"cookie", expected=0)
    assert session.ask(worker="w2", beyond=0) == SessionReply(session=written)
    assert session.ask(worker="w1", beyond=0) == SessionReply(session=written)


def test_a_session_that_has_ended_is_replaced_once_however_many_say_so(session):
    first = session.write(b"first", expected=0)
    replies = [session.ask(worker=worker, beyond=1) for worker in ("w1", "w2", "w3", "w1")]
    assert [reply.yours for reply in replies] == [True, False, False, True]
    assert {reply.session for reply in replies} == {first}
    second = session.write(b"second", expected=1)
    assert [session.ask(worker=worker, beyond=1).session for worker in ("w2", "w3")] == [second, second]
    assert not session.ask(worker="w2", beyond=1).yours


def test_a_worker_that_is_silent_while_it_logs_in_is_replaced(session, clock):
    assert session.ask(worker="w1", beyond=0).yours
    clock.pass_(LOGIN_CLAIM_S - 1)
    assert not session.ask(worker="w2", beyond=0).yours
    assert session.ask(worker="w1", beyond=0).yours
    clock.pass_(LOGIN_CLAIM_S - 1)
    assert not session.ask(worker="w2", beyond=0).yours
    clock.pass_(2)
    assert session.ask(worker="w2", beyond=0).yours
    session.fail("too late", worker="w1")
    assert session.ask(worker="w3", beyond=0) == SessionReply(session=Session())


def test_that_a_login_has_failed_is_said_to_all_for_a_while(session, clock):
    assert session.ask(worker="w1", beyond=0).yours
    session.fail("wrong password é", worker="w1")
    for worker in ("w1", "w2"):
        assert session.ask(worker=worker, beyond=0) == SessionReply(session=Session(), failed="wrong password é")
    clock.pass_(LOGIN_FAILED_S + 1)
    assert session.ask(worker="w2", beyond=0) == SessionReply(session=Session(), yours=True)


def test_a_login_that_works_ends_what_was_said_of_one_that_did_not(session):
    session.ask(worker="w1", beyond=0)
    session.fail("wrong", worker="w1")
    session.write(b"cookie", expected=0)
    assert session.ask(worker="w2", beyond=1) == SessionReply(session=Session(version=1, body=b"cookie"), yours=True)


def test_what_a_page_has_shown_of_a_session_is_known_to_all_and_outlives_it(session):
    session.write(b"first", expected=0)
    assert not session.read().ever_good
    session.confirm(1)
    assert session.read() == Session(version=1, body=b"first", good=1, ever_good=True)
    session.write(b"second", expected=1)
    assert session.ask(worker="w1", beyond=1).session == Session(version=2, body=b"second", good=1, ever_good=True)


def test_after_a_login_that_failed_those_in_vain_are_counted_anew(session):
    session.write(b"first", expected=0)
    session.write(b"second", expected=1)
    assert session.ask(worker="w1", beyond=2).session.good == 0
    session.fail("in vain", worker="w1")
    assert session.read() == Session(version=2, body=b"second", good=2)
