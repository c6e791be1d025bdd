"""`crawlery recipe contracts` and `docs`, as a person and CI run them."""

from pathlib import Path


def change(old, new):
    path = Path("recipes/chairs.yaml")
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_a_change_that_breaks_readers_is_refused_in_ci_and_by_update(recipes, run):
    assert "wrote recipes/chairs/contracts/chair@" in run("contracts", "chairs", "--update")
    assert "as registered" in run("contracts", "--check")
    change("price: {type: decimal}", "price: {type: integer}")
    for option in ("--check", "--update"):
        output = run("contracts", option, code=2)
        assert "recipes/chairs.yaml: items.chair.fields.price: is of type integer, and was of type decimal" in output
    assert "1 contract as registered" not in run("contracts", code=2)


def test_what_is_not_registered_is_told_with_what_to_do(recipes, run):
    output = run("contracts", "chairs", "--check", code=2)
    assert "is not registered; `--update` does it" in output
    assert run("contracts", "--check") == ""  # those that have no registry are left alone where none is named


def test_either_is_asked_for(recipes, run):
    assert "either --check or --update" in run("contracts", "--check", "--update", code=2)


def test_a_page_is_written_or_shown(recipes, run):
    run("contracts", "chairs", "--update")
    page = run("docs", "chairs")
    assert page.startswith("# chairs\n")
    run("docs", "chairs", "-o", "pages")
    assert Path("pages/chairs.md").read_text(encoding="utf-8") == page
