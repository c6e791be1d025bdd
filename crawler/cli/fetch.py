"""Fetches pages for a person at this machine, who may have places of their own."""

from __future__ import annotations

from crawler.config import read_config
from crawler.egress.addresses import EgressPolicy
from crawler.egress.single_page import PageFetcher


def fetcher_for(url: str) -> PageFetcher:
    """A fetcher for a person who has typed a URL, by the rule of this process's environment.

    Raises:
        ConfigError: the environment cannot be used.
    """
    config = read_config()
    return PageFetcher(EgressPolicy(allow=config.egress_allow, deny=config.egress_deny), typed=[url])
