"""Templates of Cardigann definitions (Go's), as templates of recipes: substitution, and one branch of each condition.

A condition over what was searched for is decided for a search by keywords; one over a value of the row becomes
alternatives. What cannot be said is left out, and `Text.doubts` says so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from crawler.recipe.importing.foreign_nodes import field_name

_KEYWORDS: Final = re.compile(r"^\.(?:Keywords|Query\.(?:Keywords|Q|Raw))$")
_CONFIG: Final = re.compile(r"^\.Config\.([A-Za-z_]\w*)$")
_QUERY: Final = re.compile(r"^\.Query\.([A-Za-z_]\w*)$")
_RESULT: Final = re.compile(r"^\.Result\.([A-Za-z_]\w*)$")
_MAX_LENGTH: Final = 20_000
_MAX_DEPTH: Final = 20
_TRUTHS: Final = {".True": "true", ".False": "false"}


@dataclass(kw_only=True, slots=True)
class Text:
    """A template as alternatives, the first that is not missing: one of them as a rule, unless the row decides.

    `inputs` are the names of settings and of parts of a query that it reads; `doubts` what of it is left out.
    """

    alternatives: list[str]
    inputs: set[str] = field(default_factory=set)
    doubts: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True, slots=True)
class _If:
    """A condition with its branches; parts are texts, actions and conditions."""

    condition: str
    then: list[object]
    other: list[object]


@dataclass(frozen=True, slots=True)
class _Action:
    code: str


def read_template(text: str) -> Text:
    """A template of a definition as one of a recipe."""
    found = Text(alternatives=[])
    tokens = _tokens(text[:_MAX_LENGTH])
    if len(text) > _MAX_LENGTH or _depth(tokens) > _MAX_DEPTH:
        found.doubts.append("it is too long, or nested too deeply, to be a template")
        found.alternatives = ["".join(token for token in tokens if isinstance(token, str))]
        return found
    parts, rest = _parts(tokens)
    if rest:
        found.doubts.append("its `{{ end }}` closes nothing")
    found.alternatives = _joined(parts, found)
    return found


def _depth(tokens: list[object]) -> int:
    """How deep conditions and loops stand in each other."""
    deepest = depth = 0
    for token in tokens:
        if isinstance(token, _Action):
            depth += token.code.startswith(("if ", "range ", "with ")) - token.code.startswith("end")
            deepest = max(deepest, depth)
    return deepest


def _tokens(text: str) -> list[object]:
    tokens: list[object] = []
    at = 0
    while (start := text.find("{{", at)) >= 0 and (end := text.find("}}", start)) >= 0:
        if start > at:
            tokens.append(text[at:start])
        tokens.append(_Action(text[start + 2 : end].strip("- \t\r\n")))
        at = end + 2
    if at < len(text):
        tokens.append(text[at:])
    return tokens


def _parts(tokens: list[object]) -> tuple[list[object], list[object]]:
    """The parts up to an `else` or `end` of their own, and the tokens from there on."""
    stack: list[tuple[str, list[object], list[object] | None]] = []
    parts: list[object] = []
    for index, token in enumerate(tokens):
        word = token.code.split(None, 1)[0] if isinstance(token, _Action) and token.code else ""
        if isinstance(token, _Action) and word in ("if", "range", "with"):
            stack.append((token.code, parts, None))
            parts = []
        elif isinstance(token, _Action) and word == "else" and stack:
            code, outer, _ = stack.pop()
            stack.append((code, outer, parts))
            parts = []
        elif isinstance(token, _Action) and word == "end":
            if not stack:
                return parts, tokens[index:]
            code, outer, then = stack.pop()
            made = _If(condition=code, then=parts if then is None else then, other=[] if then is None else parts)
            parts = [*outer, made]
        else:
            parts.append(token)
    while stack:  # never closed: what is open counts as text
        _, outer, then = stack.pop()
        parts = [*outer, *(then or []), *parts]
    return parts, []


def _joined(parts: list[object], found: Text) -> list[str]:
    texts = [""]
    for part in parts:
        if isinstance(part, str):
            options = [part.replace("{{", "{ {")]
        elif isinstance(part, _Action):
            options = [_value(part.code, found)]
        elif isinstance(part, _If):
            options = _branches(part, found)
        else:
            options = [""]
        if len(texts) * len(options) > 8:
            found.doubts.append("it has more than eight ways to come out")
            options = options[:1]
        texts = [text + option for text in texts for option in options]
    return list(dict.fromkeys(texts))


def _branches(part: _If, found: Text) -> list[str]:
    word, _, condition = part.condition.partition(" ")
    condition = condition.strip()
    if word != "if":
        found.doubts.append(f"`{part.condition}` repeats a text")
        return [""]
    if _RESULT.match(condition):
        return [*_joined(part.then, found), *_joined(part.other, found)]
    asked = _KEYWORDS.match(condition) or (condition.startswith(("or ", "and ")) and ".Keywords" in condition)
    config = _CONFIG.match(condition)
    chosen = part.then if asked or config else part.other
    if not (asked or config) or part.other:
        which = "then" if chosen is part.then else "else"
        found.doubts.append(f"of `{part.condition}` the part for `{which}` is taken")
    return _joined(chosen, found)[:1]


def _value(code: str, found: Text) -> str:
    """What stands for an action; nothing for one that cannot be said."""
    code = code.strip("() ")
    if _KEYWORDS.match(code) or code.startswith(("re_replace .Keywords", "re_replace .Query.Keywords")):
        if code.startswith("re_replace"):
            found.doubts.append(f"`{code}`: the keywords are used as they are given")
        found.inputs.add("keywords")
        return "{{ inputs.keywords }}"
    if code in _TRUTHS:
        return _TRUTHS[code]
    if (config := _CONFIG.match(code)) is not None:
        if config[1] == "sitelink":
            return "{{ inputs.site }}/"
        name = field_name(config[1], set())
        found.inputs.add(name)
        return f"{{{{ inputs.{name} }}}}"
    if (result := _RESULT.match(code)) is not None:
        return f"{{{{ item.{field_name(result[1], set())} }}}}"
    if _QUERY.match(code) is not None:
        found.doubts.append(f"`{code}` is a part of the search that is not carried over")
        return ""
    found.doubts.append(f"`{code}` cannot be said here")
    return ""
