"""`crawlery recipe new`: from a survey to a recipe that passes its own tests."""

import pytest
import yaml

from crawler.cli.recipe.new import draft_of, name_of, write
from crawler.cli.recipe.survey import Survey, survey
from crawler.recipe.check import run_tests
from crawler.recipe.loader import load_recipe
from crawler.recipe.model import PageInput, PageRequest
from crawler.recipe.propose import sample_of

SITE = "http://shop.example"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["https://x.example/", "--name", "chairs"], "--force overwrites it"),
        (["https://x.example/", "--name", "My Shop"], "lower-case letters"),
        (["https://x.example/", "--name", "a", "-o", "b.yaml"], "must be called a.yaml"),
        (["x.example"], "did you mean https://x.example?"),
    ],
)
def test_new_refuses_before_it_fetches_anything(recipes, arguments, words, run):
    assert words in run("new", *arguments, code=2)


@pytest.mark.parametrize(
    ("path", "pages"),
    [
        ("/", ["categories", "listing", "product"]),
        ("/c/lighting/", ["listing", "product"]),
        ("/c/sfarim/", ["listing", "product"]),
        ("/c/maison/", ["listing", "product"]),
        ("/c/outlet/", ["listing", "product"]),
    ],
)
def test_what_is_written_is_valid_and_passes_its_tests(surveyor, tmp_path, path, pages):
    found = survey(surveyor, SITE + path)
    recipe, draft = write(tmp_path / "first.yaml", found, draft_of("first", found, SITE + path))
    assert list(recipe.pages) == pages
    verdicts = run_tests(recipe)
    assert len(verdicts) >= 3
    assert all(verdict.passed for verdict in verdicts), verdicts
    assert {"name", "price", "currency", "availability", "category"} <= {one.name for one in draft.fields}
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["first", "first.yaml"]


def test_a_recipe_that_was_there_is_replaced_with_its_pages(surveyor, tmp_path):
    (tmp_path / "first").mkdir()
    (tmp_path / "first" / "old.html").write_text("old")
    found = survey(surveyor, f"{SITE}/c/lighting/")
    write(tmp_path / "first.yaml", found, draft_of("first", found, f"{SITE}/c/lighting/"))
    assert not (tmp_path / "first" / "old.html").exists()
    assert load_recipe(tmp_path / "first.yaml").tests


def test_the_site_is_an_input_and_the_values_found_are_comments(surveyor, tmp_path):
    found = survey(surveyor, f"{SITE}/c/lighting/")
    write(tmp_path / "first.yaml", found, draft_of("first", found, f"{SITE}/c/lighting/"))
    text = (tmp_path / "first.yaml").read_text(encoding="utf-8")
    written = yaml.safe_load(text)
    assert written["inputs"]["site"]["default"] == SITE
    assert written["start"] == [{"urls": "{{ inputs.site }}/c/lighting/", "page": "listing"}]
    assert "# Brass spotlight" in text


ODD = """<h1>Oak</h1><p class=price>€5.00</p><script type="application/ld+json">
{"@type": "Product", "name": "Oak", "aggregateRating": {"ratingValue": 4, "reviewCount": "a dozen"}}</script>"""


def test_a_field_whose_value_breaks_its_own_contract_is_left_out(tmp_path):
    url = f"{SITE}/oak"
    sample = sample_of(PageInput(request=PageRequest(url=url, page=None), url=url, body=ODD.encode()))
    found = Survey(items=(sample,))
    recipe, draft = write(tmp_path / "first.yaml", found, draft_of("first", found, url))
    assert "reviews" not in recipe.items["product"].fields
    assert "rating" in recipe.items["product"].fields
    assert "reviews" not in {one.name for one in draft.fields}


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://www.shop.example.com/c", "shop-example"),
        ("https://books.toscrape.com/", "books-toscrape"),
        ("http://127.0.0.1:8000/", "site"),
        ("http://localhost/", "localhost"),
    ],
)
def test_a_recipe_is_named_after_its_host(url, name):
    assert name_of(url) == name
