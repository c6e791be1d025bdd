"""Runs of `crawlery recipe watch` and how Ctrl-C ends it; the saves themselves are in `tests/e2e`."""

import signal
from threading import Event, Lock

import pytest

import crawler.cli.recipe.watch
from crawler.cli.recipe.watch import run_once


def test_watch_shows_the_result_of_each_run(recipes, capsys, recipe_text):
    stop = Event()
    assert run_once(recipes / "chairs.yaml", stop)
    assert "1 passed in" in capsys.readouterr().out
    (recipes / "chairs.yaml").write_text(recipe_text.replace("name: [", "nam: ["), encoding="utf-8")
    assert not run_once(recipes / "chairs.yaml", stop)
    assert "pages.chair.fields.nam" in capsys.readouterr().out
    (recipes / "chairs.yaml").unlink()
    assert not run_once(recipes / "chairs.yaml", stop)
    assert "the file is gone" in capsys.readouterr().out


def test_no_test_is_begun_after_ctrl_c(recipes, capsys):
    stop = Event()
    stop.set()
    assert not run_once(recipes / "chairs.yaml", stop)
    assert "passed" not in capsys.readouterr().out


@pytest.fixture
def interrupted(monkeypatch):
    """Ctrl-C at the worst moment: what runs holds a lock that is needed again before the process ends."""

    def at_the_worst_moment(times):
        lock = Lock()
        usual = crawler.cli.recipe.watch.run_test

        def run_test(recipe, test):
            lock.acquire()
            for _ in range(times):
                signal.raise_signal(signal.SIGINT)
            lock.release()
            return usual(recipe, test)

        monkeypatch.setattr("crawler.cli.recipe.watch.run_test", run_test)
        return lock

    return at_the_worst_moment


def test_ctrl_c_interrupts_nothing_that_holds_a_lock(recipes, run, interrupted):
    before = signal.getsignal(signal.SIGINT)
    lock = interrupted(1)
    output = run("watch", "chairs")
    assert "1 passed" in output
    assert "no longer watching" in output
    assert not lock.locked()
    assert signal.getsignal(signal.SIGINT) is before


def test_a_second_ctrl_c_ends_a_run_that_does_not_end(recipes, run, interrupted):
    before = signal.getsignal(signal.SIGINT)
    lock = interrupted(2)
    output = run("watch", "chairs")
    assert "passed" not in output
    assert "no longer watching" in output
    assert lock.locked()
    assert signal.getsignal(signal.SIGINT) is before
