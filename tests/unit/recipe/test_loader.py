"""A recipe loads into a plan, or is refused with everything that is wrong; the old system's faults cannot happen."""

import time
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from crawler.errors import RecipeError
from crawler.recipe.loader import load_recipe, load_recipe_text
from crawler.recipe.steps import registry

LARGE = Path(__file__).parent / "large"

SMALLEST = """schema_version: 1
name: books
version: "1.0.0"
inputs: {site: {type: string, format: uri, default: "https://books.toscrape.com"}}
start: [{urls: "{{ inputs.site }}/", page: listing}]
pages:
  listing:
    follow: [{links: article.product_pod h3 a, page: book}]
    paginate: {next: li.next a}
  book:
    item: book
    fields:
      url:    {response: url}
      upc:    {xpath: "//th[.='UPC']/following-sibling::td"}
      title:  h1
      price:  {css: .product_main .price_color, process: [price]}
      rating: {css: ".star-rating::attr(class)", process: [{regex: 'star-rating (\\w+)'}, {map: {One: 1, Two: 2}}]}
items:
  book:
    version: 1
    key: [upc]
    fields:
      upc:    {type: string, required: true}
      title:  {type: string, required: true}
      price:  {type: decimal, minimum: 0, required: true}
      rating: {type: integer, minimum: 1, maximum: 5}
quality: {items: {minimum: 900}, rejected: {maximum: 1%}}
exports: [{name: books, item: book, format: csv}]
"""


def refusal(text: str) -> list[str]:
    with pytest.raises(RecipeError) as caught:
        load_recipe_text(text, name="books.yaml")
    return [str(problem) for problem in caught.value.problems]


def test_the_smallest_useful_recipe_loads():
    recipe = load_recipe_text(SMALLEST)
    assert (recipe.name, recipe.version, list(recipe.pages), list(recipe.items)) == (
        "books",
        "1.0.0",
        ["listing", "book"],
        ["book"],
    )
    assert recipe.pages["book"].item == "book"
    assert recipe.inputs.resolve({}) == {"site": "https://books.toscrape.com"}
    assert recipe.start[0].page == "listing"
    assert recipe.text == SMALLEST
    assert len(recipe.sha256) == 64


def test_the_same_recipe_loads_from_its_file(tmp_path):
    path = tmp_path / "books.yaml"
    path.write_text(SMALLEST)
    recipe = load_recipe(path)
    assert recipe.path == path
    assert recipe.sha256 == load_recipe_text(SMALLEST).sha256


def test_text_and_bytes_with_windows_line_ends_and_a_byte_order_mark_load_too(tmp_path):
    path = tmp_path / "books.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + SMALLEST.replace("\n", "\r\n").encode())
    assert load_recipe(path).name == "books"


def test_everything_wrong_is_reported_at_once_in_file_order():
    broken = (
        SMALLEST.replace('version: "1.0.0"', "version: 1.10")
        .replace("paginate", "pagenate")
        .replace("process: [price]", "process: [pirce]")
        .replace("title:  h1", "titel:  h1")
        .replace("format: csv", "format: cvs")
    )
    assert refusal(broken) == [
        'books.yaml:3:10: version: must be a version such as "1.0.0", not the number 1.10; quote it: "1.10.0"',
        "books.yaml:9:5: pages.listing.pagenate: unknown key 'pagenate'; did you mean 'paginate'?",
        "books.yaml:15:7: pages.book.fields.titel: the item 'book' has no field 'titel'; did you mean 'title'?",
        "books.yaml:16:59: pages.book.fields.price.process[0]: there is no step `pirce`; did you mean 'price'?",
        "books.yaml:24:7: items.book.fields.title: no page fills the field 'title'; did you mean 'titel'?",
        (
            "books.yaml:28:45: exports[0].format: must be csv, tsv, jsonl or parquet, not the text 'cvs'; did you mean"
            " 'csv'?"
        ),
    ]


@pytest.mark.parametrize("kind", ["absent", "folder", "near"])
def test_a_file_that_cannot_be_read_is_one_clear_problem(tmp_path, kind):
    (tmp_path / "books.yaml").write_text(SMALLEST)
    (tmp_path / "folder.yaml").mkdir()
    path = tmp_path / {"absent": "nothing.yaml", "folder": "folder.yaml", "near": "boks.yaml"}[kind]
    with pytest.raises(RecipeError) as caught:
        load_recipe(path)
    (problem,) = caught.value.problems
    assert (problem.line, problem.column, problem.file) == (1, 1, str(path))
    assert problem.hint == ("did you mean 'books'?" if kind == "near" else None)


