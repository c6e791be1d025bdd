"""`crawlery job ...` on a real store: what it tells of jobs, the rows it writes, and what it says when it cannot."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from functools import partial

import pytest
import redis
from click.testing import CliRunner

from crawler.cli.job_rows import JobRows, Selection, write_rows
from crawler.cli.main import cli
from crawler.frontier.contract import FrontierRequest, PageCommit, Row
from crawler.frontier.identity import START_ID
from crawler.frontier.redis import RedisFrontier
from crawler.frontier.row_stream import RedisRowStream
from crawler.jobs.model import Job
from crawler.jobs.redis import RedisJobStore
from crawler.jobs.rows import encode_row
from crawler.joining import wish_of
from crawler.recipe.loader import load_recipe
from crawler.spiders.loader import spider_of
from crawler.store import Store, connect

RECIPE = """
schema_version: 1
name: chairs
version: "1.0.0"
start: [{urls: "http://x.example/", page: chair}]
pages:
  chair: {item: chair, fields: {name: h1, price: {css: b, process: [price]}, tags: {css: li, all: true}}}
items:
  chair:
    version: 1
    fields:
      name: {type: string}
      price: {type: decimal}
      tags: {type: array, items: {type: string}}
exports:
  - {name: chairs, item: chair, format: csv, columns: {tags: {join: "|"}}}
  - {name: bare, item: chair, format: csv, raw: true}
"""
TWO_ITEMS = RECIPE.replace(
    "items:\n",
    "  maker: {item: maker, fields: {name: h1}}\nitems:\n  maker: {version: 1, fields: {name: {type: string}}}\n",
).replace("{item: chair,", "{follow: [{links: a, page: maker}], item: chair,")
CHAIRS = ({"name": "Stool", "price": Decimal("9.50"), "tags": ["low", "round"]}, {"name": "=1+1", "tags": []})


@pytest.fixture
def ask(valkey):
    """Runs a coroutine function with the store."""

    def run(question):
        async def go():
            store = Store(connect({"url": valkey.url}))
            try:
                return await question(store)
            finally:
                await store.close()

        return asyncio.run(go())

    return run


async def _add_pages(frontier, worker, numbers):
    await frontier.enqueue([FrontierRequest(id=number, host="x", body=b"") for number in numbers])
    return (await frontier.lease(worker=worker, call=max(numbers), limit=len(numbers), ttl_s=60)).leases


async def _commit_rows(frontier, number, rows):
    leases = await _add_pages(frontier, "w1", [number])
    kept = tuple(Row(item=item, body=encode_row(values)) for item, values in rows)
    await frontier.commit([PageCommit(lease=leases[0], outcome="ok", rows=kept)])


@pytest.fixture
def make_job(ask):
    """A job with pages that gave rows: pairs of item and values, a list for each page."""

    def make(*pages, job="j1", recipe="", spider=""):
        async def go(store):
            name = "chairs" if recipe else ""
            await RedisJobStore(store).create(
                Job(id=job, recipe=name, recipe_text=recipe, spider=spider, secret=b"s" * 32)
            )
            frontier = RedisFrontier(store, job=job)
            for number, rows in enumerate(pages, START_ID + 1):
                await _commit_rows(frontier, number, rows)

        ask(go)

    return make


@pytest.fixture
def crawlery(valkey, tmp_path, monkeypatch):
    """The command, with the environment naming the store."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REDIS_URL", valkey.url)

    def run(*arguments, code=0):
        result = CliRunner().invoke(cli, ["job", *arguments])
        assert result.exit_code == code, result.output
        assert isinstance(result.exception, SystemExit | None)
        return result

    return run


@pytest.fixture
def three_jobs(make_job, tmp_path):
    make_job(recipe=RECIPE)
    make_job(job="two", recipe=TWO_ITEMS)
    make_job([("Book", {"a": 1})], job="plain", spider="plain")
    return tmp_path


# --- list, status ---


def test_no_job_yet_is_a_hint(crawlery):
    assert "there is no job yet" in crawlery("list").stderr


def test_jobs_are_listed_the_newest_first(crawlery, make_job):
    make_job(job="one", spider="plain")
    make_job(job="two", recipe=RECIPE)
    head, *lines = crawlery("list").stdout.splitlines()
    assert head.split()[:3] == ["job", "crawls", "state"]
    assert [line.split()[:3] for line in lines] == [["two", "chairs", "queued"], ["one", "plain", "queued"]]
    assert len(crawlery("list", "--limit", "1").stdout.splitlines()) == 2


