"""`scrapy shell` in the checkout."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_scrapy_shell_evaluates_rules_on_the_response(workplace, shop):
    product = shop.catalogue.products[0]
    command = [sys.executable, "-m", "scrapy", "shell", f"{shop.url}{product.path}", "--nolog", "-c"]

    def shell(code):
        done = subprocess.run(
            [*command, code], cwd=ROOT, env=workplace.environment, capture_output=True, text=True, check=True
        )  # fmt: skip
        return done.stdout.strip().splitlines()

    assert shell('rule(".sku")') == [product.sku]
    assert shell('rule("{css: .sku, proces: [lower]}")')[0].endswith("unknown key 'proces' (did you mean 'process'?)")
    assert shell('rule(".none")')[0] == "missing: 0 matches"
