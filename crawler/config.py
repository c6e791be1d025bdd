"""The environment, read once: the only module that looks at it. Everything else gets values.

Names and meanings are in `.env.example`; a `.env` in the working directory fills in what the environment does not say.
Where neither names a store of jobs, the platform of `crawlery up` is meant, which says in its data folder how to reach
it. Units are in the names.
"""

from __future__ import annotations

import os
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from crawler.egress.addresses import Network, read_networks
from crawler.environment import Environment
from crawler.errors import ConfigError, InvalidAccess
from crawler.peppers import Peppers
from crawler.rate import Rate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: In the data folder of `crawlery up`: NAME=VALUE lines that say how to reach that platform.
PLATFORM_FILE: Final = "platform.env"

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
        s3_access_key_id: of the storage of `crawlery up`; empty: as boto3 finds it (environment, profile, role).
        s3_secret_access_key: belongs to it.
        s3_sse: encryption asked for with every object: AES256, aws:kms, or empty where the bucket sees to it.
        data_dir: where `crawlery up` keeps what it needs over a restart, and says how to reach it.
        settings_module: of Scrapy, that the workers of a node have: a project may have one of its own.
        scrapyd_username: of a node's console and API; may be empty.
        scrapyd_password: goes with it.
        api_url: of the control API that commands talk to; may be empty.
        api_key: sent to that API, and to no other one.
        audit_key: entries of the audit are sealed with it, and verified; may be empty.
        egress_allow: ranges that may be crawled beside the public internet, such as `127.0.0.0/8`.
        egress_deny: ranges that may never be: those of a cluster, of what runs beside the workers.
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
    s3_access_key_id: str
    s3_secret_access_key: str = field(repr=False)
    s3_sse: str
    data_dir: Path
    settings_module: str
    scrapyd_username: str
    scrapyd_password: str = field(repr=False)
    api_url: str
    api_key: str = field(repr=False)
    audit_key: str = field(repr=False)
    egress_allow: tuple[Network, ...]
    egress_deny: tuple[Network, ...]
    log_level: str
    log_json: bool


def read_config(*, running_platform: bool = True) -> Config:
    """The configuration of this process.

    Args:
        running_platform: let the platform in the data folder say where store and storage are, if nobody else does.

    Raises:
        ConfigError: a variable has a value that cannot be used; says which and what it may be.
    """
    env = _environment()
    try:
        paths = env.text("RECIPES_PATH", "") or os.pathsep.join(_default_recipes_paths())
        data_dir = Path(env.text("CRAWLERY_DATA_DIR", "crawlery-data")).expanduser()
        platform = _platform(env, data_dir) if running_platform else {}

        def said(name: str, default: str = "") -> str:
            return platform[name] if name in platform else env.text(name, default).strip()

        api_url, api_key = _api(env, platform)
        config = Config(
            recipes_paths=tuple(Path(path).expanduser() for path in paths.split(os.pathsep) if path),
            exports_dir=Path(env.text("CRAWLERY_EXPORTS_DIR", "out")).expanduser(),
            contact=env.text("CRAWLERY_CONTACT", "").strip(),
            redis_url=said("REDIS_URL"),
            storage_url=said("STORAGE_URL"),
            s3_endpoint_url=said("S3_ENDPOINT_URL"),
            s3_public_endpoint_url=said("S3_PUBLIC_ENDPOINT_URL"),
            s3_region=said("S3_REGION", "us-east-1"),
            s3_access_key_id=platform.get("AWS_ACCESS_KEY_ID", ""),
            s3_secret_access_key=platform.get("AWS_SECRET_ACCESS_KEY", ""),
            s3_sse=said("S3_SSE", "AES256"),
            data_dir=data_dir,
            settings_module=env.text("SCRAPY_SETTINGS_MODULE", "").strip() or "crawler.settings",
            scrapyd_username=env.text("SCRAPYD_USERNAME", "").strip(),
            scrapyd_password=env.text("SCRAPYD_PASSWORD", ""),
            api_url=api_url,
            api_key=api_key,
            audit_key=env.text("AUDIT_KEY", "").strip(),
            egress_allow=read_networks("EGRESS_ALLOW", env.text("EGRESS_ALLOW", "")),
            egress_deny=read_networks("EGRESS_DENY", env.text("EGRESS_DENY", "")),
            log_level=env.text("CRAWLERY_LOG_LEVEL", "INFO").upper(),
            log_json=env.flag("CRAWLERY_LOG_JSON", default=False),
        )
    except ValueError as error:
        raise ConfigError(f"environment: {error}") from error
    problems = _problems(config)
    if problems:
        raise ConfigError("\n".join(f"environment: {problem}" for problem in problems))
    return config


