"""`crawlery recipe record`: pages become tests, and what is there already stays."""

import pytest
import yaml


def test_record_saves_the_page_and_writes_a_test_that_passes_and_comments_stay(recipes, tmp_path, run, oak):
    page = tmp_path / "elm.html"
    page.write_text(oak.replace("Oak", "Elm"), encoding="utf-8")
    output = run("record", "chairs", str(page), "--url", "https://x.example/elm", "--page", "chair")
    assert "recorded recipes/chairs/chair-elm.html and a test in recipes/chairs.yaml" in output
    text = (recipes / "chairs.yaml").read_text(encoding="utf-8")
    assert "# the cards" in text
    assert "# the end" in text
    assert yaml.safe_load(text)["tests"][1]["expect"] == {
        "url": "https://x.example/elm",
        "name": "Elm",
        "price": "5.00",
    }
    assert run("test").splitlines()[-1] == "2 passed"


def test_record_overwrites_nothing_without_force(recipes, tmp_path, run, oak):
    page = tmp_path / "elm.html"
    page.write_text(oak.replace("Oak", "Elm"), encoding="utf-8")
    arguments = ["record", "chairs", str(page), "--url", "https://x.example/oak", "--snapshot", "oak.html"]
    assert "--force overwrites it" in run(*arguments, code=2)
    assert (recipes / "chairs" / "oak.html").read_text(encoding="utf-8") == oak
    run(*arguments, "--force")
    assert "Elm" in (recipes / "chairs" / "oak.html").read_text(encoding="utf-8")
    assert run("test").splitlines()[-1] == "1 passed"


@pytest.mark.parametrize(
    ("body", "extra", "words"),
    [
        ("<p>", ["--page", "chair"], "row is rejected: nothing was recorded"),
        ("<h1>Oak</h1>", ["--page", "chair", "--snapshot", "../evil.html"], "saved pages lie directly in"),
        ("<ul>", ["--page", "listing", "--url", "https://x.example/"], "gives nothing: nothing was recorded"),
        ("<ul>", ["--page", "listing", "--url", "https://x.example/x"], "PageMismatch"),
    ],
)
def test_a_doubtful_page_is_not_recorded_and_the_recipe_stays_as_it_is(recipes, run, body, extra, words):
    page = recipes.parent / "elm.html"
    page.write_text(body, encoding="utf-8")
    before = (recipes / "chairs.yaml").read_text(encoding="utf-8")
    assert words in run("record", "chairs", str(page), *extra, code=2)
    assert (recipes / "chairs.yaml").read_text(encoding="utf-8") == before
    assert [path.name for path in (recipes / "chairs").iterdir()] == ["oak.html"]


def test_a_page_that_was_there_is_put_back_if_the_recipe_would_be_broken(recipes, run, oak, monkeypatch):
    monkeypatch.setattr("crawler.cli.recipe.record.with_test", lambda text, _entry: f"{text}\nunknown: 1\n")
    page = recipes.parent / "elm.html"
    page.write_text("<h1>Elm</h1>", encoding="utf-8")
    arguments = ["record", "chairs", str(page), "--url", "https://x.example/elm", "--force", "--snapshot"]
    assert "unknown" in run(*arguments, "oak.html", code=2)
    assert "unknown" in run(*arguments, "new.html", code=2)
    assert (recipes / "chairs" / "oak.html").read_text(encoding="utf-8") == oak
    assert [path.name for path in (recipes / "chairs").iterdir()] == ["oak.html"]
