"""The `crawlery` command: its groups, what is printed when something goes wrong, and the exit status.

A command is loaded when it is called: only `crawl`, `demo` and `shop` need Scrapy or a server, and `crawlery --help`
should not wait for them.
"""

from __future__ import annotations

import sys
import tempfile
import traceback
from pathlib import Path
from typing import NoReturn

import click

from crawler.cli import exits
from crawler.cli.groups import CommandGroup

_HELP = """Crawlery turns a YAML recipe into a crawl, and the crawl into a CSV.

\b
crawlery demo                                a crawl to look at
crawlery recipe new https://shop.example/    a first recipe for a site
crawlery recipe test NAME                    prove it on saved pages
crawlery crawl NAME -o rows.csv              crawl
crawlery up; crawlery job run NAME           a platform, and a job for it
crawlery login --url https://HOST            jobs of a platform elsewhere
"""


@click.group(
    cls=CommandGroup,
    lazy={
        "crawl": ("crawler.cli.crawl:crawl", "Crawl a site with a recipe and write its rows to a file."),
        "demo": ("crawler.cli.demo:demo", "The whole platform at work on the bundled sample shop."),
        "job": ("crawler.cli.job:job", "Hand jobs to the fleet, look at them, and take their rows."),
        "results": ("crawler.cli.job_results:results_group", "Download the files of a job."),
        "login": ("crawler.cli.login:login", "Keep the address of an API, and a key for it."),
        "logout": ("crawler.cli.login:logout", "Forget them."),
        "whoami": ("crawler.cli.login:whoami", "Which API commands talk to, and what the key may do."),
        "keys": ("crawler.cli.keys:keys", "Keys of the API: who may ask, and for what."),
        "clients": ("crawler.cli.clients:clients", "Clients of the API: whose jobs and keys there are."),
        "audit": ("crawler.cli.audit:audit", "Who has changed what, and whether that was touched."),
        "recipe": ("crawler.cli.recipe.group:recipe", "Make, check, try and test recipes."),
        "state": ("crawler.cli.state:state", "What incremental recipes know of earlier runs."),
        "shop": ("crawler.cli.shop:shop", "Serve the bundled sample shop, to try things on."),
        "up": ("crawler.cli.up:up", "Run the whole platform on this machine until Ctrl-C."),
        "api": ("crawler.cli.api:api", "Run the control API: jobs, keys and results over HTTP."),
        "node": ("crawler.cli.node:node", "Run a node: it takes work from the store and starts workers for it."),
        "steward": ("crawler.cli.steward:steward", "Run the process that turns rows into files and ends jobs."),
    },
    help=_HELP,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option("--debug", is_flag=True, help="When Crawlery itself fails, show the traceback.")
@click.version_option(package_name="crawlery", prog_name="crawlery", message="%(prog)s %(version)s")
def cli(*, debug: bool) -> None:
    """Turn a YAML recipe into a crawl, and the crawl into a CSV."""
    _ = debug


def main() -> NoReturn:
    """Entry point of `crawlery`: runs the command line and ends the process with its exit status."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run the command line; every failure becomes a message on stderr and an exit status."""
    try:
        status = cli.main(arguments, prog_name="crawlery", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted.", err=True)
        return exits.INTERRUPTED
    except BrokenPipeError:
        # `crawlery recipe list | head`: nobody is left to be told.
        sys.stderr.close()
        return exits.OK
    except Exception as error:  # noqa: BLE001 - the process border: a bug is reported, not thrown at the person
        return _report_bug(error, debug="--debug" in arguments)
    return status if isinstance(status, int) else exits.OK


def _report_bug(error: Exception, *, debug: bool) -> int:
    trace = "".join(traceback.format_exception(error))
    if debug:
        click.echo(trace, err=True)
        where = "the traceback is above"
    else:
        with tempfile.NamedTemporaryFile(
            "w", prefix="crawlery-bug-", suffix=".txt", delete=False, encoding="utf-8", errors="backslashreplace"
        ) as file:
            file.write(trace)
        where = f"the traceback is in {Path(file.name)}"
    click.echo(f"Error: this is a bug in Crawlery ({type(error).__name__}: {error}); {where}", err=True)
    return exits.BUG
