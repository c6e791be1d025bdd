"""Writes the reference of all steps into `docs/recipes.md`, from the catalogue and from the examples below.

`python scripts/step_reference.py` rewrites the section between the two markers; a test fails while it is out of date.
What a step makes of an example is not written down anywhere: the step is run.
"""
# ruff: noqa: INP001 - a script is no package

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from crawler.recipe.steps import StepFailed, build_step, catalogue, run_steps
from crawler.recipe.values import MISSING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crawler.recipe.steps import StepInfo

PAGE: Final = Path(__file__).parents[1] / "docs" / "recipes.md"
BEGIN: Final = "<!-- steps: written by scripts/step_reference.py -->\n"
END: Final = "<!-- end of steps -->\n"
#: What relative URLs of the examples are relative to.
BASE_URL: Final = "https://shop.example/list/"
#: When the answers of the examples came.
NOW: Final = datetime(2024, 3, 7, 10, 0, tzinfo=UTC)
#: Column of the comment behind a step.
_COMMENT_AT: Final = 34
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")

#: (argument, input) of further examples: every option, and what a step does with a value that does not fit.
MORE: Final[dict[str, tuple[tuple[Any, Any], ...]]] = {
    "strip": ((MISSING, " Samba\u00a0\n"),),
    "replace": (
        ({"text": "-", "with": ""}, "555-0101"),
        ({"pattern": r"(\d+) x (\d+)", "with": r"\2 x \1"}, "60 x 200 cm"),
    ),
    "regex": (
        (r"\d+", "12 in stock"),
        (r"\d+", "sold out"),
        ({"pattern": r"\d+", "all": True}, "10, 20 or 30 cm"),
    ),
    "reject": (("^(Select|Choose)", "Choose a size"), (["^Select", "^-+$"], ["Select", "---", "M"])),
    "split": (
        ({"pattern": r"\s*[,;]\s*"}, "red; green, blue"),
        ({"text": "/"}, ["a/b", "c"]),
    ),
    "map": (
        ({"One": 1, "Two": 2}, "Two"),
        ({"One": 1, "Two": 2}, "Nine"),
        ({"values": {"One": 1, "Two": 2}, "else": 0}, "Nine"),
        ({"values": {"^in ": "InStock", "^sold": None}, "by": "regex"}, "sold out"),
        ({"values": {"in stock": "InStock", "in": "PreOrder"}, "by": "prefix"}, "in 3 weeks"),
        ({"true": "InStock", "false": "OutOfStock"}, False),
    ),
    "truncate": (({"length": 12, "words": False, "end": "..."}, "A chair of oak wood"),),
    "slug": ((MISSING, {"colour": "Dark Oak", "size": "XL"}),),
    "slice": (([1, 3], ["a", "b", "c", "d"]), (0, ["a", "b"]), (-1, ["a", "b"]), (5, ["a", "b"])),
    "join": (("", ["a", "b"]),),
    "number": ((MISSING, "1,234.50"), ({"locale": "fr"}, "1 234,5"), (MISSING, 12), (MISSING, "12 cm")),
    "integer": (({"decimal": ","}, "1.234"), ({"locale": "de"}, "1.234"), (MISSING, "12.5")),
    "price": (
        ({"locale": "de"}, "1.234 \u20ac"),
        (MISSING, "1.234,50 \u20ac"),
        (MISSING, "\u20ac10 - \u20ac20"),
        ({"which": "lowest"}, "\u20ac10 - \u20ac20"),
        ({"decimal": "."}, "1.234"),
        ({"free": 0}, "Free"),
        (MISSING, "on request"),
    ),
    "date": (
        (MISSING, "5 March 2024"),
        (MISSING, "2024-03-05T14:30:00Z"),
        (MISSING, "03/04/2024"),
        ({"order": "DMY"}, "03/04/2024"),
        ({"languages": ["fr", "en"]}, "5 mars 2024"),
        ("%d.%m.%Y", "05.03.2024"),
        ({"formats": ["unix"], "as": "date"}, "1709649000"),
        ({"locale": "de"}, "Di., 5. M\u00e4rz 2024, 14:30 Uhr"),
        ({"locale": "en-US"}, "03/04/2024"),
        (MISSING, "yesterday"),
        ({"locale": "he", "relative": True}, "\u05dc\u05e4\u05e0\u05d9 3 \u05d9\u05de\u05d9\u05dd"),
        ({"locale": "fr", "relative": True, "timezone": "Europe/Paris"}, "hier \u00e0 14h30"),
    ),
    "query_param": (("page", "/list?sort=price"),),
    "url_decode": (({"plus": "blank"}, "oak+table%21"),),
    "safe_html": (
        (MISSING, '<img src="../oak.jpg" onerror="x()">'),
        ({"tags": ["p"]}, "<p>Oak <b>chair</b></p>"),
    ),
    "woocommerce_attributes": ((MISSING, {"attribute_%d7%a6%d7%91%d7%a2": "%d7%90%d7%93%d7%95%d7%9d"}),),
}


