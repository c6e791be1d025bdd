"""Store and storage as `docker-compose.yml` starts them, with the servers' own programs."""

from __future__ import annotations

import time
import urllib.request
from pathlib import Path

import pytest
import redis
from platform_of_compose import Platform
from redis.backoff import NoBackoff
from redis.retry import Retry

from crawler.errors import ObjectStoreError
from crawler.exports.objects_s3 import S3ObjectStore

PATIENCE_S = 60


@pytest.fixture
def platform(tmp_path):
    platform = Platform(tmp_path)
    yield platform
    platform.close()


def client_of(platform, password):
    """That takes an error for an answer, where the library's own would try again and again."""
    return redis.Redis(port=platform.store_port, password=password, retry=Retry(NoBackoff(), 0))


def until(what, process, log):
    """What `what` gives when it is not None."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline and process.poll() is None:
        if (found := what()) is not None:
            return found
        time.sleep(0.05)
    raise AssertionError(log())


def test_the_store_keeps_what_it_has_answered_and_asks_for_the_password(platform):
    process = platform.start("store")
    password = (platform.secrets / "store_password").read_text(encoding="ascii")

    def told():
        try:
            with client_of(platform, password) as client:
                return client.config_get("append*", "maxmemory*", "save", "dir")
        except (redis.ConnectionError, redis.exceptions.BusyLoadingError):
            return None

    said = until(told, process, lambda: platform.log("store"))
    assert (said["appendonly"], said["appendfsync"], said["save"]) == ("yes", "always", "")
    assert (said["maxmemory-policy"], said["maxmemory"]) == ("noeviction", str(1 << 30))
    assert said["dir"] == str(platform.folder / "store")
    with client_of(platform, None) as stranger, pytest.raises(redis.AuthenticationError):
        stranger.ping()
    assert password not in Path(f"/proc/{process.pid}/cmdline").read_text(encoding="utf-8")
    with client_of(platform, password) as client:
        assert client.set("a", "b")
    process.terminate()
    assert process.wait(timeout=PATIENCE_S) == 0  # it is the process itself that gets the signal, not a shell
    again = platform.start("store")
    until(told, again, lambda: platform.log("store"))
    with client_of(platform, password) as client:
        assert client.get("a") == b"b"


def test_the_storage_has_the_bucket_and_encrypts(platform):
    process = platform.start("storage")
    key, secret = platform.aws_credentials()
    url = f"http://127.0.0.1:{platform.s3_port}"
    objects = S3ObjectStore(bucket="crawlery", endpoint_url=url, credentials=(key, secret, None))

    def takes():
        try:
            objects.check()  # with encryption asked for, as every put
        except ObjectStoreError:
            return None
        return True

    until(takes, process, lambda: platform.log("storage"))
    with urllib.request.urlopen(f"{url}/status", timeout=10) as answer:
        assert answer.status == 200
    with pytest.raises(ObjectStoreError):
        S3ObjectStore(bucket="crawlery", endpoint_url=url, credentials=(key, "wrong", None)).check()
    for file in Path(f"/proc/{process.pid}/cmdline"), platform.folder / "storage" / "log":
        assert secret not in file.read_text(encoding="utf-8")
    process.terminate()
    process.wait(timeout=PATIENCE_S)
    assert (platform.folder / "storage" / "filerldb2").is_dir()
