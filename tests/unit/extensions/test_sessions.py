"""The session of a crawl: whose secrets it reads, and how long it waits before it logs in once more."""

from __future__ import annotations

import asyncio
import time
from types import SimpleNamespace

import pytest
from login_site import RECIPE
from scrapy import Request
from scrapy.settings import Settings

from crawler.errors import LoginFailed
from crawler.extensions import sessions
from crawler.extensions.sessions import Sessions
from crawler.frontier.shared_contract import Session
from crawler.recipe.loader import load_recipe_text


@pytest.fixture
def session():
    counted = []
    stats = SimpleNamespace(inc_value=counted.append)
    crawler = SimpleNamespace(settings=Settings(), stats=stats, spider=None, counted=counted)
    return Sessions(crawler, load_recipe_text(RECIPE))


def known(session, **facts):
    session._known = sessions._Known(version=3, since_s=time.monotonic(), **facts)


def test_after_logins_in_vain_the_next_one_waits_twice_as_long_each_time(session):
    waits = []
    for in_vain in range(6):
        known(session, in_vain=in_vain)
        waits.append(session._patience_s())
    assert waits == pytest.approx([0.0, 2.0, 4.0, 8.0, 8.0, 8.0], abs=0.5)


def test_where_a_page_was_good_nothing_has_to_wait(session):
    known(session, in_vain=4, good=True)
    assert session._patience_s() == 0


@pytest.mark.parametrize(("in_vain", "ends"), [(0, True), (1, False)])
def test_the_second_doubt_ends_a_session_unless_it_has_to_be_patient(session, in_vain, ends):
    async def doubted():
        known(session, in_vain=in_vain)
        page = SimpleNamespace(url="https://x.example/", session=3)
        session._look = lambda: asyncio.sleep(0)
        session._doubt(page, "status 401")
        assert session._ended == 0
        session._doubt(page, "status 401")

    asyncio.run(doubted())
    assert (session._ended == 3) is ends
    assert session._crawler.counted == (["session/ended"] if ends else [])


@pytest.mark.parametrize(
    ("version", "good", "ever_good", "enough"),
    [(1, 0, False, False), (2, 0, False, True), (9, 2, True, False), (10, 2, True, True), (10, 10, True, False)],
)
def test_logins_after_which_no_page_is_good_come_to_an_end(session, version, good, ever_good, enough):
    said = []

    async def fail(why, *, worker):
        said.append((why, worker))

    shared = SimpleNamespace(session=SimpleNamespace(fail=fail), worker="w")
    session._sign = "https://x.example/: status 401"
    check = session._check_that_it_helps(Session(version=version, good=good, ever_good=ever_good), shared)
    if not enough:
        asyncio.run(check)
        assert said == []
        return
    with pytest.raises(LoginFailed, match="its pages are those of somebody who is not") as failed:
        asyncio.run(check)
    assert not failed.value.passing
    assert said == [(str(failed.value), "w")]


def test_what_was_shown_is_taken_off_a_request_and_nothing_else(session):
    request = Request("https://x.example/", headers={"Authorization": "Bearer t", "Cookie": "sid=1", "Accept": "a"})
    session.hide(request)
    assert set(request.headers) == {b"Accept"}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "acme").mkdir()
    (tmp_path / "word").write_text("a person's", encoding="utf-8")
    (tmp_path / "acme" / "word").write_text("acme's", encoding="utf-8")
    monkeypatch.setenv("CRAWLERY_SECRETS_DIR", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    ("spider", "secret"),
    [
        (SimpleNamespace(stored_job=SimpleNamespace(client="acme")), "acme's"),
        (SimpleNamespace(stored_job=None), "a person's"),
        (SimpleNamespace(), "a person's"),
    ],
    ids=["a client's job", "a job of nobody", "a crawl"],
)
def test_a_job_reads_the_secrets_of_its_client(folder, spider, secret):
    assert sessions._secret("word", spider) == secret


def test_a_job_does_not_read_the_secrets_of_another_client(folder):
    with pytest.raises(LoginFailed, match="there is no secret 'word'"):
        sessions._secret("word", SimpleNamespace(stored_job=SimpleNamespace(client="other")))


def test_a_secret_is_a_single_line(folder):
    (folder / "word").write_text("one\r\nX-Injected: two", encoding="utf-8")
    with pytest.raises(LoginFailed, match="is no single line"):
        sessions._secret("word", SimpleNamespace())
