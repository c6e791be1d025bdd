"""Scrapy's settings for recipes and for ordinary spiders alike. `scrapy settings --get NAME` shows one.

A recipe's `fetch` and `limits` are applied over these and can only be gentler (`crawler.spiders.limits`); what `-s
NAME=VALUE` says on the command line is the operator's word and wins. Each setting that switches off an unsafe default
of Scrapy has a test of its own in `tests/unit/test_settings.py`.
"""

import sys
from importlib.metadata import version

from scrapy.settings import default_settings as _scrapy

from crawler.config import read_config
from crawler.errors import ConfigError

try:
    _config = read_config()
except ConfigError as error:  # Scrapy reads this module before any command of ours could show a message
    sys.stderr.write(f"{error}\n")
    sys.exit(2)

BOT_NAME = "crawlery"
SPIDER_LOADER_CLASS = "crawler.spiders.loader.RecipeSpiderLoader"
SPIDER_MODULES = ["crawler.spiders"]
NEWSPIDER_MODULE = "crawler.spiders"
COMMANDS_MODULE = "crawler.commands"

# Ours: where recipes are, and where their exports go when no -O says otherwise.
RECIPES_PATHS = [str(path) for path in _config.recipes_paths]
EXPORTS_DIR = str(_config.exports_dir)
S3_ENDPOINT_URL = _config.s3_endpoint_url  # of s3:// in FEEDS, -o and -O; Scrapy's AWS_* settings win
S3_REGION = _config.s3_region
S3_SSE = _config.s3_sse
SUMMARY_FILE = ""  # a path: the summary of the crawl as JSON

# --- who we are -------------------------------------------------------------------------------------------------------

# Honest: what it is and whom to talk to. Sites that want it gone can name it in robots.txt.
USER_AGENT = f"Crawlery/{version('crawlery')}" + (f" (+{_config.contact})" if _config.contact else "")
ROBOTSTXT_USER_AGENT = "Crawlery"
ROBOTSTXT_OBEY = True

# --- how fast ---------------------------------------------------------------------------------------------------------

# All of this holds for a host as a whole, however many workers ask it: the downloader's door keeps it, and a gate lets
# the door send. Scrapy's names mean what they mean there, but for DOWNLOAD_DELAY_JITTER, which is not used: a delay is
# a minimum (`crawler.downloader.pace`).
DOWNLOADER = "crawler.downloader.downloader.Downloader"
DOWNLOAD_DELAY_JITTER = 0.0

# Ours: a function of the crawler that gives the gate and the robots.txt store; and what the settings below were before
# a recipe's limits, set by its spider.
GATE = "crawler.extensions.fleet.shared"
DEPLOYMENT_PACE: dict[str, object] = {}

# AutoThrottle sets the delay between two requests to a host to (its latency / target concurrency): a site that answers
# in 200 ms is asked ten times a second at most, one that is in trouble and takes 5 s every 2.5 s. Its own defaults
# begin at 5 s and move only half-way at each response, which is minutes of waiting on a small site; half a second is
# careful enough for a first request, and after eight fast answers the delay is that of the site. The floor of 10 ms
# keeps a very fast site below 100 requests a second, and lets the 1,050 pages of a local copy be crawled in well under
# a minute.
AUTOTHROTTLE_ENABLED = True
AUTOTHROTTLE_START_DELAY = 0.5
AUTOTHROTTLE_TARGET_CONCURRENCY = 2.0
AUTOTHROTTLE_MAX_DELAY = 60.0
DOWNLOAD_DELAY = 0.01
CRAWL_DELAY_MAX = 60.0  # ours: a Crawl-delay of robots.txt counts up to this

# Per site as many connections as a careful browser would use; in all so many that slow sites leave room for others.
CONCURRENT_REQUESTS_PER_DOMAIN = 4
CONCURRENT_REQUESTS = 32

# Ours: pages, rows, seconds and failed pages after which a crawl ends; 0 = no limit. A recipe's `limits` set them.
REQUESTS_LIMIT = 0
ITEMS_LIMIT = 0
DURATION_LIMIT = 0.0
ERRORS_LIMIT = 0

