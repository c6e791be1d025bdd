"""Start addresses of Web Scraper's sitemaps, with their ranges: `?page=[1-100]`, `[001-100]`, `[0-100:10]`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from crawler.recipe.importing.foreign_nodes import Part

_RANGE: Final = re.compile(r"\[(\d{1,9})-(\d{1,9})(?::(\d{1,9}))?\]")
#: Numbers of one range; a recipe's file has room for some thousand values.
_MAX_NUMBERS: Final = 2_000
#: Ranges of one address: every combination is a request.
_MAX_RANGES: Final = 2


def start_entries(part: Part, page: str) -> list[dict[str, Any]]:
    """The entries of `start`: plain addresses together, each range for itself."""
    plain: list[str] = []
    entries: list[dict[str, Any]] = []
    for path, scalar in [*part.scalars("startUrl"), *part.scalars("startUrls")]:
        url = scalar.raw.strip()
        ranges = list(_RANGE.finditer(url))
        if not url.lower().startswith(("http://", "https://")):
            part.found.add("decide", scalar.mark, path, f"`{url}` is no http(s) address", "write it whole, or leave it")
        elif len(ranges) > _MAX_RANGES:
            message = f"it has {len(ranges)} ranges, and every combination would be a request"
            part.found.add("decide", scalar.mark, path, message, "write the addresses that are needed")
        elif not ranges:
            plain.append(url)
        else:
            numbers: dict[str, list[Any]] = {}
            for index, found in enumerate(ranges):
                name = "number" if len(ranges) == 1 else f"number_{index + 1}"
                url = url.replace(found[0], f"{{{{ {name} }}}}", 1)
                numbers[name] = _numbers(found)
                if len(numbers[name]) > _MAX_NUMBERS:
                    numbers[name] = numbers[name][:_MAX_NUMBERS]
                    message = f"{found[0]} has more than {_MAX_NUMBERS:,} numbers; the rest is left out"
                    hint = "`paginate: {param: .., max_pages: ..}` counts without a list"
                    part.found.add("decide", scalar.mark, path, message, hint)
            entries.append({"urls": url, "for_each": numbers, "page": page})
    if plain:
        entries.insert(0, {"urls": plain[0] if len(plain) == 1 else plain, "page": page})
    if not entries:
        message = "there is no address to begin at"
        part.found.add("decide", part.node.mark, ("startUrl",), message, "write one into `start`")
        entries = [{"urls": "{{ inputs.site }}", "page": page}]
        part.draft.values["inputs"] = {"site": {"type": "string", "format": "uri"}}
    return entries


def _numbers(found: re.Match[str]) -> list[Any]:
    """The numbers of a range, one more than are allowed at most; with zeros before them if the first has such."""
    first, last, step = int(found[1]), int(found[2]), int(found[3] or 1) or 1
    numbers = list(range(first, last + 1, step)[: _MAX_NUMBERS + 1])
    if found[1].startswith("0") and len(found[1]) > 1:
        return [str(number).zfill(len(found[1])) for number in numbers]
    return list(numbers)
