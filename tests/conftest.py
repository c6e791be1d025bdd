"""Seconds per tier at the end of a run, so that a tier that outgrows its budget is seen."""

from __future__ import annotations

from collections import Counter
from pathlib import PurePath


def pytest_terminal_summary(terminalreporter):
    seconds: Counter[str] = Counter()
    tests: Counter[str] = Counter()
    for reports in terminalreporter.stats.values():
        for report in reports:
            if hasattr(report, "duration") and hasattr(report, "nodeid"):
                parts = PurePath(report.nodeid.partition("::")[0]).parts
                tier = parts[1] if len(parts) > 2 else parts[0]
                seconds[tier] += report.duration
                tests[tier] += report.when == "call"
    terminalreporter.section("seconds per tier")
    for tier, total in seconds.most_common():
        terminalreporter.write_line(f"{tier:<14} {total:7.1f} s  {tests[tier]:5} tests")
