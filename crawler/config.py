"""The environment, read once: the only module that looks at it. Everything else gets values.

Names and meanings are in `.env.example`; a `.env` in the working directory fills in what the environment does not say.
Units are in the names.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from environs import Env, EnvError

from crawler.errors import ConfigError

_ROOT: Final = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, kw_only=True, slots=True)
class Config:
    """What the environment says.

    Attributes:
        recipes_paths: folders with recipes, first one wins. By default `recipes` where the command is run (new recipes
            are written there), then the ones that come with Crawlery.
        exports_dir: where exports go that no `-o` sends elsewhere.
        contact: URL or e-mail address in the User-Agent, for those who run a site; may be empty.
        redis_url: the store of jobs that `crawlery job` and `crawlery crawl --job` ask; may be empty.
        storage_url: where files of jobs go: `s3://BUCKET/PREFIX` or `file:///FOLDER`; may be empty.
        s3_endpoint_url: of an S3 that is not Amazon's; may be empty.
        s3_public_endpoint_url: the same as clients reach it, for presigned links; empty = `s3_endpoint_url`.
        s3_region: of the bucket.
        s3_sse: encryption asked for with every object: AES256, aws:kms, or empty where the bucket sees to it.
        data_dir: where `crawlery up` keeps what it needs over a restart, and says how to reach it.
        log_level: of Python's logging.
        log_json: one JSON object per line instead of text.
    """

    recipes_paths: tuple[Path, ...]
    exports_dir: Path
    contact: str
    redis_url: str
    storage_url: str
    s3_endpoint_url: str
    s3_public_endpoint_url: str
    s3_region: str
    s3_sse: str
    data_dir: Path
    log_level: str
    log_json: bool


def read_config() -> Config:
    """The configuration of this process.

    Raises:
        ConfigError: a variable has a value that cannot be used; says which and what it may be.
    """
    env = Env()
    env.read_env(str(Path.cwd() / ".env"), recurse=False)
    try:
        paths = env.str("RECIPES_PATH", "") or os.pathsep.join(_default_recipes_paths())
        level = env.str("CRAWLERY_LOG_LEVEL", "INFO").upper()
        config = Config(
            recipes_paths=tuple(Path(path).expanduser() for path in paths.split(os.pathsep) if path),
            exports_dir=Path(env.str("CRAWLERY_EXPORTS_DIR", "out")).expanduser(),
            contact=env.str("CRAWLERY_CONTACT", "").strip(),
            redis_url=env.str("REDIS_URL", "").strip(),
            storage_url=env.str("STORAGE_URL", "").strip(),
            s3_endpoint_url=env.str("S3_ENDPOINT_URL", "").strip(),
            s3_public_endpoint_url=env.str("S3_PUBLIC_ENDPOINT_URL", "").strip(),
            s3_region=env.str("S3_REGION", "us-east-1").strip(),
            s3_sse=env.str("S3_SSE", "AES256").strip(),
            data_dir=Path(env.str("CRAWLERY_DATA_DIR", "crawlery-data")).expanduser(),
            log_level=level,
            log_json=env.bool("CRAWLERY_LOG_JSON", False),
        )
    except EnvError as error:
        raise ConfigError(f"environment: {error}") from error
    if level not in ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"):
        raise ConfigError(f"environment: CRAWLERY_LOG_LEVEL={level!r}; one of DEBUG, INFO, WARNING, ERROR, CRITICAL")
    if config.s3_sse not in ("", "AES256", "aws:kms"):
        raise ConfigError(f"environment: S3_SSE={config.s3_sse!r}; AES256, aws:kms, or empty")
    if not config.contact.isascii() or not config.contact.isprintable() or len(config.contact) > 200:
        raise ConfigError("environment: CRAWLERY_CONTACT must be one line of at most 200 ASCII characters")
    return config


def _default_recipes_paths() -> list[str]:
    here, bundled = Path.cwd() / "recipes", _ROOT / "recipes"
    return [str(path) for path in dict.fromkeys((here, bundled))]
