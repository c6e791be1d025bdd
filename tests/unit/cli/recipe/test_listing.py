"""`crawlery recipe list`."""


def test_list_shows_broken_recipes_too(recipes, run):
    (recipes / "bad.yaml").write_text("name: bad\n", encoding="utf-8")
    output = run("list")
    assert "problem" in next(line for line in output.splitlines() if line.startswith("bad"))
    assert "Chairs of a shop" in output


def test_parents_are_no_recipes_of_their_own(recipes, run):
    (recipes / "_parent.yaml").write_text("schema_version: 1\n", encoding="utf-8")
    assert "parent" not in run("list")
