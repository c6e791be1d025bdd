"""`scrapy shell` with `rule(...)`: evaluates a recipe's rule on the fetched response, as a recipe would."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scrapy.commands.shell import Command as ScrapyShell
from scrapy.utils.url import guess_scheme

from crawler.downloader.resolver import installed_resolver
from crawler.egress.persons import hosts_of
from crawler.errors import CrawleryError
from crawler.recipe.values import is_missing

if TYPE_CHECKING:
    from argparse import Namespace

    from scrapy.http import Response


class Command(ScrapyShell):
    """Scrapy's own shell; see the module."""

    def run(self, args: list[str], opts: Namespace) -> None:
        """As Scrapy's; the URL that was typed may be on the person's own machine or network."""
        if self.crawler_process is None:
            raise AssertionError("Scrapy gives each command its process")
        installed_resolver(self.crawler_process.settings).trust(hosts_of(map(guess_scheme, args[:1])))
        super().run(args, opts)

    def update_vars(self, vars: dict[str, Any]) -> None:  # noqa: A002 - Scrapy's name for it
        """Add `rule` to what the shell knows; it reads whatever `response` is at that moment."""
        vars["rule"] = RuleShortcut(vars)


class RuleShortcut:
    """`rule("css or YAML")`: the value, None if it is missing."""

    def __init__(self, variables: dict[str, Any]) -> None:
        self._variables = variables

    def __call__(self, rule: Any) -> Any:
        """Evaluate a rule: a string as in a recipe, YAML text of a map or list, or the map or list itself.

        Raises nothing for a wrong rule: the reason is printed, as in any shell.
        """
        import click  # noqa: PLC0415 - Scrapy loads this module for every command

        from crawler.recipe.diagnose import evaluate_rule, rule_page  # noqa: PLC0415 - for every command, too

        response: Response | None = self._variables.get("response")
        if response is None:
            click.echo("there is no response yet: fetch(url) first")
            return None
        headers = {
            name.decode("latin-1").lower(): b", ".join(values).decode("latin-1")
            for name, values in response.headers.items()
        }
        page = rule_page(response.url, response.body, status=response.status, headers=headers)
        try:
            got = evaluate_rule(rule, page)
        except CrawleryError as error:
            click.echo(f"{type(error).__name__}: {error}")
            return None
        if is_missing(got.value):
            click.echo(f"missing: {got.failure or f'{got.matches} matches'}")
            return None
        if got.matches > 1 and not isinstance(got.value, list):
            click.echo(f"{got.matches} matches, the first that is not missing was taken")
        return got.value

    def __repr__(self) -> str:
        return 'rule("...")  evaluates a recipe\'s rule on `response`'
