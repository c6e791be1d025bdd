"""The description of the API for people: a page of HTML without scripts."""

from __future__ import annotations

import html
import json
from typing import Any


def as_html(spec: dict[str, Any]) -> str:
    """The page."""
    title, text = html.escape(spec["info"]["title"]), html.escape(json.dumps(spec, indent=2))
    return f"<!doctype html><title>{title}</title><pre>{text}</pre>"
