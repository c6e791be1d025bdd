"""What only S3 does: encryption, links, refusals, and an S3 that goes away."""

from __future__ import annotations

import contextlib
import io
import json
import os
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
import uuid
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError
from preloads import together
from seaweed_server import ACCESS_KEY, BUCKET, SECRET_KEY
from wall_clock import Clock

from crawler.errors import NoSuchObject, ObjectStoreError
from crawler.exports import objects_s3
from crawler.exports.objects_s3 import PART_BYTES, S3ObjectStore


def store(seaweed, **options):
    settings = {
        "bucket": BUCKET,
        "prefix": f"s3/{uuid.uuid4().hex}",
        "endpoint_url": seaweed.url,
        "credentials": (ACCESS_KEY, SECRET_KEY, None),
    }
    return S3ObjectStore(**settings | options)


def put(objects, key="a", body=b"x", **options):
    return objects.put(key, body, content_type="text/csv", **options)


@contextlib.contextmanager
def answering(*answers):
    """A server that gives these answers, one a connection, and then closes each."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        for answer in answers:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(answer)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    with listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    thread.join(timeout=10)


def answer(status, body=b"", **headers):
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def refusal(status, code):
    return answer(status, f"<Error><Code>{code}</Code><Message>as told</Message></Error>".encode())


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(objects_s3, "CONNECT_TIMEOUT_S", 0.5)
    monkeypatch.setattr(objects_s3, "READ_TIMEOUT_S", 0.3)
    monkeypatch.setattr(objects_s3, "MAX_ATTEMPTS", 1)


def test_every_put_is_encrypted_also_in_parts(seaweed):
    objects = store(seaweed, prefix="encrypted")
    put(objects, "small")
    put(objects, "large", io.BytesIO(b"x" * (PART_BYTES + 1)))
    put(objects, "new", only_new=True)
    client = seaweed.client()
    for key in ("small", "large", "new"):
        head = client.head_object(Bucket=BUCKET, Key=f"encrypted/{key}")
        assert head["ServerSideEncryption"] == "AES256"
        assert head["ContentType"] == "text/csv"


def test_a_bucket_that_denies_unencrypted_objects_takes_ours_and_no_others(seaweed):
    bucket = f"denies-{uuid.uuid4().hex}"
    encrypting, plain = store(seaweed, bucket=bucket), store(seaweed, bucket=bucket, sse="")
    encrypting.create_bucket()
    encrypting.create_bucket()  # there already: left as it is
    seaweed.client().put_bucket_policy(Bucket=bucket, Policy=json.dumps(deny_unencrypted(bucket)))
    encrypting.check()
    put(encrypting, "large", io.BytesIO(b"x" * (PART_BYTES + 1)))
    with pytest.raises(ObjectStoreError, match=r"AccessDenied.*policy") as caught:
        put(plain)
    assert not caught.value.passing


def deny_unencrypted(bucket):
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:PutObject",
                "Resource": f"arn:aws:s3:::{bucket}/*",
                "Condition": {"StringNotEquals": {"s3:x-amz-server-side-encryption": "AES256"}},
            }
        ],
    }


def test_parts_of_a_put_that_fails_are_taken_back(seaweed):
    class Torn(io.BytesIO):
        def read(self, size=-1):
            part = super().read(size)
            if self.tell() > PART_BYTES:
                raise RuntimeError("torn")
            return part

    objects = store(seaweed, prefix="torn")
    with pytest.raises(RuntimeError, match="torn"):
        put(objects, "large", Torn(b"x" * (2 * PART_BYTES)))
    assert "Uploads" not in seaweed.client().list_multipart_uploads(Bucket=BUCKET, Prefix="torn/")


def test_a_link_is_signed_for_the_public_endpoint_names_the_file_and_expires(seaweed):
    objects = store(seaweed, public_endpoint_url=seaweed.url.replace("127.0.0.1", "localhost"))
    put(objects, "files/a-b.csv", b"title\n")
    url = objects.link("files/a-b.csv", file_name="bücher 1.csv", expires_s=60)
    assert urlsplit(url).hostname == "localhost"
    assert "X-Amz-Algorithm=AWS4-HMAC-SHA256" in url
    with urllib.request.urlopen(url) as response:
        assert response.read() == b"title\n"
        assert response.headers["Content-Disposition"] == 'attachment; filename="b-cher 1.csv"'
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(url.replace("X-Amz-Expires=60", "X-Amz-Expires=600"))
    assert caught.value.code == 403
    caught.value.close()


def test_objects_of_other_prefixes_are_not_seen(seaweed):
    one, other = store(seaweed, prefix="mine"), store(seaweed, prefix="mine-too")
    put(one, "a")
    put(other, "b")
    assert [found.key for found in one.list("")] == ["a"]
    assert one.info("b") is None


def test_more_objects_than_one_answer_holds_are_listed_and_deleted(seaweed, monkeypatch):
    monkeypatch.setattr(objects_s3, "_KEYS_AT_ONCE", 3)
    objects = store(seaweed)
    for number in range(8):
        put(objects, f"{number}")
    assert len(list(objects.list(""))) == 8
    objects.delete([f"{number}" for number in range(8)])
    assert not list(objects.list(""))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"bucket": "no-such-bucket"}, "there is no such bucket; make the bucket, or correct STORAGE_URL"),
        ({"credentials": (ACCESS_KEY, "wrong", None)}, "403"),
        ({"credentials": ("nobody", "wrong", None)}, "403"),
    ],
)
def test_the_check_says_what_does_not_fit(seaweed, options, says):
    with pytest.raises(ObjectStoreError, match=says) as caught:
        store(seaweed, **options).check()
    assert not caught.value.passing


def test_a_put_that_is_refused_says_why_and_does_not_pass(seaweed):
    for options, says in (
        ({"bucket": "no-such-bucket"}, "NoSuchBucket.*make the bucket"),
        ({"credentials": (ACCESS_KEY, "wrong", None)}, "SignatureDoesNotMatch.*AWS_SECRET_ACCESS_KEY"),
        ({"credentials": ("nobody", "wrong", None)}, "InvalidAccessKeyId.*AWS_ACCESS_KEY_ID"),
    ):
        with pytest.raises(ObjectStoreError, match=says) as caught:
            put(store(seaweed, **options))
        assert not caught.value.passing


PUTS = """
import sys
from crawler.exports.objects_s3 import S3ObjectStore
bucket, url, key, secret = sys.argv[1:]
objects = S3ObjectStore(bucket=bucket, endpoint_url=url, credentials=(key, secret, None))
objects.put("clock/a", b"x", content_type="text/csv")
"""


@pytest.mark.parametrize("ahead_s", [3_600, -3_600])
def test_a_machine_whose_clock_is_an_hour_off_is_told_to_set_it(seaweed, tmp_path, ahead_s):
    clock = Clock(tmp_path)
    clock.jump(ahead_s)
    told = subprocess.run(
        [sys.executable, "-c", PUTS, BUCKET, seaweed.url, ACCESS_KEY, SECRET_KEY],
        env=together(os.environ, clock.environment),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "RequestTimeTooSkewed" in told.stderr
    assert "set the clock" in told.stderr


def test_without_any_credentials_it_does_not_pass(seaweed, monkeypatch, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(ObjectStoreError, match="Unable to locate credentials") as caught:
        put(store(seaweed, credentials=None))
    assert not caught.value.passing


def test_a_server_that_cannot_encrypt_is_explained_by_the_check(new_seaweed, quick):
    with pytest.raises(ObjectStoreError, match="SeaweedFS needs WEED_S3_SSE_KEK"):
        store(new_seaweed(kek="too-short")).check()


def test_nobody_at_the_address_passes(quick):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    objects = S3ObjectStore(bucket="bucket", endpoint_url=f"http://127.0.0.1:{port}", credentials=("a", "b", None))
    for call in (lambda: put(objects), lambda: objects.get("a"), objects.check, lambda: list(objects.list(""))):
        with pytest.raises(ObjectStoreError) as caught:
            call()
        assert caught.value.passing


def test_a_server_that_says_nothing_passes(quick):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(ObjectStoreError, match=r"[Tt]imeout") as caught:
            put(S3ObjectStore(bucket="bucket", endpoint_url=url, credentials=("a", "b", None)))
    assert caught.value.passing


@pytest.mark.parametrize(
    ("status", "code", "passing"),
    [
        ("500 Oops", "InternalError", True),
        ("503 Busy", "SlowDown", True),
        ("503 Busy", "ServiceUnavailable", True),
        ("429 Busy", "TooManyRequests", True),
        ("400 Slow", "RequestTimeout", True),
        ("507 Full", "InsufficientStorage", True),
        ("403 No", "AccessDenied", False),
        ("400 No", "InvalidRequest", False),
        ("404 No", "NoSuchBucket", False),
    ],
)
def test_which_answers_time_may_heal(quick, status, code, passing):
    with answering(refusal(status, code)) as url, pytest.raises(ObjectStoreError, match=code) as caught:
        put(S3ObjectStore(bucket="bucket", endpoint_url=url, credentials=("a", "b", None)))
    assert caught.value.passing is passing


def test_a_conditional_put_beside_another_one_is_not_the_first(quick):
    for status, code in (("409 Conflict", "ConditionalRequestConflict"), ("412 No", "PreconditionFailed")):
        with answering(refusal(status, code)) as url:
            objects = S3ObjectStore(bucket="bucket", endpoint_url=url, credentials=("a", "b", None))
            assert put(objects, only_new=True) is False


def test_bytes_that_stop_coming_are_an_error_and_not_the_end(quick):
    torn = answer("200 OK", b"x" * 10).replace(b"Content-Length: 10", b"Content-Length: 1000")
    with answering(torn) as url:
        objects = S3ObjectStore(bucket="bucket", endpoint_url=url, credentials=("a", "b", None))
        with pytest.raises(ObjectStoreError) as caught, objects.open("a") as file:
            file.read()
    assert caught.value.passing


def test_what_was_put_outlives_a_kill_of_the_server(new_seaweed):
    server = new_seaweed()
    objects = store(server)
    put(objects, "a", b"kept")
    server.kill()
    server.start()
    assert objects.get("a") == b"kept"
    with pytest.raises(NoSuchObject):
        objects.get("b")
    server.stop()
    assert not server.running


def test_plain_clients_see_the_policy_too(seaweed):
    """The deny-unencrypted policy of these tests is worth something only if the server heeds it."""
    bucket = f"denies-{uuid.uuid4().hex}"
    client = seaweed.client()
    client.create_bucket(Bucket=bucket)
    client.put_bucket_policy(Bucket=bucket, Policy=json.dumps(deny_unencrypted(bucket)))
    with pytest.raises(ClientError, match="AccessDenied"):
        client.put_object(Bucket=bucket, Key="a", Body=b"x")