@pytest.mark.parametrize("name", ["bazaar", "prices-api", "forum"])
def test_an_ordinary_recipe_loads_in_a_moment(name):
    """The fastest of some: cold caches of the processor and the garbage of other tests are not the loader's."""

    def seconds() -> float:
        started = time.process_time()
        load_recipe(LARGE / f"{name}.yaml")
        return time.process_time() - started

    assert min(seconds() for _ in range(8)) < 0.1


@pytest.fixture
def broken_step_package(monkeypatch):
    """Another package that brings a step which is none."""
    point = EntryPoint(name="shiny", value="json:loads", group=registry.ENTRY_POINT_GROUP)
    monkeypatch.setattr(registry, "entry_points", lambda **_: [point])
    registry._definitions.cache_clear()
    yield
    monkeypatch.undo()
    registry._definitions.cache_clear()


def test_a_broken_step_of_another_package_is_a_problem_of_the_recipe_that_uses_steps(broken_step_package):
    found = refusal(SMALLEST)
    assert all("entry point `shiny`" in problem for problem in found)
    assert refusal(SMALLEST.replace("process: [price]", "process: price"))


# --- faults of the system before, none of which may be possible here ---


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ("trim", "there is no step `trim`; did you mean `strip`"),
        ("{limit: many}", "`limit`"),
        ("{truncate: 0}", "`truncate`"),
        ("'replace:a|b'", "there is no step `replace:a|b`"),
        ("{regex: ''}", "`regex` needs a pattern"),
        ("{map: {}}", "`map`"),
        ("{lower: ' '}", "`lower` takes no argument"),
    ],
)
def test_fault_1_no_step_silently_does_nothing(step, message):
    found = refusal(SMALLEST.replace("process: [price]", f"process: [{step}]"))
    assert any(message in problem for problem in found), found


def test_fault_1_an_empty_replacement_and_a_bar_in_a_pattern_do_what_they_say():
    step = "{replace: {pattern: 'a|b', with: ''}}"
    recipe = load_recipe_text(SMALLEST.replace("title:  h1", f"title: {{css: h1, process: [{step}]}}"))
    (replace,) = recipe.pages["book"].rows.fields["title"].process
    assert replace.apply("cabbage", base_url="") == "cge"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("name: books\n", "name: books\njavascript: true\n"),
        ("    item: book\n", "    item: book\n    waitForSelector: h1\n"),
        ("title:  h1", "title: {css: h1, trim: true}"),
        ("{type: integer, minimum: 1,", "{type: integer, min: 1,"),
        ("format: csv}", "format: csv, delimiter: ';'}"),
    ],
)
def test_fault_2_no_unknown_key_is_ignored(old, new):
    assert any("unknown key" in problem for problem in refusal(SMALLEST.replace(old, new)))


def test_fault_3_two_backslashes_in_single_quotes_are_refused_with_the_corrected_line():
    (problem,) = refusal(SMALLEST.replace(r"(\w+)", r"(\\w+)"))
    assert "two backslashes stay two outside double quotes" in problem
    assert r"regex: 'star-rating (\w+)'" in problem


def test_fault_5_a_price_of_several_amounts_says_which_one_it_means():
    """The step refuses text with two amounts; which one is meant is written in the recipe."""
    wrong = refusal(SMALLEST.replace("process: [price]", "process: [{price: {which: frist}}]"))
    assert any("first" in problem for problem in wrong), wrong
    assert load_recipe_text(SMALLEST.replace("process: [price]", "process: [{price: {which: last}}]"))


def test_fault_6_rows_without_a_contract_do_not_exist():
    without = SMALLEST[: SMALLEST.index("items:")]
    assert any("there is no item 'book'" in problem for problem in refusal(without))


def test_fault_9_list_and_product_pages_each_have_their_own_fetch():
    recipe = load_recipe_text(SMALLEST.replace("    item: book\n", "    item: book\n    fetch: {timeout: 5s}\n"))
    assert (recipe.pages["book"].fetch.timeout_s, recipe.pages["listing"].fetch.timeout_s) == (5, None)
