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
        name = unquote(request.path).lstrip("/")
        if "\0" in name:
            return _NOT_FOUND
        found = (root / name).resolve()
        if not found.is_relative_to(root):
            return _NOT_FOUND
        if found.is_dir():
            if not request.path.endswith("/"):
                # one slash in front: two would name another host
                return HttpResponse(status=301, headers=(("Location", f"/{quote(name)}/"),), content_type=None)
            found /= _INDEX
        if not found.is_file() or (request.path.endswith("/") and found.name != _INDEX):
            return _NOT_FOUND
        kind = mimetypes.guess_type(found.name)[0] or "application/octet-stream"
        return HttpResponse(body=found.read_bytes(), content_type=kind)

    return handle
