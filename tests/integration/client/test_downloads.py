"""Files of a job arrive whole or not at all: cut, resumed, with links that have ended, changed, and beside others."""

from __future__ import annotations

import fcntl
import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from stand_in_api import Reply, served

from crawler.client import DownloadFailed
from crawler.client.downloads import Downloads

CONTENT = bytes(range(256)) * 2000  # half a megabyte
JSONL = b'{"a": 1}\n'


def entry(api, name: str, content: bytes, *, url: str | None = None, expires_at: str | None = None) -> dict:
    """A file as the results name it."""
    return {
        "name": name,
        "rows": 3,
        "size_bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "url": f"{api.url}/{name}?signature=s" if url is None else url,
        "expires_at": expires_at,
    }


def results(*files: dict, **more) -> dict:
    return {"job": "j", "state": "succeeded", "final": True, "withheld": False, "why": [], "files": files, **more}


@pytest.fixture
def goods(api):
    """A job with one file, `goods.csv`."""
    api.on("GET", "/v1/jobs/j/results", results(entry(api, "goods.csv", CONTENT)))
    api.on("GET", "/goods.csv", served(CONTENT))


@pytest.fixture
def hasty(client):
    """Downloads that do not sleep; answers how long they would have."""
    slept = []
    with Downloads(lambda: client.results.get("j"), timeout_s=5, pause=slept.append) as downloads:
        yield downloads, slept


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_all_files_are_there_and_the_key_stays_with_the_api(api, client, tmp_path):
    api.on("GET", "/v1/jobs/j/results", results(entry(api, "goods.csv", CONTENT), entry(api, "lines.jsonl", JSONL)))
    api.on("GET", "/goods.csv", served(CONTENT))
    api.on("GET", "/lines.jsonl", served(JSONL))
    told = []
    paths = client.results.download("j", tmp_path / "a" / "b", on_file=lambda path, rows: told.append((path, rows)))
    assert [path.read_bytes() for path in paths] == [CONTENT, JSONL]
    assert told == [(path, 3) for path in paths]
    assert names(tmp_path / "a" / "b") == ["goods.csv", "lines.jsonl"]
    assert not [each for each in api.requests if not each.path.startswith("/v1") and "authorization" in each.headers]


@pytest.mark.usefixtures("goods")
def test_a_file_that_is_cut_goes_on_where_it_was_cut(api, client, tmp_path):
    api.on("GET", "/goods.csv", served(CONTENT, cut_at=100_000), served(CONTENT, cut_at=50_000), served(CONTENT))
    (path,) = client.results.download("j", tmp_path)
    assert path.read_bytes() == CONTENT
    begins = [each.headers.get("range") for each in api.asked("GET", "/goods.csv")]
    assert begins == [None, "bytes=100000-", "bytes=150000-"]


@pytest.mark.usefixtures("goods")
def test_what_another_call_has_left_is_not_fetched_again(api, client, tmp_path):
    (tmp_path / "goods.csv.part").write_bytes(CONTENT[:200_000])
    (path,) = client.results.download("j", tmp_path)
    assert path.read_bytes() == CONTENT
    assert api.requests[-1].headers["range"] == "bytes=200000-"
    assert names(tmp_path) == ["goods.csv"]
    client.results.download("j", tmp_path)
    assert len(api.asked("GET", "/goods.csv")) == 1


@pytest.mark.parametrize("left", [b"x" * 1000, b"x" * len(CONTENT), b"x" * (len(CONTENT) + 1)])
@pytest.mark.usefixtures("goods")
def test_what_is_left_of_another_file_is_thrown_away(client, tmp_path, left):
    (tmp_path / "goods.csv.part").write_bytes(left)
    (path,) = client.results.download("j", tmp_path)
    assert path.read_bytes() == CONTENT


@pytest.mark.usefixtures("goods")
def test_an_older_file_of_that_name_is_replaced(client, tmp_path):
    (tmp_path / "goods.csv").write_bytes(b"x" * len(CONTENT))
    client.results.download("j", tmp_path)
    assert (tmp_path / "goods.csv").read_bytes() == CONTENT


@pytest.mark.parametrize(
    "second",
    [
        served(CONTENT, ranges=False),
        Reply(status=206, body=CONTENT, headers={"Content-Range": "bytes 0-1/2"}),
        Reply(status=416),
    ],
)
@pytest.mark.usefixtures("goods")
def test_a_storage_that_cannot_go_on_begins_again(api, client, tmp_path, second):
    api.on("GET", "/goods.csv", served(CONTENT, cut_at=1000), second, served(CONTENT))
    (path,) = client.results.download("j", tmp_path)
    assert path.read_bytes() == CONTENT


@pytest.mark.parametrize("status", [400, 403, 404])
def test_a_link_that_has_ended_on_the_way_is_asked_for_anew(api, client, tmp_path, status):
    old, new = (entry(api, "goods.csv", CONTENT, url=f"{api.url}/{name}") for name in ("old", "new"))
    api.on("GET", "/v1/jobs/j/results", results(old), results(new))
    api.on("GET", "/old", served(CONTENT, cut_at=1000), Reply(status=status, body=b"<Error/>"))
    api.on("GET", "/new", served(CONTENT))
    (path,) = client.results.download("j", tmp_path)
    assert path.read_bytes() == CONTENT
    assert api.asked("GET", "/new")[0].headers["range"] == "bytes=1000-"


