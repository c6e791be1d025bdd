"""A worker has everything loaded before it is forked: it begins at once, and shares the memory of what is loaded."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest
from node_jobs import RECIPE

from crawler.jobs.model import Job

#: What a worker cannot have from the process that it is forked from: a reactor does not survive a fork.
NEVER = {"twisted.internet.reactor"}

#: What is loaded inside of functions and is not for every worker: of the commands of a person, for those who have an
#: S3 or a `.env`, for files of Parquet.
OF_FEW = {
    *("click", "crawler.recipe.diagnose", "dotenv"),
    *("crawler.exports.objects_s3", "crawler.exports.storage", "pyarrow", "pyarrow.parquet"),
}

WARM = "import gc, json, sys\nfrom crawler.scrapyd.forkserver import warm_up\nwarm_up()\n"

CRAWL = f"""{WARM}
import os
from pathlib import Path
from crawler.spiders.worker import WorkerOrder, run_worker
before = set(sys.modules)
pid = os.fork()
if not pid:
    status = run_worker(WorkerOrder(job="j1", node="n", settings={{"REDIS_URL": sys.argv[1], "WORKER_IDLE_S": 1}}))
    Path(sys.argv[2]).write_text(json.dumps([status, sorted(set(sys.modules) - before)]))
    os._exit(0)
os.waitpid(pid, 0)
"""

BY_CSS = "{css: h1, process: [strip]}"
BY_XPATH = "{xpath: '//h1'}"
DATES = "[{css: h1, process: [{date: {relative: true}}]}, {css: h1, process: [price]}, h1]"


@pytest.mark.parametrize("name", [BY_CSS, BY_XPATH, DATES], ids=["css", "xpath", "dates and prices"])
def test_a_worker_loads_nothing_after_it_was_forked(tmp_path, shop, jobs, valkey, name):
    text = RECIPE.replace("name: h1}", f"name: {name}}}")
    assert text != RECIPE
    jobs.create(Job(id="j1", recipe="items", recipe_text=text, inputs={"site": shop.url}, secret=b"0123456789abcdef"))
    told = tmp_path / "told.json"
    subprocess.run([sys.executable, "-c", CRAWL, valkey.url, str(told)], check=True, capture_output=True, timeout=60)
    status, loaded = json.loads(told.read_text())
    assert status == 0
    assert len(jobs.names("j1")) > 10
    assert set(loaded) == NEVER


def test_what_functions_load_is_loaded_before_the_fork_too():
    told = "print(json.dumps({name: getattr(m, '__file__', None) for name, m in sys.modules.items()}))"
    done = subprocess.run([sys.executable, "-c", WARM + told], check=True, capture_output=True, text=True, timeout=60)
    loaded = json.loads(done.stdout)
    late: dict[str, str] = {}
    for name, path in loaded.items():
        if name.startswith("crawler.") and path:
            late |= dict.fromkeys(_inner_imports(path), name)
    assert "crawler.extensions.fleet_worker" in late  # it does find them
    assert not {name: where for name, where in late.items() if name not in loaded and name not in NEVER | OF_FEW}


def _inner_imports(path: str) -> set[str]:
    """Modules that functions import. What is imported by `from package import module` is one, too."""
    tree = ast.parse(Path(path).read_text(encoding="utf-8"))
    found = set()
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for node in ast.walk(function):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module == "twisted.internet":
                found |= {f"{node.module}.{alias.name}" for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                found.add(node.module)
    return found


def test_what_is_loaded_is_frozen_so_that_its_pages_stay_shared():
    done = subprocess.run(
        [sys.executable, "-c", f"{WARM}print(gc.get_freeze_count() > 100_000, len(gc.get_objects()) < 10_000)"],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.split() == ["True", "True"]
