"""Sizes and habits that keep the code readable. An exception names the item and the reason, here."""

from __future__ import annotations

import ast
import re
import statistics
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from source import TESTS, branches, is_public, length, modules

#: "module:name" -> why it may be larger.
LONGER_FUNCTIONS: dict[str, str] = {}
LONGER_MODULES: dict[str, str] = {}


def test_no_module_is_longer_than_600_lines_and_nine_in_ten_stay_under_350():
    sizes = {module.name: module.lines for module in modules()}
    assert not {name: size for name, size in sizes.items() if size > 600 and name not in LONGER_MODULES}
    assert statistics.quantiles(sizes.values(), n=10)[-1] <= 350


def test_no_function_is_longer_than_60_lines_or_has_more_than_15_branches():
    long, branchy, sizes = {}, {}, []
    for module in modules():
        for function in module.functions():
            name = f"{module.name}:{function.name}"
            sizes.append(length(function))
            if length(function) > 60 and name not in LONGER_FUNCTIONS:
                long[name] = length(function)
            if branches(function) > 15:
                branchy[name] = branches(function)
    assert not long
    assert not branchy
    assert statistics.quantiles(sizes, n=10)[-1] <= 25


def test_no_class_has_more_than_25_methods():
    many = {}
    for module in modules():
        for node in module.classes():
            methods = [member for member in node.body if isinstance(member, ast.FunctionDef | ast.AsyncFunctionDef)]
            if len(methods) > 25:
                many[f"{module.name}:{node.name}"] = len(methods)
    assert not many


def test_every_module_says_what_it_is_for():
    assert not [module.name for module in modules() if module.text.strip() and not ast.get_docstring(module.tree)]


def test_most_public_names_are_documented():
    public, documented = 0, 0
    for module in modules():
        for node in [*module.tree.body, *(member for cls in module.classes() for member in cls.body)]:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and is_public(node.name):
                public += 1
                documented += ast.get_docstring(node) is not None
    assert documented / public >= 0.85


def test_type_ignores_are_few_and_carry_their_code():
    ignores = [
        (module.name, line)
        for module in modules()
        for line in module.text.splitlines()
        if re.search(r"#\s*type:\s*ignore", line)
    ]
    assert not [entry for entry in ignores if "type: ignore[" not in entry[1]]
    assert len(ignores) <= 3 * sum(module.code_lines for module in modules()) / 1000 + 1


def test_nine_modules_in_ten_are_mirrored_by_a_test_file():
    tests = {path.stem for path in TESTS.rglob("test_*.py")}
    folders = {path.name for path in TESTS.rglob("*") if path.is_dir() and any(path.glob("test_*.py"))}
    sizeable = [module for module in modules() if module.code_lines > 30 and module.path.name != "__init__.py"]
    unmirrored = [
        module.name
        for module in sizeable
        if f"test_{module.path.stem}" not in tests and module.path.stem not in folders
    ]
    assert len(unmirrored) <= len(sizeable) / 10, unmirrored


@pytest.mark.parametrize(
    ("pattern", "allowed"),
    [
        (r"\bos\.environ\b|\bos\.getenv\b|\bEnv\(", {"crawler.config"}),
        (r"^\s*(import|from) (c?[Pp]ickle|shelve|marshal)\b", set()),
        (r"\beval\(|\bexec\(", set()),
        (r"except\s*:|except BaseException", set()),
        (r"yaml\.(unsafe_load|full_load|load)\(", set()),
        (r"shell\s*=\s*True", set()),
        (r"\bsetrlimit\(|\bunshare\(", {"crawler.recipe.confinement"}),
    ],
)
def test_banned_calls_stay_out(pattern, allowed):
    found = {
        f"{module.name}:{number}"
        for module in modules()
        if module.name not in allowed
        for number, line in enumerate(module.text.splitlines(), 1)
        if re.search(pattern, line) and not line.lstrip().startswith("#")
    }
    assert not found


def test_only_the_command_line_prints():
    printing = {
        f"{module.name}:{node.lineno}"
        for module in modules()
        if not module.name.startswith(("crawler.cli", "crawler.sample_shop.__main__"))
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    }
    assert not printing
