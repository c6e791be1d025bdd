"""`crawlery recipe import`."""

import json

import pytest

OLD = """\
name: Old shop
version: '1.0.0'
siteUrl: https://old.example
selectors:
  title: h1
  price: .price
  images: .gallery img
  productLinks: .product a
transforms:
  title:
    - 'trim: '
    - '\\s+->'
    - 'limit:20'
languages: [he]
"""
SECOND = "recipes:\n" + "".join(
    f"  - name: {name}\n    siteUrl: https://{name}.example\n    version: '1.0.0'\n"
    "    selectors: {title: h1, price: .p, images: img, productLinks: a}\n"
    for name in ("one", "two")
)


@pytest.fixture
def old(recipes, tmp_path):
    path = tmp_path / "old.yaml"
    path.write_text(OLD, encoding="utf-8")
    return path


def test_import_writes_a_recipe_that_validates_and_tells_what_did_nothing(old, recipes, run):
    lines = run("import", "old.yaml").splitlines()
    assert lines[0].startswith("old.yaml:12:7: transforms.title[1]: did nothing: a match was to become an empty text")
    assert lines[1].startswith("old.yaml:13:7: transforms.title[2]: did nothing: `limit:` is no step of that system")
    assert lines[1].endswith("to have it do what it says: {truncate: 20}")
    assert lines[2].startswith("old.yaml:14:1: languages: was ignored: ")
    assert lines[3:] == [
        "wrote recipes/old-shop.yaml (it loads)",
        "2 steps that did nothing, 1 key that was ignored",
        "next: crawlery recipe try recipes/old-shop.yaml URL",
    ]
    assert "recipes/old-shop.yaml: valid" in run("validate", "old-shop")


def test_import_exits_with_1_where_something_is_to_decide(old, run):
    old.write_text(OLD.replace("https://old.example", "'*'"), encoding="utf-8")
    assert "siteUrl: decide: `*` fits many sites" in run("import", "old.yaml", code=1)


def test_the_report_as_json_has_places_kinds_and_counts(old, run):
    report = json.loads(run("import", "old.yaml", "--json"))
    assert report["format"] == "replaced"
    assert report["recipes"] == [{"name": "old-shop", "file": "recipes/old-shop.yaml", "valid": True}]
    assert report["counts"] == {"noop": 2, "ignored": 1, "changed": 0, "dropped": 0, "decide": 0}
    assert report["findings"][1] == {
        "kind": "noop",
        "file": "old.yaml",
        "line": 13,
        "column": 7,
        "path": "transforms.title[2]",
        "message": "`limit:` is no step of that system: it knows `a->b`, `trim:` and `replace:`",
        "hint": "to have it do what it says: {truncate: 20}",
    }


def test_the_file_that_is_named_names_the_recipe(old, run, tmp_path):
    assert "wrote new.yaml (it loads)" in run("import", "old.yaml", "-o", "new.yaml")
    assert "name: new\n" in (tmp_path / "new.yaml").read_text(encoding="utf-8")
    assert "new.yaml: valid" in run("validate", "new.yaml")


def test_a_recipe_that_is_there_is_overwritten_only_by_force(old, recipes, run):
    run("import", "old.yaml")
    assert "there already" in run("import", "old.yaml", code=2)
    run("import", "old.yaml", "--force")


def test_several_recipes_of_a_file_go_into_a_folder(recipes, run, tmp_path):
    (tmp_path / "many.yaml").write_text(SECOND, encoding="utf-8")
    assert "must name a folder" in run("import", "many.yaml", "-o", "one.yaml", code=2)
    out = run("import", "many.yaml", "-o", "shops")
    assert "wrote shops/one.yaml" in out
    assert "wrote shops/two.yaml" in out
    assert "two.yaml: valid" in run("validate", "shops/two.yaml")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"a: 1", "not clear which system this is from; say --format"),
        (b"[1]", "it is not a map"),
        (b"a: [", "this is no YAML"),
        (b"\xff\xfe", "not UTF-8"),
        (b"", "it is not a map"),
        (b"x" * (1 << 21), "at most 1,048,576 are read"),
    ],
)
def test_what_is_no_recipe_is_refused_with_its_place(recipes, run, tmp_path, content, says):
    (tmp_path / "bad.yaml").write_bytes(content)
    out = run("import", "bad.yaml", code=2)
    assert "bad.yaml:" in out
    assert says in out


def test_a_file_that_is_not_there_and_a_name_that_is_none_are_refused(recipes, run):
    assert "No such file" in run("import", "nothing.yaml", code=2)
    assert "is no name" in run("import", "nothing.yaml", "-o", "No Name.yaml", code=2)
