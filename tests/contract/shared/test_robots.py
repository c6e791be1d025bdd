"""robots.txt of a site: fetched by one worker, for all."""

from __future__ import annotations

import pytest

from crawler.frontier.shared_contract import (
    MAX_ROBOTS_BYTES,
    ROBOTS_CLAIM_S,
    ROBOTS_FRESH_S,
    ROBOTS_UNREADABLE_S,
    Robots,
    RobotsReply,
)

SITE = "https://shop.example:443"
RULES = Robots(status=200, body=b"User-agent: *\nDisallow: /cart\n\xff\x00")
YOURS, WAIT = RobotsReply(yours=True), RobotsReply()


def known(rules):
    return RobotsReply(robots=rules)


def test_one_worker_fetches_and_the_others_ask_again(robots):
    assert robots.ask(SITE, worker="w1") == YOURS
    assert robots.ask(SITE, worker="w2") == WAIT
    assert robots.ask(SITE, worker="w3") == WAIT


def test_what_one_has_fetched_is_there_for_all(robots):
    robots.ask(SITE, worker="w1")
    robots.keep(SITE, RULES)
    assert robots.ask(SITE, worker="w2") == robots.ask(SITE, worker="w1") == known(RULES)


def test_whoever_is_to_fetch_is_told_so_again(robots):
    robots.ask(SITE, worker="w1")
    robots.ask(SITE, worker="w2")
    assert robots.ask(SITE, worker="w1") == YOURS


def test_another_worker_fetches_when_the_first_has_had_its_time(robots, clock):
    robots.ask(SITE, worker="w1")
    clock.pass_(ROBOTS_CLAIM_S - 0.001)
    assert robots.ask(SITE, worker="w2") == WAIT
    clock.pass_(0.001)
    assert robots.ask(SITE, worker="w2") == YOURS
    assert robots.ask(SITE, worker="w1") == WAIT


def test_whoever_fetches_has_as_much_time_again_when_it_says_so_and_nobody_else_gives_it(robots, clock):
    robots.ask(SITE, worker="w1")
    clock.pass_(ROBOTS_CLAIM_S - 1)
    assert robots.ask(SITE, worker="w1") == YOURS
    clock.pass_(ROBOTS_CLAIM_S - 1)
    assert robots.ask(SITE, worker="w2") == WAIT
    clock.pass_(1)
    assert robots.ask(SITE, worker="w2") == YOURS


def test_an_answer_counts_even_if_it_comes_late(robots, clock):
    robots.ask(SITE, worker="w1")
    clock.pass_(ROBOTS_CLAIM_S)
    robots.ask(SITE, worker="w2")
    robots.keep(SITE, RULES)
    assert robots.ask(SITE, worker="w2") == known(RULES)


@pytest.mark.parametrize(
    "other", ["http://shop.example:80", "https://shop.example:8443", "https://www.shop.example:443"]
)
def test_scheme_host_and_port_make_a_site(robots, other):
    robots.keep(SITE, RULES)
    assert robots.ask(other, worker="w1") == YOURS


@pytest.mark.parametrize(
    ("status", "fresh_s"),
    [
        (200, ROBOTS_FRESH_S),
        (304, ROBOTS_FRESH_S),
        (404, ROBOTS_FRESH_S),
        (429, ROBOTS_FRESH_S),
        (499, ROBOTS_FRESH_S),
        (500, ROBOTS_UNREADABLE_S),
        (503, ROBOTS_UNREADABLE_S),
        (0, ROBOTS_UNREADABLE_S),
    ],
)
def test_an_answer_counts_for_a_day_and_what_cannot_be_read_for_a_minute(robots, clock, status, fresh_s):
    answer = Robots(status=status, body=b"x")
    robots.keep(SITE, answer)
    clock.pass_(fresh_s - 0.001)
    assert robots.ask(SITE, worker="w1") == known(answer)
    clock.pass_(0.001)
    assert robots.ask(SITE, worker="w1") == YOURS
    assert robots.ask(SITE, worker="w2") == WAIT


def test_what_cannot_be_read_does_not_take_the_place_of_what_could(robots, clock):
    robots.keep(SITE, RULES)
    robots.keep(SITE, Robots(status=503))
    assert robots.ask(SITE, worker="w1") == known(RULES)
    clock.pass_(ROBOTS_FRESH_S)
    robots.keep(SITE, Robots(status=503))
    assert robots.ask(SITE, worker="w1") == known(Robots(status=503))


def test_what_can_be_read_takes_the_place_of_what_could_not(robots):
    robots.keep(SITE, Robots(status=0))
    robots.keep(SITE, RULES)
    assert robots.ask(SITE, worker="w1") == known(RULES)


def test_of_a_long_robots_txt_the_beginning_is_kept(robots):
    robots.keep(SITE, Robots(status=200, body=b"a" * MAX_ROBOTS_BYTES + b"b"))
    reply = robots.ask(SITE, worker="w1")
    assert reply.robots.body == b"a" * MAX_ROBOTS_BYTES


def test_after_a_day_the_site_is_asked_by_one_worker_again(robots, clock):
    robots.ask(SITE, worker="w1")
    robots.keep(SITE, RULES)
    clock.pass_(ROBOTS_FRESH_S)
    assert [robots.ask(SITE, worker=worker) for worker in ("w2", "w1")] == [YOURS, WAIT]
