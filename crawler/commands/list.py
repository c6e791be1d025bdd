"""`scrapy list`: the names of all recipes and spiders, and a warning for each recipe that cannot be used."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from scrapy.commands.list import Command as ScrapyListCommand
from scrapy.spiderloader import get_spider_loader

from crawler.spiders.loader import RecipeSpiderLoader

if TYPE_CHECKING:
    import argparse


class Command(ScrapyListCommand):
    """See the module."""

    def short_desc(self) -> str:
        """For `scrapy -h`."""
        return "List recipes and spiders"

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        """Names on stdout, warnings on stderr."""
        _ = args, opts
        if self.settings is None:
            raise AssertionError("Scrapy sets the settings before it runs a command")
        loader = get_spider_loader(self.settings)
        broken = loader.broken_recipes() if isinstance(loader, RecipeSpiderLoader) else {}
        sys.stdout.write("".join(f"{name}\n" for name in sorted(loader.list())))
        for name, error in broken.items():
            count = len(error.problems)
            more = f" (and {count - 1} more problems)" if count > 1 else ""
            sys.stderr.write(f"warning: {name} cannot be used: {error.problems[0]}{more}\n")
