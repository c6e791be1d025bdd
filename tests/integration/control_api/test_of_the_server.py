"""What the HTTP server before the API answers itself: the exceptions of `schema_runs`, and no more of them."""

from __future__ import annotations

import httpx
from schema_runs import OF_THE_SERVER


def test_it_refuses_what_is_hardly_http(new_process):
    url = new_process().url
    found = set()
    for query, headers in (
        ("x" * 8200, {}),
        ("", {"Expect": "200-ok"}),
        ("", {"X-Long": "x" * 8200}),
        ("", {f"X-{number}": "x" for number in range(70)}),
    ):
        answer = httpx.get(f"{url}/health?{query}", headers=headers)
        assert "X-Request-Id" not in answer.headers
        found.add(answer.status_code)
    assert found == set(OF_THE_SERVER)
