"""The command line as a whole: help, misspellings, exit statuses, bugs."""

import subprocess
import sys

import pytest
from click.testing import CliRunner

from crawler.cli import exits, main
from crawler.cli.main import cli


def run(*arguments):
    return CliRunner().invoke(cli, list(arguments))


def test_help_names_every_command_and_fits_80_columns():
    result = run("--help")
    assert result.exit_code == 0
    for name in ("crawl", "demo", "recipe", "shop"):
        assert f"  {name} " in result.output
    assert max(map(len, result.output.splitlines())) <= 80


def test_every_command_of_a_group_can_be_loaded_and_has_help():
    for group in (cli, cli.get_command(None, "recipe")):
        for name in group.lazy:
            command = group.get_command(None, name)
            assert command.name == name
            assert command.help


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [(["crwl"], "'crawl'"), (["recipe", "validat"], "'validate'"), (["recipe", "list", "--hlep"], "--help")],
)
def test_a_misspelt_command_or_option_is_refused_with_the_right_one(arguments, hint):
    result = run(*arguments)
    assert result.exit_code == 2
    assert "Did you mean" in result.output
    assert hint in result.output


def test_version_is_printed():
    assert run("--version").output.startswith("crawlery 0.")


def test_a_bug_is_one_line_with_a_file_and_exit_status_70(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setitem(cli.lazy, "shop", ("crawler.cli.main:no_such_thing", "broken"))
    assert main.run(["shop"]) == exits.BUG
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert "this is a bug in Crawlery (AttributeError" in message
    (file,) = tmp_path.iterdir()
    assert "Traceback" in file.read_text()


def test_with_debug_a_bug_shows_its_traceback(monkeypatch, capsys):
    monkeypatch.setitem(cli.lazy, "shop", ("crawler.cli.main:no_such_thing", "broken"))
    assert main.run(["--debug", "shop"]) == exits.BUG
    assert "Traceback" in capsys.readouterr().err


def test_a_usage_error_is_exit_status_2_and_no_traceback(capsys):
    assert main.run(["recipe", "try"]) == exits.USAGE
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--help"], ["recipe", "--help"], ["recipe", "validate", "--help"]])
def test_commands_about_recipes_never_load_scrapy(arguments):
    script = (
        "import sys; from crawler.cli.main import run\n"
        f"run({arguments!r})\n"
        "print([name for name in ('scrapy', 'twisted', 'redis') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_looking_at_shared_jobs_never_loads_scrapy():
    script = (
        "import sys; from crawler.cli.main import run\n"
        "run(['job', 'list', '--help'])\n"
        "print([name for name in ('scrapy', 'twisted') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
