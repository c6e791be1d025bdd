"""Seventy files that are wrong, each in one way that people are wrong, and bombs: refused in place, fast and small.

Each file's first two lines say what must be reported: `# line N: part of the message` and `# hint: part of the hint`.
"""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from crawler.errors import RecipeError
from crawler.recipe.loader import load_recipe, load_recipe_text
from crawler.recipe.yaml_reader import MAX_BYTES

BAD = Path(__file__).parent / "bad"
FILES = sorted(BAD.glob("*.yaml"))


def expectation(path: Path) -> tuple[int, str, str]:
    content = path.read_bytes()
    text = content.decode("utf-16" if content.startswith(b"\xff\xfe") else "utf-8", "replace")
    first, second = text.split("\n")[:2]
    line, _, message = first.removeprefix("# line ").partition(": ")
    return int(line), message, second.removeprefix("# hint:").strip()


def problems_of(path: Path):
    with pytest.raises(RecipeError) as caught:
        load_recipe(path)
    return caught.value.problems


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_bad_file_is_refused_at_its_line_with_the_cure(path):
    line, message, hint = expectation(path)
    started = time.process_time()
    problems = problems_of(path)
    elapsed_s = time.process_time() - started
    shown = "\n".join(map(str, problems))
    assert any(p.line == line and message in p.message and hint in (p.hint or "") for p in problems), shown
    assert all(problem.file == str(path) and problem.column >= 1 for problem in problems)
    assert elapsed_s < 1


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_bad_file_is_refused_for_its_one_fault_and_little_else(path):
    assert len(problems_of(path)) <= 3, "\n".join(map(str, problems_of(path)))


def test_there_are_more_than_sixty_bad_files():
    assert len(FILES) + len(BOMBS) > 60


# --- bombs -----------------------------------------------------------------------------------------------------------

LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{letter}: &{letter} [{', '.join(['*' + before] * 9)}]\n"
    for before, letter in zip("abcdefghi", "bcdefghij", strict=True)
)
HALF = MAX_BYTES // 2
BOMBS = {
    "billion laughs": (LAUGHS, "YAML anchor"),
    "a million keys": ("".join(f"k{number}: 1\n" for number in range(1_000_000)), "bytes; a recipe has at most"),
    "keys up to the size limit": ("".join(f"k{number}: 1\n" for number in range(20_000)), "keys and values"),
    "a list up to the size limit": ("[" + "1," * 120_000 + "1]", "keys and values"),
    "brackets opened": ("[" * 200_000, "nested deeper"),
    "braces opened": ("{" * 200_000, "nested deeper"),
    "braces opened with keys": ("{a: " * 60_000, "nested deeper"),
    "brackets opened and closed": ("[" * 100_000 + "]" * 100_000, "nested deeper"),
    "block lists": ("- " * 120_000, "nested deeper"),
    "block maps": ("".join(" " * depth + "a:\n" for depth in range(500)), "nested deeper"),
    "question marks": ("? " * 120_000, ""),
    "a huge plain value": ("name: " + "x" * (MAX_BYTES - 10), ""),
    "a huge quoted value": ('name: "' + "x" * (MAX_BYTES - 10) + '"', ""),
    "a huge block of text": ("name: |\n" + "  x\n" * 60_000, ""),
    "a huge number": ("schema_version: " + "9" * 200_000, "digits"),
    "a huge exponent": ("schema_version: 1e999999999", "digits"),
    "a huge key": ("x" * 200_000 + ": 1", ""),
    "a key of a thousand words": ("schema_version: 1\n" + "word " * 1_000 + ": 1", ""),
    "one long comment": ("# " + "x" * (MAX_BYTES - 10), "the file is empty"),
    "blank lines": ("\n" * (MAX_BYTES - 1), "the file is empty"),
    "blanks": (" " * (MAX_BYTES - 1), "the file is empty"),
    "colons": (":" * 200_000, ""),
    "dashes": ("-" * 200_000, ""),
    "stars": ("*" * 200_000, ""),
    "quotes": ("'" * 200_001, ""),
    "unknown keys": ("".join(f"key_number_{number}: 1\n" for number in range(4_900)), "more problems"),
    "a long line that does not parse": ("a: {b: " + "c[d, " * 40_000, ""),
    "anchors": ("".join(f"k{number}: &a{number} x\n" for number in range(10_000)), "YAML anchor"),
    "tags": ("!t " * 80_000, ""),
    "directives": ("%TAG ! tag:x,2000:\n" * 10_000, ""),
    "fifty thousand templates": ("name: " + '"' + "{{ inputs.x }}" * 15_000 + '"', ""),
    "swallowed keys": ("{name: a, " + ", ".join("b" * 3 + str(number) for number in range(4_000)) + "}", ""),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_in_less_than_a_second(name):
    text, message = BOMBS[name]
    started = time.process_time()
    with pytest.raises(RecipeError) as caught:
        load_recipe_text(text)
    elapsed_s = time.process_time() - started
    assert any(message in problem.message for problem in caught.value.problems), str(caught.value)[:2_000]
    assert len(str(caught.value)) < 200_000
    assert elapsed_s < 1


#: VmHWM is the process's own peak; getrusage's is never below what its parent had when it was started.
MEASURE = """
import json, sys
from pathlib import Path
from crawler.errors import RecipeError
from crawler.recipe.loader import load_recipe_text
for text in json.load(sys.stdin):
    try:
        load_recipe_text(text)
    except RecipeError:
        continue
    raise SystemExit("a bomb was accepted")
print(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
"""


def test_all_bombs_together_stay_below_200_mb():
    bombs = json.dumps([text for text, _ in BOMBS.values()])
    done = subprocess.run([sys.executable, "-c", MEASURE], input=bombs, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 200_000
