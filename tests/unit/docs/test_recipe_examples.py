"""Runs every example of `docs/recipes.md`, and holds the page against the language: no key and no step without one.

An example is a ```yaml block with a kind, and the blocks that follow it: pages, and what comes out.

    yaml fields     the fields of a page; the rest of the recipe is made up, types included
    yaml page       the keys of a page type
    yaml part       top-level keys of a recipe; what is missing is made up
    yaml recipe     a whole recipe
    yaml wrong      fields that are refused; the `text says` block holds the messages
    yaml steps      steps, each with `# input -> output` behind it
    yaml parent     the parent of the recipe before it, in the file `file=`
    yaml excerpt    lines of the tutorial's recipe (`test_recipe_tutorial.py`)

Pages are `html page`, `json page`, `xml page` or `text page`, with `url=`, `status=`, `type=`, `header.NAME=`,
`input.NAME=` and `carried.NAME=` in the fence's line. Several pages are a list: each is reached as the next of the one
before. `json answer url=` (html, xml, text) is the answer to a follow-up request. `json result` holds rows and whatever
else of a page's result is worth showing. `html snapshot` is a saved page of the recipe's own tests. `csv export=NAME`
holds some columns of the file that this export makes of the rows.
"""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from crawler.errors import PageError, RecipeError
from crawler.exports.profiles.files import Survey
from crawler.exports.text_files import SEPARATORS, text_writer
from crawler.recipe.check import run_tests
from crawler.recipe.extract import start_requests
from crawler.recipe.language import language_schema
from crawler.recipe.loader import load_recipe_text
from crawler.recipe.model import PageInput, PageRequest
from crawler.recipe.steps import StepFailed, build_step, catalogue, check_chain, run_steps
from crawler.recipe.values import MISSING
from crawler.recipe.whole_page import whole_page

