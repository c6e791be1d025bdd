"""Calls of the control API that take JSON, each with a body that is right, for tests that send wrong ones."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from api_people import new_key, new_people

from control_api.openapi import operations

if TYPE_CHECKING:
    from flask import Flask

ORDER = {"recipe": "shop", "inputs": {"site": "http://127.0.0.1:9"}}

#: A good body of each operation that takes JSON.
GOOD = {
    "create_job": ORDER,
    "replay_job": {"outcome": "timeout"},
    "validate_recipe": {"recipe_text": "name: x"},
    "preview_recipe": {"recipe": "quotes", "url": "https://quotes.toscrape.com/", "page": "listing", "body": "<p>none"},
    "create_client": {"id": "new-client"},
    "change_client": {"name": "another"},
    "create_key": {"client": "alice", "scopes": ["jobs:read"]},
    "rotate_key": {"grace_s": 60},
    "publish_results": {"reason": "the shop is that small"},
    "init_scrape": {"siteUrl": "http://127.0.0.1:9", "recipe": "shop"},
    "old_recipe_validate": {"recipe": "shop"},
}

JSON = "application/json"


class BodyCalls:
    """Calls that take JSON, as an administrator."""

    def __init__(self, app: Flask, url: str) -> None:
        self.client = app.test_client()
        self.key = new_people(url).root
        victim = new_key(url, "alice").split("_")[2]
        order = self.client.post("/v1/jobs", json=ORDER, headers={"Authorization": f"Bearer {self.key}"})
        self.operations = {
            operation["operationId"]: (
                path.format_map({"client_id": "alice", "key_id": victim, "job_id": order.json["id"]}),
                method.upper(),
                operation,
            )
            for path, method, operation in operations(app.extensions["crawlery-spec"]())
            if JSON in operation.get("requestBody", {}).get("content", {})
        }

    def __call__(self, name, body, content_type=JSON, *, headers=None, query=None):
        path, method, operation = self.operations[name]
        answer = self.client.open(
            path,
            method=method,
            data=body if isinstance(body, bytes) else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.key}", **(headers or {})},
            content_type=content_type,
            query_string=query,
        )
        assert answer.status_code < 500, answer.text
        assert str(answer.status_code) in operation["responses"], (name, answer.status_code)
        if answer.status_code >= 400:
            is_replaced = path.startswith("/api/")
            assert answer.mimetype == ("application/json" if is_replaced else "application/problem+json")
            assert len(answer.data) < 20_000
        return answer

    def wrong(self, name, body, **given) -> dict[str, str]:
        """Message by pointer of a body that is refused with 400."""
        answer = self(name, body, **given)
        assert answer.status_code == 400, answer.text
        if "error" in answer.json:  # as the replaced system says it
            code, errors = answer.json["error"]["code"], answer.json["error"]["details"]
        else:
            code, errors = answer.json["code"], answer.json["errors"]
        assert code in ("bad_request", "VALIDATION_ERROR")
        return {error["pointer"]: error["message"] for error in errors}
