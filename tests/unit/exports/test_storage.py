from __future__ import annotations

from dataclasses import replace

import pytest

from crawler.config import read_config
from crawler.errors import ConfigError
from crawler.exports.objects_folder import FolderObjectStore
from crawler.exports.objects_s3 import S3ObjectStore
from crawler.exports.storage import object_store_of


def config(url, **values):
    return replace(read_config(), storage_url=url, **values)


def test_a_folder_is_named_by_a_file_url(tmp_path):
    objects = object_store_of(config((tmp_path / "two words").as_uri()))
    assert isinstance(objects, FolderObjectStore)
    objects.put("a", b"x", content_type="text/plain")
    assert (tmp_path / "two words" / "a").read_bytes() == b"x"


@pytest.mark.parametrize("url", ["s3://bucket", "s3://bucket/", "s3://my.bucket-1/a/b_c/", "s3://bucket/a.b"])
def test_a_bucket_may_have_a_prefix(url):
    assert isinstance(object_store_of(config(url)), S3ObjectStore)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "STORAGE_URL is not set"),
        ("out", "it may be s3://BUCKET/PREFIX or file:///FOLDER"),
        ("https://bucket.example/", "it may be s3://BUCKET/PREFIX"),
        ("file://out", "file:///ABSOLUTE/PATH"),
        ("file://host/out", "file:///ABSOLUTE/PATH"),
        ("file:///", "file:///ABSOLUTE/PATH"),
        ("s3://", "'' is no name of a bucket"),
        ("s3://Bucket/x", "'Bucket' is no name of a bucket"),
        ("s3://bucket:80/x", "'bucket:80' is no name of a bucket"),
        ("s3://bucket/a//b", "a prefix has A-Z"),
        ("s3://bucket/../b", "a prefix has A-Z"),
        ("s3://bucket/a%20b", "a prefix has A-Z"),
        ("s3://key:secret@bucket/x", "AWS_ACCESS_KEY_ID"),
        ("s3://bucket/x?versionId=1", "STORAGE_URL may only be"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused_with_what_it_may_be(url, says):
    with pytest.raises(ConfigError, match="STORAGE_URL") as caught:
        object_store_of(config(url))
    assert says in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("name", ["s3_endpoint_url", "s3_public_endpoint_url"])
@pytest.mark.parametrize("endpoint", ["127.0.0.1:8333", "ftp://x", "http://"])
def test_an_endpoint_that_is_no_url_is_refused(name, endpoint):
    with pytest.raises(ConfigError, match=f"{name.upper()}=.* is no http"):
        object_store_of(config("s3://bucket", **{name: endpoint}))