def test_status_tells_the_state_and_the_books(crawlery, make_job, ask):
    make_job([("chair", CHAIRS[0])], recipe=RECIPE)

    async def fail(store):
        frontier = RedisFrontier(store, job="j1")
        gone, held, retried = await _add_pages(frontier, "w2", [70, 71, 72])
        url = "http://x.example/\x1b[31m"
        await frontier.commit([PageCommit(lease=gone, outcome="http_404", url=url, reason="status 404")])
        await frontier.retry(retried, delay_s=60, reason="")
        assert held

    ask(fail)
    lines = [line.strip() for line in crawlery("status", "j1").stdout.splitlines()]
    assert lines[0] == "j1: chairs, running"
    assert "pages     4 found, 2 settled (`start` is one of them)" in lines
    assert "open      1 in work, 1 waiting for another try" in lines
    assert {"http_404  1", "ok        1", "retries   1", "rows      chair 1"} <= set(lines)
    assert r"failed    http://x.example/\x1b[31m: http_404 (status 404)" in lines


def test_a_job_that_nobody_has_begun_has_empty_books(crawlery, make_job):
    make_job(recipe=RECIPE)
    assert "0 found, 0 settled" in crawlery("status", "j1").stdout


# --- rows ---


def test_rows_of_a_recipe_are_written_as_its_export_says(crawlery, make_job, tmp_path):
    make_job([("chair", CHAIRS[0])], [("chair", CHAIRS[1])], recipe=RECIPE)
    notes = crawlery("rows", "j1", "-o", "out/rows.csv").stderr
    assert (tmp_path / "out" / "rows.csv").read_bytes() == b"name,price,tags\nStool,9.50,low|round\n'=1+1,,\n"
    assert "2 rows in out/rows.csv" in notes
    assert "1 cell begins with '" in notes
    notes = crawlery("rows", "j1", "-o", "out/rows.csv", "--export", "bare").stderr
    assert (tmp_path / "out" / "rows.csv").read_text() == (
        'name,price,tags\nStool,9.50,"[""low"",""round""]"\n=1+1,,[]\n'
    )
    assert "exists and is overwritten" in notes
    assert "spreadsheet" not in notes


def test_without_a_file_rows_are_json_lines_with_all_fields_of_the_contract(crawlery, make_job):
    make_job([("chair", {"price": Decimal("9.50"), "name": "é"})], recipe=RECIPE)
    assert crawlery("rows", "j1").stdout_bytes.decode() == '{"name":"é","price":9.50,"tags":null}\n'


def test_of_several_items_one_is_chosen(crawlery, make_job, tmp_path):
    make_job([("chair", CHAIRS[0]), ("maker", {"name": "M"})], recipe=TWO_ITEMS)
    assert "chairs has rows of maker, chair; choose with --item" in crawlery("rows", "j1", code=2).output
    assert crawlery("rows", "j1", "--item", "maker").stdout == '{"name":"M"}\n'
    crawlery("rows", "j1", "-o", "rows.csv", "--item", "maker")
    assert (tmp_path / "rows.csv").read_text() == "name\nM\n"
    assert crawlery("rows", "j1", "--export", "bare").stdout.startswith('{"name":"Stool"')


def test_rows_of_an_ordinary_spider_have_the_columns_of_all_in_order_of_appearance(crawlery, make_job, tmp_path):
    make_job([("Book", {"b": 1, "a": 2})], [("dict", {"c": "x,y", "b": 3})], spider="plain")
    crawlery("rows", "j1", "-o", "rows.csv")
    assert (tmp_path / "rows.csv").read_text() == 'b,a,c\n1,2,\n3,,"x,y"\n'
    crawlery("rows", "j1", "-o", "rows.JSONL")
    lines = (tmp_path / "rows.JSONL").read_text().splitlines()
    assert [list(json.loads(line).items()) for line in lines] == [[("b", 1), ("a", 2)], [("c", "x,y"), ("b", 3)]]
    assert crawlery("rows", "j1", "--item", "dict").stdout == '{"c":"x,y","b":3}\n'


