"""What recipes log in with: files that are found by name and client, and by nobody else's."""

from __future__ import annotations

import pytest

from crawler.config import read_secret
from crawler.errors import ConfigError


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The folder of secrets, with one of nobody's and one of each of two clients."""
    made = tmp_path / "secrets"
    for name, text in {"own": "mine", "acme/own": "acme's", "acme/only": "acme's only", "other/own": "other's"}.items():
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        (made / name).write_text(text, encoding="utf-8")
    monkeypatch.setenv("CRAWLERY_SECRETS_DIR", str(made))
    monkeypatch.chdir(tmp_path)
    return made


def test_each_client_has_its_own(folder):
    assert read_secret("own") == "mine"
    assert read_secret("own", client="acme") == "acme's"
    assert read_secret("own", client="other") == "other's"


@pytest.mark.parametrize("client", ["", "other", "nobody"])
def test_what_another_client_may_use_is_not_found(folder, client):
    with pytest.raises(ConfigError, match="there is no secret 'only': it belongs into the file"):
        read_secret("only", client=client)


def test_what_a_persons_crawl_may_use_no_client_may(folder):
    (folder / "personal").write_text("mine")
    with pytest.raises(ConfigError, match="there is no secret"):
        read_secret("personal", client="acme")


def test_a_file_may_be_called_like_client_and_secret_where_there_are_no_folders(folder):
    (folder / "acme.flat").write_text("also acme's")
    (folder / "acme.own").write_text("never read: there is a folder")
    assert read_secret("flat", client="acme") == "also acme's"
    assert read_secret("own", client="acme") == "acme's"
    with pytest.raises(ConfigError, match="there is no secret"):
        read_secret("flat", client="other")


def test_without_a_variable_the_folder_is_beside_the_crawl(folder, monkeypatch):
    monkeypatch.delenv("CRAWLERY_SECRETS_DIR")
    assert read_secret("own") == "mine"


@pytest.mark.parametrize("written", ["word\n", "word\r\n", "word \t\n\n"])
def test_white_space_at_the_end_is_no_part_of_it(folder, written):
    (folder / "own").write_bytes(written.encode())
    assert read_secret("own") == "word"


def test_white_space_elsewhere_is(folder):
    (folder / "own").write_text("  two words\n")
    assert read_secret("own") == "  two words"


def test_it_is_read_anew_each_time(folder):
    assert read_secret("own") == "mine"
    (folder / "own").write_text("changed")
    assert read_secret("own") == "changed"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "is empty"),
        (b"\n \n", "is empty"),
        (b"\xff\xfe", "cannot be read from .*UnicodeDecodeError"),
        (b"x" * 70_000, "is longer than"),
    ],
)
def test_what_cannot_be_a_secret_is_said(folder, body, says):
    (folder / "own").write_bytes(body)
    with pytest.raises(ConfigError, match=says):
        read_secret("own")


def test_a_folder_is_no_secret(folder):
    with pytest.raises(ConfigError, match=r"cannot be read from .*IsADirectoryError"):
        read_secret("acme")


@pytest.mark.parametrize(
    ("name", "client"),
    [
        ("../own", "acme"),
        ("..", "acme"),
        ("acme/own", ""),
        ("/etc/passwd", ""),
        ("own\0", ""),
        ("Own", ""),
        ("", ""),
        ("own", ".."),
        ("own", "../secrets"),
        ("own", "acme/../other"),
        ("own", "/etc"),
        ("own", "."),
    ],
)
def test_names_lead_nowhere_else(folder, name, client):
    with pytest.raises(ConfigError, match="cannot be the name of a file"):
        read_secret(name, client=client)


def test_a_link_may_lead_about_in_the_folder_as_volumes_of_kubernetes_do(folder):
    (folder / "..2026").mkdir()
    (folder / "..2026" / "acme.mounted").write_text("mounted")
    (folder / "..data").symlink_to("..2026")
    (folder / "acme.mounted").symlink_to("..data/acme.mounted")
    assert read_secret("mounted", client="acme") == "mounted"


def test_a_link_that_leads_out_of_the_folder_is_not_followed(folder, tmp_path):
    (tmp_path / "elsewhere").write_text("not yours")
    (folder / "acme" / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigError, match="'link' is a link that leads out of") as refused:
        read_secret("link", client="acme")
    assert "not yours" not in str(refused.value)
    (folder / "guest").symlink_to(tmp_path)
    (tmp_path / "inner").write_text("not yours")
    with pytest.raises(ConfigError, match="leads out of"):
        read_secret("inner", client="guest")


def test_links_in_a_circle_and_into_nothing_are_said(folder):
    (folder / "one").symlink_to("two")
    (folder / "two").symlink_to("one")
    with pytest.raises(ConfigError, match=r"'one' cannot be read|there is no secret 'one'"):
        read_secret("one")
    (folder / "gone").symlink_to("nowhere")
    with pytest.raises(ConfigError, match="there is no secret 'gone'"):
        read_secret("gone")


def test_no_error_says_what_is_in_a_file(folder):
    (folder / "own").write_bytes(b"pa\xffssword")
    with pytest.raises(ConfigError) as refused:
        read_secret("own")
    assert "ssword" not in str(refused.value)
