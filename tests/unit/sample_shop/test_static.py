import pytest

from crawler.errors import ConfigError
from crawler.sample_shop.httpd import HttpRequest
from crawler.sample_shop.static import directory_handler


@pytest.fixture
def site(tmp_path):
    root = tmp_path / "site"
    (root / "a b").mkdir(parents=True)
    (tmp_path / "secret.html").write_text("secret")
    (root / "index.html").write_text("home")
    (root / "a b" / "index.html").write_text("inner")
    (root / "bare").mkdir()
    (root / "style.css").write_text("css")
    (root / "data.json").write_text("{}")
    (root / "raw.zzz").write_text("?")
    (root / "out.html").symlink_to(tmp_path / "secret.html")
    (root / "loop").symlink_to(root / "loop")
    handle = directory_handler(root)
    return lambda path, **more: handle(HttpRequest(method="GET", path=path, **more))


@pytest.mark.parametrize(
    ("path", "body", "kind"),
    [
        ("/", b"home", "text/html"),
        ("/index.html", b"home", "text/html"),
        ("/a%20b/", b"inner", "text/html"),
        ("/a%20b/index.html", b"inner", "text/html"),
        ("/style.css", b"css", "text/css"),
        ("/data.json", b"{}", "application/json"),
        ("/raw.zzz", b"?", "application/octet-stream"),
    ],
)
def test_files_and_folders_are_served_with_their_type(site, path, body, kind):
    answer = site(path)
    assert (answer.status, answer.body, answer.content_type) == (200, body, kind)


@pytest.mark.parametrize(
    "path",
    [
        *("/none.html", "/bare/", "/../secret.html", "/%2e%2e/secret.html", "/a%20b/../../secret.html"),
        *("/out.html", "/%00", "/index.html/", "//etc/passwd"),
        *(f"/{'x' * 300}", "/loop/", "/%ff"),
    ],
)
def test_what_is_not_in_the_folder_is_404(site, path):
    assert site(path).status == 404


def test_a_folder_without_its_slash_redirects_to_it(site):
    answer = site("/a%20b", query="x=1")
    assert (answer.status, dict(answer.headers)["Location"]) == (301, "/a%20b/")


def test_a_redirect_never_leaves_the_site(site):
    assert dict(site("//bare").headers)["Location"] == "/bare/"


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="no such folder"):
        directory_handler(tmp_path / "none")