def _problems(config: Config) -> list[str]:
    """What is wrong with values that could be read."""
    problems = []
    if config.log_level not in ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"):
        problems.append(f"CRAWLERY_LOG_LEVEL={config.log_level!r}; one of DEBUG, INFO, WARNING, ERROR, CRITICAL")
    if config.s3_sse not in ("", "AES256", "aws:kms"):
        problems.append(f"S3_SSE={config.s3_sse!r}; AES256, aws:kms, or empty")
    if bool(config.scrapyd_username) != bool(config.scrapyd_password) or ":" in config.scrapyd_username:
        problems.append("SCRAPYD_USERNAME (without a colon) and SCRAPYD_PASSWORD go together")
    if not config.contact.isascii() or not config.contact.isprintable() or len(config.contact) > 200:
        problems.append("CRAWLERY_CONTACT must be one line of at most 200 ASCII characters")
    if config.audit_key and len(config.audit_key) < _MIN_SECRET_CHARACTERS:
        problems.append(
            f"AUDIT_KEY has {len(config.audit_key)} characters; at least {_MIN_SECRET_CHARACTERS}, such as"
            " `openssl rand -hex 32` makes"
        )
    return problems


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiConfig:
    """What the environment says to the control API, beside `Config`.

    Attributes:
        base: what it says to every process.
        production: refuse what is fit for a laptop only.
        key_peppers: `ID:SECRET,ID:SECRET`, as `crawler.access.keys.Peppers` reads it; the first one is for new keys.
        rate_limit: calls of one client, such as `600/minute`.
        failure_limit: failed authentications from one address.
        proxies: how many proxies stand before it; so many entries of X-Forwarded-For are theirs.
        cors_origins: that browsers may call from, exactly as they are written.
        docs: who sees /docs and /openapi.json: `open`, `key` or `off`.
        max_body_bytes: of a request.
        workers: processes.
        threads: of each; so many calls are answered at once.
        metrics_token: whoever asks for /metrics shows it; "" = there is no /metrics.
    """

    base: Config
    production: bool
    key_peppers: str = field(repr=False)
    rate_limit: str
    failure_limit: str
    proxies: int
    cors_origins: tuple[str, ...]
    docs: str
    max_body_bytes: int
    workers: int
    threads: int
    metrics_token: str = field(repr=False)


#: Of a secret that a recipe names.
_MAX_SECRET_BYTES: Final = 64 * 1024

#: Shorter secrets are refused in production.
_MIN_SECRET_CHARACTERS: Final = 32

#: What stands in examples; a secret that has one of them in it was never made.
_PLACEHOLDERS: Final = (
    "changeme",
    "change-me",
    "change_me",
    "placeholder",
    "example",
    "secret",
    "password",
    "xxxx",
    "todo",
)


