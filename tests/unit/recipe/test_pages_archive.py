"""Archives of saved pages: what is no page, or too much, is refused before it stands anywhere."""

from __future__ import annotations

import gzip
import io
import tarfile

import pytest

from crawler.recipe import pages_archive
from crawler.recipe.pages_archive import ArchiveRefused, pack_pages, unpack_pages


def archive(tmp_path, *members, mode="w"):
    path = tmp_path / "pages.tar"
    with tarfile.open(path, mode=mode) as made:
        for name, kind, content in members:
            member = tarfile.TarInfo(name)
            member.type, member.size = kind, len(content)
            member.linkname = "/etc/passwd"
            made.addfile(member, io.BytesIO(content))
    return path


def page(name, content=b"x"):
    return name, tarfile.REGTYPE, content


def test_what_was_packed_is_there_again(tmp_path):
    pages = {"a.html": b"<a>", "lists/b.html": b"<b>" * 1000, "ä.html": b""}
    (tmp_path / "pages.tar").write_bytes(pack_pages(pages))
    assert unpack_pages(tmp_path / "pages.tar", tmp_path / "goods") == 3
    found = {str(path.relative_to(tmp_path / "goods")): path for path in (tmp_path / "goods").rglob("*.html")}
    assert {name: path.read_bytes() for name, path in found.items()} == pages
    assert pack_pages(pages) == pack_pages(dict(reversed(pages.items())))


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_it_may_be_packed_or_not_and_hold_folders(tmp_path, mode):
    made = archive(tmp_path, ("./", tarfile.DIRTYPE, b""), page("./a.html"), mode=mode)
    assert unpack_pages(made, tmp_path / "goods") == 1


@pytest.mark.parametrize(
    ("member", "why"),
    [
        (("a.html", tarfile.SYMTYPE, b""), "no regular file"),
        (("a.html", tarfile.LNKTYPE, b""), "no regular file"),
        (("a.html", tarfile.FIFOTYPE, b""), "no regular file"),
        (("a.html", tarfile.CHRTYPE, b""), "no regular file"),
        (page("../a.html"), "no name of a saved page"),
        (page("a/../../b.html"), "no name of a saved page"),
        (page("/etc/passwd"), "no name of a saved page"),
        (page("a//b"), "no name of a saved page"),
        (page("a\nb"), "no name of a saved page"),
        (page("x" * 300), "no name of a saved page"),
    ],
)
def test_what_is_no_page_is_refused_and_stands_nowhere(tmp_path, member, why):
    with pytest.raises(ArchiveRefused, match=why):
        unpack_pages(archive(tmp_path, member), tmp_path / "goods")
    assert {path.name for path in tmp_path.rglob("*")} == {"pages.tar", "goods"}


def test_a_name_that_is_there_twice_is_refused(tmp_path):
    with pytest.raises(ArchiveRefused, match="in it twice"):
        unpack_pages(archive(tmp_path, page("a"), page("a")), tmp_path / "goods")


def test_a_page_where_a_folder_must_be_is_refused(tmp_path):
    with pytest.raises(ArchiveRefused):
        unpack_pages(archive(tmp_path, page("a"), page("a/b")), tmp_path / "goods")


def test_so_many_files_and_no_more(tmp_path, monkeypatch):
    monkeypatch.setattr(pages_archive, "MAX_FILES", 3)
    assert unpack_pages(archive(tmp_path, *(page(str(each)) for each in range(3))), tmp_path / "three") == 3
    with pytest.raises(ArchiveRefused, match="more than 3 files"):
        unpack_pages(archive(tmp_path, *(page(str(each)) for each in range(4))), tmp_path / "four")
    with pytest.raises(ArchiveRefused, match="4 saved pages"):
        pack_pages({str(each): b"" for each in range(4)})


def test_so_many_bytes_and_no_more_however_well_they_are_packed(tmp_path, monkeypatch):
    monkeypatch.setattr(pages_archive, "MAX_UNPACKED_BYTES", 1_000_000)
    made = archive(tmp_path, page("a", b"\0" * 600_000), page("b", b"\0" * 600_000), mode="w:gz")
    assert made.stat().st_size < 5_000
    with pytest.raises(ArchiveRefused, match="when it is unpacked"):
        unpack_pages(made, tmp_path / "goods")
    assert [path.name for path in (tmp_path / "goods").iterdir()] == ["a"]


@pytest.mark.parametrize(
    "content",
    [b"", b"x" * 5000, gzip.compress(b"x" * 5000, mtime=0), b"PK\3\4" + b"\0" * 600],
    ids=["nothing", "no archive", "something packed", "a zip"],
)
def test_what_is_no_tar_is_refused(tmp_path, content):
    (tmp_path / "pages.tar").write_bytes(content)
    with pytest.raises(ArchiveRefused):
        unpack_pages(tmp_path / "pages.tar", tmp_path / "goods")
