"""`crawlery recipe bands`: where the next run of a recipe should be, as its earlier runs have shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from crawler.cli import console, exits
from crawler.cli.job_quality import band_lines, learned_of
from crawler.cli.job_where import with_where
from crawler.config import read_config
from crawler.exports.objects_folder import FolderObjectStore

if TYPE_CHECKING:
    from crawler.cli.job_where import Where
    from crawler.client.model import LearnedSeries

#: In the folder of exports: what crawls of this machine were like.
_HISTORY: Final = ".history"


@click.command("bands")
@click.argument("name", metavar="NAME")
@with_where
@click.option("--here", is_flag=True, help="Of crawls on this machine (`crawlery crawl`), not of a fleet's jobs.")
def bands(*, name: str, where: Where, here: bool) -> int:
    """Show where the next run of the recipe NAME should be, if it has `quality: {bands: learned}`.

    A band for each figure, by the inputs that runs had; those with the newest runs first.
    """
    if here:
        found: list[LearnedSeries] = learned_of(FolderObjectStore(read_config().exports_dir / _HISTORY), name)
    else:
        with where.desk() as desk:
            found = list(desk.learned(name))
    if not found:
        console.note(f"nothing was learned of {console.safe(name)}: no whole run of it had `quality.bands`")
    for each in found:
        last = each.at.strftime("%Y-%m-%d %H:%M:%S UTC") if each.at is not None else "-"
        console.line(
            console.out(), (console.safe(each.series), "bold"), console.safe(f"  newest run {each.job}, {last}")
        )
        if each.bands.why:
            console.line(console.out(), console.safe(f"  {each.bands.why}"))
        for line in band_lines(each.bands.figures):
            console.line(console.out(), console.safe(f"  {line}"))
    return exits.OK
