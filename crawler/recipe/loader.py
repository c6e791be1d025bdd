"""Loads recipes: YAML in, a checked plan out, or every problem at once.

The passes, each of which reports and goes on where it can: read the YAML, lay it over its parent, check its shape,
compile rules and texts, hold the parts against each other. Nothing here fetches or runs anything.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from msgspec.structs import replace

from crawler.errors import RecipeError
from crawler.recipe import checked
from crawler.recipe.compile_blocked import ANY_PAGE, compile_blocked
from crawler.recipe.compile_incremental import check_incremental, compile_incremental
from crawler.recipe.compile_pages import PageCompiler
from crawler.recipe.compile_parts import (
    compile_exports,
    compile_inputs,
    compile_items,
    compile_limits,
    compile_tests,
)
from crawler.recipe.compile_quality import compile_quality
from crawler.recipe.compile_requests import RequestCompiler
from crawler.recipe.compile_rules import RuleCompiler
from crawler.recipe.compile_session import SessionCompiler
from crawler.recipe.compile_texts import Scopes, TextCompiler
from crawler.recipe.crosscheck import CrossCheck, check_snapshots
from crawler.recipe.crosscheck_fields import FieldCheck, check_values
from crawler.recipe.diagnostics import Report, did_you_mean
from crawler.recipe.inheritance import merged, without_own
from crawler.recipe.inputs import InputSchema
from crawler.recipe.language import RECIPE
from crawler.recipe.model import Fetch, Recipe
from crawler.recipe.parents import BUILT_IN, built_in_names
from crawler.recipe.profiles import check_profiles
from crawler.recipe.resolved import resolved_text
from crawler.recipe.stray_templates import check_stray_templates
from crawler.recipe.xpath_use import xpath_documents
from crawler.recipe.yaml_nodes import MapNode, Mark, SourceFile
from crawler.recipe.yaml_reader import read_yaml

if TYPE_CHECKING:
    from pathlib import Path

    from crawler.recipe.yaml_nodes import Node, Scalar

#: Parents of parents; more is a circle or a maze.
_MAX_ANCESTORS = 5


def load_recipe(path: Path) -> Recipe:
    """The recipe in a file.

    Raises:
        RecipeError: with every problem found in it, or because it cannot be read.
    """
    report = Report()
    content = _content(path, report)
    if content is None:
        raise RecipeError(report.problems())
    return _load(content, name=str(path), path=path, report=report)


def load_recipe_text(text: str, *, name: str = "<recipe>", path: Path | None = None) -> Recipe:
    """The recipe in a text. `path` is where its parent and its saved pages are looked for, if it has a place.

    Raises:
        RecipeError: with every problem found in it.
    """
    return _load(text, name=name, path=path, report=Report())


def is_judged(text: str) -> bool:
    """Whether a recipe, as jobs have it, has rules of quality. Compiles nothing, so it costs next to nothing."""
    root = read_yaml(text, file="<recipe>", report=Report())
    return isinstance(root, MapNode) and "quality" in root


def parent_version(name: str, folder: Path) -> str | None:
    """The version of the parent that a recipe in `folder` would extend by this name; None if there is none."""
    file, report = _parent_file(name, folder), Report()
    content = None if file is None else _content(file, report)
    root = None if content is None else read_yaml(content, file=str(file), report=report)
    return checked.text(root, "version") if isinstance(root, MapNode) else None


@dataclass(frozen=True, slots=True)
class _Read:
    """A tree, and what it was read from."""

    root: MapNode
    texts: tuple[str, ...]  # of the file and its ancestors


def _content(path: Path, report: Report) -> bytes | None:
    top = Mark(SourceFile(str(path), ""), 1, 1)
    try:
        return path.read_bytes()
    except FileNotFoundError:
        others = sorted(other.stem for other in path.parent.glob("*.yaml")) if path.parent.is_dir() else []
        report.add(top, (), "there is no such file", did_you_mean(path.stem, others))
    except OSError as error:
        report.add(top, (), f"the file cannot be read: {error.strerror or error}")
    return None


def _load(content: str | bytes, *, name: str, path: Path | None, report: Report) -> Recipe:
    read = _read(content, name=name, path=path, report=report, seen=())
    if read is None:
        raise RecipeError(report.problems())
    shaped = RECIPE.check(read.root, (), report)
    if not isinstance(shaped, MapNode):
        raise RecipeError(report.problems())
    recipe = _compile(shaped, read.texts, path, report)
    if report or recipe is None:
        raise RecipeError(report.problems())
    return recipe


# --- reading, with parents -------------------------------------------------------------------------------------------


def _read(
    content: str | bytes, *, name: str, path: Path | None, report: Report, seen: tuple[Path, ...]
) -> _Read | None:
    text = content if isinstance(content, str) else content.decode("utf-8", "replace")
    root = read_yaml(content, file=name, report=report)
    if not isinstance(root, MapNode):
        _no_map(root, name, report)
        return None
    found = checked.scalar(root, "extends")
    if found is None or not isinstance(found.value, str):
        return _Read(root, (text,))
    if path is None:
        message = "a recipe without a file has no parents: they are looked for beside it"
        report.add(found.mark, ("extends",), message, "load it from its file")
        return _Read(root, (text,))
    parent = _parent(found, path, report, (*seen, path.resolve()))
    if parent is None:
        return None
    tree = merged(root, without_own(parent.root), RECIPE)
    assert isinstance(tree, MapNode)
    return _Read(tree, (text, *parent.texts))


def _no_map(root: Node | None, name: str, report: Report) -> None:
    if root is None and report:
        return
    mark = Mark(SourceFile(name, ""), 1, 1) if root is None else root.mark
    message = "the file is empty" if root is None else f"must be {RECIPE.noun}"
    report.add(mark, (), message, "`crawlery recipe new URL` writes one to begin with")


def _parent_file(name: str, folder: Path) -> Path | None:
    """Where a parent is: beside the recipe, else among those that are built in."""
    candidates = [folder / f"{name}.yaml", folder / f"_{name}.yaml", BUILT_IN / f"{name}.yaml"]
    return next((candidate for candidate in candidates if "/" not in name and candidate.is_file()), None)


def _parent(found: Scalar, path: Path, report: Report, seen: tuple[Path, ...]) -> _Read | None:
    """The parent that `extends` names, with its own parents laid under it."""
    name, _, major = str(found.value).partition("@")
    where = ("extends",)
    file = _parent_file(name, path.parent)
    if file is None:
        others = sorted({other.stem.lstrip("_") for other in path.parent.glob("*.yaml")}.union(built_in_names()))
        hint = did_you_mean(name, others) or f"put it beside this file as {name}.yaml or _{name}.yaml"
        report.add(found.mark, where, f"there is no recipe '{name}' beside this one, and none that is built in", hint)
        return None
    if file.resolve() in seen or len(seen) > _MAX_ANCESTORS:
        circle = " -> ".join([*(one.stem for one in seen), file.stem])
        report.add(found.mark, where, f"recipes extend each other in a circle: {circle}")
        return None
    content = _content(file, report)
    read = None if content is None else _read(content, name=str(file), path=file, report=report, seen=seen)
    if read is None:
        return None
    version = checked.text(read.root, "version") or ""
    if version.split(".")[0] != major:
        place = "that is built in" if file.parent == BUILT_IN else "beside this file"
        message = f"'{name}' {place} has version {version or 'none'}, not {major}"
        report.add(found.mark, where, message, f"write extends: {name}@{version.split('.')[0]}" if version else None)
    return read


# --- compiling -------------------------------------------------------------------------------------------------------


def _compile(root: MapNode, sources: tuple[str, ...], path: Path | None, report: Report) -> Recipe | None:
    texts = TextCompiler(report)
    rules = RuleCompiler(texts)
    requests = RequestCompiler(texts)
    compiler = PageCompiler(texts, rules, requests)
    allowed = [
        texts.template(scalar, where, Scopes()) for where, scalar in checked.scalars(root, "allowed_domains", ())
    ]
    inputs = compile_inputs(checked.mapping(root, "inputs"), texts)
    fetch = requests.fetch(checked.mapping(root, "fetch"), ("fetch",), Fetch(), Scopes())
    pages = {name: compiler.page(name, node, fetch) for name, node, _ in checked.maps(root, "pages")}
    sessions = SessionCompiler(texts, rules, requests)
    written = checked.mapping(root, "session")
    session, valid_if = sessions.session(written), sessions.valid_if(written)
    pages = {name: replace(page, valid_if=valid_if if page.session else None) for name, page in pages.items()}
    blocked_if = compile_blocked(rules, root, (), ANY_PAGE)
    pages = {name: replace(page, blocked_if=(*blocked_if, *page.blocked_if)) for name, page in pages.items()}
    name = checked.text(root, "name") or ""
    labels, items = checked.mapping(root, "labels"), compile_items(root, texts)
    recipe = Recipe(
        name=name,
        version=checked.text(root, "version") or "",
        description=checked.text(root, "description") or "",
        labels={key: checked.text(labels, key) or "" for key in checked.names(root, "labels")},
        allowed_domains=tuple(template for template in allowed if template is not None),
        inputs=inputs or InputSchema(),
        fetch=fetch,
        session=session,
        limits=compile_limits(checked.mapping(root, "limits"), texts),
        start=requests.start(root.get("start")),
        pages=pages,
        items=items,
        incremental=compile_incremental(root),
        quality=compile_quality(root, items, report),
        exports=compile_exports(root, report),
        tests=compile_tests(root),
        text=sources[0],
        resolved=sources[0] if len(sources) == 1 else resolved_text(root),
        sha256=hashlib.sha256("\0".join(sources).encode("utf-8", "replace")).hexdigest(),
        path=path,
        blocked_if=blocked_if,
    )
    CrossCheck(root, texts.uses, report).run()
    FieldCheck(root, report).run()
    check_values(recipe, rules, report)
    check_snapshots(root, recipe, report)
    check_profiles(root, recipe, report)
    check_incremental(root, report)
    if not report:  # of a part that is wrong, not every template has been compiled
        check_stray_templates(root, texts.filled, report)
        pages.update({name: replace(page, xpath_documents=xpath_documents(page)) for name, page in pages.items()})
    found = checked.scalar(root, "name")
    if path is not None and found is not None and path.stem.lstrip("_") != name:
        message = f"the recipe is called '{name}', but its file {path.name}"
        report.add(found.mark, ("name",), message, f"rename one of them: {name}.yaml, or name: {path.stem}")
    return recipe
