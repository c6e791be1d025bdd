"""A recipe of two exports, for tests that hand its rows to a steward themselves."""

RECIPE = """
schema_version: 1
name: goods
version: "1.0.0"
inputs: {site: {type: string, format: uri}}
start:
  - urls: ["{{ inputs.site }}/"]
    page: good
pages:
  good:
    item: good
    fields: {url: {response: url}, name: h1}
items:
  good:
    version: 1
    fields:
      url: {type: string, format: uri, required: true}
      name: {type: string, required: true}
exports:
  - {name: goods, item: good, format: csv}
  - {name: lines, item: good, format: jsonl}
"""
