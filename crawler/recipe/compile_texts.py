"""Compiles the small texts of a recipe: regexes, templates, selectors and steps, each error at its place.

The last layer before `crawler.recipe.regex`, `queries`, `steps` and `template`: it turns their exceptions into
problems with a position, and knows the traps of quoting. It knows nothing of pages or of references between parts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from msgspec import Struct

from crawler.recipe import yaml_traps
from crawler.recipe.diagnostics import did_you_mean
from crawler.recipe.html_names import HTML_ELEMENTS
from crawler.recipe.queries import QueryError, compile_css, compile_jmespath, compile_xpath
from crawler.recipe.query_error import UnknownPrefix
from crawler.recipe.regex import RegexError, compile_regex
from crawler.recipe.shape import no_value
from crawler.recipe.steps import StepError, build_step
from crawler.recipe.template import TemplateError, compile_value, is_template, parse_template
from crawler.recipe.values import MISSING
from crawler.recipe.yaml_nodes import ListNode, MapNode, Scalar, plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from crawler.recipe.diagnostics import Path, Report
    from crawler.recipe.queries import CssQuery, Query
    from crawler.recipe.regex import Regex
    from crawler.recipe.steps import Step
    from crawler.recipe.template import Reference, Template, ValueTemplate
    from crawler.recipe.yaml_nodes import Mark, Node

Language: TypeAlias = Literal["css", "jmespath"]

#: Steps whose argument holds regular expressions and little else.
_REGEX_STEPS = frozenset({"regex", "replace", "reject"})


class Use(Struct, frozen=True, kw_only=True):
    """A template refers to a name: `scope` and `name`, where, on which page, and how many rows deep (0 = in none)."""

    scope: str
    name: str
    mark: Mark
    path: Path
    page: str | None
    depth: int


class Scopes(Struct, frozen=True, kw_only=True):
    """What templates may refer to at some place."""

    names: frozenset[str] = frozenset({"inputs"})
    bare: frozenset[str] = frozenset()
    page: str | None = None
    depth: int = 0


class TextCompiler:
    """Compiles texts; `uses` are all references of templates so far, in file order, `filled` the templates."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.uses: list[Use] = []
        self.filled: list[Scalar] = []
        self.namespaces: Mapping[str, str] = {}  # of the page type that is being compiled
        self.unknown_prefixes: set[str] = set()  # that its selectors use, and it does not declare

    # --- regular expressions ---

    def regex(self, node: Scalar, path: Path) -> Regex | None:
        """A compiled regex, or None after reporting."""
        if not isinstance(node.value, str):
            return None
        if self.doubled_backslash(node, path):
            return None
        self.swallowed_comment(node, path)
        try:
            return compile_regex(node.value)
        except RegexError as error:
            self.report.add(node.mark, path, f"the regular expression does not compile: {error.args[0]}", error.hint)
        return None

    def doubled_backslash(self, node: Scalar, path: Path) -> bool:
        r"""Report `'\\d'`: outside double quotes YAML keeps both backslashes, and the regex means a backslash."""
        if node.style == "double" or "\\\\" not in node.raw:
            return False
        line = node.mark.source.line(node.mark.line)
        hint = r"write one: \d (for a real backslash: [\\] in brackets, in double quotes)"
        if node.end.line == node.mark.line:
            start, end = node.mark.column - 1, node.end.column - 1
            fixed = line[:start] + line[start:end].replace("\\\\", "\\") + line[end:]
            hint = f"write: {fixed.strip()}"
        self.report.add(node.mark, path, "two backslashes stay two outside double quotes, and match a backslash", hint)
        return True

    def swallowed_comment(self, node: Scalar, path: Path) -> bool:
        """Report `div #main`: what follows a blank and `#` is a comment, so the selector is only `div`."""
        if node.style != "plain":
            return False
        line = node.mark.source.line(node.end.line)
        comment = yaml_traps.comment_after(line, node.end.column)
        if comment is None:
            return False
        start = node.mark.column - 1 if node.mark.line == node.end.line else len(line) - len(line.lstrip())
        fixed = yaml_traps.quote_span(line, start, len(line.rstrip()))
        message = f"`{comment}` is a comment in YAML and not part of the value"
        hint = f"write: {fixed.strip()} (or put a blank after # if it is meant as a comment)"
        self.report.add(node.mark, path, message, hint)
        return True

    # --- templates ---

    def template(self, node: Scalar, path: Path, scopes: Scopes) -> Template | None:
        """A compiled template, or None after reporting."""
        self.filled.append(node)
        try:
            template = parse_template(str(node.value), names=scopes.bare)
        except TemplateError as error:
            self.report.add(node.mark, path, error.args[0], error.hint)
            return None
        return template if self._allowed(template.references, node, path, scopes) else None

    def value(self, node: Node, path: Path, scopes: Scopes) -> ValueTemplate | None:
        """Any value whose texts may be templates, or None after reporting."""
        good = True
        for where, member in _scalars_below(node, path):
            if isinstance(member.value, str) and is_template(member.value):
                good = self.template(member, where, scopes) is not None and good
        return compile_value(plain(node), names=scopes.bare) if good else None

    def _allowed(self, references: Sequence[Reference], node: Scalar, path: Path, scopes: Scopes) -> bool:
        good = True
        for reference in references:
            if reference.scope and reference.scope not in scopes.names:
                message = f"`{reference.scope}.{'.'.join(reference.path)}` is not known here"
                allowed = ", ".join(f"{name}." for name in sorted(scopes.names))
                where = {"item": "in `fields`", "row": "in `fields`", "carried": "on pages"}.get(reference.scope, "")
                hint = f"`{reference.scope}.` exists only {where}; here: {allowed}"
                self.report.add(node.mark, path, message, hint)
                good = False
            else:
                self.uses.append(
                    Use(
                        scope=reference.scope,
                        name=reference.path[0],
                        mark=node.mark,
                        path=path,
                        page=scopes.page,
                        depth=scopes.depth,
                    )
                )
        return good

    # --- selectors ---

    def css(self, node: Scalar, path: Path, *, row: bool) -> CssQuery | None:
        """A compiled CSS selector, or None after reporting."""
        if self.swallowed_comment(node, path):
            return None
        try:
            return compile_css(str(node.value), row=row, namespaces=self.namespaces)
        except QueryError as error:
            self._wrong_query(error, node, path)
        return None

    def query(self, language: str, node: Scalar, path: Path, *, row: bool) -> Query | None:
        """A compiled selector of the language, or None after reporting."""
        if language == "css":
            return self.css(node, path, row=row)
        if self.swallowed_comment(node, path):
            return None
        try:
            if language == "xpath":
                return compile_xpath(str(node.value), row=row, namespaces=self.namespaces)
            return compile_jmespath(str(node.value))
        except QueryError as error:
            self._wrong_query(error, node, path)
        return None

    def _wrong_query(self, error: QueryError, node: Scalar, path: Path) -> None:
        if isinstance(error, UnknownPrefix):
            self.unknown_prefixes.add(error.prefix)
        self.report.add(node.mark, path, error.args[0], error.hint)

    def no_element(self, node: Scalar, path: Path) -> bool:
        """Report a string rule that is one word and no HTML element: `currency: GBP`."""
        word = str(node.value).strip()
        letters = word.replace("-", "").replace("_", "")
        if not letters.isalnum() or (word in HTML_ELEMENTS and word == word.lower()):
            return False
        message = f"'{word}' is read as a CSS selector, and there is no HTML element of that name"
        hint = f"did you mean {{const: {word}}}?"
        if word.lower() in HTML_ELEMENTS:
            hint += f" or '{word.lower()}'?"
        elif word == word.lower() and len(word) > 2 and (near := did_you_mean(word, HTML_ELEMENTS)):
            hint = f"{near.removesuffix('?')} or {{const: {word}}}?"
        self.report.add(node.mark, path, message, hint)
        return True

    # --- steps ---

    def steps(self, node: Node | None, path: Path) -> list[tuple[Step, Mark, Path]] | None:
        """The steps of `process` with their places, or None after reporting that one is wrong."""
        found: list[tuple[Step, Mark, Path]] = []
        good = True
        if not isinstance(node, ListNode):
            return found
        for index, member in enumerate(node.items):
            step = self._step(member, (*path, index))
            if step is None:
                good = False
            else:
                found.append((step, member.mark, (*path, index)))
        return found if good else None

    def _step(self, node: Node, path: Path) -> Step | None:
        name, argument = "", None
        if isinstance(node, Scalar) and isinstance(node.value, str):
            name = node.value
        elif isinstance(node, MapNode):
            entry = node.entries[0]
            name, argument = entry.key, entry.node
        else:
            return None
        if isinstance(argument, Scalar) and argument.value is None and argument.raw == "":
            self.report.add(argument.mark, (*path, name), *no_value(argument, (*path, name)))
            return None
        if argument is not None and self._doubled_in_step(name, argument, (*path, name)):
            return None
        given: Any = MISSING if argument is None else plain(argument)
        try:
            return build_step(name, given)
        except StepError as error:
            mark, where = _step_place(node, argument, path, name, error)
            self.report.add(mark, where, error.args[0], error.hint)
        return None

    def _doubled_in_step(self, name: str, argument: Node, path: Path) -> bool:
        found = [self.doubled_backslash(scalar, where) for where, scalar in _patterns(name, argument, path)]
        return any(found)


