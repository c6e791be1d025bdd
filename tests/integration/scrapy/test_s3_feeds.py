"""Feeds to S3: the bytes are those that a fleet composes, encrypted; what cannot be stored is said and kept."""

from __future__ import annotations

import io
import json
import uuid
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from loopback import good, goods_recipe, spider_for
from seaweed_server import ACCESS_KEY, SECRET_KEY

from crawler.errors import ConfigError
from crawler.exports.compose import compose, plan_exports
from crawler.exports.joined import JoinedRows
from crawler.exports.keys import JobKeys
from crawler.exports.objects_folder import FolderObjectStore
from crawler.exports.segments import SegmentRow, write_segment
from crawler.extensions.s3_feeds import s3_feed
from crawler.jobs.rows import encode_row
from crawler.recipe.loader import load_recipe_text
from crawler.spiders.runner import project_settings

EXPORTS = """
exports:
  - {name: goods, item: good, format: csv}
  - {name: goods, item: good, format: jsonl}
  - {name: goods, item: good, format: parquet}
"""
FORMATS = ("csv", "jsonl", "parquet")


@pytest.fixture
def client(seaweed):
    return seaweed.client()


@pytest.fixture
def bucket(client):
    """A bucket that takes encrypted objects only."""
    name = f"feeds-{uuid.uuid4().hex}"
    client.create_bucket(Bucket=name)
    deny = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{name}/*",
        "Condition": {"StringNotEquals": {"s3:x-amz-server-side-encryption": "AES256"}},
    }
    client.put_bucket_policy(Bucket=name, Policy=json.dumps({"Version": "2012-10-17", "Statement": [deny]}))
    return name


@pytest.fixture
def settings(seaweed, tmp_path):
    spool = tmp_path / "spool"
    spool.mkdir()
    return {
        "AWS_ENDPOINT_URL": seaweed.url,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "FEED_TEMPDIR": str(spool),
    }


def feeds(bucket, *formats, **options):
    return {f"s3://{bucket}/out/goods.{fmt}": {"format": fmt, "overwrite": True, **options} for fmt in formats}


def composed(folder, recipe, items):
    """What a fleet would put for the same rows in the same order."""
    objects, keys = FolderObjectStore(folder), JobKeys("acme", "monday")
    rows = [SegmentRow(1, item.item, encode_row(item)) for item in items]
    segments = []
    for part in (rows[:2], rows[2:]):
        previous = segments[-1].digest if segments else ""
        number = len(segments) + 1
        segments.append(write_segment(objects, keys, part, number=number, previous=previous, last=f"{number}-0"))
    files = compose(objects, keys, JoinedRows(objects, [segments]), plan_exports(recipe, {}), folder=folder)
    return {file.name: objects.get(file.key) for file in files}


def test_the_bytes_are_those_that_a_fleet_composes_and_are_encrypted(run, settings, bucket, client, tmp_path):
    text = goods_recipe(tail=EXPORTS)
    result = run(text, {**settings, "FEEDS": feeds(bucket, *FORMATS)})
    assert (result.summary.outcome, len(result.items)) == ("complete", 5)
    assert set(result.summary.facts.files) == set(feeds(bucket, *FORMATS))
    expected = composed(tmp_path, load_recipe_text(text), result.items)
    for fmt in FORMATS:
        found = client.get_object(Bucket=bucket, Key=f"out/goods.{fmt}")
        assert found["ServerSideEncryption"] == "AES256"
        assert found["Body"].read() == expected[f"goods.{fmt}"]
    assert found["ContentType"] == "application/vnd.apache.parquet"
    assert not list(Path(settings["FEED_TEMPDIR"]).iterdir())


def test_rows_that_cannot_be_put_are_kept_and_the_crawl_is_a_failure(run, goods, settings, bucket, client):
    def gone(_request):
        client.delete_bucket_policy(Bucket=bucket)
        client.delete_bucket(Bucket=bucket)
        goods["/g/5"] = good("Good 5", "5.50")
        return goods.handle(_request)

    goods["/g/5"] = gone
    result = run(settings={**settings, "FEEDS": feeds(bucket, "csv")})
    kept = list(Path(settings["FEED_TEMPDIR"]).iterdir())
    assert len(kept) == 1
    assert kept[0].name.endswith("-goods.csv")
    assert len(kept[0].read_text().splitlines()) == 6
    assert (result.summary.outcome, result.summary.exit_code) == ("partial", 1)
    told = next(sentence for sentence in result.summary.why if "could not be written" in sentence)
    assert "NoSuchBucket" in told
    assert f"its rows are kept in {kept[0]}" in told
    assert result.summary.facts.files == ()


def test_a_bucket_that_cannot_be_written_to_is_told_before_the_crawl(run, goods, settings, bucket):
    for changes, target, words in (
        ({}, "no-such-bucket", "NoSuchBucket"),
        ({"AWS_SECRET_ACCESS_KEY": "wrong"}, bucket, "SignatureDoesNotMatch"),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, bucket, "cannot put it"),
    ):
        with pytest.raises(ConfigError, match=f"s3://{target}/out/goods.csv: cannot be written: .*{words}"):
            run(settings={**settings, **changes, "FEEDS": feeds(target, "csv")})
    assert not goods.hits


def test_asking_before_the_crawl_leaves_nothing_in_the_bucket(run, goods, settings, bucket, client):
    goods["/"] = "<p>nothing here</p>"
    run(settings={**settings, "FEEDS": feeds(bucket, "csv", store_empty=False)})
    assert client.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


@pytest.mark.parametrize(
    ("uri", "changes", "words"),
    [
        ("s3://key:secret@bucket/a.csv", {}, "which would be logged"),
        ("s3://bucket", {}, "written s3://BUCKET/KEY"),
        ("s3://bucket/a/", {}, "written s3://BUCKET/KEY"),
        ("s3:///a.csv", {}, "written s3://BUCKET/KEY"),
        ("s3://bucket/a.csv", {"FEED_STORAGE_S3_ACL": "public-read"}, "the bucket's policy"),
    ],
)
def test_a_feed_that_cannot_be_in_s3_is_refused(uri, changes, words):
    with pytest.raises(ConfigError) as caught:
        s3_feed(project_settings(changes), uri)
    assert words in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_name_made_of_the_crawls_values_is_filled_in(run, settings, bucket, client):
    uri = f"s3://{bucket}/%(name)s/%(batch_id)d.csv"
    run(settings={**settings, "FEEDS": {uri: {"format": "csv", "batch_item_count": 3}}})
    found = client.list_objects_v2(Bucket=bucket)["Contents"]
    assert sorted(one["Key"] for one in found) == ["goods/1.csv", "goods/2.csv"]


# --- Parquet ----------------------------------------------------------------------------------------------------------


def test_parquet_is_written_to_a_file_too_and_has_columns_without_rows(run, goods, tmp_path):
    path = tmp_path / "goods.parquet"
    run(settings={"FEEDS": {str(path): {"format": "parquet", "overwrite": True}}})
    table = pq.read_table(path)
    assert [str(field.type) for field in table.schema] == ["string", "string", "decimal128(38, 18)"]
    assert table.num_rows == 5
    goods["/"] = "<p>nothing here</p>"
    run(settings={"FEEDS": {str(path): {"format": "parquet", "overwrite": True}}})
    assert pq.read_table(path).num_rows == 0


def test_a_number_with_too_many_digits_makes_its_column_text(run, goods, tmp_path):
    goods["/g/5"] = good("Good 5", "0.1234567890123456789012345")
    path = tmp_path / "goods.parquet"
    run(settings={"FEEDS": {str(path): {"format": "parquet", "overwrite": True}}})
    prices = pq.read_table(path).column("price").to_pylist()
    assert sorted(prices) == ["0.1234567890123456789012345", "1.50", "2.50", "3.50", "4.50"]


def test_nothing_is_appended_to_a_parquet_file(run, tmp_path):
    path = tmp_path / "goods.parquet"
    path.write_bytes(b"PAR1")
    with pytest.raises(ConfigError, match="-O overwrites it"):
        run(settings={"FEEDS": {str(path): {"format": "parquet", "overwrite": False}}})


def test_an_ordinary_spider_has_no_types_for_parquet(crawl, site, tmp_path):
    with pytest.raises(ConfigError, match="only recipes have types"):
        crawl(spider_for(site), {"FEEDS": {str(tmp_path / "a.parquet"): {"format": "parquet", "overwrite": True}}})


def test_a_row_that_is_too_long_to_be_kept_ends_the_crawl(run, goods, tmp_path):
    goods["/g/3"] = good("x" * 1_100_000, "3.50")
    path = tmp_path / "goods.parquet"
    result = run(settings={"FEEDS": {str(path): {"format": "parquet", "overwrite": True}}})
    assert (result.reason, result.summary.exit_code) == ("export_failed", 1)
    assert any("a row cannot be kept" in sentence for sentence in result.summary.why)


def test_declared_parquet_is_written_when_no_feed_is_given(run, tmp_path):
    run(goods_recipe(tail=EXPORTS))
    assert pq.read_table(io.BytesIO((tmp_path / "out" / "goods.parquet").read_bytes())).num_rows == 5
