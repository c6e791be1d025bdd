"""Recipes that a client has pushed, as calls need them: what a body holds, what a job gets by a name."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, BinaryIO, Final, NamedTuple, cast

from flask import request

from control_api.problems import Problem, bad_request, pointer
from control_api.services import ask
from crawler.catalog.model import Standing
from crawler.catalog.store import Catalog
from crawler.errors import InvalidRecipeName
from crawler.recipe.pages_archive import MAX_PACKED_BYTES
from crawler.recipe.yaml_reader import MAX_BYTES as MAX_TEXT_BYTES

if TYPE_CHECKING:
    from control_api.bodies import BoundedRequest
    from crawler.store import Store

YAML: Final = "application/yaml"
MULTIPART: Final = "multipart/form-data"

#: Of a whole push: the archive, the text, and what is between them.
MAX_PUSH_BYTES: Final = MAX_PACKED_BYTES + MAX_TEXT_BYTES + 64 * 1024

#: A push must have arrived after so long, in seconds.
_PUSH_PATIENCE_S: Final = 60.0


class Pushed(NamedTuple):
    """What a push brings: the text, and the archive of saved pages if there is one."""

    text: str
    pages: BinaryIO | None


class OwnText(NamedTuple):
    """What a job gets by a name: `text` is None if the client has no such recipe, or none that it may use: `why`."""

    text: str | None
    why: str


def pushed() -> Pushed:
    """The body of the present call.

    Raises:
        Problem: it is of another type, or not what it should be.
    """
    if request.content_encoding:
        raise Problem("unsupported_media_type", "The body must not be packed: leave out Content-Encoding.")
    if request.mimetype == YAML:
        return Pushed(_decoded(request.get_data()), None)
    if request.mimetype == MULTIPART:
        return _of_parts()
    raise Problem(
        "unsupported_media_type",
        f"The body is {request.mimetype or 'of no type'}; send the recipe as {YAML}, or {MULTIPART} with the parts"
        " `recipe` and `pages`.",
    )


def _of_parts() -> Pushed:
    with cast("BoundedRequest", request).patience(_PUSH_PATIENCE_S):
        fields, files = request.form, request.files
    names = [name for part in (fields, files) for name, values in part.lists() for _ in values]
    errors = [(pointer("body", name), "Unknown field") for name in sorted(set(names) - {"recipe", "pages"})]
    errors += [(f"/body/{name}", "is there twice") for name in ("recipe", "pages") if names.count(name) > 1]
    if "recipe" not in names:
        errors.append(("/body/recipe", "Missing data for required field"))
    if "pages" in fields:
        errors.append(("/body/pages", "must be a file: give it a file name"))
    if errors:
        raise bad_request(errors)
    text = fields["recipe"] if "recipe" in fields else _decoded(files["recipe"].stream.read(MAX_TEXT_BYTES + 1))
    pages = files.get("pages")
    if pages is not None and _size(pages.stream) > MAX_PACKED_BYTES:
        raise Problem("too_large", f"`pages` may have {MAX_PACKED_BYTES:,} bytes.")
    return Pushed(text, None if pages is None else cast("BinaryIO", pages.stream))


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise bad_request([("/body", "is no text in UTF-8")]) from None


def _size(file: IO[bytes]) -> int:
    file.seek(0, 2)
    size = file.tell()
    file.seek(0)
    return size


def own_text(client: str, name: str, version: str) -> OwnText:
    """The text that a job of a client gets by this name; of no version: that of the current one.

    Only what has passed its check is given.
    """

    async def look(store: Store) -> OwnText:
        catalog = Catalog(store)
        try:
            if not version:
                current = await catalog.current(client, name)
                if current is not None:
                    return OwnText(await catalog.text_of(current.sha256), "")
                has_some = bool(await catalog.versions(client, name))
                return OwnText(None, f"no version of the recipe {name} has passed its check" if has_some else "")
            found = await catalog.version(client, name, version)
        except InvalidRecipeName:
            return OwnText(None, "")
        if found is None:
            return OwnText(None, "")
        if found.standing is Standing.PASSED:
            return OwnText(await catalog.text_of(found.sha256), "")
        return OwnText(None, f"version {version} of the recipe {name} is {found.standing}")

    return ask(look)
