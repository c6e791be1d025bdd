"""What `docs/exports.md` says: its policies do what they are for, its commands and variables exist, its tables hold."""

from __future__ import annotations

import datetime as dt
import json
import re
import shlex
import uuid
from decimal import Decimal
from pathlib import Path

import pytest
import zstandard
from botocore.exceptions import ClientError
from click.testing import CliRunner
from seaweed_server import ACCESS_KEY, SECRET_KEY

from crawler.cli.main import cli
from crawler.config import read_config
from crawler.exports.keys import JobKeys, intent_key, run_key
from crawler.exports.objects_folder import FolderObjectStore
from crawler.exports.objects_s3 import PART_BYTES, S3ObjectStore
from crawler.exports.parquet import DECIMAL_DIGITS, DECIMAL_SCALE
from crawler.exports.segments import SegmentRow, write_segment
from crawler.joblogs.pieces import piece_key
from crawler.jobs.model import Outcome
from crawler.jobs.rows import encode_row
from crawler.recipe.model import ExportFormat

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "exports.md").read_text(encoding="utf-8")


def block(fence):
    return re.search(rf"^```{re.escape(fence)}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)[1]


def table(heading):
    """First column of the table under these words."""
    rows = PAGE.partition(heading)[2].partition("|---|---|\n")[2].partition("\n\n")[0]
    return [row.split("|")[1].strip() for row in rows.splitlines()]


def test_the_policy_of_the_bucket_lets_our_objects_in_and_no_others(seaweed):
    bucket = f"page-{uuid.uuid4().hex}"
    objects = S3ObjectStore(bucket=bucket, endpoint_url=seaweed.url, credentials=(ACCESS_KEY, SECRET_KEY, None))
    objects.create_bucket()
    client = seaweed.client()
    client.put_bucket_policy(Bucket=bucket, Policy=block("json policy=bucket").replace("my-bucket", bucket))
    objects.check()
    assert objects.put("large", bytes(PART_BYTES + 1), content_type="text/csv")
    with pytest.raises(ClientError, match="AccessDenied"):
        client.put_object(Bucket=bucket, Key="plain", Body=b"x")


def test_the_policy_of_access_names_all_that_is_called():
    statements = json.loads(block("json policy=access"))["Statement"]
    assert [statement["Action"] for statement in statements] == [
        ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"],
        "s3:ListBucket",
    ]


def test_the_variables_are_those_that_are_read(monkeypatch):
    names = [name for name in re.findall(r"`([A-Z0-9_]+)`", "".join(table("## S3"))) if not name.startswith("AWS_")]
    assert names == ["STORAGE_URL", "S3_ENDPOINT_URL", "S3_PUBLIC_ENDPOINT_URL", "S3_REGION", "S3_SSE"]
    for name in names:
        monkeypatch.setenv(name, "AES256")
        assert getattr(read_config(), name.lower()) == "AES256"


def test_the_commands_exist(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for line in block("sh").splitlines():
        name, *words = shlex.split(line)
        if name == "crawlery":
            answer = CliRunner().invoke(cli, [*words[:2], "--help"])
            assert answer.exit_code == 0
            assert all(option in answer.output for option in words if option.startswith("-"))


def test_formats_and_outcomes_are_all_there_are():
    assert table("## Formats") == [f"`{name}`" for name in ExportFormat.__args__]
    assert {name.strip("`") for name in table("The outcome is one of these")} == {outcome.value for outcome in Outcome}


def test_the_number_of_digits_is_that_of_the_writer():
    assert f"decimal({DECIMAL_DIGITS}, {DECIMAL_SCALE})" in PAGE
    assert f"{DECIMAL_DIGITS - DECIMAL_SCALE} digits before the point or {DECIMAL_SCALE} after" in PAGE


def test_the_keys_are_those_that_are_made():
    keys = JobKeys("CLIENT", "JOB")
    made = [keys.new_segment(1), keys.new_file("NAME", "csv"), keys.new_file("replay", "zst")]
    made += [keys.manifest, keys.override, keys.record, piece_key(keys, seat="SEAT", number=1), keys.orphans]
    series = "a" * 32
    run = run_key("CLIENT", "recipe", series, at_ms=7, job="JOB").replace("recipe", "RECIPE").replace(series, "SERIES")
    made += [intent_key("JOB"), run.replace("000000000000007", "TIME")]
    shown = [line.split()[0] for line in block("text").splitlines()]
    assert [re.sub(r"[0-9a-f]{16}", "RANDOM", key) for key in made] == shown


def test_the_segment_is_what_is_written(tmp_path):
    objects = FolderObjectStore(tmp_path)
    row = {"title": "The Salt Road", "price": Decimal("51.70"), "seen": dt.date(2026, 3, 1)}
    rows = [SegmentRow(7312406, "book", encode_row(row))]
    segment = write_segment(objects, JobKeys("acme", "monday"), rows, number=1, previous="", last="1-0")
    text = zstandard.ZstdDecompressor().decompressobj().decompress(objects.get(segment.key)).decode()
    assert block("console").splitlines()[1:] == text.splitlines()
