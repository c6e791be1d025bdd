"""The control API of Crawlery from Python: `from crawler.client import Client`. See docs/client.md.

Knows the API by what it says over HTTP: nothing of stores, of Scrapy or of the command line is loaded.
"""

from crawler.client.client import Client
from crawler.client.model import (
    ApiKey,
    ClientAccount,
    Failures,
    Job,
    JobAccepted,
    JobEvent,
    JobPage,
    Limits,
    Me,
    NewKey,
    Progress,
    Quotas,
    RecipeVersion,
    ResultFile,
    Results,
)
from crawler.errors import ApiError, ApiUnreachable, CrawleryError, DownloadFailed

__all__ = [
    "ApiError",
    "ApiKey",
    "ApiUnreachable",
    "Client",
    "ClientAccount",
    "CrawleryError",
    "DownloadFailed",
    "Failures",
    "Job",
    "JobAccepted",
    "JobEvent",
    "JobPage",
    "Limits",
    "Me",
    "NewKey",
    "Progress",
    "Quotas",
    "RecipeVersion",
    "ResultFile",
    "Results",
]