def read_api_config() -> ApiConfig:
    """The configuration of the control API.

    Secrets may lie in files: NAME_FILE says where.

    Raises:
        ConfigError: with every variable that cannot be used, one a line.
    """
    env = _environment()
    problems: list[str] = []
    unread: set[str] = set()  # their defaults stand in, and are not what is wrong
    try:
        base: Config | None = read_config()
    except ConfigError as error:
        base = None
        problems += [line.removeprefix("environment: ") for line in str(error).splitlines()]
    mode = env.text("CRAWLERY_ENV", "development")
    production = mode == "production"
    values: dict[str, Any] = {}
    variables: tuple[tuple[str, Callable[..., Any], Any], ...] = (
        ("API_KEY_PEPPERS", env.text, ""),
        ("API_RATE_LIMIT", env.text, "600/minute"),
        ("API_FAILURE_LIMIT", env.text, "20/minute"),
        ("API_PROXIES", env.number, 0),
        ("API_CORS_ORIGINS", env.text, ""),
        ("API_DOCS", env.text, "key" if production else "open"),
        ("API_MAX_BODY_BYTES", env.number, 1024 * 1024),
        ("API_WORKERS", env.number, 2),
        ("API_THREADS", env.number, 300),
        ("METRICS_TOKEN", env.text, ""),
    )
    for name, read, default in variables:
        try:
            values[name.removeprefix("API_").lower()] = read(name, default)
        except ValueError as error:
            problems.append(str(error))
            values[name.removeprefix("API_").lower()] = default
            unread.add(name)
    origins = values["cors_origins"].split(",")
    values["cors_origins"] = tuple(filter(None, (origin.strip() for origin in origins)))
    problems += [problem for problem in _api_problems(mode, values, base) if not problem.startswith(tuple(unread))]
    if problems or base is None:
        raise ConfigError("\n".join(f"environment: {problem}" for problem in problems))
    return ApiConfig(base=base, production=production, **values)


