"""Servers that tests of any tier may use; at the end of a run figures to see, and seconds per tier."""

from __future__ import annotations

import itertools
import os
import sys
import threading
from collections import Counter
from pathlib import Path, PurePath

import hypothesis
import pytest

sys.path.insert(0, str(Path(__file__).parent))

# All sites of the tests are on this machine. Said before anything of Crawlery is imported, and for child processes too.
os.environ["EGRESS_ALLOW"] = "127.0.0.0/8"
# Whoever runs them may be logged in to an API; no test talks to that.
os.environ["XDG_CONFIG_HOME"] = "/nonexistent"
os.environ["CRAWLERY_API_URL"] = ""
os.environ["CRAWLERY_API_KEY"] = ""

from seaweed_server import SeaweedServer
from valkey_server import DATABASES, Database, Fsync, ValkeyServer

# How long an example takes, or its making, says how busy the machine is.
hypothesis.settings.register_profile("suite", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("suite")


def pytest_addoption(parser):
    parser.addoption(
        "--redis-server",
        metavar="PATH",
        type=Path,
        help="the server to test with, instead of the one that is installed",
    )
    parser.addoption(
        "--api-seed",
        metavar="NUMBER",
        type=int,
        default=20260102,
        help="where calls of the API by its description begin; each further round adds 1",
    )


def pytest_collection_modifyitems(config, items):
    if "campaign" in (config.option.markexpr or ""):
        return
    campaigns = [item for item in items if item.get_closest_marker("campaign")]
    if campaigns:
        config.hook.pytest_deselected(items=campaigns)
        items[:] = [item for item in items if item not in campaigns]


@pytest.fixture
def show(record_property):
    """Lines that the end of the run shows, whether the test passes or not: figures that a reader is to see."""
    return lambda *lines: [record_property("shown", line) for line in lines]


@pytest.fixture(scope="session")
def reactor_loop():
    """The event loop of a reactor of Twisted's that runs for as long as the tests of this process."""
    import uvloop
    from twisted.internet import asyncioreactor

    loop = uvloop.new_event_loop()
    asyncioreactor.install(loop)
    from twisted.internet import reactor

    running = threading.Event()
    reactor.callWhenRunning(running.set)
    thread = threading.Thread(target=reactor.run, kwargs={"installSignalHandlers": False}, daemon=True)
    thread.start()
    assert running.wait(60.0)
    yield loop
    reactor.callFromThread(reactor.stop)
    thread.join(timeout=60.0)
    loop.close()


@pytest.fixture(scope="session")
def valkey_server(tmp_path_factory, pytestconfig):
    """A server for all tests of this process; it keeps nothing on disk. Use `valkey` unless you look at the server."""
    server = ValkeyServer(
        tmp_path_factory.mktemp("valkey"), appendfsync=None, binary=pytestconfig.getoption("--redis-server")
    )
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def _database_numbers():
    return itertools.cycle(range(DATABASES))


@pytest.fixture
def valkey(valkey_server, _database_numbers):
    """An empty database for one test: `.url`. Numbers go round, so that a late word of one test is lost on the next."""
    database = Database(server=valkey_server, number=next(_database_numbers))
    database.flush()
    return database


@pytest.fixture
def new_valkey(tmp_path_factory, pytestconfig):
    """Starts servers of the test's own, to be killed, filled or configured: `new_valkey(appendfsync="always")`."""
    started: list[ValkeyServer] = []

    def start(*, appendfsync: Fsync = "no", **options) -> ValkeyServer:
        folder, binary = tmp_path_factory.mktemp("valkey"), pytestconfig.getoption("--redis-server")
        started.append(ValkeyServer(folder, appendfsync=appendfsync, binary=binary, **options))
        started[-1].start()
        return started[-1]

    yield start
    for server in started:
        server.stop()


@pytest.fixture(scope="session")
def seaweed(tmp_path_factory):
    """An S3 for all tests of this process: `.environment`, `.url`, `.client()`. Each test has a prefix of its own."""
    server = SeaweedServer(tmp_path_factory.mktemp("seaweed"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def new_seaweed(tmp_path_factory):
    """Starts servers of the test's own, to be killed or configured: `new_seaweed(kek=None)`."""
    started: list[SeaweedServer] = []

    def start(**options) -> SeaweedServer:
        started.append(SeaweedServer(tmp_path_factory.mktemp("seaweed"), **options))
        started[-1].start()
        return started[-1]

    yield start
    for server in started:
        server.kill()


def pytest_terminal_summary(terminalreporter):
    seconds: Counter[str] = Counter()
    files: Counter[str] = Counter()
    tests: Counter[str] = Counter()
    for reports in terminalreporter.stats.values():
        for report in reports:
            if hasattr(report, "duration") and hasattr(report, "nodeid"):
                file = PurePath(report.nodeid.partition("::")[0])
                tier = file.parts[1] if len(file.parts) > 2 else file.parts[0]
                seconds[tier] += report.duration
                files[str(file)] += report.duration
                tests[tier] += report.when == "call"
    shown = [
        line
        for reports in terminalreporter.stats.values()
        for report in reports
        if getattr(report, "when", "") == "call"
        for name, line in report.user_properties
        if name == "shown"
    ]
    if shown:
        terminalreporter.section("figures")
        for line in shown:
            terminalreporter.write_line(line)
    terminalreporter.section("seconds per tier")
    for tier, total in seconds.most_common():
        terminalreporter.write_line(f"{tier:<14} {total:7.1f} s  {tests[tier]:5} tests")
    if len(files) > 100:  # a whole run: what it spends its time on
        terminalreporter.section("slowest files")
        for file, total in files.most_common(25):
            terminalreporter.write_line(f"{total:7.1f} s  {file}")
