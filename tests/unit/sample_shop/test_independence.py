import ast
import sys
from pathlib import Path

import crawler.errors

PACKAGE = Path(crawler.errors.__file__).parent / "sample_shop"


def test_the_shop_stands_on_the_standard_library_and_the_error_tree_alone():
    imported = set()
    for path in PACKAGE.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                imported.add(node.module)
            elif isinstance(node, ast.Import):
                imported |= {alias.name for alias in node.names}
    ours = {name for name in imported if name.startswith("crawler")}
    assert {name for name in ours if not name.startswith("crawler.sample_shop")} == {"crawler.errors"}
    assert {name.partition(".")[0] for name in imported - ours} <= sys.stdlib_module_names
