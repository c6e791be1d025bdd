"""`crawlery crawl` refuses what cannot work before anything is fetched."""

import json

import pytest
from click.testing import CliRunner

from crawler.cli.crawl import SAMPLE_SETTINGS, apply_overrides, feeds, share
from crawler.cli.groups import CommandFailed
from crawler.cli.main import cli
from crawler.cli.outputs import check_writable
from crawler.recipe.loader import load_recipe_text
from crawler.spiders.runner import project_settings

RECIPE = """\
schema_version: 1
name: chairs
version: "1.0.0"
inputs: {site: {type: string, format: uri, default: "https://x.example"}, word: {type: string}}
start: [{urls: "{{ inputs.site }}/", page: listing}, {urls: "{{ inputs.word }}", page: listing}]
pages:
  listing: {item: chair, fields: {name: h1}, follow: [{links: a, page: maker}]}
  maker: {item: maker, fields: {name: h1}}
items:
  chair: {version: 1, fields: {name: {type: string}}}
  maker: {version: 1, fields: {name: {type: string}}}
exports:
  - {name: chairs, item: chair, format: csv}
  - {name: makers, item: maker, format: jsonl}
"""


@pytest.fixture
def recipes(tmp_path, monkeypatch):
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes" / "chairs.yaml").write_text(RECIPE, encoding="utf-8")
    (tmp_path / "recipes" / "broken.yaml").write_text(RECIPE.replace("pages:", "pagse:"), encoding="utf-8")
    monkeypatch.setenv("RECIPES_PATH", str(tmp_path / "recipes"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["chiars"], "did you mean 'chairs'?"),
        (["none.yaml"], "there is no such file"),
        (["broken"], "pagse"),
        (["chairs", "-i", "stie=https://x.example"], "did you mean 'site'?"),
        (["chairs", "-i", "site=nonsense"], "give it as --input site=https://example.com"),
        (["chairs", "-i", "site"], "is not NAME=VALUE"),
        (["chairs", "-i", "word=a", "-i", "word=b"], "is given twice"),
        (["chairs"], "input word: is missing; give it as --input word=text"),
        (["chairs", "-i", "word=ftp://x"], "no http(s) URL"),
        (["chairs", "-i", "word=https://x.example/", "-o", "rows.xlsx"], "must be .csv, .tsv, .jsonl or .parquet"),
        (["chairs", "-i", "word=https://x.example/", "-o", "100%.csv"], "% has a meaning of its own"),
        (["chairs", "-i", "word=https://x.example/", "-o", "recipes/chairs.yaml/rows.csv"], "--output"),
        (["chairs", "-i", "word=https://x.example/", "--summary", "recipes"], "--summary recipes: is a directory"),
        (["chairs", "-i", "word=https://x.example/", "--export", "makers"], "--export needs --output"),
        (["chairs", "-i", "word=https://x.example/", "--export", "x", "-o", "a.csv"], "chairs has chairs, makers"),
        (["chairs", "-i", "word=https://x.example/", "-s", "CONCURRENT_REQUESTS=many"], "must be a number"),
        (["chairs", "-i", "word=https://x.example/", "-s", "ROBOTSTXT_OBEY=perhaps"], "must be True or False"),
        (["chairs", "--log-level", "loud"], "'loud' is not one of"),
    ],
)
def test_a_mistake_is_one_message_and_exit_status_2(recipes, arguments, words):
    result = CliRunner().invoke(cli, ["crawl", *arguments])
    assert result.exit_code == 2
    assert words in result.output
    assert "Traceback" not in result.output


def test_the_ending_says_the_format_and_the_first_export_says_the_columns(tmp_path, capsys):
    recipe = load_recipe_text(RECIPE)
    path = tmp_path / "rows.jsonl"
    assert feeds(path, recipe, None) == {
        str(path): {"format": "jsonl", "overwrite": True, "item_export_kwargs": {"export": "chairs"}}
    }
    assert "-o gets 'chair' rows, not maker; --export NAME chooses" in capsys.readouterr().err
    assert feeds(path, recipe, "makers")[str(path)]["item_export_kwargs"] == {"export": "makers"}
    assert capsys.readouterr().err == ""


def test_an_ending_gz_compresses_the_file_of_any_format_but_parquet(recipes):
    recipe = load_recipe_text(RECIPE)
    (options,) = feeds("rows.tsv.gz", recipe, "chairs").values()
    assert (options["format"], options["item_export_kwargs"]) == ("tsv", {"gzip": True, "export": "chairs"})
    (options,) = feeds("rows.csv.gz", None, None).values()
    assert (options["format"], options["item_export_kwargs"]) == ("csv", {"gzip": True})
    for wrong in ("rows.parquet.gz", "rows.gz"):
        with pytest.raises(CommandFailed, match="the ending must be"):
            feeds(wrong, recipe, "chairs")


