from __future__ import annotations

import io
import logging

import pytest
from rich.console import Console

from crawler.cli.up_display import UpDisplay, age, state_line, states_table
from crawler.up.spec import ChildState

READY = ChildState(
    name="node-1", role="crawls", state="ready", pid=4711, address="http://h:1", restarts=0, since_s=100.0, why=""
)
DOWN = ChildState(
    name="valkey",
    role="store",
    state="down",
    pid=None,
    address="redis://h:2",
    restarts=3,
    since_s=90.0,
    why="it was ended by SIGKILL; again in 0.2 s",
)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-1, "0 s"), (59.9, "59 s"), (60, "1 min"), (3_599, "59 min"), (7_500, "2 h 5 min"), (100_000, "1 d 3 h")],
)
def test_ages_are_told_in_the_units_of_people(seconds, text):
    assert age(seconds) == text


def test_a_line_says_what_changed():
    assert state_line(READY).endswith("  node-1      ready     http://h:1, pid 4711")
    assert state_line(DOWN).endswith("  valkey      down      it was ended by SIGKILL; again in 0.2 s")


@pytest.mark.parametrize("width", [80, 120])
def test_the_table_names_all_children_and_below_it_is_what_is_wrong_with_them(width):
    to = Console(file=io.StringIO(), width=width)
    to.print(states_table([READY, DOWN], 100.0))
    assert [line.split() for line in to.file.getvalue().splitlines()] == [
        ["name", "what", "state", "since", "pid", "address", "restarts"],
        ["node-1", "crawls", "ready", "0", "s", "4711", "http://h:1", "0"],
        ["valkey", "store", "down", "10", "s", "-", "redis://h:2", "3"],
        ["valkey:", "it", "was", "ended", "by", "SIGKILL;", "again", "in", "0.2", "s"],
    ]


def test_without_a_terminal_each_change_and_each_warning_is_one_line():
    to = Console(file=io.StringIO(), width=40)
    with UpDisplay(to, list) as display:
        display.changed(READY)
        logging.getLogger("crawler.up.supervisor").warning("node-1 %s\n  said x", "\x1b[2Jended")
        display.draw()
    assert [line.split("  ", 1)[-1] for line in to.file.getvalue().splitlines()] == [
        "node-1      ready     http://h:1, pid 4711",
        "node-1 ended",
        "said x",
    ]


@pytest.mark.parametrize("error", [OSError(5, "Input/output error"), BrokenPipeError(32, "Broken pipe")])
def test_a_terminal_that_is_gone_ends_nothing(error, monkeypatch):
    class Terminal(io.StringIO):
        gone = False

        def write(self, text):
            if self.gone:
                raise error
            return super().write(text)

    monkeypatch.setattr("os.dup2", lambda *_: None)  # rich turns stdout into /dev/null, which here is pytest's
    terminal = Terminal()
    with UpDisplay(Console(file=terminal, width=40, force_terminal=True), lambda: [READY]) as display:
        terminal.gone = True
        display.changed(READY)
        display.line("x")
