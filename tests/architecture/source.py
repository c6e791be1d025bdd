"""The code base as data, for the tests of this folder: every module, function and class with its size."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = (ROOT / "crawler", ROOT / "control_api")
TESTS = ROOT / "tests"

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_BRANCHES = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.ExceptHandler, ast.IfExp, ast.match_case)


@dataclass(frozen=True)
class Module:
    path: Path
    text: str
    tree: ast.Module

    @property
    def name(self) -> str:
        parts = self.path.relative_to(ROOT).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @property
    def lines(self) -> int:
        return self.text.count("\n")

    @property
    def code_lines(self) -> int:
        """Lines that are no blank, comment or docstring."""
        strings: set[int] = set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
                strings.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
        return sum(
            1
            for number, line in enumerate(self.text.splitlines(), 1)
            if line.strip() and not line.lstrip().startswith("#") and number not in strings
        )

    def functions(self):
        return [node for node in ast.walk(self.tree) if isinstance(node, _FUNCTIONS)]

    def classes(self):
        return [node for node in ast.walk(self.tree) if isinstance(node, ast.ClassDef)]

    def loaded_imports(self, known: set[str]) -> set[str]:
        """Names of modules imported when this one is loaded: not inside functions, not for type checkers only.

        `from package import module` counts as the module, which is one of `known`, and not as its package.
        """
        found: set[str] = set()
        pending = list(self.tree.body)
        while pending:
            node = pending.pop()
            if isinstance(node, ast.Import):
                found.update(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                members = {f"{node.module}.{alias.name}" for alias in node.names}
                found.update(members & known if members <= known else (members & known) | {node.module})
            elif isinstance(node, ast.If):
                is_typing = isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
                pending.extend(node.orelse if is_typing else [*node.body, *node.orelse])
            elif isinstance(node, ast.Try | ast.With):
                pending.extend(node.body)
        return found


@cache
def modules() -> tuple[Module, ...]:
    found = []
    for path in sorted(path for package in PACKAGES for path in package.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        found.append(Module(path=path, text=text, tree=ast.parse(text)))
    return tuple(found)


def length(node: ast.AST) -> int:
    """Lines of a function or class without its docstring."""
    total = node.end_lineno - node.lineno + 1
    first = node.body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        total -= first.end_lineno - first.lineno + 1
    return total


def branches(function: ast.AST) -> int:
    """Branch points of a function's own body; boolean operators count once for each further operand."""
    count = 0
    pending = list(ast.iter_child_nodes(function))
    while pending:
        node = pending.pop()
        if isinstance(node, (*_FUNCTIONS, ast.ClassDef, ast.Lambda)):
            continue
        count += isinstance(node, _BRANCHES)
        pending.extend(ast.iter_child_nodes(node))
    return count


def is_public(name: str) -> bool:
    return not name.startswith("_")
