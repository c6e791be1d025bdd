"""Command groups: loaded on demand, with errors of Crawlery turned into messages."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from crawler.cli import exits
from crawler.errors import CrawleryError, InputError, RecipeError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class CommandFailed(click.ClickException):
    """A message for the person who typed the command; exit status 2."""

    exit_code = exits.USAGE


class RecipeRefused(CommandFailed):
    """Everything that is wrong with a recipe, one problem a line, as editors and scripts read it."""

    def __init__(self, error: RecipeError) -> None:
        super().__init__(str(error))
        self.problems = error.problems

    def show(self, file: Any = None) -> None:
        """Print the problems to stderr."""
        for problem in self.problems:
            click.echo(str(problem), err=True, file=file)
        count = len(self.problems)
        click.echo(f"Error: {count} problem{'' if count == 1 else 's'} in the recipe", err=True, file=file)


class CommandGroup(click.Group):
    """A group whose commands are imported when they are called.

    `lazy` maps a command's name to where it is (`module:attribute`) and to its line in the help text.
    """

    def __init__(self, *args: Any, lazy: Mapping[str, tuple[str, str]] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lazy = dict(lazy or {})

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order in which they were declared: what is needed first comes first."""
        return [*self.lazy, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, imported now if need be."""
        if cmd_name not in self.lazy:
            return super().get_command(ctx, cmd_name)
        module, _, attribute = self.lazy[cmd_name][0].partition(":")
        command = getattr(import_module(module), attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"{module}:{attribute} is no command")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does it; a misspelt name is compared with the lazy commands too."""
        try:
            return super().resolve_command(ctx, args)
        except click.exceptions.NoSuchCommand as error:
            names = self.list_commands(ctx)
            raise click.exceptions.NoSuchCommand(error.command_name, possibilities=names, ctx=ctx) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The command list of the help text, without importing the commands that are not needed otherwise."""
        rows = [
            (name, self.lazy[name][1] if name in self.lazy else self.commands[name].get_short_help_str(limit=100))
            for name in self.list_commands(ctx)
        ]
        if rows:
            with formatter.section("Commands"):
                formatter.write_dl(rows)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Commands and options that begin with `incomplete`, without importing the commands."""
        names = [
            CompletionItem(name, help=summary)
            for name, (_, summary) in self.lazy.items()
            if name.startswith(incomplete)
        ]
        return [*names, *click.Command.shell_complete(self, ctx, incomplete)]

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; what Crawlery refuses becomes a message instead of a traceback."""
        try:
            return super().invoke(ctx)
        except RecipeError as error:
            raise RecipeRefused(error) from error
        except InputError as error:
            # Inputs speak of `-a`, as Scrapy's commands do; here the option is called --input.
            raise CommandFailed("\n".join(error.messages).replace("give it as -a ", "give it as --input ")) from error
        except CrawleryError as error:
            raise CommandFailed(str(error)) from error


def pairs(values: Sequence[str], option: str) -> dict[str, str]:
    """`("site=http://x", ..)` as a mapping.

    Raises:
        click.BadParameter: one of them is no NAME=VALUE, or a name is given twice.
    """
    found: dict[str, str] = {}
    for value in values:
        name, equals, text = value.partition("=")
        if not equals or not name.strip():
            raise click.BadParameter(f"{value!r} is not NAME=VALUE", param_hint=option)
        if name.strip() in found:
            raise click.BadParameter(f"{name.strip()!r} is given twice", param_hint=option)
        found[name.strip()] = text
    return found
