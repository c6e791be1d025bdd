"""Timers of a crawl when the clock of its machine is set."""

import json
import os
import subprocess
import sys

import pytest
from preloads import together
from valkey_server import mortal
from wall_clock import Clock

HOUR_S = 3_600

#: A crawl without pages: one timer begins before its extensions are made, two later. It says when the clock may jump,
#: and a second after it did which of them have come, and when.
CRAWL = """
import json, time
from scrapy import Spider
from scrapy.crawler import AsyncCrawlerProcess
from crawler.spiders.runner import project_settings

came = {}

def timer(name, after_s):
    from twisted.internet import reactor
    began = time.monotonic()
    reactor.callLater(after_s, lambda: came.setdefault(name, time.monotonic() - began))

class Waits(Spider):
    name = "waits"

    async def start(self):
        import asyncio
        timer("soon", 0.5)
        timer("late", 60)
        print("jump", flush=True)
        await asyncio.to_thread(input)
        await asyncio.sleep(1)
        print(json.dumps(came), flush=True)
        return
        yield

process = AsyncCrawlerProcess(project_settings())
timer("before", 0.7)
process.crawl(Waits)
process.start()
"""


@pytest.mark.parametrize("ahead_s", [HOUR_S, -HOUR_S])
def test_a_clock_that_is_set_while_a_crawl_runs_ends_no_timer_sooner_or_later(tmp_path, ahead_s):
    clock = Clock(tmp_path)
    process = subprocess.Popen(
        mortal(sys.executable, "-c", CRAWL),
        env=together(os.environ, clock.environment),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "jump\n", process.communicate()
    clock.jump(ahead_s)
    told, _ = process.communicate("\n", timeout=60)
    came = json.loads(told)
    assert set(came) <= {"before", "soon"}
    assert 0.4 < came["soon"] < HOUR_S / 2
    assert 0.6 < came["before"] < HOUR_S / 2


#: A crawl without pages that cancels a thousand timers of a minute, and says how many of them the reactor keeps until
#: there are few, or for 10 s.
CANCELS = """
import asyncio, time
from scrapy import Spider
from scrapy.crawler import AsyncCrawlerProcess
from crawler.spiders.runner import project_settings

class Cancels(Spider):
    name = "cancels"

    async def start(self):
        from twisted.internet import reactor
        for _ in range(1000):
            reactor.callLater(60, lambda: None).cancel()
        kept, until = [1000], time.monotonic() + 10
        while kept[-1] > 100 and time.monotonic() < until:
            await asyncio.sleep(0.05)
            kept.append(len(reactor._pendingTimedCalls) + len(reactor._newTimedCalls))
        print(kept[-1], flush=True)
        return
        yield

process = AsyncCrawlerProcess(project_settings())
process.crawl(Cancels)
process.start()
"""


def test_timers_that_were_cancelled_are_gone_long_before_they_would_have_ended():
    done = subprocess.run([sys.executable, "-c", CANCELS], capture_output=True, text=True, check=True, timeout=60)
    assert int(done.stdout) <= 100
