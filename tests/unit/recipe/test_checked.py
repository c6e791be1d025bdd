"""What a checked tree holds is read by type; what is absent, broken or of another type is None or empty."""

from crawler.recipe import checked
from crawler.recipe.diagnostics import Report
from crawler.recipe.yaml_nodes import Broken, Entry, ListNode, MapNode, Mark, SourceFile, plain
from crawler.recipe.yaml_reader import read_yaml

TEXT = "word: a\nnumber: 3\ntruth: true\nmap: {x: {y: 1}, z: 2}\nlist: [a, b]\n"
BROKEN = Broken(mark=Mark(SourceFile("r.yaml", ""), 9, 9))


def tree(*, broken: str = "") -> MapNode:
    root = read_yaml(TEXT, file="r.yaml", report=Report())
    assert isinstance(root, MapNode)
    entries = tuple(Entry(key=e.key, at=e.at, node=BROKEN if e.key == broken else e.node) for e in root)
    return MapNode(mark=root.mark, entries=entries)


def test_values_are_read_by_their_type():
    root = tree()
    assert checked.text(root, "word") == "a"
    assert checked.integer(root, "number") == 3
    assert checked.boolean(root, "truth") is True
    assert plain(checked.mapping(root, "map")) == {"x": {"y": 1}, "z": 2}


def test_values_of_another_type_absent_or_broken_are_none():
    for root in (tree(), tree(broken="word"), None):
        assert checked.text(root, "number") is None
        assert checked.integer(root, "truth") is None
        assert checked.boolean(root, "number") is None
        assert checked.mapping(root, "word") is None
        assert checked.scalar(root, "nothing") is None
    assert checked.text(tree(broken="word"), "word") is None


def test_entries_and_maps_leave_out_what_is_broken_and_names_do_not():
    root = tree(broken="map")
    holder = MapNode(mark=root.mark, entries=(Entry(key="m", at=root.entries[0].at, node=root),))
    assert [entry.key for entry in checked.entries(holder, "m")] == ["word", "number", "truth", "list"]
    assert "map" in checked.names(holder, "m")
    assert [name for name, _, _ in checked.maps(tree(), "map")] == ["x"]
    assert list(checked.entries(root, "map")) == []


def test_a_list_and_its_only_member_are_read_alike():
    root = tree()
    assert [(path, scalar.value) for path, scalar in checked.scalars(root, "list", ("p",))] == [
        (("p", "list", 0), "a"),
        (("p", "list", 1), "b"),
    ]
    assert [(path, scalar.value) for path, scalar in checked.scalars(root, "word", ())] == [(("word",), "a")]
    assert list(checked.scalars(root, "nothing", ())) == []


def test_broken_members_of_a_list_keep_the_numbers_of_the_others():
    root = tree()
    listed = root.get("list")
    assert isinstance(listed, ListNode)
    mended = ListNode(mark=listed.mark, items=(BROKEN, listed.items[1]))
    assert [path for path, _ in checked.members(mended, ())] == [(1,)]
    assert list(checked.members(BROKEN, ())) == []
