"""Signals of ours, beside Scrapy's. Connect to them with `crawler.signals.connect`."""

from typing import Final

#: A page has been settled and the frontier has taken note. Arguments: `page` (OpenPage), `outcome`, `spider`.
page_settled: Final = object()

#: A row was refused, by its contract or because a `unique` value was there before. Arguments: `reject`, `spider`.
row_rejected: Final = object()
