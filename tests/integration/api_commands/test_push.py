"""`crawlery recipe push` and `pull` on a control API with a steward: what one machine hands over, another one gets."""

from __future__ import annotations

import json

import pytest
from recipe_pushes import PAGE, Fleet, goods


@pytest.fixture
def fleet(valkey, tmp_path):
    (tmp_path / "fleet").mkdir()
    made = Fleet(tmp_path / "fleet", valkey.url)
    try:
        yield made.start()
    finally:
        made.stop()


def write(folder, text, pages=(("good.html", PAGE),)):
    (folder / "goods.yaml").write_text(text)
    (folder / "goods").mkdir(exist_ok=True)
    for name, content in pages:
        (folder / "goods" / name).write_bytes(content)


def test_a_recipe_goes_from_one_machine_to_another_with_its_pages(nobody, fleet):
    nobody.environment |= {"CRAWLERY_API_URL": fleet.url, "CRAWLERY_API_KEY": fleet.people.alice}
    write(nobody.folder, goods())
    assert "goods 1.0.0  current" in nobody("recipe", "push", "goods").stdout
    assert json.loads(nobody("recipe", "push", "goods", "--json").stdout)["state"] == "current"
    said = nobody("recipe", "pull", "goods", "-o", "elsewhere").stdout
    assert said == "elsewhere/goods.yaml  1.0.0, current with 1 page\n"
    assert (nobody.folder / "elsewhere" / "goods.yaml").read_text() == goods()
    assert (nobody.folder / "elsewhere" / "goods" / "good.html").read_bytes() == PAGE
    assert "1 passed" in nobody("recipe", "test", "elsewhere/goods.yaml").stdout
    assert "is there already" in nobody("recipe", "pull", "goods", "-o", "elsewhere", code=2).stderr

    write(nobody.folder, goods(version="1.1.0", expect="Chair"))
    said = nobody("recipe", "push", "goods", code=1).stdout
    assert "goods 1.1.0  rejected" in said
    assert "name: expected 'Chair', found 'Stool'" in said
    nobody("recipe", "pull", "goods@1.1.0", "-o", "rejected")
    assert "Chair" in (nobody.folder / "rejected" / "goods.yaml").read_text()

    write(nobody.folder, goods(css="body h1"))
    assert "versions do not change" in nobody("recipe", "push", "goods", code=2).stderr
    (nobody.folder / "goods" / "good.html").unlink()
    assert "good.html" in nobody("recipe", "push", "goods", code=2).stderr
    assert "There is no such recipe" in nobody("recipe", "pull", "others", code=2).stderr
    nobody.environment |= {"CRAWLERY_API_KEY": fleet.people.bob}
    assert "There is no such recipe" in nobody("recipe", "pull", "goods", "-o", "bobs", code=2).stderr

    write(nobody.folder, goods(version="2.0.0").partition("tests:")[0])
    said = nobody("recipe", "push", "goods", code=1).stdout
    assert "no test for good" in said