RETRY_TIMES = 3
RETRY_HTTP_CODES = [408, 429, 500, 502, 503, 504]  # a recipe's own `retry` says otherwise
RETRY_BACKOFF_MIN = 1.0  # ours, as the next: seconds before the first retry, doubled each time
RETRY_BACKOFF_MAX = 60.0
DOWNLOAD_TIMEOUT = 60

# Ours: answers that keep crawlers out are no pages, and so many of a host in a row pause the job (see docs/blocked.md);
# 0 = never.
BLOCKED_ENABLED = True
BLOCKED_IN_A_ROW = 8

# --- what may be fetched ----------------------------------------------------------------------------------------------

DOWNLOAD_HANDLERS_BASE = {
    **dict.fromkeys(_scrapy.DOWNLOAD_HANDLERS_BASE),  # file, ftp, s3, data and whatever else Scrapy may bring
    **dict.fromkeys(("http", "https"), "crawler.downloader.http.HttpDownloadHandler"),
}
DOWNLOAD_CLIENT = "curl"  # ours: libcurl; "scrapy" is Scrapy's own client. See docs/downloads.md
DOWNLOAD_HTTP2 = True  # ours: with https sites that speak it; libcurl only
DOWNLOAD_MAXSIZE = 32 * 1024 * 1024  # also after decompression
DOWNLOAD_WARNSIZE = 8 * 1024 * 1024
DOWNLOAD_VERIFY_CERTIFICATES = True
REMOTE_CONTROL_ENABLED = False  # would serve code execution on loopback
TELNETCONSOLE_ENABLED = False

# Only addresses of the public internet are talked to, and these ranges; never those. See docs/egress.md. Both ours.
EGRESS_ALLOW = [str(network) for network in _config.egress_allow]
EGRESS_DENY = [str(network) for network in _config.egress_deny]
TWISTED_DNS_RESOLVER = "crawler.downloader.resolver.EgressResolver"
URLLENGTH_LIMIT = 8192

# --- where pages come from and go -------------------------------------------------------------------------------------

SCHEDULER = "crawler.scheduler.Scheduler"
FRONTIER = "crawler.frontier.memory.MemoryFrontier"  # ours: of a crawl that is not shared

# A crawl is shared with other processes when REDIS_URL (or REDIS_HOST, REDIS_PORT, REDIS_DB, REDIS_PARAMS) says where
# the store is; see docs/fleet.md. A worker that has been silent for LEASE_TTL seconds has lost its pages.
FLEET = "crawler.extensions.fleet.membership"  # ours: a function of the crawler that gives its part in a shared job
STORE_PREFIX = "crawlery"  # ours: what all keys begin with
LEASE_TTL = 60.0  # ours

# What incremental recipes take over from run to run: a crawl of its own keeps that in INCREMENTAL_FOLDER; the workers
# of a machine keep copies of what is in the storage of files in INCREMENTAL_CACHE ("": a folder of their own below that
# for temporary files). With INCREMENTAL_FULL every page is read whole. All ours.
INCREMENTAL_FOLDER = str(_config.data_dir / "states")
INCREMENTAL_CACHE = ""
INCREMENTAL_FULL = False

# What a node tells the workers that it starts: its name, and the seat that it has taken for them. A worker keeps its
# seat, which is free when the worker has been silent for SEAT_TTL seconds, and leaves when it has had nothing to do for
# WORKER_IDLE_S seconds. All ours.
NODE_NAME = ""
SEAT_TOKEN = ""
SEAT_TTL = 30.0
WORKER_IDLE_S = 30.0

