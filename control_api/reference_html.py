"""The contents of the reference as one page of HTML: no scripts, no fonts, nothing to load.

Light or dark as the reader's system has it; can be read and used without seeing it, and printed.
"""

from __future__ import annotations

import html
import json
from typing import TYPE_CHECKING, Any

from control_api.reference_style import STYLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from control_api.reference_contents import Answer, Call, Group, Kind, Member, Reference, Shape


def page(reference: Reference) -> str:
    """The whole page."""
    return "\n".join(_page(reference)) + "\n"


def _page(reference: Reference) -> Iterator[str]:
    title = _text(reference.title)
    yield '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f'<meta name="color-scheme" content="light dark">\n<title>{title}</title>\n<style>{STYLE}</style>'
    yield '</head>\n<body>\n<a class="skip" href="#content">Skip to the contents</a>'
    yield f'<header><p class="brand">{title}</p><p class="version">{_text(reference.version)}</p></header>'
    yield from _navigation(reference)
    yield '<main id="content">'
    yield f'<section class="intro"><h1>{title}</h1>{_prose(reference.description)}'
    yield '<p><a href="/openapi.json">openapi.json</a> has all of this for machines. In the examples <code>$API</code>'
    yield "is where this page comes from, and <code>$KEY</code> your key.</p></section>"
    for group in reference.groups:
        yield from _group(group)
    yield '<section id="objects"><h2>Objects</h2>'
    for shape in reference.shapes:
        yield f'<article id="{_anchor(shape.name)}"><h3>{_text(shape.name)}</h3>{_prose(shape.description)}'
        yield from _table(shape.members, caption=f"Members of {shape.name}")
        yield "</article>"
    yield '</section>\n<section id="problems"><h2>Problems</h2>'
    yield '<div class="scroll" tabindex="0" role="region" aria-label="Problems"><table><thead><tr>'
    yield '<th scope="col">code</th><th scope="col">status</th><th scope="col">meaning</th></tr></thead><tbody>'
    for code, status, meaning in reference.problems:
        yield f'<tr id="problem-{code}"><th scope="row"><code>{code}</code></th><td>{status}</td>'
        yield f"<td>{_text(meaning)}</td></tr>"
    yield "</tbody></table></div></section>\n</main>\n</body>\n</html>"


def _navigation(reference: Reference) -> Iterator[str]:
    yield '<nav aria-label="Contents">'
    for group in reference.groups:
        yield f'<h2><a href="#group-{_text(group.name)}">{_text(group.title)}</a></h2><ul>'
        for call in group.calls:
            yield f'<li><a href="#{call.id}">{_method(call)}<span>{_text(call.summary)}</span></a></li>'
        yield "</ul>"
    yield '<h2><a href="#objects">Objects</a></h2>\n<h2><a href="#problems">Problems</a></h2></nav>'


def _group(group: Group) -> Iterator[str]:
    yield f'<section id="group-{_text(group.name)}"><h2>{_text(group.title)}</h2>'
    yield _prose(group.description)
    for call in group.calls:
        yield from _call(call)
    yield "</section>"


def _call(call: Call) -> Iterator[str]:
    needs = f'needs <code class="scope">{_text(call.scope)}</code>' if call.scope else "needs no key"
    yield f'<article id="{call.id}" class="call"><h3>{_text(call.summary)}</h3>'
    yield f'<p class="line">{_method(call)}<code>{_text(call.path)}</code><span class="needs">{needs}</span></p>'
    yield _prose(call.description)
    if call.parameters:
        yield "<h4>Parameters</h4>"
        yield from _table(call.parameters, caption=f"Parameters of {call.method} {call.path}", with_place=True)
    if call.body is not None:
        yield f"<h4>Body: {_link(call.body)}</h4>"
        yield from _table(call.body.members, caption=f"Body of {call.method} {call.path}")
    yield f"<h4>Example</h4>{_pre(_text(call.curl), label='Example of the call')}"
    for answer in call.answers:
        yield from _answer(answer)
    yield '<h4>Problems</h4><ul class="problems">'
    for answer in call.problems:
        codes = " or ".join(f'<a href="#problem-{code}"><code>{code}</code></a>' for code in answer.codes)
        yield f"<li><b>{answer.status}</b> {codes}</li>"
    yield "</ul></article>"


