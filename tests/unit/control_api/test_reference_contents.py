"""What the reference says of values: their types and limits in words."""

from __future__ import annotations

import pytest

from control_api.app import description
from control_api.reference_contents import Kind, contents


@pytest.fixture(scope="module")
def reference():
    return contents(description())


def kinds(reference, name):
    (shape,) = (shape for shape in reference.shapes if shape.name == name)
    return {member.name: member.kind for member in shape.members}


def test_types_and_limits_are_told_in_words(reference):
    order, key = kinds(reference, "JobOrder"), kinds(reference, "KeyOrder")
    assert order["priority"] == Kind(words="string: idle, low, normal, high", limits='default "normal"')
    assert order["max_workers"] == Kind(words="integer", limits="1 to 100, default 1")
    assert order["limits"] == Kind(words="object", name="Limits")
    assert kinds(reference, "Limits")["duration_s"] == Kind(words="number", limits="above 0, to 1,000,000,000")
    assert key["expires_at"] == Kind(words="time or null")
    assert key["scopes"].words.startswith("list of string: jobs:read, jobs:write")
    assert kinds(reference, "Job")["attempts"] == Kind(words="list of object", name="Attempt")
    assert kinds(reference, "Progress")["rows"] == Kind(words="object of integer")


def test_calls_stand_in_groups_with_what_they_need_and_can_be_typed(reference):
    calls = {call.id: call for group in reference.groups for call in group.calls}
    assert calls["create_job"].scope == "jobs:write"
    assert calls["health"].scope == ""
    assert calls["rotate_key"].curl == (
        'curl -X POST "$API/v1/keys/k7m2p4q6/rotate" \\\n  -H "Authorization: Bearer $KEY" \\\n'
        '  -H "Content-Type: application/json" \\\n  -d \'{"grace_s": 3600}\''
    )
    assert [answer.codes for answer in calls["create_job"].problems if answer.status == 429] == [
        ("rate_limited", "quota_exceeded")
    ]
