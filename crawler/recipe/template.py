"""Templates: text with `{{ scope.path | step }}` in it. Substitution and steps, nothing else.

A text that is one whole `{{ }}` keeps the value's type; in any other the values become text, and a missing part makes
the whole missing. Compiled once, at load. Knows nothing of pages: values come in scopes that the caller provides.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from msgspec import Struct

from crawler.recipe.diagnostics import did_you_mean, nearest
from crawler.recipe.scalars import NotScalar, text_of
from crawler.recipe.steps import Step, StepError, StepFailed, build_step, check_chain, run_steps
from crawler.recipe.template_parser import OPEN, Expression, TemplateError, split_template
from crawler.recipe.values import MISSING, Value, is_missing

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "SCOPES",
    "Reference",
    "Template",
    "TemplateError",
    "ValueTemplate",
    "compile_value",
    "is_template",
    "parse_template",
]

SCOPES: Final = ("inputs", "carried", "item", "row")

#: Steps with regular expressions in their argument.
_REGEX_STEPS: Final = frozenset({"regex", "replace", "reject", "split", "map"})


class Reference(Struct, frozen=True, kw_only=True):
    """What a template reads: a scope (empty for a bare name of `for_each`) and the path in it, never empty."""

    scope: str
    path: tuple[str, ...]

    def __str__(self) -> str:
        return ".".join((self.scope, *self.path) if self.scope else self.path)

    def read(self, scopes: Mapping[str, Any]) -> Value:
        """The value, or MISSING where the path ends. Objects are entered by key, lists by number."""
        value: Value = scopes.get(self.scope, MISSING)
        for part in self.path:
            value = _member(value, part)
            if value is MISSING:
                return MISSING
        return value


def _member(value: Value, part: str) -> Value:
    if isinstance(value, list | tuple):
        digits = part.removeprefix("-")
        if not (digits.isascii() and digits.isdigit() and len(digits) <= 9):
            return MISSING
        index = int(part)
        return value[index] if -len(value) <= index < len(value) else MISSING
    return value.get(part, MISSING) if isinstance(value, Mapping) else MISSING


class _Part(Struct, frozen=True, kw_only=True):
    """One `{{ }}`, ready to run."""

    reference: Reference
    steps: tuple[Step, ...]

    def value(self, scopes: Mapping[str, Any]) -> Value:
        value = self.reference.read(scopes)
        if self.steps:
            return run_steps(self.steps, value, base_url="")
        return MISSING if is_missing(value) else value


class Template(Struct, frozen=True, kw_only=True):
    """A compiled template. `text` is as written; `references` is what it reads, in order."""

    text: str
    references: tuple[Reference, ...]
    parts: tuple[str | _Part, ...]
    whole: bool  # one `{{ }}` and nothing else: the type stays

    def render(self, scopes: Mapping[str, Any]) -> Value:
        """The value, or MISSING if a part is missing.

        `scopes` maps `inputs`, `carried`, `item`, `row` and "" (bare names) to objects. Raises StepFailed where a step
        does not fit its value, or a list or object would have to become part of a text.
        """
        if self.whole:
            part = self.parts[0]
            assert isinstance(part, _Part)
            return part.value(scopes)
        pieces: list[str] = []
        for part in self.parts:
            if isinstance(part, str):
                pieces.append(part)
                continue
            value = part.value(scopes)
            if value is MISSING:
                return MISSING
            pieces.append(value if isinstance(value, str) else _text(value, part.reference))
        return "".join(pieces)


def _text(value: Value, reference: Reference) -> str:
    try:
        return text_of(value)
    except NotScalar as error:
        raise StepFailed(f"`{{{{ {reference} }}}}` in a text must be one value, got {error}") from None


def is_template(text: str) -> bool:
    """Whether a text of a recipe has something to fill in."""
    return OPEN in text


def parse_template(text: str, *, names: frozenset[str] = frozenset()) -> Template:
    """Compile a template; a text without `{{` renders to itself.

    `names` are the bare names that stand for a value here (those of `for_each`). Raises TemplateError.
    """
    compiled = [part if isinstance(part, str) else _compile(part, names) for part in split_template(text)]
    references = tuple(part.reference for part in compiled if isinstance(part, _Part))
    filled = [part for part in compiled if not isinstance(part, str) or part.strip()]
    whole = len(filled) == 1 and isinstance(filled[0], _Part)
    return Template(text=text, references=references, parts=tuple(filled if whole else compiled), whole=whole)


def _compile(expression: Expression, names: frozenset[str]) -> _Part:
    reference = _reference(expression.path, names)
    steps = []
    for name, argument in expression.steps:
        if name in _REGEX_STEPS and _doubled(argument):
            message = f"`{{{{ {reference} | {name} }}}}`: two backslashes match a backslash"
            raise TemplateError(message, r"write one: \d (for a real backslash: \x5c)")
        try:
            steps.append(build_step(name, argument))
        except StepError as error:
            raise TemplateError(f"`{{{{ {reference} | {name} }}}}`: {error.args[0]}", error.hint) from None
    wrong = check_chain(steps, starts="unknown")
    if wrong is not None:
        raise TemplateError(f"`{{{{ {reference} | {steps[wrong[0]].name} }}}}`: {wrong[1]}")
    return _Part(reference=reference, steps=tuple(steps))


def _doubled(argument: Any) -> bool:
    """Whether a text in a step's argument has two backslashes, which nobody means."""
    if isinstance(argument, str):
        return "\\\\" in argument
    members = argument.values() if isinstance(argument, dict) else argument if isinstance(argument, list) else ()
    return any(_doubled(member) for member in members)


