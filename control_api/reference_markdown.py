"""The contents of the reference as chapters in Markdown."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from control_api.reference_contents import Answer, Call, Kind, Member, Reference, Shape


#: Headers that the text above the calls names once for all.
_USUAL: Final = frozenset({"X-Request-Id", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"})


def chapters(reference: Reference) -> str:
    """From the second level on."""
    return "\n".join(_lines(reference)).rstrip() + "\n"


def _lines(reference: Reference) -> Iterator[str]:
    yield from ("## Reference", "", reference.description, "", "| call | | needs |", "|---|---|---|")
    for group in reference.groups:
        for call in group.calls:
            yield f"| [`{call.method} {call.path}`](#{call.id}) | {_cell(call.summary)} | {_needs(call)} |"
    yield ""
    for group in reference.groups:
        yield from (f"### {group.title}", "", group.description, "")
        for call in group.calls:
            yield from _call(call)
    yield from ("### Objects", "")
    for shape in reference.shapes:
        yield from _shape(shape)
    yield from ("### Problems", "", "| code | status | |", "|---|---|---|")
    for code, status, title in reference.problems:
        yield f"| `{code}` | {status} | {_cell(title)} |"


def _call(call: Call) -> Iterator[str]:
    yield from (f'#### <a id="{call.id}"></a>{call.summary}', "", f"`{call.method} {call.path}` - {_needs(call)}", "")
    yield from (call.description, "")
    if call.parameters:
        yield from ("| parameter | in | | |", "|---|---|---|---|")
        for each in call.parameters:
            needed = ", required" if each.is_required and each.place != "path" else ""
            yield f"| `{each.name}` | {each.place} | {_kind(each.kind)}{needed} | {_cell(each.description)} |"
        yield ""
    if call.body is not None:
        yield from (f"Body: [{call.body.name}](#{_anchor(call.body.name)}).", "")
    yield from ("```sh", call.curl, "```", "")
    for answer in call.answers:
        yield from _answer(answer)
    told = [f"{answer.status} {_codes(answer)}" for answer in call.problems]
    yield from (f"Problems: {', '.join(told)}.", "")


def _answer(answer: Answer) -> Iterator[str]:
    shape = "" if answer.shape is None else f", [{answer.shape.name}](#{_anchor(answer.shape.name)})"
    own = [f"`{header.name}`" for header in answer.headers if header.name not in _USUAL]
    headers = f", with {' and '.join(own)}" if own else ""
    yield from (f"Answer: **{answer.status}**{shape}{headers}.", "")
    if answer.example is not None:
        yield from ("```json", json.dumps(answer.example, indent=2, ensure_ascii=False), "```", "")


def _shape(shape: Shape) -> Iterator[str]:
    yield from (f'#### <a id="{_anchor(shape.name)}"></a>{shape.name}', "", shape.description, "")
    yield from ("| member | | |", "|---|---|---|")
    yield from _members(shape.members)
    yield ""


def _members(members: Iterable[Member]) -> Iterator[str]:
    for member in members:
        needed = ", required" if member.is_required else ""
        yield f"| `{member.name}` | {_kind(member.kind)}{needed} | {_cell(member.description)} |"


def _kind(kind: Kind) -> str:
    words = kind.words if not kind.name else f"{kind.words.removesuffix('object')}[{kind.name}](#{_anchor(kind.name)})"
    pattern = f", `{kind.pattern}`" if kind.pattern else ""
    return _cell(f"{words}{', ' if kind.limits else ''}{kind.limits}{pattern}")


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _needs(call: Call) -> str:
    return f"`{call.scope}`" if call.scope else "no key"


def _codes(answer: Answer) -> str:
    return " or ".join(f"`{code}`" for code in answer.codes)


def _anchor(name: str) -> str:
    return f"object-{name.lower()}"
