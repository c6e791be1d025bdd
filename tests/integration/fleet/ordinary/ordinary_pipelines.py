"""A pipeline that changes some items and drops others, whatever they are made of."""

from __future__ import annotations

from itemadapter import ItemAdapter
from scrapy.exceptions import DropItem


class Price:
    def process_item(self, item):
        fields = ItemAdapter(item)
        if fields.get("name", "").endswith("13"):
            raise DropItem("unlucky")
        if "price" in fields:
            fields["price"] = float(fields["price"])
        return item
