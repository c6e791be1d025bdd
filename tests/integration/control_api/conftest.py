"""The control API for tests: in this process, with a real store and a storage in a folder."""

from __future__ import annotations

import contextlib
import secrets
from dataclasses import dataclass, replace

import pytest
from api_bodies import BodyCalls
from api_in_process import METRICS_TOKEN, OURS, Calls, api_in_process
from api_people import AUDIT_KEY, PEPPERS, new_people
from api_process import ApiProcess
from seaweed_server import ACCESS_KEY, BUCKET, SECRET_KEY
from tcp_proxy import TcpProxy
from valkey_server import Database

from control_api.app import create_app
from control_api.services import EXTENSION
from crawler.config import read_api_config
from crawler.exports.objects_s3 import S3ObjectStore


class Caller:
    """Calls the API in this process: `caller.get("/v1/jobs", key=people.alice)`."""

    def __init__(self, app) -> None:
        self.app = app
        self._client = app.test_client()

    def __call__(self, method, path, *, key=None, headers=None, **given):
        headers = dict(headers or {})
        if key is not None:
            headers["Authorization"] = f"Bearer {key}"
        return self._client.open(path, method=method, headers=headers, **given)

    def get(self, path, **given):
        return self("GET", path, **given)

    def post(self, path, **given):
        return self("POST", path, **given)


@pytest.fixture
def api_config(valkey, tmp_path, monkeypatch):
    """A configuration with a store and a storage of the test's own; `dataclasses.replace` changes it."""
    for name in ("API_KEY_PEPPERS_FILE", "CRAWLERY_ENV", "API_DOCS", "API_PROXIES", "METRICS_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("REDIS_URL", valkey.url)
    monkeypatch.setenv("STORAGE_URL", f"file://{tmp_path}/files")
    monkeypatch.setenv("API_KEY_PEPPERS", PEPPERS)
    monkeypatch.setenv("AUDIT_KEY", AUDIT_KEY)
    return replace(read_api_config(), failure_limit="100000/second")


@pytest.fixture
def new_api(api_config):
    """Makes APIs in this process: `new_api(docs="key")`; closed at the end."""
    apps = []

    def make(**changes) -> Caller:
        app = create_app(replace(api_config, **changes))
        apps.append(app)
        return Caller(app)

    yield make
    for app in apps:
        services = app.extensions[EXTENSION]
        services.store_watch.close()
        services.storage_watch.close()
        services.store.close()


@pytest.fixture
def api(new_api):
    """The API, as it is configured by default."""
    return new_api()


@pytest.fixture
def people(valkey):
    """Keys of alice, bob and root."""
    return new_people(valkey.url)


@pytest.fixture
def new_process(valkey, tmp_path):
    """Starts `crawlery api`: `new_process(workers=2, API_RATE_LIMIT="10 per 10 seconds")`; killed at the end."""
    started: list[ApiProcess] = []

    def start(**given) -> ApiProcess:
        storage = given.pop("storage", {"STORAGE_URL": f"file://{tmp_path}/files"})
        redis_url = given.pop("redis_url", valkey.url)
        folder = tmp_path / f"api-{len(started)}"
        started.append(ApiProcess(folder, redis_url=redis_url, storage=storage, **given))
        started[-1].start()
        return started[-1]

    yield start
    for process in started:
        process.kill()


@pytest.fixture
def s3(seaweed):
    """A place of the test's own in an S3: `.environment` for a process, `.objects` to look behind its back."""
    prefix = f"api-{secrets.token_hex(4)}"
    objects = S3ObjectStore(
        bucket=BUCKET, prefix=prefix, endpoint_url=seaweed.url, credentials=(ACCESS_KEY, SECRET_KEY, None)
    )
    return Place(
        prefix=prefix, objects=objects, environment={**seaweed.environment, "STORAGE_URL": f"s3://{BUCKET}/{prefix}"}
    )


@dataclass(frozen=True, kw_only=True)
class Place:
    """See `s3`."""

    prefix: str
    objects: S3ObjectStore
    environment: dict[str, str]


@pytest.fixture
def proxy_to():
    """Puts a `TcpProxy` before a port; gone at the end."""
    with contextlib.ExitStack() as stack:
        yield lambda port: stack.enter_context(contextlib.closing(TcpProxy(port)))


@pytest.fixture(scope="module")
def shared_database(valkey_server, _database_numbers):
    """A database for all tests of a module: for those that change nothing that another one looks at."""
    database = Database(server=valkey_server, number=next(_database_numbers))
    database.flush()
    return database


@pytest.fixture(scope="module")
def callers(shared_database):
    """Keys of alice, bob and root there."""
    return new_people(shared_database.url)


@pytest.fixture(scope="module")
def new_calls(shared_database, tmp_path_factory):
    """Makes an API on the database that the tests of a module share: `with new_calls(docs="key") as app`."""

    def make(**changes):
        return api_in_process(shared_database.url, tmp_path_factory.mktemp("files"), **changes)

    return make


@pytest.fixture(scope="module")
def calls(new_calls):
    """One API for the tests of a module; a site is listed, and figures have a token."""
    with new_calls(cors_origins=(OURS, "http://localhost:3000"), metrics_token=METRICS_TOKEN) as app:
        yield Calls(app)


@pytest.fixture(scope="module")
def body_calls(new_calls, shared_database):
    """Calls that take a body, as an administrator."""
    with new_calls() as app:
        yield BodyCalls(app, shared_database.url)
