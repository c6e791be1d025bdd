"""`crawlery recipe watch`: runs a recipe's tests at every save of the recipe or of a saved page."""

from __future__ import annotations

import signal
import time
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import click
from watchfiles import watch as changes_of

from crawler.cli import console
from crawler.cli.recipe.tests import print_verdicts
from crawler.cli.recipes import RecipeName, recipe_path
from crawler.errors import RecipeError
from crawler.recipe.check import run_test
from crawler.recipe.loader import load_recipe

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from watchfiles import Change

#: Milliseconds without a further change before the tests run: an editor's save is several events.
_QUIET_MS = 25
#: Milliseconds after which they run even if changes keep coming.
_MOST_MS = 150
#: Milliseconds after which waiting begins anew; no save is missed in between.
_TIMEOUT_MS = 100


@click.command()
@click.argument("name", type=RecipeName())
def watch(name: str) -> None:
    """Run the tests of a recipe at every save of it or of a saved page, until Ctrl-C. Uses no network."""
    path = recipe_path(name)
    folder = path.resolve().parent
    pages = path.resolve().with_suffix("")

    def concerns(change: Change, changed: str) -> bool:
        _ = change
        # Editors save by renaming, so the folder is watched, and files are told apart here.
        return Path(changed) == path.resolve() or (Path(changed).is_relative_to(pages) and Path(changed) != pages)

    with _until_ctrl_c() as stop:
        saves = changes_of(
            folder,
            watch_filter=concerns,
            debounce=_MOST_MS,
            step=_QUIET_MS,
            rust_timeout=_TIMEOUT_MS,
            yield_on_timeout=True,
            raise_interrupt=True,
            stop_event=stop,
        )
        try:
            next(saves, None)  # from here on no save is missed
            run_once(path, stop)
            console.note(f"watching {path} and {path.with_suffix('')}/; Ctrl-C ends")
            for changed in saves:
                if changed:
                    run_once(path, stop)
        except KeyboardInterrupt:  # the second Ctrl-C
            pass
        console.note("no longer watching")


@contextmanager
def _until_ctrl_c() -> Iterator[Event]:
    """An event that the first Ctrl-C sets; the second one raises KeyboardInterrupt.

    An exception at any place may leave a lock that some library holds there (coverage's is one) held for ever, and
    what comes next waits for it.
    """
    stop = Event()

    def interrupted(number: int, frame: FrameType | None) -> None:
        _ = frame
        stop.set()
        signal.signal(number, signal.default_int_handler)

    before = signal.signal(signal.SIGINT, interrupted)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)


def run_once(path: Path, stop: Event) -> bool:
    """Load the recipe and run its tests now; problems are printed, not raised. True if all passed.

    No further test is begun once `stop` is set, and nothing more is said.
    """
    to = console.out()
    begun = time.perf_counter()
    console.line(to, (f"{time.strftime('%H:%M:%S')} {path}", "bold"))
    if not path.is_file():
        console.line(to, ("the file is gone", "yellow"))
        return False
    try:
        recipe = load_recipe(path)
    except RecipeError as error:
        for problem in error.problems:
            console.line(to, console.safe(str(problem)))
        console.line(to, (console.plural(len(error.problems), "problem"), "bold red"))
        return False
    verdicts = []
    for test in recipe.tests:
        if stop.is_set():
            return False
        verdicts.append(run_test(recipe, test))
    print_verdicts(to, recipe, verdicts)
    failed = sum(not verdict.passed for verdict in verdicts)
    summary = f"{len(verdicts) - failed} passed" + (f", {failed} failed" if failed else "")
    took = f" in {(time.perf_counter() - begun) * 1000:.0f} ms"
    console.line(to, (summary, "bold red" if failed else "bold green"), (took, "dim"))
    return not failed
