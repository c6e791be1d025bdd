"""Stewards beside each other and after each other."""

from __future__ import annotations

import pytest
from goods_and_faults import Fails, goods, names_in


def test_two_stewards_at_once_make_one_set_of_files(bench):
    names = [f"j{number}" for number in range(6)]
    for name in names:
        bench.a_job(name)
        bench.crawl(4, name)
    bench.work(bench.ended(*names), stewards=2)
    for name in names:
        assert names_in(bench.file("csv", name)) == goods(4)
        assert sum(sum(segment.rows.values()) for segment in bench.segments(name)) == 8


@pytest.mark.parametrize("storage", ["folder", "s3"])
@pytest.mark.parametrize("point", ["/segments/", "/files/goods", "job.json", "manifest.json"])
def test_a_steward_that_dies_anywhere_is_followed_by_another(bench, storage, point):
    bench.objects = Fails(bench.objects)
    bench.a_job()
    bench.crawl(3)
    bench.objects.die_after = point
    bench.work(bench.ended())
    assert names_in(bench.file("csv")) == goods(3)
    assert len([key for key in bench.objects.puts if key.endswith("manifest.json")]) == 1
