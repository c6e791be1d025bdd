"""What boto3 makes of a connection that breaks, with a real S3 behind it."""

from __future__ import annotations

import uuid

import pytest
from planned_faults import planned
from seaweed_server import ACCESS_KEY, BUCKET, SECRET_KEY

from crawler.errors import ObjectStoreError
from crawler.exports.keys import JobKeys
from crawler.exports.objects_s3 import MAX_ATTEMPTS, PART_BYTES, S3ObjectStore

KEYS = JobKeys("acme", "monday")


@pytest.fixture
def new_objects(seaweed):
    prefix = f"faults/{uuid.uuid4().hex}"
    return lambda **given: S3ObjectStore(
        bucket=BUCKET, prefix=prefix, endpoint_url=seaweed.url, credentials=(ACCESS_KEY, SECRET_KEY, None), **given
    )


def put(objects, key, body=b"x" * 1000, **options):
    return objects.put(key, body, content_type="text/plain", **options)


def test_after_a_lost_answer_a_conditional_put_finds_its_own_object(new_objects):
    with planned({"put_manifest.reply": "drop-reply"}) as plan:
        objects = new_objects()
        assert put(objects, KEYS.manifest, b"ours", only_new=True) is False
    assert objects.get(KEYS.manifest) == b"ours"
    # The second answer is a refusal: nothing has happened of which somebody could not hear.
    assert plan.points == [f"put_manifest.{moment}" for moment in ("call", "half", "reply", "call", "half")]


def test_any_other_put_is_sent_again_and_takes_effect_twice(new_objects):
    with planned({"put_segment.reply": "drop-reply"}) as plan:
        assert put(new_objects(), KEYS.new_segment(1)) is True
    assert plan.points.count("put_segment.reply") == 2


@pytest.mark.parametrize("moment", ["call", "half"])
def test_a_connection_that_breaks_before_it_is_done_is_no_reason_to_fail(new_objects, moment):
    with planned({f"put_manifest.{moment}": "error"}) as plan:
        objects = new_objects()
        assert put(objects, KEYS.manifest, b"ours" * 1000, only_new=True) is True
    assert objects.get(KEYS.manifest) == b"ours" * 1000
    assert plan.points.count(f"put_manifest.{moment}") == 2


def test_when_it_breaks_each_time_it_is_an_outage_that_may_pass(new_objects):
    with planned() as plan:
        plan.due = lambda point: plan.points.append(point) or ("error" if point == "put_log.call" else None)
        with pytest.raises(ObjectStoreError, match="cannot put it: Connection was closed") as caught:
            put(new_objects(), KEYS.log("a"))
    assert caught.value.passing
    assert plan.points == ["put_log.call"] * MAX_ATTEMPTS


def test_an_object_in_parts_comes_to_its_points_with_its_first_request_its_parts_and_its_last_one(new_objects):
    with planned({"put_file.reply": "drop-reply"}) as plan:
        objects = new_objects()
        put(objects, KEYS.new_file("all", "csv"), b"x" * (PART_BYTES + 1))
    assert plan.points[:4] == ["put_file.call", "put_file.half", "put_file.half", "put_file.reply"]


def test_without_faults_the_client_is_as_boto3_has_made_it(new_objects):
    session = new_objects()._client._endpoint.http_session
    assert type(session).__module__ == "botocore.httpsession"
