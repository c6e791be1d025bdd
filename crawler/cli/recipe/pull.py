"""`crawlery recipe pull`: writes a recipe of the control API into a file, and its saved pages beside it."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

import click
import httpx

from crawler.cli import console, exits
from crawler.cli.api_target import api_target, opened, with_api
from crawler.cli.groups import CommandFailed
from crawler.client.connection import is_loopback, loopback_apart
from crawler.recipe.pages_archive import MAX_PACKED_BYTES, ArchiveRefused, unpack_pages

if TYPE_CHECKING:
    from crawler.client.model import RecipeDetail

_TIMEOUT_S: Final = 60.0


@click.command()
@click.argument("name", metavar="NAME[@VERSION]")
@with_api
@click.option("--client", metavar="ID", help="Whose it is; another client's is for admins.")
@click.option("-o", "--output", "folder", type=click.Path(path_type=Path, file_okay=False), default=Path("recipes"),
              show_default=True, help="Folder of recipes.")  # fmt: skip
@click.option("--force", is_flag=True, help="Write over a file that is there.")
def pull(*, name: str, api_url: str | None, client: str | None, folder: Path, force: bool) -> int:
    """Write a recipe of the control API into FOLDER/NAME.yaml, and its saved pages into FOLDER/NAME/."""
    wanted, _, version = name.partition("@")
    target = api_target(api_url)
    with opened(target) as api:
        recipe = api.recipes.get(wanted, version=version or None, client=client)
    path, pages = folder / f"{wanted}.yaml", folder / wanted
    for there in (path, *((pages,) if recipe.pages_url else ())):
        if there.exists() and not (force and there == path):
            way_out = "--force writes over it" if there == path else "remove it, or take another folder with -o"
            raise CommandFailed(f"{there} is there already; {way_out}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        count = _write_pages(recipe, pages, is_local=is_loopback(target.url)) if recipe.pages_url else 0
        path.write_text(recipe.text, encoding="utf-8", newline="")
    except OSError as error:
        raise CommandFailed(f"{error.filename or folder}: {(error.strerror or str(error)).lower()}") from error
    about = f" with {console.plural(count, 'page')}" if count else ""
    console.line(console.out(), str(path), f"  {console.safe(recipe.version)}, {recipe.state}{about}")
    return exits.OK


def _write_pages(recipe: RecipeDetail, folder: Path, *, is_local: bool) -> int:
    """Unpacks its pages into a folder, once they are the ones that the API has named."""
    packed = _fetched(recipe.pages_url or "", is_local=is_local)
    if hashlib.sha256(packed).hexdigest() != recipe.pages_sha256:
        raise CommandFailed(f"the saved pages of {recipe.name} have come damaged; try again")
    with tempfile.NamedTemporaryFile(suffix=".tar") as archive:
        archive.write(packed)
        archive.flush()
        try:
            return unpack_pages(Path(archive.name), folder)
        except ArchiveRefused as error:
            raise CommandFailed(f"the saved pages of {recipe.name}: {error}") from error


def _fetched(url: str, *, is_local: bool) -> bytes:
    if url.startswith("file:"):
        if not is_local:
            raise CommandFailed("the saved pages are in a folder of another machine, which keeps its files there")
        return Path(unquote(urlsplit(url).path)).read_bytes()
    fetched = bytearray()
    try:
        with (
            httpx.Client(timeout=_TIMEOUT_S, mounts=loopback_apart()) as client,
            client.stream("GET", url) as response,
        ):
            response.raise_for_status()
            for chunk in response.iter_bytes():
                fetched += chunk
                if len(fetched) > MAX_PACKED_BYTES:
                    raise CommandFailed("the saved pages are larger than they may be")
    except httpx.HTTPError as error:
        raise CommandFailed(f"the saved pages cannot be fetched: {error}") from error
    return bytes(fetched)
