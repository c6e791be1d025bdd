"""The reference as chapters in Markdown: nothing in it leads nowhere."""

from __future__ import annotations

import re

from control_api.app import description
from control_api.openapi import operations
from control_api.reference import as_markdown


def test_every_link_of_the_chapters_leads_somewhere():
    spec = description()
    text = as_markdown(spec)
    assert set(re.findall(r"\]\(#([\w-]+)\)", text)) <= set(re.findall(r'<a id="([\w-]+)">', text))
    assert text.count("\n#### ") == len(list(operations(spec))) + len(spec["components"]["schemas"])
    tables = [line for line in text.splitlines() if line.startswith("|")]
    assert all(line.endswith("|") for line in tables)
