"""Rows to S3 by the two commands that crawl, against a bucket that takes encrypted objects only."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from decimal import Decimal
from pathlib import Path

import pytest

from crawler.exports.compose import compose, plan_exports
from crawler.exports.joined import JoinedRows
from crawler.exports.keys import JobKeys
from crawler.exports.objects_folder import FolderObjectStore
from crawler.exports.segments import SegmentRow, write_segment
from crawler.jobs.rows import encode_row
from crawler.recipe.loader import load_recipe

ROOT = Path(__file__).parents[2]


@pytest.fixture
def client(seaweed):
    return seaweed.client()


@pytest.fixture
def bucket(client):
    name = f"e2e-{uuid.uuid4().hex}"
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


def composed(folder, lines):
    """The CSV that a fleet makes of the rows of a JSON Lines file, in their order."""
    objects, keys = FolderObjectStore(folder / "objects"), JobKeys("acme", "monday")
    values = [json.loads(line, parse_float=Decimal) for line in lines]
    rows = [SegmentRow(number, "product", encode_row(row)) for number, row in enumerate(values)]
    segment = write_segment(objects, keys, rows, number=1, previous="", last="1-0")
    plans = plan_exports(load_recipe(ROOT / "recipes" / "shop.yaml"), {})
    (file,) = compose(objects, keys, JoinedRows(objects, [[segment]]), plans, folder=folder)
    return objects.get(file.key)


def test_scrapy_crawl_puts_the_bytes_that_a_fleet_composes(workplace, shop, seaweed, client, bucket):
    path = workplace.folder / "shop.jsonl"
    outputs = ("-O", f"s3://{bucket}/shop.csv", "-O", str(path))
    done = subprocess.run(
        [sys.executable, "-m", "scrapy", "crawl", "shop", *outputs, "-a", f"site={shop.url}"],
        cwd=ROOT,
        env={**workplace.environment, **seaweed.environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = client.get_object(Bucket=bucket, Key="shop.csv")
    assert found["ServerSideEncryption"] == "AES256"
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len(lines) == 60
    assert found["Body"].read() == composed(workplace.folder, lines)


def test_crawlery_crawl_writes_to_s3_too_and_says_before_the_crawl_when_it_cannot(
    workplace, shop, seaweed, client, bucket
):
    workplace.environment |= seaweed.environment
    arguments = ("crawl", "shop", "-i", f"site={shop.url}", "-s", "ITEMS_LIMIT=20")
    output = workplace.crawlery(*arguments, "-o", f"s3://{bucket}/shop.csv")
    assert f"file      s3://{bucket}/shop.csv" in output
    found = client.get_object(Bucket=bucket, Key="shop.csv")
    assert found["ServerSideEncryption"] == "AES256"
    assert len(found["Body"].read().splitlines()) >= 21
    seen = len(shop.log)
    output = workplace.crawlery(*arguments, "-o", "s3://no-such-bucket/shop.csv", code=2)
    assert "s3://no-such-bucket/shop.csv: cannot be written" in output
    assert "make the bucket" in output
    assert len(shop.log) == seen
