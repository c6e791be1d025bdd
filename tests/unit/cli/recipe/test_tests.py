"""`crawlery recipe test`: results a person can read."""


def test_tests_that_pass_are_one_line_each(recipes, run):
    lines = run("test").splitlines()
    assert lines[0].startswith("ok     chairs chair oak.html  2 values, ")
    assert lines[-1] == "1 passed"


def test_a_failing_test_shows_expected_and_found_under_each_other(recipes, run, oak):
    (recipes / "chairs" / "oak.html").write_text(oak.replace("Oak", "Elm"), encoding="utf-8")
    lines = run("test", "chairs", code=1).splitlines()
    assert lines[0].startswith("FAILED chairs chair oak.html")
    assert [line.strip() for line in lines[1:5]] == ["name", "expected  Oak", "found     Elm", "recipes/chairs.yaml:31"]
    assert lines[-1] == "0 passed, 1 failed"


def test_a_recipe_without_tests_says_how_to_make_one(recipes, run, recipe_text):
    (recipes / "chairs.yaml").write_text(recipe_text.partition("tests:")[0], encoding="utf-8")
    assert "no tests; `crawlery recipe record chairs URL` makes one" in run("test", "chairs")
