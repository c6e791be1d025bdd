"""The parents that come with Crawlery, one YAML file each: recipes for shop software and kinds of feeds.

A recipe that `extends: woocommerce@1` says where its shop is, and what is different there. A parent beside the recipe
comes first. A change after which a child gives other rows is a new major version, and a file of its own.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

#: Where the files are.
BUILT_IN: Final = Path(__file__).parent


def built_in_names() -> tuple[str, ...]:
    """Names of all parents, without their versions."""
    return tuple(sorted(file.stem for file in BUILT_IN.glob("*.yaml")))