def _reference(path: tuple[str, ...], names: frozenset[str]) -> Reference:
    first, rest = path[0], path[1:]
    if first in names:
        return Reference(scope="", path=path)
    if first in SCOPES:
        if rest:
            return Reference(scope=first, path=rest)
        raise TemplateError(f"`{first}` is a scope, not a value", f"write `{first}.NAME`")
    if not rest:
        hint = did_you_mean(first, names) or f"did you mean `inputs.{first}`?"
        raise TemplateError(f"`{first}` is a bare name", hint)
    near = nearest(first, (*SCOPES, *names))
    hint = f"did you mean `{'.'.join((near[0], *rest))}`?" if near else f"the scopes are {', '.join(SCOPES)}"
    raise TemplateError(f"`{'.'.join(path)}`: there is no scope `{first}`", hint)


# --- values whose texts may be templates ------------------------------------------------------------------------------

#: A compiled value: a template, a constant, or a list or object of those.
_Node: TypeAlias = "Template | _Constant | list[_Node] | dict[str, _Node]"


class _Constant(Struct, frozen=True, kw_only=True):
    value: Value


class ValueTemplate(Struct, frozen=True, kw_only=True):
    """A compiled JSON-like value whose texts may be templates. `value` is as written."""

    value: Value
    references: tuple[Reference, ...]
    node: _Node

    def render(self, scopes: Mapping[str, Any]) -> Value:
        """The value with its templates filled in, or MISSING.

        A member of a list or object that is missing is left out; what is written without a template stays as it is.
        Raises StepFailed as `Template.render` does.
        """
        return _render(self.node, scopes)


def compile_value(value: Value, *, names: frozenset[str] = frozenset()) -> ValueTemplate:
    """Compile a value of a recipe. Keys of objects are no templates. Raises TemplateError."""
    node = _node(value, names)
    return ValueTemplate(value=value, references=tuple(_references([node])), node=node)


def _node(value: Value, names: frozenset[str]) -> _Node:
    if isinstance(value, str):
        return parse_template(value, names=names) if is_template(value) else _Constant(value=value)
    if isinstance(value, list):
        return [_node(member, names) for member in value]
    if isinstance(value, dict):
        return {text_of(key): _node(member, names) for key, member in value.items()}
    return _Constant(value=value)


def _references(nodes: Sequence[_Node]) -> list[Reference]:
    found: list[Reference] = []
    for node in nodes:
        if isinstance(node, Template):
            found.extend(node.references)
        elif isinstance(node, list):
            found.extend(_references(node))
        elif isinstance(node, dict):
            found.extend(_references(list(node.values())))
    return found


def _render(node: _Node, scopes: Mapping[str, Any]) -> Value:
    if isinstance(node, Template):
        return node.render(scopes)
    if isinstance(node, _Constant):
        return node.value
    if isinstance(node, list):
        rendered = (_render(member, scopes) for member in node)
        return [value for value in rendered if value is not MISSING]
    return {key: value for key, member in node.items() if (value := _render(member, scopes)) is not MISSING}