def test_a_job_without_rows_gives_a_header_if_its_columns_are_known(crawlery, make_job, tmp_path):
    make_job(recipe=RECIPE)
    make_job(job="j2", spider="plain")
    assert "0 rows in rows.csv" in crawlery("rows", "j1", "-o", "rows.csv").stderr
    assert (tmp_path / "rows.csv").read_text() == "name,price,tags\n"
    crawlery("rows", "j2", "-o", "rows.csv")
    assert (tmp_path / "rows.csv").read_text() == ""
    assert crawlery("rows", "j2").stdout == ""


@pytest.mark.parametrize(
    ("job", "arguments", "words"),
    [
        ("j1", ["--item", "table"], "--item table: chairs has chair"),
        ("j1", ["--export", "x"], "--export x: chairs has chairs, bare"),
        ("two", ["--item", "maker", "--export", "bare"], "--export bare holds chair, not maker"),
        ("plain", ["--item", "table"], "--item table: the job has rows of Book"),
        ("plain", ["--export", "x"], "plain is an ordinary spider, which has none"),
        ("j1", ["-o", "rows.xlsx"], "--output rows.xlsx: the ending must be .csv, .tsv or .jsonl"),
        ("j1", ["-o", "file/rows.csv"], "--output file/rows.csv: "),
        ("none", ["-o", "kept.csv"], "there is no job none; `crawlery job list` shows those that there are"),
    ],
)
def test_rows_that_cannot_be_given_are_one_message(crawlery, three_jobs, job, arguments, words):
    (three_jobs / "file").write_text("")
    (three_jobs / "kept.csv").write_text("old")
    output = crawlery("rows", job, *arguments, code=2).output
    assert words in output
    assert output.count("Error") == 1
    assert (three_jobs / "kept.csv").read_text() == "old"


def test_a_row_that_cannot_be_read_is_a_message(crawlery, make_job, ask):
    make_job(spider="plain")

    async def commit(store):
        frontier = RedisFrontier(store, job="j1")
        (lease,) = await _add_pages(frontier, "w1", [7])
        await frontier.commit([PageCommit(lease=lease, outcome="ok", rows=(Row(item="Book", body=b"\xff"),))])

    ask(commit)
    assert "Error: " in crawlery("rows", "j1", code=2).output


def test_a_job_carries_its_recipe_with_the_parents_in_it(crawlery, make_job, tmp_path):
    (tmp_path / "base.yaml").write_text(RECIPE.replace("name: chairs\nversion", "name: base\nversion", 1))
    child = tmp_path / "seats.yaml"
    child.write_text('schema_version: 1\nname: seats\nversion: "1.0.0"\nextends: base@1\n')
    carried = wish_of(spider_of(load_recipe(child)), "seats", "", {}).job.recipe_text
    make_job([("chair", {"name": "Stool"})], recipe=carried)
    assert json.loads(crawlery("rows", "j1").stdout) == {"name": "Stool", "price": None, "tags": None}


class Watched(RedisRowStream):
    """Counts what is read, and calls `at_end` the first time that there is no more."""

    def __init__(self, store, *, job, at_end=None):
        super().__init__(store, job=job)
        self.rows_read, self.at_end = 0, at_end

    async def read(self, *, limit_bytes, after=""):
        chunk = await super().read(limit_bytes=limit_bytes, after=after)
        self.rows_read += len(chunk.rows)
        if not chunk.rows and self.at_end is not None:
            at_end, self.at_end = self.at_end, None
            await at_end()
        return chunk


def test_rows_that_come_while_a_file_is_written_wait_for_the_next_one(make_job, ask, tmp_path):
    make_job([("Book", {"a": 1})], spider="plain")

    async def write(store):
        stream = Watched(store, job="j1")
        frontier = RedisFrontier(store, job="j1")
        stream.at_end = partial(_commit_rows, frontier, 50, [("Book", {"a": 2, "b": 3})])
        with (tmp_path / "rows.csv").open("w") as file:
            return await write_rows(JobRows(stream, None), file, Selection(), fmt="csv")

    assert ask(write).rows == 1
    assert (tmp_path / "rows.csv").read_text() == "a\n1\n"


def test_rows_are_written_as_they_are_read(make_job, ask, monkeypatch):
    make_job(*([("Book", {"a": number})] * 100 for number in range(20)), spider="plain")
    monkeypatch.setattr("crawler.cli.job_rows._BYTES_AT_ONCE", 1_000)

    async def write(store):
        stream = Watched(store, job="j1")
        ahead = []

        class File:
            def write(self, _):
                stream.rows_read -= 1
                ahead.append(stream.rows_read)

        assert (await write_rows(JobRows(stream, None), File(), Selection(), fmt="jsonl")).rows == 2_000
        return max(ahead)

    assert ask(write) < 1_000


