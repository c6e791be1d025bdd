"""The duty of checking recipes: what goes wrong with one keeps no other one waiting."""

from __future__ import annotations

import io

from recipe_pushes import PAGE, goods, tar

from crawler.catalog.model import RecipeVersion
from crawler.catalog.objects import keep_pages, keep_text
from crawler.catalog.store import Catalog
from crawler.exports.objects_folder import FolderObjectStore
from crawler.steward.recipe_checks import RecipeChecks


class Surprising(FolderObjectStore):
    """Fails as nobody has thought of, for the pages of one recipe."""

    broken = ""

    def get(self, key: str) -> bytes:
        if self.broken in key:
            raise RuntimeError("nobody has thought of this")
        return super().get(key)


def test_a_check_that_fails_as_nobody_has_thought_of_is_put_off_and_the_others_go_on(bench, tmp_path, caplog):
    objects, catalog = Surprising(tmp_path / "objects"), Catalog(bench.store)
    bench.objects = objects
    for name in ("first", "second", "third"):
        text = goods(name)
        pages = keep_pages(objects, io.BytesIO(tar({"good.html": PAGE, name: b""})))
        objects.broken = objects.broken or pages
        new = RecipeVersion(
            client="alice", name=name, version="1.0.0", sha256=keep_text(objects, text), pages_sha256=pages
        )
        bench.run(catalog.push(new, text))
    assert bench.run(RecipeChecks(bench.ground()).run()) == 2
    assert sorted(bench.run(catalog.all_current("alice"))) == ["second", "third"]
    assert [each.name for each in bench.run(catalog.pending())] == ["first"]
    assert "nobody has thought of this" in caplog.text
    objects.broken = "nothing"
    assert bench.run(RecipeChecks(bench.ground()).run()) == 1
    assert sorted(bench.run(catalog.all_current("alice"))) == ["first", "second", "third"]
