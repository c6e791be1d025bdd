"""Items that have passed the pipelines as rows of the frontier.

On a laptop Scrapy's feeds write them and the frontier only counts; in a fleet the frontier keeps them, because only
what is committed together with its page exists exactly once.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from itemadapter import ItemAdapter

from crawler.frontier.contract import Row
from crawler.jobs.rows import encode_row
from crawler.spiders.rows import RecipeRow
from crawler.wire import NotEncodable


def item_name(item: Any) -> str:
    """What the type of an item is called in the books."""
    return item.item if isinstance(item, RecipeRow) else type(item).__name__


def counted_row(item: Any) -> Row:
    """A row that only counts."""
    return _nameless(item_name(item))


def kept_row(item: Any) -> Row:
    """A row with its values and, for one of a recipe, the ids of its key and its unique values.

    Raises:
        NotEncodable: names the field that holds something that cannot travel.
    """
    if isinstance(item, RecipeRow):
        return Row(item=item.item, body=encode_row(item), key=item.key_id, unique=item.unique_ids)
    return Row(item=type(item).__name__, body=encode_row(_values(item)))


@lru_cache(maxsize=256)
def _nameless(name: str) -> Row:
    return Row(item=name)


def _values(item: Any) -> dict[str, Any]:
    if not ItemAdapter.is_item(item):
        raise NotEncodable(f"{type(item).__name__} is no item: it has no fields")
    return ItemAdapter(item).asdict()