# --- pause, resume, cancel ---


def test_a_job_is_paused_and_goes_on(crawlery, make_job, ask):
    make_job([], spider="plain")
    assert "`crawlery job resume j1` lets it go on" in crawlery("pause", "j1").stderr
    assert crawlery("status", "j1").stdout.startswith("j1: plain, paused\n")
    crawlery("resume", "j1")
    assert crawlery("status", "j1").stdout.startswith("j1: plain, running\n")


def test_a_job_that_nobody_works_on_ends_at_once(crawlery, make_job, ask):
    make_job([], spider="plain")
    ask(lambda store: RedisFrontier(store, job="j1").enqueue([FrontierRequest(id=99, host="x", body=b"")]))
    assert "j1 has ended" in crawlery("cancel", "j1").stderr
    assert "j1 has ended" in crawlery("cancel", "j1").stderr
    output = crawlery("status", "j1").stdout
    assert output.startswith("j1: plain, finishing, to cancel\n")
    assert "cancelled 1\n" in output


def test_a_job_that_is_worked_on_ends_with_its_pages(crawlery, make_job, ask):
    make_job(spider="plain")

    async def lease(store, call, ttl_s):
        return (await RedisFrontier(store, job="j1").lease(worker="w", call=call, limit=1, ttl_s=ttl_s)).leases

    ask(lambda store: RedisFrontier(store, job="j1").enqueue([FrontierRequest(id=99, host="x", body=b"")]))
    (held,) = ask(lambda store: lease(store, 1, 60))
    notes = crawlery("cancel", "j1").stderr
    assert "it ends with the 1 page in work" in notes
    assert "when their leases have ended" in notes
    assert "cannot be paused" in crawlery("pause", "j1", code=2).output
    ask(lambda store: RedisFrontier(store, job="j1").renew(worker="w", leases=[held], ttl_s=0))
    assert "j1 has ended" in crawlery("cancel", "j1").stderr


def test_a_job_that_has_ended_cannot_be_cancelled(crawlery, make_job, ask):
    make_job([], spider="plain")
    ask(lambda store: RedisFrontier(store, job="j1").close("finished"))
    output = crawlery("cancel", "j1", code=2).output
    assert "job j1 is finishing: it is to succeed already, so it cannot cancel" in output


# --- mistakes ---


@pytest.mark.parametrize("command", ["status", "rows", "pause", "resume", "cancel"])
def test_a_job_that_does_not_exist_and_an_id_that_is_none_are_messages(crawlery, command):
    assert "there is no job j9" in crawlery(command, "j9", code=2).output
    assert "is no id of a job" in crawlery(command, "../j9", code=2).output


def test_without_a_store_the_message_says_how_to_name_one(crawlery, monkeypatch):
    monkeypatch.delenv("REDIS_URL")
    assert "--redis-url redis://HOST:PORT/DB, or REDIS_URL in the environment" in crawlery("list", code=2).output


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("redis://:secret@127.0.0.1:1/0", "the store at redis://127.0.0.1:1/0 does not answer"),
        ("127.0.0.1:6379", "127.0.0.1:6379 is no address of a store"),
        ("http://127.0.0.1", "http://127.0.0.1 is no address of a store"),
        ("redis://127.0.0.1:port", "is no address of a store"),
        ("redis://[::1", "is no address of a store"),
        ("redis://127.0.0.1:1?colour=red", "redis://127.0.0.1:1 is no address of a store"),
    ],
)
def test_a_store_that_cannot_be_reached_is_a_message_without_the_password(crawlery, url, words):
    output = crawlery("list", "--redis-url", url, code=2).output
    assert words in output
    assert "secret" not in output


def test_a_store_that_wants_a_password_is_a_message(crawlery, new_valkey):
    server = new_valkey(appendfsync=None)
    with redis.Redis(port=server.port) as client:
        client.config_set("requirepass", "right")
    assert "does not answer: " in crawlery("list", "--redis-url", server.url, code=2).output


def test_another_prefix_is_another_deployment(crawlery, make_job):
    make_job(spider="plain")
    assert "there is no job yet" in crawlery("list", "--prefix", "other").stderr
