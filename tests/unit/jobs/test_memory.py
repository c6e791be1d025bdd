from __future__ import annotations

import asyncio
import time

from crawler.jobs.memory import MemoryJobStore
from crawler.jobs.model import Job


def test_without_a_clock_of_its_own_a_job_has_the_time_of_the_machine():
    before = time.time() * 1000
    job, _ = asyncio.run(MemoryJobStore().create(Job(id="j", secret=b"0123456789abcdef", spider="books")))
    assert before - 1 <= job.created_ms <= time.time() * 1000
