"""Signals of ours, beside Scrapy's. Connect to them with `crawler.signals.connect`."""

from typing import Final

#: A page has been settled and the frontier has taken note. Arguments: `page` (OpenPage), `outcome`, `spider`.
page_settled: Final = object()

#: A row was refused, by its contract or because a `unique` value was there before. Arguments: `reject`, `spider`.
row_rejected: Final = object()

#: The rows of a page have been committed, in a crawl whose frontier keeps them. Arguments: `page` (OpenPage), `rows`
#: (pairs of the item and its `RowFate`), `spider`. What Scrapy announces as `item_scraped` may still be dropped: as a
#: duplicate, or with its page if that has been lost.
rows_settled: Final = object()
