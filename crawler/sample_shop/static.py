"""Serves the files of a folder, so that a saved copy of a site can be crawled like the site itself."""

from __future__ import annotations

import mimetypes
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, unquote

from crawler.errors import ConfigError
from crawler.sample_shop.httpd import HttpResponse

if TYPE_CHECKING:
    from pathlib import Path

    from crawler.sample_shop.httpd import Handler, HttpRequest

_INDEX: Final = "index.html"
_NOT_FOUND: Final = HttpResponse(status=404, body=b"<!DOCTYPE html><title>Not found</title><h1>Not found</h1>")


def directory_handler(directory: Path) -> Handler:
    """A handler for the files of `directory`, as a plain web server would give them.

    `/` and every folder give their `index.html`; a folder without its slash redirects; whatever is not there, or lies
    outside (also through a link), is 404. Content types go by file name, without a charset: only the file knows it.

    Raises:
        ConfigError: `directory` is no folder.

    """
    root = directory.resolve()
    if not root.is_dir():
        raise ConfigError(f"{directory}: no such folder to serve; unpack the saved site there first")

    def handle(request: HttpRequest) -> HttpResponse:
        try:
            return _serve(root, request.path)
        except (OSError, RuntimeError, ValueError):
            # a name too long for the file system, a loop of links, a NUL byte: no such page
            return _NOT_FOUND

    return handle


def _serve(root: Path, path: str) -> HttpResponse:
    name = unquote(path).lstrip("/")
    found = (root / name).resolve()
    if not found.is_relative_to(root):
        return _NOT_FOUND
    if found.is_dir():
        if not path.endswith("/"):
            # one slash in front: two would name another host
            return HttpResponse(status=301, headers=(("Location", f"/{quote(name)}/"),), content_type=None)
        found /= _INDEX
    elif path.endswith("/"):
        return _NOT_FOUND
    if not found.is_file():
        return _NOT_FOUND
    kind = mimetypes.guess_type(found.name)[0] or "application/octet-stream"
    return HttpResponse(body=found.read_bytes(), content_type=kind)
