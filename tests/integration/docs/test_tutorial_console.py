"""The tutorial of `docs/recipes.md` as a newcomer follows it: its commands print what the page says they print.

Commands and edits are done in the order of the page, against a running shop. On the page a line `...` stands for any
lines, and `...` at the end of a line for its rest. Times, and the folder in which everything happens, are made alike.
"""

import os
import re
import shlex
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from crawler.sample_shop.server import running_shop

PAGE = Path(__file__).parents[3] / "docs" / "recipes.md"
TUTORIAL = PAGE.read_text(encoding="utf-8").partition("## Your first recipe")[2].partition("\n## ")[0]
CRAWLERY = [sys.executable, "-c", "import sys; from crawler.cli.main import main; sys.argv[0] = 'crawlery'; main()"]
SITE, FOLDER = "http://127.0.0.1:8000", "/home/me/chairs"
VALIDATE = "crawlery recipe validate chairs"
_FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_KEY = re.compile(r"( *)(\w+):")


@dataclass(frozen=True)
class Typed:
    """A command, what the page says it prints, and what it prints."""

    command: str
    expected: str
    actual: str


def fences():
    return [(match[1], match[2]) for match in _FENCE.finditer(TUTORIAL)]


def like(expected):
    """What the page shows as a regular expression."""
    lines = []
    for line in expected.splitlines():
        if line.strip() == "...":
            lines.append(r"(?:.*\n)*?")
        elif line.endswith("..."):
            lines.append(re.escape(line.removesuffix("...")) + r".*\n")
        else:
            lines.append(re.escape(line) + r"\n")
    return "".join(lines)


def alike(output):
    """Output without what differs from run to run."""
    output = "".join(f"{line.rstrip()}\n" for line in output.splitlines())
    output = re.sub(r"\b\d+ ms\b", "2 ms", output)
    return re.sub(r" in \d+\.\d s$", " in 1.2 s", output, flags=re.MULTILINE)


def with_excerpt(recipe, excerpt, section):
    """The recipe with the lines of an excerpt: a key that is there already is replaced, others come behind the last."""
    lines = recipe.splitlines(keepends=True)
    cursor = lines.index(f"{section}:\n")
    for part in re.split(r"^(?=      \w)", excerpt, flags=re.MULTILINE)[1:]:
        name = _KEY.match(part)[2]
        here = next((at for at in range(cursor, len(lines)) if lines[at].startswith(f"      {name}:")), None)
        end = (cursor if here is None else here) + 1
        while here is not None and lines[end].startswith("       "):
            end += 1
        start = end if here is None else here
        lines[start:end] = part.splitlines(keepends=True)
        cursor = start + part.count("\n") - 1
    return "".join(lines)


class Newcomer:
    """Somebody in an empty folder who does what the tutorial says."""

    def __init__(self, folder, site):
        self.folder, self.site = folder, site
        self.recipe = folder / "recipes" / "chairs.yaml"
        self.edits = iter(("pages", "items"))
        self.typed = {}
        self.draft = ""

    def follow(self):
        for kind, text in fences():
            if kind == "yaml excerpt":
                changed = with_excerpt(self.recipe.read_text(encoding="utf-8"), text, next(self.edits))
                self.recipe.write_text(changed, encoding="utf-8")
            elif kind == "console":
                head, _, expected = text.partition("\n")
                command = head.removeprefix("$ ")
                if command != "crawlery shop":
                    self.typed[command] = Typed(command, expected, self.type(command))
            if self.recipe.exists() and not self.draft:
                self.draft = self.recipe.read_text(encoding="utf-8").replace(self.site, SITE)
        return self

    def type(self, command):
        if command != VALIDATE:
            return self.run(command)
        before = self.recipe.read_text(encoding="utf-8")
        self.recipe.write_text(before.replace("stock: {type: integer}", "stok: {type: integer}"), encoding="utf-8")
        output = self.run(command)
        self.recipe.write_text(before, encoding="utf-8")
        return output

    def run(self, command):
        name, *arguments = shlex.split(command.replace(SITE, self.site))
        assert name == "crawlery"
        if arguments[0] == "crawl":  # pages in the order of the list: which one is named as an example depends on it
            arguments += ["--set", "CONCURRENT_REQUESTS_PER_DOMAIN=1"]
        own = {"RECIPES_PATH": "recipes", "HOME": str(self.folder), "NO_COLOR": "1", "PYTHONUNBUFFERED": "1"}
        done = subprocess.run(
            [*CRAWLERY, *arguments],
            cwd=self.folder,
            env={**os.environ, **own, "COLUMNS": "120"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
        )
        return alike(done.stdout.replace(self.site, SITE).replace(str(self.folder), FOLDER))


@pytest.fixture
def newcomer(tmp_path):
    """After the whole tutorial."""
    with ExitStack() as stack:
        for port in range(7000, 10_000):  # four digits, so that long lines are cut where the page cuts them
            try:
                shop = stack.enter_context(running_shop(port=port))
            except OSError:
                continue
            return Newcomer(tmp_path, shop.url).follow()
    pytest.fail("no free port")


def test_the_commands_of_the_tutorial_print_what_the_page_shows(newcomer):  # one test: the commands build on each other
    assert len(newcomer.typed) >= 8
    others = {
        command: typed.actual
        for command, typed in newcomer.typed.items()
        if re.fullmatch(like(alike(typed.expected)), typed.actual) is None
    }
    assert others == {}, "\n\n".join(f"$ {command}\n{actual}" for command, actual in others.items())
    shown = next(text for kind, text in fences() if kind == "text")
    assert re.search(f"^{like(shown)}", newcomer.draft, re.MULTILINE) is not None, newcomer.draft


def test_a_changed_line_would_be_noticed():
    page = "one\n...\nlast: ...\n"
    assert re.fullmatch(like(page), "one\ntwo\nthree\nlast: 4\n") is not None
    assert re.fullmatch(like(page), "one\nlast: 4\n") is not None
    assert re.fullmatch(like(page), "one\ntwo\nlost: 4\n") is None
    assert re.fullmatch(like(page), "one\ntwo\nlast: 4\nfive\n") is None
    assert alike("x 17 ms\nchairs: complete in 3.4 s  \n") == "x 2 ms\nchairs: complete in 1.2 s\n"


def test_an_edit_replaces_a_field_and_puts_a_new_one_behind_it():
    recipe = "pages:\n  p:\n    fields:\n      a: x\n      b:\n        - y\n      c: z\nitems:\n"
    excerpt = "      b: new\n      d:\n        css: d\n"
    edited = "pages:\n  p:\n    fields:\n      a: x\n      b: new\n      d:\n        css: d\n      c: z\nitems:\n"
    assert with_excerpt(recipe, excerpt, "pages") == edited