def test_a_link_that_is_about_to_end_is_not_begun_with(api, client, tmp_path):
    soon, later = ((datetime.now(UTC) + timedelta(seconds=left)).isoformat() for left in (5, 900))
    old = entry(api, "goods.csv", CONTENT, url=f"{api.url}/old", expires_at=soon)
    new = entry(api, "goods.csv", CONTENT, url=f"{api.url}/new", expires_at=later)
    api.on("GET", "/v1/jobs/j/results", results(old), results(new))
    api.on("GET", "/new", served(CONTENT))
    client.results.download("j", tmp_path)
    assert not api.asked("GET", "/old")


@pytest.mark.parametrize("content", [CONTENT[:-1] + b"x", CONTENT + b"x"])
@pytest.mark.usefixtures("goods")
def test_other_bytes_than_the_api_says_are_never_under_the_name(api, hasty, tmp_path, content):
    api.on("GET", "/goods.csv", served(content))
    downloads, _ = hasty
    with pytest.raises(DownloadFailed, match=r"goods\.csv of j"):
        downloads.all_into(tmp_path)
    assert "goods.csv" not in names(tmp_path)
    if len(content) == len(CONTENT):
        assert not names(tmp_path)


@pytest.mark.parametrize("reply", [Reply(is_dropped=True), Reply(status=500), Reply(status=403)])
@pytest.mark.usefixtures("goods")
def test_a_storage_that_gives_nothing_more_ends_it_and_what_has_come_stays(api, hasty, tmp_path, reply):
    api.on("GET", "/goods.csv", served(CONTENT, cut_at=1000), reply)
    downloads, slept = hasty
    with pytest.raises(DownloadFailed, match=r"stops at 1,000 of 512,000 bytes: .*; the same call again goes on there"):
        downloads.all_into(tmp_path)
    assert (tmp_path / "goods.csv.part").read_bytes() == CONTENT[:1000]
    assert slept == [0.2, 0.4, 0.8, 1.6]


@pytest.mark.usefixtures("goods")
def test_two_processes_do_not_write_one_file(client, tmp_path):
    with (tmp_path / "goods.csv.part").open("wb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(DownloadFailed, match="another process"):
            client.results.download("j", tmp_path)
    client.results.download("j", tmp_path)


def test_a_file_that_changes_meanwhile_is_not_mixed(api, client, tmp_path):
    first, second = entry(api, "goods.csv", CONTENT), entry(api, "goods.csv", CONTENT[::-1])
    api.on("GET", "/v1/jobs/j/results", results(first), results(second))
    api.on("GET", "/goods.csv", served(CONTENT, cut_at=1000), Reply(status=403))
    with pytest.raises(DownloadFailed, match="has changed meanwhile"):
        client.results.download("j", tmp_path)


@pytest.mark.parametrize("name", ["", "..", "../x", "/etc/x", "a\\b", "a\nb", ".env", "goods.csv.part"])
def test_a_name_stays_in_the_folder(api, client, tmp_path, name):
    api.on("GET", "/v1/jobs/j/results", results(entry(api, name, CONTENT, url=f"{api.url}/goods.csv")))
    with pytest.raises(DownloadFailed, match="no name for a file"):
        client.results.download("j", tmp_path / "files")
    assert not names(tmp_path / "files")


def test_a_storage_that_is_a_folder_of_this_machine_is_read(api, client, tmp_path):
    (tmp_path / "a b.csv").write_bytes(CONTENT)
    api.on("GET", "/v1/jobs/j/results", results(entry(api, "goods.csv", CONTENT, url=(tmp_path / "a b.csv").as_uri())))
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "goods.csv.part").write_bytes(CONTENT[:1000])
    (path,) = client.results.download("j", tmp_path / "files")
    assert path.read_bytes() == CONTENT
    with (
        Downloads(lambda: client.results.get("j"), timeout_s=5) as of_elsewhere,
        pytest.raises(DownloadFailed, match="lies in a folder of the API's machine"),
    ):
        of_elsewhere.all_into(tmp_path)


def test_an_empty_file_is_a_file(api, client, tmp_path):
    api.on("GET", "/v1/jobs/j/results", results(entry(api, "none.csv", b"")))
    (path,) = client.results.download("j", tmp_path)
    assert path.read_bytes() == b""


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"final": False, "state": "running"}, "j is running: there are no files to download yet"),
        ({"withheld": True, "why": ["too few rows"]}, "withheld: too few rows"),
    ],
)
def test_files_that_are_not_to_be_had_are_told(api, client, tmp_path, more, says):
    api.on("GET", "/v1/jobs/j/results", results(entry(api, "goods.csv", CONTENT), **more))
    with pytest.raises(DownloadFailed, match=says):
        client.results.download("j", tmp_path)


@pytest.mark.usefixtures("goods")
def test_a_folder_that_cannot_be_written_is_told(client, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DownloadFailed, match=r"file: file exists|file/x: not a directory"):
        client.results.download("j", tmp_path / "file" / "x")
