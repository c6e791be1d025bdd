"""Groups load their commands when they are called, and turn refusals into messages."""

import click
import pytest
from click.testing import CliRunner

from crawler.cli.groups import CommandGroup, pairs
from crawler.errors import ConfigError, InputError, RecipeError
from crawler.recipe.diagnostics import Problem

PROBLEM = Problem(file="a.yaml", line=3, column=5, path="pages", message="is missing", hint="write it")


@click.group(cls=CommandGroup, lazy={"later": ("no.such.module:command", "Never loaded.")})
def group():
    """A group."""


@group.command()
@click.argument("kind")
def fail(kind):
    """Fail."""
    raise {
        "config": ConfigError("CRAWLERY_X is wrong"),
        "input": InputError(["input a: is missing; give it as -a a=1", "input b: is no number"]),
        "recipe": RecipeError([PROBLEM, PROBLEM]),
    }[kind]


@pytest.mark.parametrize(
    ("kind", "lines"),
    [
        ("config", ["Error: CRAWLERY_X is wrong"]),
        ("input", ["Error: input a: is missing; give it as --input a=1", "input b: is no number"]),
        ("recipe", ["a.yaml:3:5: pages: is missing; write it"] * 2 + ["Error: 2 problems in the recipe"]),
    ],
)
def test_what_is_refused_is_a_message_and_exit_status_2(kind, lines):
    result = CliRunner().invoke(group, ["fail", kind])
    assert result.exit_code == 2
    assert result.output.splitlines() == lines


def test_help_and_completion_do_not_load_a_command():
    assert "later  Never loaded." in CliRunner().invoke(group, ["--help"]).output
    context = click.Context(group)
    assert [item.value for item in group.shell_complete(context, "la")] == ["later"]


def test_something_that_is_no_command_is_a_bug():
    broken = CommandGroup(lazy={"x": ("crawler.cli.exits:OK", "")})
    with pytest.raises(TypeError, match="is no command"):
        broken.get_command(None, "x")


def test_pairs_are_split_at_the_first_equals_sign():
    assert pairs(("a=1", "b=x=y", " c = "), "--input") == {"a": "1", "b": "x=y", "c": " "}


@pytest.mark.parametrize("values", [("a",), ("=1",), ("a=1", "a=2")])
def test_what_is_no_pair_is_refused(values):
    with pytest.raises(click.BadParameter):
        pairs(values, "--input")


def test_the_help_of_a_group_lists_commands_of_both_kinds():
    group = CommandGroup("g", lazy={"one": ("nowhere:one", "The first one.")})

    @group.command("two")
    def two() -> None:
        """The second one. With more to say."""

    lines = CliRunner().invoke(group, ["--help"]).output.splitlines()
    assert lines[-2:] == ["  one  The first one.", "  two  The second one."]
