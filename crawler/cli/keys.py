"""`crawlery keys ...`: API keys of the control API."""

from __future__ import annotations

import click

from crawler.cli.groups import CommandGroup


@click.group(
    cls=CommandGroup,
    lazy={"bootstrap": ("crawler.cli.keys_bootstrap:bootstrap", "The first key, made in the store itself.")},
)
def keys() -> None:
    """API keys: who may call the control API."""