def _answer(answer: Answer) -> Iterator[str]:
    shape = f": {_link(answer.shape)}" if answer.shape is not None else f": {_text(answer.content_type)}"
    yield f"<h4>Answer {answer.status}{shape}</h4>"
    if answer.example is not None:
        yield _pre(_json(answer.example), label="Example of the answer")
    if answer.shape is not None:
        yield "<details><summary>Members of the answer</summary>"
        yield from _table(answer.shape.members, caption=f"Members of {answer.shape.name}")
        yield "</details>"
    yield "<details><summary>Headers of the answer</summary>"
    yield from _table(answer.headers, caption="Headers")
    yield "</details>"


def _table(members: Iterable[Member], *, caption: str, with_place: bool = False) -> Iterator[str]:
    yield f'<div class="scroll" tabindex="0" role="region" aria-label="{_text(caption)}"><table>'
    yield f'<caption class="unseen">{_text(caption)}</caption><thead><tr><th scope="col">name</th>'
    yield '<th scope="col">type</th><th scope="col">meaning</th></tr></thead><tbody>'
    for member in members:
        place = f'<span class="place">{member.place}</span>' if with_place else ""
        needed = '<span class="required">required</span>' if member.is_required else ""
        yield f'<tr><th scope="row"><code>{_text(member.name)}</code>{place}{needed}</th>'
        yield f"<td>{_kind(member.kind)}</td><td>{_inline(member.description)}</td></tr>"
    yield "</tbody></table></div>"


def _kind(kind: Kind) -> str:
    words = _text(kind.words)
    if kind.name:
        link = f'<a href="#{_anchor(kind.name)}">{_text(kind.name)}</a>'
        words = f"{_text(kind.words.removesuffix('object'))}{link}"
    limits = f'<span class="limits">{_text(kind.limits)}</span>' if kind.limits else ""
    pattern = f'<code class="pattern">{_text(kind.pattern)}</code>' if kind.pattern else ""
    return words + limits + pattern


def _method(call: Call) -> str:
    return f'<span class="method {call.method.lower()}">{call.method}</span>'


def _link(shape: Shape) -> str:
    return f'<a href="#{_anchor(shape.name)}">{_text(shape.name)}</a>'


def _anchor(name: str) -> str:
    return f"object-{name.lower()}"


def _pre(inner: str, *, label: str) -> str:
    return f'<pre tabindex="0" aria-label="{label}"><code>{inner}</code></pre>'


def _json(value: Any, indent: str = "") -> str:
    """JSON with its words marked."""
    deeper = f"{indent}  "
    if isinstance(value, dict) and value:
        lines = [
            f'{deeper}<span class="k">{_text(json.dumps(key))}</span>: {_json(member, deeper)}'
            for key, member in value.items()
        ]
        return "{\n" + ",\n".join(lines) + f"\n{indent}}}"
    if isinstance(value, list) and value:
        return "[\n" + ",\n".join(deeper + _json(member, deeper) for member in value) + f"\n{indent}]"
    kind = "s" if isinstance(value, str) else "n"
    return f'<span class="{kind}">{_text(json.dumps(value, ensure_ascii=False))}</span>'


def _prose(text: str) -> str:
    return "".join(f"<p>{_inline(paragraph)}</p>" for paragraph in text.split("\n\n") if paragraph)


def _inline(text: str) -> str:
    """Text in which backticks stand around code."""
    parts = _text(text).split("`")
    return "".join(f"<code>{part}</code>" if at % 2 else part for at, part in enumerate(parts))


def _text(text: str) -> str:
    return html.escape(text)
