"""`crawlery recipe try`: where each value came from, or how far a selector gets."""

import pytest


def test_try_shows_value_winning_alternative_and_how_far_a_selector_gets(recipes, tmp_path, run):
    page = tmp_path / "page.html"
    page.write_text('<h1>Oak</h1><div class="summary">on request</div>', encoding="utf-8")
    lines = [line.strip() for line in run("try", "chairs", str(page), "--url", "https://x.example/p").splitlines()]
    assert "page type chair (it gives 1 row here; --page says otherwise)" in lines
    assert "name   Oak" in lines
    assert "alternative 2 of 2, css: h1" in lines
    assert "css: .title h2 matches nothing" in lines
    assert "price  -" in lines
    assert "css: .summary .price matches nothing; `.summary` matches 1" in lines


def test_try_knows_the_page_type_by_match_and_counts_links(recipes, tmp_path, run, listing):
    page = tmp_path / "page.html"
    page.write_text(listing, encoding="utf-8")
    output = run("try", "chairs", str(page), "--url", "https://x.example/")
    assert "page type listing (by its match)" in output
    assert "follow 2 links to chair" in output
    assert "https://x.example/oak" in output
    assert "css: a.next matches nothing" in output


def test_try_of_a_saved_page_takes_its_url_from_the_test(recipes, run):
    output = run("try", "chairs", "recipes/chairs/oak.html")
    assert "https://x.example/oak" in output
    assert "page type chair (the recipe says so)" in output


def test_try_shows_why_a_row_is_rejected(recipes, tmp_path, run):
    page = tmp_path / "page.html"
    page.write_text("<p>", encoding="utf-8")
    assert "name is missing (required)" in run("try", "chairs", str(page), "--page", "chair")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["none.html"], "a URL begins with http"),
        (["recipes/chairs/oak.html", "--page", "sofa"], "there are listing, chair"),
        (["https://x.example/", "--url", "https://x.example/"], "--url is for files"),
        (["recipes/chairs/oak.html", "-i", "stie=x"], "did you mean 'site'?"),
        (["recipes/chairs/oak.html", "-i", "site"], "is not NAME=VALUE"),
        (["recipes/chairs/oak.html", "-i", "site=x"], "--input site=https://example.com"),
    ],
)
def test_a_page_or_input_that_cannot_be_used_is_refused_in_a_sentence(recipes, arguments, words, run):
    assert words in run("try", "chairs", *arguments, code=2)


def test_a_list_page_is_not_taken_for_a_product_without_anything(recipes, tmp_path, run, recipe_text, listing):
    (recipes / "chairs.yaml").write_text(recipe_text.replace("    match: ['/$']\n", ""), encoding="utf-8")
    page = tmp_path / "page.html"
    page.write_text(listing, encoding="utf-8")
    output = run("try", "chairs", str(page), "--url", "https://x.example/all")
    assert "page type listing (it finds 2 links here; --page says otherwise)" in output
    assert "rejected" not in output


def test_a_page_that_fits_no_page_type_must_be_named(recipes, tmp_path, run, recipe_text):
    text = recipe_text.replace("  chair:\n    item", "  other:\n    match: ['/other']\n    item", 1)
    text = text.replace("page: chair", "page: other", 1)
    both = text.replace(
        "items:\n", "  third:\n    item: chair\n    fields: {url: {response: url}, name: h1}\nitems:\n", 1
    )
    both = both.replace("{links: li a, page: other}", "{links: li a, page: other}, {links: p a, page: third}")
    (recipes / "chairs.yaml").write_text(both.partition("tests:")[0], encoding="utf-8")
    page = tmp_path / "page.html"
    page.write_text("<p>", encoding="utf-8")
    output = run("try", "chairs", str(page), "--url", "https://x.example/x", code=2)
    assert "Say it with --page: listing, other, third" in output