# In the *_BASE settings, as Scrapy's own components are: a spider that sets SPIDER_MIDDLEWARES adds to them.
SPIDER_MIDDLEWARES_BASE = {
    **_scrapy.SPIDER_MIDDLEWARES_BASE,
    "crawler.middlewares.settle.SettleSpiderMiddleware": 0,
}
DOWNLOADER_MIDDLEWARES_BASE = {
    **_scrapy.DOWNLOADER_MIDDLEWARES_BASE,
    "crawler.middlewares.settle.SettleDownloaderMiddleware": 0,
    "scrapy.downloadermiddlewares.offsite.OffsiteMiddleware": None,
    "crawler.middlewares.offsite.OffsiteMiddleware": 50,
    "scrapy.downloadermiddlewares.robotstxt.RobotsTxtMiddleware": None,
    "crawler.middlewares.robots.RobotsTxtMiddleware": 100,
    "scrapy.downloadermiddlewares.retry.RetryMiddleware": None,
    "crawler.middlewares.retry.RetryMiddleware": 550,
    "scrapy.downloadermiddlewares.redirect.MetaRefreshMiddleware": None,
    "crawler.middlewares.redirect.MetaRefreshMiddleware": 580,
    "crawler.middlewares.blocked.BlockedMiddleware": 585,
    "scrapy.downloadermiddlewares.httpcompression.HttpCompressionMiddleware": None,
    "crawler.middlewares.httpcompression.HttpCompressionMiddleware": 590,
    "scrapy.downloadermiddlewares.redirect.RedirectMiddleware": None,
    "crawler.middlewares.redirect.RedirectMiddleware": 600,
    "crawler.middlewares.session.SessionMiddleware": 690,
    "scrapy.downloadermiddlewares.cookies.CookiesMiddleware": None,
    "crawler.middlewares.cookies.CookiesMiddleware": 700,
    "crawler.middlewares.conditional.ConditionalMiddleware": 740,
}
EXTENSIONS_BASE = {
    **_scrapy.EXTENSIONS_BASE,
    "crawler.extensions.timers.MonotonicTimers": -2,
    "crawler.extensions.fleet.Fleet": -1,  # the first to come, the last to be asked
    "crawler.extensions.incremental.Incremental": -1,  # rows have their signs before anybody writes them
    "crawler.extensions.seat.SeatKeeper": 0,
    "scrapy.extensions.throttle.AutoThrottle": None,
    "crawler.extensions.politeness.Politeness": 0,
    "crawler.extensions.blocks.Blocks": 0,
    "crawler.extensions.sessions.Sessions": 0,
    "scrapy.extensions.feedexport.FeedExporter": None,
    "crawler.extensions.feeds.FeedExporter": 0,
    "crawler.extensions.rejects.RejectsFile": 0,
    "crawler.extensions.limits.Limits": 0,
    "crawler.extensions.fast_path.FastPaths": 0,
    "crawler.extensions.summary.Summary": 0,
    "crawler.extensions.log_output.LogOutput": 0,
    "scrapy.extensions.telnet.TelnetConsole": None,
    "scrapy.extensions.remote_control.RemoteControl": None,
}
ITEM_PIPELINES_BASE = {"crawler.pipelines.rows.RowPipeline": 0}
FEED_EXPORTERS_BASE = {
    **_scrapy.FEED_EXPORTERS_BASE,
    "csv": "crawler.extensions.feeds.CsvExporter",
    "tsv": "crawler.extensions.feeds.TsvExporter",
    "jsonl": "crawler.extensions.feeds.JsonlExporter",
    "jsonlines": "crawler.extensions.feeds.JsonlExporter",
    "jl": "crawler.extensions.feeds.JsonlExporter",
    "parquet": "crawler.extensions.feeds.ParquetExporter",
    "pickle": None,
    "marshal": None,
}
FEED_STORAGES_BASE = {**_scrapy.FEED_STORAGES_BASE, "s3": "crawler.extensions.s3_feeds.S3FeedStorage"}
FEED_EXPORT_ENCODING = "utf-8"

# --- how it runs ------------------------------------------------------------------------------------------------------

# Scrapy starts this many tasks for *every* response (100 by default: half of the time of a small page). Items of one
# page go through the pipelines one after another; pages still run side by side.
CONCURRENT_ITEMS = 1
ASYNCIO_EVENT_LOOP = "uvloop.Loop"
STATS_CLASS = "crawler.stats.StatsCollector"

# Ours: pages of recipes pass Scrapy's engine by where nothing in the crawl would notice (see docs/performance.md).
FASTPATH_ENABLED = True

LOG_LEVEL = _config.log_level
LOG_JSON = _config.log_json  # ours
