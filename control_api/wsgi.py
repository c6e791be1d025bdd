"""What gunicorn calls in each of its processes."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from control_api.app import create_app
from control_api.request_log import MEMBERS
from crawler import faults
from crawler.config import read_api_config
from crawler.log import log_to_stderr

if TYPE_CHECKING:
    from flask import Flask


def make() -> Flask:
    """The app, as the environment has it."""
    config = read_api_config()
    log_to_stderr(level=config.base.log_level, as_json=config.base.log_json, members=MEMBERS)
    faults.be("api")
    logging.getLogger("botocore").setLevel(logging.WARNING)
    return create_app(config)