PAGE = Path(__file__).parents[3] / "docs" / "recipes.md"
URL = "https://shop.example/list/"
#: As the page says.
NOW = datetime(2024, 3, 7, 10, 0, tzinfo=UTC)
_FENCE = re.compile(r"^```(\w+)[ ]?([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_KINDS = ("fields", "page", "part", "recipe", "wrong", "steps", "parent", "excerpt")
_BESIDE = ("page", "result", "says", "requests", "parent", "snapshot", "answer", "export")
_CONTENT_TYPES = {"html": "text/html", "json": "application/json", "xml": "application/xml", "text": "text/plain"}


@dataclass(frozen=True, kw_only=True)
class Block:
    language: str
    words: tuple[str, ...]
    text: str
    line: int

    @property
    def kind(self) -> str:
        return self.words[0] if self.words else ""

    @property
    def options(self) -> dict[str, str]:
        return dict(word.split("=", 1) for word in self.words[1:])

    def option(self, prefix: str) -> dict[str, Any]:
        """`carried.category=Chairs` and its like; JSON values are read as such."""
        found = {name: value for name, value in self.options.items() if name.startswith(f"{prefix}.")}
        return {name.removeprefix(f"{prefix}."): _json_or_text(value) for name, value in found.items()}


@dataclass(frozen=True, kw_only=True)
class Example:
    recipe: Block
    blocks: list[Block] = field(default_factory=list)

    def all(self, kind: str) -> list[Block]:
        return [block for block in self.blocks if block.kind == kind]

    def result(self) -> Any:
        found = [block for block in self.all("result") if block.language == "json"]
        assert len(found) == 1, f"line {self.recipe.line}: an example has one `json result`"
        return json.loads(found[0].text, parse_float=Decimal)

    def __str__(self) -> str:
        return f"line {self.recipe.line}"


def _json_or_text(value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        return value


def blocks_of(text: str) -> list[Block]:
    return [
        Block(
            language=match[1],
            words=tuple(match[2].split()),
            text=match[3],
            line=text.count("\n", 0, match.start()) + 1,
        )
        for match in _FENCE.finditer(text)
    ]


def examples_of(text: str) -> list[Example]:
    examples: list[Example] = []
    for block in blocks_of(text):
        if block.language == "yaml" and block.kind != "parent":
            examples.append(Example(recipe=block))
        elif block.kind.partition("=")[0] in _BESIDE and examples:
            examples[-1].blocks.append(block)
    return examples


TEXT = PAGE.read_text(encoding="utf-8")
EXAMPLES = examples_of(TEXT)


def of_kind(*kinds: str) -> Any:
    found = [example for example in EXAMPLES if example.recipe.kind in kinds]
    return pytest.mark.parametrize("example", found, ids=str)


# --- a fragment becomes a recipe -------------------------------------------------------------------------------------


def _indented(text: str, by: int) -> str:
    return "".join(f"{' ' * by}{line}" if line.strip() else line for line in text.splitlines(keepends=True))


def _type(value: Any) -> str:
    names = {str: "string", bool: "boolean", int: "integer", Decimal: "decimal", list: "array", dict: "object"}
    return names.get(type(value), "string")


def _item_types(rows: list[dict[str, Any]]) -> str:
    types: dict[str, str] = {}
    for row in rows:
        for name, value in row.items():
            if types.get(name) is None or value is not None:
                types[name] = _type(value)
    return "".join(f"      {name}: {{type: {kind}}}\n" for name, kind in types.items())


_HEAD = 'schema_version: 1\nname: example\nversion: "1.0.0"\n'
_START = f"start:\n  - urls: {URL}\n    page: page\n"
_STUB_PAGE = "  {0}:\n    item: stub\n    fields:\n      url: {{response: url}}\n"
_BEFORE = "  before:\n    follow:\n      - links: a\n        page: page\n        carry:\n{}"
_STUB_ITEM = "  stub:\n    version: 1\n    fields:\n      url: {type: string}\n"


def recipe_text(example: Example) -> str:
    """The whole recipe that an example stands for."""
    text = example.recipe.text
    kind = example.recipe.kind
    if kind == "recipe":
        return text
    if kind == "part":
        return _part(text)
    pages = example.all("page")
    if kind in ("fields", "wrong"):
        text = f"fields:\n{_indented(text, 2)}"
    read = {} if kind == "wrong" else yaml.safe_load(text)
    if "parse" not in read:
        text = f"parse: {pages[0].language if pages else 'html'}\n{text}"
    if ("fields" in read and "item" not in read) or kind == "wrong":
        text = f"item: item\n{text}"
    rows = [] if kind == "wrong" else example.result()
    rows = [rows] if kind == "fields" else rows["rows"] if isinstance(rows, dict) and "rows" in rows else []
    unknown = "".join(f"      {name}: {{type: string}}\n" for name in _names(text))
    types = (_item_types(rows) if kind != "wrong" else "") or unknown
    stubs = sorted(set(_followed(read)) - {"page"})
    items = f"  item:\n    version: 1\n    fields:\n{types}" if "item: item" in text else ""
    items += _STUB_ITEM if stubs else ""
    carried = dict.fromkeys(name for page in pages for name in page.option("carried"))
    start = _START + (_START.replace("page: page", "page: before").removeprefix("start:\n") if carried else "")
    whole = f"{_HEAD}{_inputs(pages)}{start}pages:\n  page:\n{_indented(text, 4)}"
    whole += _BEFORE.format("".join(f"          {name}: b\n" for name in carried)) if carried else ""
    whole += "".join(_STUB_PAGE.format(name) for name in stubs)
    return whole + (f"items:\n{items}" if items else "")


def _names(text: str) -> list[str]:
    return re.findall(r"^  (\w+):", text, re.MULTILINE)


def _followed(page: dict[str, Any]) -> list[str]:
    return [follow["page"] for follow in page.get("follow", []) if "page" in follow]


def _inputs(pages: list[Block]) -> str:
    names = {name: value for page in pages for name, value in page.option("input").items()}
    if not names:
        return ""
    return "inputs:\n" + "".join(f"  {name}: {{type: {_type(value)}}}\n" for name, value in names.items())


def _part(text: str) -> str:
    read = yaml.safe_load(text)
    whole = "".join(line for line in _HEAD.splitlines(keepends=True) if line.partition(":")[0] not in read) + text
    start = read.get("start", [])
    if "start" not in read:
        first = next(iter(read.get("pages", {"page": None})))
        whole += f"start:\n  - urls: {URL}\n    page: {first}\n"
    if "pages" not in read:
        names = {entry["page"] for entry in start} or {"page"}
        whole += "pages:\n" + "".join(_STUB_PAGE.format(name) for name in sorted(names))
        if "items" not in read:
            whole += f"items:\n{_STUB_ITEM}"
    return whole


# --- running it ------------------------------------------------------------------------------------------------------


def _load(example: Example, folder: Path | None = None) -> Any:
    """The recipe of an example; with a folder for those that have a parent or saved pages beside them."""
    text = recipe_text(example)
    path = None
    if folder is not None:
        name = yaml.safe_load(text)["name"]
        path = folder / f"{name}.yaml"
        (folder / name).mkdir()
        for block in example.all("snapshot"):
            (folder / name / block.options["file"]).write_text(block.text, encoding="utf-8")
        for block in example.all("parent"):
            (folder / block.options["file"]).write_text(block.text, encoding="utf-8")
    try:
        return load_recipe_text(text, name="example", path=path)
    except RecipeError as error:
        pytest.fail(f"line {example.recipe.line}: the example does not load:\n{error}\n\n{text}")


def _plain(value: Any) -> Any:
    """As JSON shows it, every number with its digits."""
    packed = msgspec.json.Encoder(decimal_format="number").encode(value)
    return json.loads(packed, parse_float=_digits)


def _digits(text: str) -> str:
    return f"number {text}"


def _same(actual: Any, expected: Any, example: Example) -> None:
    assert _plain(actual) == _plain(expected), f"docs/recipes.md, example of line {example.recipe.line}"


def _run(example: Example, folder: Path | None = None) -> dict[str, Any]:
    """What the pages of an example give, in the words of `json result`."""
    recipe = _load(example, folder)
    pages = example.all("page")
    given = {name: value for page in pages for name, value in page.option("input").items()}
    inputs = recipe.inputs.resolve(given)
    name = recipe.start[0].page
    request = PageRequest(url=pages[0].options.get("url", URL), page=name, carried=pages[0].option("carried"))
    if recipe.start[0].sitemap is not None:
        request = start_requests(recipe, inputs)[0]
    total: dict[str, Any] = {"rows": [], "rejects": [], "follow": [], "next": None, "outcome": "ok", "stats": {}}
    for number, page in enumerate(pages, start=1):
        headers = {"content-type": page.options.get("type", _CONTENT_TYPES[page.language]), **page.option("header")}
        page_input = PageInput(
            request=request,
            url=page.options.get("url", request.url),
            body=page.text.encode(page.options.get("bytes", "utf-8")),
            status=int(page.options.get("status", "200")),
            headers=headers,
            inputs=inputs,
        )
        try:
            result = whole_page(recipe, page_input, answers(example))
        except PageError as error:
            return {"error": f"{type(error).__name__}: {error}"}
        total["rows"] += [row.values for row in result.rows]
        total["rejects"] += [{reason.field: reason.rule for reason in reject.reasons} for reject in result.rejects]
        total["follow"] += [_request(found) for found in result.requests]
        total["next"] = None if result.next is None else result.next.url
        total["end"] = result.chain_end
        total["outcome"] = result.outcome
        total["stats"].update(result.stats)
        if number < len(pages):
            assert result.next is not None, f"line {page.line}: there is no next page, but the example has one more"
            request = result.next
    return total


def answers(example: Example) -> Any:
    """The `json answer url=` blocks of an example, which may be in other languages too."""
    blocks = {block.options["url"]: block for block in example.all("answer")}

    def answer(request: PageRequest) -> PageInput | None:
        block = blocks.get(request.url)
        if block is None:
            return None
        return PageInput(
            request=request,
            url=request.url,
            body=block.text.encode(),
            headers={"content-type": _CONTENT_TYPES[block.language]},
        )

    return answer


def _request(request: PageRequest) -> dict[str, Any]:
    shown: dict[str, Any] = {"url": request.url}
    if request.page is not None:
        shown = {"page": request.page, **shown}
    if request.carried:
        shown["carried"] = dict(request.carried)
    if request.method != "GET":
        shown["method"] = request.method
    if request.body:
        shown["body"] = request.body.decode()
    if request.headers:
        shown["headers"] = dict(request.headers)
    if request.mirrors:
        shown["mirrors"] = list(request.mirrors)
    return shown


@of_kind("fields")
def test_the_fields_of_each_example_give_the_row_beside_them(example: Example) -> None:
    total = _run(example)
    assert total.get("rejects") == [], total
    _same(total["rows"], [example.result()], example)


@of_kind("page", "part", "recipe")
def test_each_example_gives_the_result_beside_it(example: Example, tmp_path: Path) -> None:
    beside = bool(example.all("parent") or example.all("snapshot") or "\nextends:" in example.recipe.text)
    if not example.all("page"):
        recipe = _load(example, tmp_path if beside else None)
        verdicts = run_tests(recipe) if beside else ()
        assert [
            (verdict.test.snapshot, verdict.error, verdict.differences) for verdict in verdicts if not verdict.passed
        ] == []
        return
    expected = example.result()
    total = _run(example, tmp_path if beside else None)
    if "error" not in expected:
        expected.setdefault("rejects", [])
    _same({name: total.get(name) for name in expected}, expected, example)


EXPORTS = [(example, block) for example in EXAMPLES for block in example.blocks if block.kind.startswith("export=")]


@pytest.mark.parametrize(("example", "block"), EXPORTS, ids=lambda one: str(getattr(one, "kind", one)))
def test_each_export_has_the_lines_beside_it(example: Example, block: Block) -> None:
    name = block.kind.partition("=")[2]
    (export,) = [export for export in _load(example).exports if export.name == name]
    survey = Survey(export.profile)
    rows = _run(example)["rows"]
    for row in rows:
        survey.add(row)
    file = io.StringIO(newline="")
    writer = text_writer(file, export.format, survey.columns(), profile=export.profile)
    writer.write_header()
    for row in rows:
        writer.write(row)
    shown = list(csv.DictReader(io.StringIO(block.text, newline="")))
    lines = csv.DictReader(io.StringIO(file.getvalue(), newline=""), delimiter=SEPARATORS[export.format])
    assert [{column: line[column] for column in shown[0]} for line in lines] == shown


@pytest.mark.parametrize("example", [example for example in EXAMPLES if example.all("requests")], ids=str)
def test_each_start_makes_the_requests_beside_it(example: Example) -> None:
    recipe = _load(example)
    block = example.all("requests")[0]
    requests = start_requests(recipe, recipe.inputs.resolve(block.option("input")))
    _same([_request(request) for request in requests], json.loads(block.text, parse_float=Decimal), example)


@of_kind("wrong")
def test_what_is_refused_is_refused_with_these_words(example: Example) -> None:
    with pytest.raises(RecipeError) as refused:
        load_recipe_text(recipe_text(example), name="example")
    said = [
        f"{problem.message}; {problem.hint}" if problem.hint else problem.message for problem in refused.value.problems
    ]
    assert "\n".join(said) == example.all("says")[0].text.strip(), f"line {example.recipe.line}"


# --- steps -----------------------------------------------------------------------------------------------------------


def _cases() -> list[Any]:
    """YAML of one step, its input and its output, for each `- step  # input -> output` of the page."""
    cases = []
    for example in EXAMPLES:
        if example.recipe.kind != "steps":
            continue
        for number, chunk in enumerate(re.split(r"^(?=- )", example.recipe.text, flags=re.MULTILINE)[1:], start=1):
            head, _, below = chunk.partition("\n")
            code, mark, comment = head.partition("  # ")
            given, arrow, output = comment.partition(" -> ")
            assert mark, f"line {example.recipe.line}, step {number}: no `# input -> output` behind it"
            assert arrow, f"line {example.recipe.line}, step {number}: no ` -> ` in the comment"
            cases.append(
                pytest.param(f"{code}\n{below}", given, output, id=f"line {example.recipe.line} step {number}")
            )
    return cases


def _outcome(code: str, given: str) -> Any:
    """What a step makes of its input; `missing` and `fails: ...` in the page's words."""
    member = yaml.safe_load(code)[0]
    step = build_step(*next(iter(member.items()))) if isinstance(member, dict) else build_step(member)
    value = json.loads(given, parse_float=Decimal)
    assert check_chain([step], starts="list" if isinstance(value, list) else "one") is None
    try:
        result = run_steps([step], value, base_url=URL, now=NOW)
    except StepFailed as failure:
        return f"fails: {failure}"
    return "missing" if result is MISSING else _plain(result)


@pytest.mark.parametrize(("code", "given", "output"), _cases())
def test_each_step_makes_of_its_input_what_is_written_behind_it(code: str, given: str, output: str) -> None:
    in_words = output == "missing" or output.startswith("fails: ")
    assert _outcome(code, given) == (output if in_words else _plain(json.loads(output, parse_float=Decimal)))


def test_every_step_has_an_example() -> None:
    shown = {
        next(iter(member)) if isinstance(member, dict) else member
        for example in EXAMPLES
        if example.recipe.kind == "steps"
        for member in yaml.safe_load(example.recipe.text)
    }
    assert shown == {info.name for info in catalogue()}


def test_every_option_of_a_step_has_an_example() -> None:
    shown: dict[str, set[str]] = {}
    for example in EXAMPLES:
        if example.recipe.kind == "steps":
            for member in yaml.safe_load(example.recipe.text):
                for name, argument in (member if isinstance(member, dict) else {}).items():
                    shown.setdefault(name, set()).update(argument if isinstance(argument, dict) else ())
    missing = {
        f"{info.name}: {option}"
        for info in catalogue()
        for option in info.options
        if option not in shown.get(info.name, ())
    }
    assert missing == set()


# --- nothing without an example --------------------------------------------------------------------------------------

#: Shapes that share their keys: one example of a key is enough for all of them.
_SAME = {"field": "rule", "source": "rule", "member_contract": "field_contract"}
#: Keys of an input are those of a field's contract, but for these.
_OF_INPUTS = ("default", "required", "type")


class Shown:
    """Walks a recipe along the language's schema and remembers every key and every word of a choice that it meets."""

    def __init__(self) -> None:
        self.schema = language_schema()
        self.seen: set[str] = set()

    def variants(self, schema: dict[str, Any], place: str) -> list[tuple[dict[str, Any], str]]:
        """The schema itself and all that it may also be, with the place that names its keys."""
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            return self.variants(self.schema["$defs"][name], _SAME.get(name, name))
        found = [(schema, place)]
        for key in ("anyOf", "oneOf"):
            for inner in schema.get(key, ()):
                found += self.variants(inner, place)
        return found

    def walk(self, value: Any, schema: dict[str, Any], place: str) -> None:
        for one, at in self.variants(schema, place):
            if isinstance(value, dict):
                known = one.get("properties", {})
                for key, member in value.items():
                    if key in known:
                        self.seen.add(f"{at}.{key}")
                        self.walk(member, known[key], key)
                    elif isinstance(one.get("additionalProperties"), dict):
                        self.walk(member, one["additionalProperties"], at)
            elif isinstance(value, list) and "items" in one:
                for member in value:
                    self.walk(member, one["items"], at)
            elif value in one.get("enum", ()) and isinstance(value, str):
                self.seen.add(f"{at} = {value}")

    def wanted(self, schema: dict[str, Any], place: str, done: set[str]) -> None:
        """Every key and every word of a choice below a schema, into `done`; steps have tests of their own."""
        target = schema.get("$ref", "")
        if target.endswith("/step") or f"{target} at {place}" in done:
            return
        done |= {f"{target} at {place}"} if target else set()
        for one, at in self.variants(schema, place):
            for key, inner in one.get("properties", {}).items():
                if f"{at}.{key}" not in done:
                    done.add(f"{at}.{key}")
                    self.wanted(inner, key, done)
            done |= {f"{at} = {word}" for word in one.get("enum", ()) if isinstance(word, str)}
            for key in ("items", "additionalProperties"):
                if isinstance(one.get(key), dict):
                    self.wanted(one[key], at, done)


def _wanted(shown: Shown) -> set[str]:
    done: set[str] = set()
    shown.wanted(shown.schema, "recipe", done)
    inputs = {key for key in done if key.startswith("input.") and key.partition(".")[2] not in _OF_INPUTS}
    methods = {key for key in done if key.startswith("method = ")}
    return {key for key in done if not key.startswith("#/")} - inputs - methods


def test_every_key_of_the_language_has_an_example() -> None:
    shown = Shown()
    for example in EXAMPLES:
        if example.recipe.kind in ("fields", "page", "part", "recipe"):
            shown.walk(yaml.safe_load(recipe_text(example)), shown.schema, "recipe")
    assert sorted(_wanted(shown) - shown.seen) == []


def test_a_key_without_an_example_would_be_noticed() -> None:
    shown = Shown()
    wanted = _wanted(shown)
    assert {"paginate.cursor", "rule.remove", "each.parse", "retry.backoff", "as = html", "recipe.extends"} <= wanted
    shown.walk({"fetch": {"retry": {"times": 1}}}, shown.schema, "recipe")
    assert shown.seen == {"recipe.fetch", "fetch.retry", "retry.times"}


def test_no_yaml_on_the_page_goes_untested() -> None:
    kinds = {(block.line, block.kind) for block in blocks_of(TEXT) if block.language == "yaml"}
    assert [line for line, kind in sorted(kinds) if kind not in _KINDS] == []


def test_every_link_within_the_page_leads_to_a_heading() -> None:
    prose = _FENCE.sub("", TEXT)
    headings = re.findall(r"^#+ (.+)$", prose, re.MULTILINE)
    anchors = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\]\(#([^)]+)\)", prose)) - anchors == set()
    assert len(anchors) == len(headings), "two headings have one anchor"


def test_an_unclosed_fence_would_hide_nothing() -> None:
    assert TEXT.count("\n```") + TEXT.startswith("```") == 2 * len(blocks_of(TEXT))
