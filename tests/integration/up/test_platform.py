"""The platform as a library: a block that starts it, and that leaves nothing behind however it is left."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from children import alive, until

from crawler.config import read_config
from crawler.errors import PlatformError
from crawler.exports.storage import object_store_of
from crawler.store import connect_sync
from crawler.up.options import PlatformOptions
from crawler.up.platform import Platform

STAND_IN = (sys.executable, "-I", str(Path(__file__).with_name("stand_in.py")))


@pytest.fixture
def options(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("REDIS_URL", "STORAGE_URL", "S3_ENDPOINT_URL", "CRAWLERY_DATA_DIR"):
        monkeypatch.delenv(name, raising=False)
    return lambda **more: PlatformOptions(
        data_dir=tmp_path / "crawlery-data", nodes=1, crawlery=STAND_IN, environment=dict(os.environ), **more
    )


def test_a_block_starts_it_and_ends_it(options):
    async def main():
        async with Platform(options()) as platform:
            states = {state.name: state for state in platform.states()}
            assert {name: state.state for name, state in states.items()} == dict.fromkeys(
                ("valkey", "seaweedfs", "api", "steward-1", "node-1"), "ready"
            )
            platform.kill("node-1")
            await until(platform.supervisor, lambda: platform.states()[-1].restarts == 1)
            await until(platform.supervisor, lambda: platform.states()[-1].state == "ready")
            assert (platform.states()[-1].address, states["node-1"].pid != platform.states()[-1].pid) == (
                states["node-1"].address,
                True,
            )
            await asyncio.to_thread(used_as_other_processes_do)
            return [state.pid for state in platform.states()]

    def used_as_other_processes_do():
        config = read_config()
        object_store_of(config).check()
        with connect_sync({"url": config.redis_url}) as store:
            assert store.ping()

    assert not [pid for pid in asyncio.run(main()) if alive(pid)]


def test_a_start_that_is_given_up_leaves_nothing(options):
    seen = []

    async def main():
        begun = asyncio.Event()
        platform = Platform(options(), on_change=lambda state: (seen.append(state), begun.set()))

        async def use():
            async with platform:
                raise AssertionError("it must not come so far")

        task = asyncio.create_task(use())
        await begun.wait()
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()

    asyncio.run(main())
    assert seen
    assert not [state for state in seen if state.pid and alive(state.pid)]
    assert not (options().data_dir / "lock").exists()


def test_a_platform_that_was_not_started_can_be_stopped_and_has_no_children(options):
    async def main():
        platform = Platform(options())
        assert platform.states() == []
        platform.kill_all()
        await platform.stop()

    asyncio.run(main())


def test_the_lock_of_another_one_is_left_alone(options):
    async def main():
        first, second = Platform(options()), Platform(options())
        first.folder.lock()
        with pytest.raises(PlatformError, match="another `crawlery up`"):
            async with second:
                pass
        assert (first.folder.path / "lock").exists()
        first.folder.unlock()

    asyncio.run(main())


def names_of_environment(pid: int) -> set[bytes]:
    return {entry.partition(b"=")[0] for entry in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")}


def test_no_child_but_the_api_is_told_of_keys_and_peppers(options):
    async def main():
        given = replace(options(), environment=dict(os.environ) | {"API_KEY_PEPPERS": "own:pepper-of-a-test"})
        async with Platform(given) as platform:
            assert platform.environment["CRAWLERY_API_KEY"].startswith("ck_live_")
            return {state.name: names_of_environment(state.pid) for state in platform.states()}

    found = asyncio.run(main())
    secret = {b"CRAWLERY_API_KEY", b"API_KEY_PEPPERS"}
    assert {name: secret & names for name, names in found.items() if secret & names} == {"api": {b"API_KEY_PEPPERS"}}
