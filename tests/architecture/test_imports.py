"""What importing a package loads, seen by a fresh interpreter: static import checks miss third-party packages."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from source import ROOT, modules

FORBIDDEN = ("scrapy", "twisted", "redis", "itemadapter", "boto3", "flask")


def loaded_after(statement: str) -> set[str]:
    code = f"import sys\n{statement}\nprint(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(done.stdout.split())


def test_importing_the_package_loads_nothing_else():
    assert not {"scrapy", "lxml", "selectolax", "yaml"} & loaded_after("import crawler")


@pytest.mark.parametrize("package", ["crawler.recipe", "crawler.sample_shop"])
def test_pure_packages_load_neither_scrapy_nor_twisted_nor_redis(package):
    members = [module.name for module in modules() if module.name.startswith(package) and "__main__" not in module.name]
    assert len(members) > 1
    loaded = loaded_after("\n".join(f"import {member}" for member in members))
    assert not loaded & set(FORBIDDEN)


def test_the_client_of_the_control_api_loads_nothing_of_the_platform():
    loaded = loaded_after("import crawler.client")
    assert "httpx" in loaded
    assert not loaded & {*FORBIDDEN, "yaml", "lxml"}  # click comes with httpx, which has a command line of its own


def test_the_supervisor_of_the_platform_loads_no_scrapy():
    assert not {"scrapy", "itemadapter"} & loaded_after("import crawler.cli.up")


def test_no_import_cycle_when_modules_are_loaded():
    names = {module.name for module in modules()}
    graph = {module.name: {name for name in module.loaded_imports(names) if name in names} for module in modules()}
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " -> ".join((*path[path.index(name) :], name))
        if name in done:
            return
        for target in graph[name]:
            if target != name:
                visit(target, (*path, name))
        done.add(name)

    for name in graph:
        visit(name, ())


@pytest.mark.parametrize("package", ["control_api", "crawler.access"])
def test_the_control_api_loads_no_scrapy_whatever_of_it_is_imported(package):
    members = {module.name for module in modules() if module.name.startswith(package)}
    members -= {"control_api.gunicorn_conf", "control_api.wsgi"}  # one reads the environment; the other is below
    assert len(members) > 3
    loaded = loaded_after("\n".join(f"import {member}" for member in sorted(members)))
    assert not {"scrapy", "twisted", "itemadapter", "zope"} & loaded
    assert ("flask" in loaded) == (package == "control_api")


def test_the_processes_of_the_control_api_load_no_scrapy():
    assert not {"scrapy", "twisted", "itemadapter"} & loaded_after("import control_api.wsgi")
