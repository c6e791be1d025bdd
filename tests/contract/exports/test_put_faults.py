"""On its way into any storage, an object comes to its three points, and a fault at one is what a storage does."""

from __future__ import annotations

import io
import uuid

import pytest
from planned_faults import planned
from seaweed_server import ACCESS_KEY, BUCKET, SECRET_KEY

from crawler.errors import ObjectStoreError
from crawler.exports.keys import (
    AUDIT,
    JobKeys,
    SeriesKeys,
    intent_key,
    recipe_pages_key,
    recipe_text_key,
    recipe_version_key,
    run_key,
)
from crawler.exports.objects_folder import FolderObjectStore
from crawler.exports.objects_s3 import S3ObjectStore
from crawler.fault_points import OBJECTS

KEYS = JobKeys("acme", "segments")  # a job may be called so
SERIES = SeriesKeys("acme", "0" * 32)
KEY_OF_KIND = {
    "segment": KEYS.new_segment(1),
    "file": KEYS.new_file("all", "csv"),
    "manifest": KEYS.manifest,
    "intent": intent_key("monday"),
    "record": KEYS.record,
    "log": KEYS.log("job.json"),
    "orphans": KEYS.orphans,
    "override": KEYS.override,
    "recipe": recipe_text_key("0" * 64),
    "pages": recipe_pages_key("0" * 64),
    "version": recipe_version_key("acme", "goods", "1.0.0", pushed_ms=1, sha256="0" * 64),
    "state": SERIES.new_state("monday"),
    "pointer": SERIES.pointer(1, "monday"),
    "run": run_key("acme", "goods", "a" * 32, at_ms=1, job="monday"),
    "anchor": f"{AUDIT}/anchors/1.json",
    "entries": f"{AUDIT}/entries/1.jsonl.zst",
}


@pytest.fixture(params=["folder", "s3"])
def new_objects(request, tmp_path):
    """Makes a storage: after the faults are planned, which it looks for when it is made."""
    if request.param == "folder":
        return lambda: FolderObjectStore(tmp_path / "objects")
    seaweed, prefix = request.getfixturevalue("seaweed"), f"faults/{uuid.uuid4().hex}"
    return lambda: S3ObjectStore(
        bucket=BUCKET, prefix=prefix, endpoint_url=seaweed.url, credentials=(ACCESS_KEY, SECRET_KEY, None)
    )


def put(objects, key, body=b"x" * 1000, **options):
    return objects.put(key, body, content_type="text/plain", **options)


def test_every_kind_of_object_comes_to_its_points_in_their_order(new_objects):
    assert KEY_OF_KIND.keys() == OBJECTS.keys()
    with planned() as plan:
        objects = new_objects()
        for kind, key in KEY_OF_KIND.items():
            for body in (b"", b"x", b"rows" * 1000, io.BytesIO(b"rows" * 100_000)):
                put(objects, key, body)
                assert plan.points == [f"put_{kind}.{moment}" for moment in ("call", "half", "reply")]
                assert objects.get(key) == (body if isinstance(body, bytes) else body.getvalue())
                plan.points.clear()


def test_what_belongs_to_no_job_and_what_is_read_has_no_points(new_objects):
    with planned() as plan:
        objects = new_objects()
        put(objects, "probe")
        put(objects, f"{KEYS.prefix}elsewhere/manifest.json")
        objects.check()
        objects.get("probe")
        objects.info("probe")
        list(objects.list(""))
        objects.delete(["probe"])
    assert plan.points == []


def test_the_point_half_way_comes_when_half_of_the_body_has_been_taken(new_objects):
    class Body(io.BytesIO):
        def read(self, *size):
            chunk = super().read(*size)
            taken.append(len(chunk))
            return chunk

    taken: list[int] = []
    at_half: list[int] = []
    with planned() as plan:
        due = plan.due

        def noting(point):
            if point.endswith(".call"):
                taken.clear()  # what was read to sign the request
            if point.endswith(".half"):
                at_half.append(sum(taken))
            return due(point)

        plan.due = noting
        put(new_objects(), KEYS.record, Body(b"x" * 1001))
    assert at_half == [500]


def test_of_an_object_whose_connection_breaks_half_way_nothing_is_there(new_objects):
    key = KEY_OF_KIND["segment"]
    with planned() as plan:
        objects = new_objects()
        plan.due = lambda point: "error" if point == "put_segment.half" else None  # each time: S3 is asked again
        with pytest.raises(ObjectStoreError) as caught:
            put(objects, key)
    assert caught.value.passing  # so it is put again by who comes again
    assert objects.info(key) is None
