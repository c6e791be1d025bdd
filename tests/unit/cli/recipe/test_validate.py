"""`crawlery recipe validate` and `lint`."""


def test_validate_says_what_a_valid_recipe_consists_of(recipes, run):
    assert run("validate").strip() == "recipes/chairs.yaml: valid (2 page types, 1 item, 1 test)"


def test_validate_lists_every_problem_with_its_place_and_counts_them(recipes, run, recipe_text):
    text = recipe_text.replace("paginate:", "paginat:").replace("type: decimal", "type: decimel")
    (recipes / "chairs.yaml").write_text(text, encoding="utf-8")
    lines = run("validate", "chairs", code=2).splitlines()
    assert lines[0].startswith("recipes/chairs.yaml:14:5: pages.listing.paginat: ")
    assert "did you mean 'paginate'?" in lines[0]
    assert any("decimel" in line for line in lines)
    assert lines[-1].endswith("problems in 1 recipe")


def test_lint_gives_advice_with_exit_status_1(recipes, run):
    assert "without `quality`" in run("lint", "chairs", code=1)