def test_an_object_in_s3_is_named_by_its_uri(recipes):
    recipe = load_recipe_text(RECIPE)
    uri = "s3://bucket/a/chairs.parquet"
    assert feeds(uri, recipe, "chairs")[uri] == {
        "format": "parquet",
        "overwrite": True,
        "item_export_kwargs": {"export": "chairs"},
    }
    for wrong, words in (
        ("ftp://host/a.csv", r"a file, or s3://BUCKET/KEY"),
        ("s3://bucket/a", "the ending must be .csv, .tsv, .jsonl or .parquet"),
    ):
        with pytest.raises(CommandFailed, match=words):
            feeds(wrong, recipe, "chairs")
    with pytest.raises(CommandFailed, match=r"must be .csv, .tsv or .jsonl"):
        feeds("s3://bucket/a.parquet", None, None)


def test_a_file_that_exists_is_overwritten_and_that_is_said(tmp_path, capsys):
    path = tmp_path / "rows.csv"
    path.write_text("old")
    feeds(path, load_recipe_text(RECIPE), "chairs")
    assert "exists and is overwritten" in capsys.readouterr().err
    assert path.read_text() == "old"


def test_asking_whether_a_file_can_be_written_leaves_nothing_behind(tmp_path):
    check_writable(tmp_path / "new" / "rows.csv", "--output")
    assert list((tmp_path / "new").iterdir()) == []
    with pytest.raises(CommandFailed, match=r"--output .*: is a directory"):
        check_writable(tmp_path / "new", "--output")


def test_settings_of_the_command_line_win_and_unknown_ones_are_remarked(capsys):
    settings = project_settings()
    apply_overrides(settings, {"CONCURRENT_REQUESTS": "3", "ROBOTSTXT_OBEY": "False", "DOWNLOD_DELAY": "1"})
    assert settings.getint("CONCURRENT_REQUESTS") == 3
    assert not settings.getbool("ROBOTSTXT_OBEY")
    assert "did you mean 'DOWNLOAD_DELAY'?" in capsys.readouterr().err


def test_a_sample_is_small_and_made_of_settings_that_exist():
    settings = project_settings()
    assert all(name in settings for name in SAMPLE_SETTINGS)
    assert json.dumps(SAMPLE_SETTINGS)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--job", "j1"], "--job j1: --redis-url redis://HOST:PORT/DB, or REDIS_URL, says where it is shared"),
        (["--job", "../j1", "--redis-url", "redis://127.0.0.1:1"], "is no id of a job"),
        (
            ["--job", "j1", "--redis-url", "redis://127.0.0.1:1", "-o", "a.csv"],
            "`crawlery job rows j1 -o a.csv` writes them all",
        ),
        (["--redis-url", "redis://127.0.0.1:1", "-o", "a.csv"], "`crawlery job rows JOB -o a.csv` writes them all"),
        (["-s", "REDIS_URL=redis://127.0.0.1:1", "-o", "a.csv"], "a worker has only its part of the rows"),
        (["--job", "j1", "--redis-url", "redis://127.0.0.1:1", "--sample"], "--sample would end the job"),
        (["--job", "j1", "--redis-url", "redis://127.0.0.1:1", "-s", "LEASE_TTL=0"], "LEASE_TTL is 0"),
    ],
)
def test_a_job_that_cannot_be_shared_is_one_message(recipes, monkeypatch, arguments, words):
    monkeypatch.delenv("REDIS_URL", raising=False)
    result = CliRunner().invoke(cli, ["crawl", "chairs", "-i", "word=https://x.example/", *arguments])
    assert result.exit_code == 2
    assert words in result.output
    assert not (recipes / "a.csv").exists()


def test_the_environment_names_the_store_of_a_job_and_of_nothing_else(recipes, monkeypatch):
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1")
    settings = project_settings()
    assert share(settings, None, None) == {}
    assert not settings.get("REDIS_URL")
    assert share(settings, "j1", None) == {"job": "j1"}
    assert settings.get("REDIS_URL") == "redis://127.0.0.1:1"
    share(settings, "j1", "redis://127.0.0.1:2")
    assert settings.get("REDIS_URL") == "redis://127.0.0.1:2"
