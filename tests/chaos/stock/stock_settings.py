"""An ordinary Scrapy project on scrapy-redis as it is, with nothing of Crawlery: what the comparison runs.

Kinder to it than its defaults: the queue outlives a worker (SCHEDULER_PERSIST), and each row goes to the store at once
instead of into a file that dies with its worker.
"""

BOT_NAME = "stock"
SPIDER_MODULES = ["stock_spider"]

SCHEDULER = "scrapy_redis.scheduler.Scheduler"
DUPEFILTER_CLASS = "scrapy_redis.dupefilter.RFPDupeFilter"
SCHEDULER_PERSIST = True
ITEM_PIPELINES = {"scrapy_redis.pipelines.RedisPipeline": 300}

TELNETCONSOLE_ENABLED = False
REMOTE_CONTROL_ENABLED = False