def _patterns(step: str, argument: Node, path: Path) -> Iterator[tuple[Path, Scalar]]:
    """The regular expressions in the argument of a step."""
    if step in _REGEX_STEPS:
        yield from _scalars_below(argument, path)
    if not isinstance(argument, MapNode):
        return
    if step == "split" and "pattern" in argument:
        yield from _scalars_below(argument.by_key["pattern"].node, (*path, "pattern"))
    by = argument.get("by")
    values = argument.get("values")
    if step == "map" and isinstance(by, Scalar) and by.value == "regex" and isinstance(values, MapNode):
        for entry in values:
            yield (*path, "values", entry.key), entry.at


def _scalars_below(node: Node, path: Path) -> Iterator[tuple[Path, Scalar]]:
    if isinstance(node, Scalar):
        yield path, node
    elif isinstance(node, ListNode):
        for index, member in enumerate(node.items):
            yield from _scalars_below(member, (*path, index))
    elif isinstance(node, MapNode):
        for entry in node:
            yield from _scalars_below(entry.node, (*path, entry.key))


def _step_place(node: Node, argument: Node | None, path: Path, name: str, error: StepError) -> tuple[Mark, Path]:
    """Where a step is wrong: the option that the message names, else its argument, else its name."""
    message = f"{error.args[0]}"
    if argument is None or message.startswith("there is no step"):
        return node.mark, path
    if isinstance(argument, MapNode):
        for entry in argument:
            if f"`{entry.key}`" in message or f"'{entry.key}'" in message:
                return entry.mark, (*path, name, entry.key)
        for entry in argument:
            if isinstance(entry.node, Scalar) and entry.node.raw and entry.node.raw in message:
                return entry.node.mark, (*path, name, entry.key)
    return argument.mark, (*path, name)
