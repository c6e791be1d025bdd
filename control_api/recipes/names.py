"""Names of recipes in paths."""

from __future__ import annotations

from werkzeug.routing import BaseConverter


class RecipePath(BaseConverter):
    """A name of a recipe in a path: `<recipe:name>`. What a call on all recipes is named by is none."""

    regex = "(?!preview$)[^/]+"
    part_isolating = True  # it is one part of a path, although its pattern has a slash
