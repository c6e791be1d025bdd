"""What is asked in the background, and what is told of it."""

from __future__ import annotations

import threading

from control_api.readiness import Watch


def test_the_first_answer_is_waited_for_and_later_ones_are_remembered():
    answers, asked = iter(["it is away", ""]), threading.Semaphore(0)

    def look() -> str:
        asked.release()
        return next(answers, "")

    watch = Watch("the store", look, every_s=0.01)
    assert watch.problem in ("it is away", "")
    for _ in range(3):
        assert asked.acquire(timeout=10)
    assert watch.problem == ""
    watch.close()


def test_what_never_answers_is_a_problem(monkeypatch):
    monkeypatch.setattr("control_api.readiness._PATIENCE_S", 0.05)
    release = threading.Event()
    watch = Watch("the store", lambda: str(release.wait() and ""), every_s=60)
    assert watch.problem == "the store has not answered yet"
    release.set()
    watch.close()