def _api_problems(mode: str, values: dict[str, Any], base: Config | None) -> list[str]:
    """What is wrong with values that could be read."""
    problems = []
    if mode not in ("development", "production"):
        problems.append(f"CRAWLERY_ENV={mode!r}; development or production")
    if values["docs"] not in ("open", "key", "off"):
        problems.append(f"API_DOCS={values['docs']!r}; open, key or off")
    for name, least, most in (
        ("proxies", 0, 10),
        ("max_body_bytes", 1024, 64 * 1024 * 1024),
        ("workers", 1, 64),
        ("threads", 1, 1000),
    ):
        if not least <= values[name] <= most:
            problems.append(f"API_{name.upper()}={values[name]}; from {least:,} to {most:,}")
    problems += [
        f"API_CORS_ORIGINS: {origin!r} is no origin; write https://app.example.com, without a path"
        for origin in values["cors_origins"]
        if origin != "*" and not re.fullmatch(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?", origin)
    ]
    if base is not None and not base.redis_url:
        problems.append("REDIS_URL is not set; it says where jobs are: redis://HOST:PORT/DB")
    if base is not None and not base.storage_url:
        problems.append("STORAGE_URL is not set; it says where files go: s3://BUCKET/PREFIX or file:///FOLDER")
    for name in ("rate_limit", "failure_limit"):
        try:
            Rate.of(values[name])
        except InvalidAccess as error:
            problems.append(f"API_{name.upper()}: {error}")
    try:
        Peppers.of(values["key_peppers"])
    except ConfigError as error:
        problems.append(f"API_KEY_PEPPERS: {error}")
    if mode == "production":
        problems += _production_problems(values, base)
    return problems


def _production_problems(values: dict[str, Any], base: Config | None) -> list[str]:
    problems = []
    if "*" in values["cors_origins"]:
        problems.append("API_CORS_ORIGINS: * lets every site in the world call; name the origins")
    if values["docs"] == "open":
        problems.append("API_DOCS=open shows everybody how the API is built; key or off")
    secrets = [("API_KEY_PEPPERS", part.strip().partition(":")[2]) for part in values["key_peppers"].split(",") if part]
    secrets += [("AUDIT_KEY", base.audit_key)] if base is not None and base.audit_key else []
    secrets += [("METRICS_TOKEN", values["metrics_token"])] if values["metrics_token"] else []
    for name, secret in secrets:
        if len(secret) < _MIN_SECRET_CHARACTERS:
            problems.append(
                f"{name}: a secret of {len(secret)} characters; at least {_MIN_SECRET_CHARACTERS} in production"
            )
        elif len(set(secret)) < 8 or any(word in secret.lower() for word in _PLACEHOLDERS):
            problems.append(f"{name}: this is a placeholder, no secret; `openssl rand -hex 32` makes one")
    return problems


def read_secret(name: str, *, client: str = "") -> str:
    """A secret that a recipe names: the text of the file of that name, without white space at its end.

    The files lie in the folder CRAWLERY_SECRETS_DIR, those that jobs of a client may use in a folder called like the
    client, or as `CLIENT.NAME`: what one client's recipes may send to a site, another's may not. It is read anew each
    time. A link may lead to another place of the folder, as in the volumes of Kubernetes, and not out of it.

    Args:
        name: as in the recipe: lower-case letters, digits, - and _.
        client: whose job it is; "" = none's, for a crawl that a person has started here.

    Raises:
        ConfigError: there is none, or it cannot be read.
    """
    env = _environment(files=False)
    folder = Path(env.text("CRAWLERY_SECRETS_DIR", "").strip() or "secrets").expanduser()
    if not re.fullmatch(r"[a-z][a-z0-9_-]*", name) or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*|", client):
        raise ConfigError(f"the secret {name!r} of {client!r} cannot be the name of a file")
    path = folder / client / name
    if client and not path.is_file() and (flat := folder / f"{client}.{name}").is_file():
        path = flat
    try:
        if not path.resolve().is_relative_to(folder.resolve()):
            raise ConfigError(f"the secret {name!r} is a link that leads out of {folder}: {path}")
        if path.stat().st_size > _MAX_SECRET_BYTES:
            raise ConfigError(f"the secret {name!r} is longer than {_MAX_SECRET_BYTES:,} bytes")
        text = path.read_text(encoding="utf-8").rstrip()
    except FileNotFoundError:
        raise ConfigError(f"there is no secret {name!r}: it belongs into the file {path}") from None
    except (OSError, ValueError, RuntimeError) as error:  # RuntimeError: links in a circle
        raise ConfigError(f"the secret {name!r} cannot be read from {path}: {type(error).__name__}") from error
    if not text:
        raise ConfigError(f"the secret {name!r} is empty: {path}")
    return text


#: Where processes of one API write their figures; prometheus_client reads it, too.
PROMETHEUS_FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"


def prometheus_folder() -> str:
    """The folder of figures of several processes; "" if there is none."""
    return os.environ.get(PROMETHEUS_FOLDER, "")


def read_fault() -> str:
    """What `crawler.faults` is to do to this process; "" = nothing, as for everybody who is not testing."""
    env = _environment(files=False)
    return env.text("CRAWLERY_FAULT", "").strip()


def process_environment() -> dict[str, str]:
    """The environment as it is, for processes that are started from this one."""
    return dict(os.environ)


def _environment(*, files: bool = True) -> Environment:
    """What the environment says now. `files`: NAME_FILE may say where a secret lies."""
    return Environment(os.environ, dotenv=Path.cwd() / ".env", files=files)


def _platform(env: Environment, data_dir: Path) -> dict[str, str]:
    """What the platform in the data folder says of itself; nothing when the environment names a store.

    Where its storage is, and the key to that, are one: with another storage in the environment they are left out.
    """
    if env.text("REDIS_URL", "").strip():
        return {}
    try:
        lines = (data_dir / PLATFORM_FILE).read_text(encoding="utf-8").splitlines()
        parts = (line.partition("=") for line in lines if line and not line.startswith("#"))
        said = {name: "".join(shlex.split(value)) for name, _, value in parts}
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return {}  # none, or somebody else's: a local crawl beside it has nothing to do with that
    except (OSError, ValueError) as error:
        path = data_dir / PLATFORM_FILE
        raise ConfigError(f"{path} cannot be read: {error}; `crawlery up` writes it anew") from error
    if env.text("STORAGE_URL", "").strip() or env.text("S3_ENDPOINT_URL", "").strip():
        return {"REDIS_URL": said.get("REDIS_URL", "")}
    return said


def _api(env: Environment, platform: Mapping[str, str]) -> tuple[str, str]:
    """Address and key of the API: both as the environment says, or both as the platform does, which has named none.

    A key is not sent to an API that it was not said with.
    """
    url, key = env.text("CRAWLERY_API_URL", "").strip(), env.text("CRAWLERY_API_KEY", "").strip()
    if url or not platform.get("CRAWLERY_API_URL"):
        return url, key
    return platform["CRAWLERY_API_URL"], platform.get("CRAWLERY_API_KEY", "")


def _default_recipes_paths() -> list[str]:
    here, bundled = Path.cwd() / "recipes", _ROOT / "recipes"
    return [str(path) for path in dict.fromkeys((here, bundled))]
