"""`crawlery recipe push`: what is handed over, and what is said of its check; with `pull`, on a real API."""

from __future__ import annotations

import io
import json
import tarfile
from email import message_from_bytes

import pytest
from recipe_pushes import PAGE, Fleet, goods
from stand_in_api import Reply

FAILED = {"page": "good", "snapshot": "good.html", "passed": False, "problems": ["name: no"]}


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


@pytest.mark.parametrize(
    ("state", "report", "code", "said"),
    [
        ("current", {}, 0, ()),
        ("passed", {}, 0, ("a higher version is current",)),
        ("rejected", {"problems": ["1 of 1 tests have failed"], "tests": [FAILED]}, 1, ("FAILED good", "name: no")),
        ("untested", {"untested": ["good"]}, 1, ("no test for good",)),
    ],
)
def test_a_recipe_and_its_saved_pages_are_handed_over_and_their_check_is_waited_for(  # noqa: PLR0917 - a table
    crawlery, api, state, report, code, said
):
    facts = {"name": "goods", "version": "1.0.0"}
    api.on("PUT", "/v1/recipes/goods", Reply(status=202, body={**facts, "state": "checking"}))
    api.on("GET", "/v1/recipes/goods/versions", {"versions": [{**facts, "state": state, "report": report}]})
    write(crawlery.folder, goods())
    shown = crawlery("recipe", "push", "goods", "--client", "bob", "--force", code=code).stdout
    assert f"goods 1.0.0  {state}" in shown
    assert all(word in shown for word in said)
    (pushed,) = api.asked("PUT", "/v1/recipes/goods")
    assert pushed.query == {"client": ["bob"], "force": ["true"]}
    form = message_from_bytes(f"Content-Type: {pushed.headers['content-type']}\n\n".encode() + pushed.body)
    parts = {part.get_param("name", header="content-disposition"): part for part in form.get_payload()}
    assert parts["recipe"].get_payload(decode=True).decode().strip() == goods().strip()
    with tarfile.open(fileobj=io.BytesIO(parts["pages"].get_payload(decode=True))) as archive:
        assert archive.extractfile("good.html").read() == PAGE


@pytest.mark.long
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