def section() -> str:
    """The whole section, without the markers."""
    return "\n".join(part for info in catalogue() for part in _step(info))


def updated(page: str) -> str:
    """The page with its section as it should be.

    Raises:
        ValueError: the page has no markers.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{PAGE.name} has no markers for the steps")
    return f"{before}{begin}\n{section()}{end}{after}"


def _step(info: StepInfo) -> Iterator[str]:
    yield f"#### `{info.name}`\n"
    works = {"list": " Works on a whole list.", "element": ""}[info.takes]
    argument = f"Argument: {info.argument or 'none'}"
    yield f"{info.summary}{works}\n"
    yield f"{argument}{':' if info.options else '.'}\n"
    if info.options:
        yield "".join(f"* `{name}`: {text}\n" for name, text in info.options.items())
    examples = (info.example[:2], *MORE.get(info.name, ()))
    yield "```yaml steps\n" + "".join(_example(info.name, *example) for example in examples) + "```\n"


def _example(name: str, argument: Any, value: Any) -> str:
    head, *below = _yaml(name, argument)
    comment = f"# {_json(value)} -> {_outcome(name, argument, value)}"
    return "\n".join([f"{head:<{_COMMENT_AT}}  {comment}", *below]) + "\n"


def _outcome(name: str, argument: Any, value: Any) -> str:
    try:
        result = run_steps([build_step(name, argument)], value, base_url=BASE_URL, now=NOW)
    except StepFailed as failure:
        return f"fails: {failure}"
    return "missing" if result is MISSING else _json(result)


def _yaml(name: str, argument: Any) -> list[str]:
    """A step as a member of `process`: a map in block style, so that no value needs a second thought."""
    if argument is MISSING:
        return [f"- {name}"]
    if not isinstance(argument, dict):
        return [f"- {name}: {_scalar(argument)}"]
    lines = [f"- {name}:"]
    for key, member in argument.items():
        if isinstance(member, dict):
            lines += [f"    {key}:", *(f"      {_scalar(inner)}: {_scalar(to)}" for inner, to in member.items())]
        else:
            lines.append(f"    {_scalar(key)}: {_scalar(member)}")
    return lines


def _scalar(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_scalar, value))}]"
    if not isinstance(value, str):
        return json.dumps(value)
    word = value.replace("-", "").replace("_", "")
    if word.isascii() and word.isalpha() and value not in ("true", "false", "null", "yes", "no", "on", "off"):
        return value
    return f"'{value}'" if "\\" in value or '"' in value else json.dumps(value, ensure_ascii=False)


def _json(value: Any) -> str:
    packed = _ENCODER.encode(value)
    return msgspec.json.format(packed, indent=0).decode().replace("\u00a0", "\\u00a0")


def main() -> int:
    """Rewrite the section; 1 if the page has no place for it."""
    text = PAGE.read_text(encoding="utf-8")
    try:
        PAGE.write_text(updated(text), encoding="utf-8")
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
