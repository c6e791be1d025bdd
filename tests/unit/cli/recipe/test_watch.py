"""One run of `crawlery recipe watch`; the saves themselves are in `tests/e2e`."""

from crawler.cli.recipe.watch import run_once


def test_watch_shows_the_result_of_each_run(recipes, capsys, recipe_text):
    assert run_once(recipes / "chairs.yaml")
    assert "1 passed in" in capsys.readouterr().out
    (recipes / "chairs.yaml").write_text(recipe_text.replace("name: [", "nam: ["), encoding="utf-8")
    assert not run_once(recipes / "chairs.yaml")
    assert "pages.chair.fields.nam" in capsys.readouterr().out
    (recipes / "chairs.yaml").unlink()
    assert not run_once(recipes / "chairs.yaml")
    assert "the file is gone" in capsys.readouterr().out
