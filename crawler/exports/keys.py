"""The keys of objects: the only place where keys are made, from ids that were checked.

    CLIENT/JOB/segments/000001-RANDOM.jsonl.zst   a piece of its rows, counted once the store has recorded it
    CLIENT/JOB/files/NAME-RANDOM.csv              an export, counted once the manifest names it
    CLIENT/JOB/files/replay-RANDOM.zst            what a replay of its failed pages begins with, ditto
    CLIENT/JOB/log/NAME                           what its workers have logged: see crawler.joblogs.pieces
    CLIENT/JOB/job.json                           what was ordered
    CLIENT/JOB/manifest.json                      the commit point: which files and segments there are
    CLIENT/JOB/override.json                      a person has published files that were withheld
    jobs/JOB/intent.json                          what was ordered, to be found without knowing the client
    -audit/...                                    see `crawler.audit.anchors`
    -recipes/texts/SHA256.yaml                    the text of a client's recipe
    -recipes/pages/SHA256.tar                     its saved pages
    -recipes/versions/CLIENT/NAME/VERSION/PUSH.json  what was pushed, and what came of its check: see crawler.catalog
    -series/CLIENT/SERIES/states/JOB-RANDOM.zst      what an incremental recipe knows after a job: see series_state
    -series/CLIENT/SERIES/pointers/ORDER-JOB.json    says that such a state counts; the greatest ORDER is the newest
    -runs/CLIENT/RECIPE/SERIES/TIME-JOB.json    figures of a run, for later runs: see `crawler.exports.history`

What may be written twice has a random part, so that nobody overwrites what somebody else's record names.
"""

from __future__ import annotations

import re
import secrets
from typing import Final

from crawler.errors import InvalidJob
from crawler.jobs.model import check_job_id

#: Where intents are; no client may be called so.
INTENTS: Final = "jobs"

#: Where the audit has what is not in the store (any more); no client can be called so.
AUDIT: Final = "-audit"

#: Where recipes of clients are; no client can be called so.
RECIPES: Final = "-recipes"

#: Where the states of series are, outside of the jobs' own prefixes: a rule of the bucket that removes the files of old
#: jobs must not take them. No client can be called so.
SERIES: Final = "-series"

_SERIES_ID: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)
_POINTER: Final = re.compile(r"([0-9]{12})-(.+)\.json", re.ASCII)

#: Where figures of runs are, outside of the jobs' own prefixes, too; no client can be called so.
RUNS: Final = "-runs"

_SHA256: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_RECIPE_PART: Final = re.compile(r"[0-9a-z][0-9A-Za-z._-]{0,99}", re.ASCII)
_PUSH: Final = re.compile(r"([0-9]{15})-[0-9a-f]{16}\.json", re.ASCII)
_RUN: Final = re.compile(r"([0-9]{15})-(.{1,64})\.json", re.ASCII)
_CLIENT: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}", re.ASCII)
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}", re.ASCII)
_FORMAT: Final = re.compile(r"[a-z0-9]{1,16}(\.gz)?", re.ASCII)

#: Kinds of objects by what their keys have after the job's id.
_FOLDERS: Final = {"segments": "segment", "files": "file", "log": "log"}
_OF_AUDIT: Final = {"anchors": "anchor", "entries": "entries"}
_OF_RECIPES: Final = {"texts": "recipe", "pages": "pages"}
_OF_SERIES: Final = {"states": "state", "pointers": "pointer"}
_SINGLE: Final = {
    "manifest.json": "manifest",
    "override.json": "override",
    "job.json": "record",
    "orphans.json": "orphans",
}

#: 64 random bits are never made twice for one job.
_RANDOM_BYTES: Final = 8


class JobKeys:
    """The keys of one job.

    Attributes:
        client: whose job it is.
        job: its id.
        prefix: what all keys below begin with, with a slash at its end.
        segment_prefix: ditto, of segments.
        file_prefix: ditto, of files.
        log_prefix: ditto, of logs.
        manifest: of the manifest.
        record: of `job.json`.
        orphans: of the list of objects that nothing names.
        override: of what says that a person has published files that were withheld.

    Raises:
        InvalidJob: an id is none; it could name something of another job.
    """

    __slots__ = (
        "client",
        "file_prefix",
        "job",
        "log_prefix",
        "manifest",
        "orphans",
        "override",
        "prefix",
        "record",
        "segment_prefix",
    )

    def __init__(self, client: str, job: str) -> None:
        self.client = check_client(client)
        self.job = check_job_id(job)
        self.prefix = f"{client}/{job}/"
        self.segment_prefix = f"{self.prefix}segments/"
        self.file_prefix = f"{self.prefix}files/"
        self.log_prefix = f"{self.prefix}log/"
        self.manifest = f"{self.prefix}manifest.json"
        self.record = f"{self.prefix}job.json"
        self.orphans = f"{self.prefix}orphans.json"
        self.override = f"{self.prefix}override.json"

    def __repr__(self) -> str:
        return f"JobKeys({self.client!r}, {self.job!r})"

    def new_segment(self, number: int) -> str:
        """A key that nothing has, for segment 1, 2, ...

        Raises:
            ValueError: a number below 1.
        """
        if number < 1:
            raise ValueError(f"segments are counted from 1, not from {number}")
        return f"{self.segment_prefix}{number:06}-{_random()}.jsonl.zst"

    def new_file(self, name: str, ending: str) -> str:
        """A key that nothing has, for the export NAME; what may not stand in a key becomes a hyphen.

        Raises:
            ValueError: `ending` is not of a-z and 0-9, perhaps with `.gz` behind it.
        """
        if _FORMAT.fullmatch(ending) is None:
            raise ValueError(f"{ending!r} is no ending of a file")
        return f"{self.file_prefix}{file_name(name)}-{_random()}.{ending}"

    def log(self, name: str) -> str:
        """The key of a log.

        Raises:
            ValueError: `name` is not 1 to 100 of A-Z, a-z, 0-9, ".", "_" and "-", or begins with "." or "-".
        """
        if _NAME.fullmatch(name) is None:
            raise ValueError(f"{name!r} is no name of a log")
        return self.log_prefix + name


def intent_key(job: str) -> str:
    """Where a job is written down that the store might lose.

    Raises:
        InvalidJob: it is no id.
    """
    return f"{INTENTS}/{check_job_id(job)}/intent.json"


def intent_job(key: str) -> str | None:
    """The job of an intent's key; None for any other key."""
    parts = key.split("/")
    if len(parts) != 3 or (parts[0], parts[2]) != (INTENTS, "intent.json"):
        return None
    try:
        return check_job_id(parts[1])
    except InvalidJob:
        return None


def recipe_text_key(sha256: str) -> str:
    """Where the text of a recipe is.

    Raises:
        ValueError: it is no SHA-256 in hexadecimal.
    """
    return f"{RECIPES}/texts/{_checked(sha256)}.yaml"


def recipe_pages_key(sha256: str) -> str:
    """Where the saved pages of a recipe are.

    Raises:
        ValueError: it is no SHA-256 in hexadecimal.
    """
    return f"{RECIPES}/pages/{_checked(sha256)}.tar"


def recipe_versions_prefix(client: str = "") -> str:
    """What all keys of versions of clients' recipes begin with, or those of one client.

    Raises:
        InvalidJob: it is no id of a client.
    """
    return f"{RECIPES}/versions/{check_client(client)}/" if client else f"{RECIPES}/versions/"


def recipe_version_key(client: str, name: str, version: str, *, pushed_ms: int, sha256: str) -> str:
    """Where one push of a version of a client's recipe is written down.

    Raises:
        InvalidJob: it is no id of a client.
        ValueError: something else is not what it should be.
    """
    for part in (name, version):
        if _RECIPE_PART.fullmatch(part) is None:
            raise ValueError(f"{part!r} is no name or version of a recipe")
    return f"{recipe_versions_prefix(client)}{name}/{version}/{pushed_ms:015}-{_checked(sha256)[:16]}.json"


def recipe_version_of(key: str) -> tuple[str, str, str, int] | None:
    """Client, name and version of such a key, and when it was pushed, in ms; None for any other key."""
    parts = key.split("/")
    push = _PUSH.fullmatch(parts[-1])
    if len(parts) != 6 or parts[:2] != [RECIPES, "versions"] or push is None:
        return None
    return parts[2], parts[3], parts[4], int(push[1])


class SeriesKeys:
    """The keys of one series.

    Attributes:
        client: whose series it is.
        series: its id, see `crawler.exports.series`.
        prefix: what all keys below begin with, with a slash at its end.
        state_prefix: ditto, of states.
        pointer_prefix: ditto, of pointers.

    Raises:
        InvalidJob: it is no id of a client.
        ValueError: it is no id of a series.
    """

    __slots__ = ("client", "pointer_prefix", "prefix", "series", "state_prefix")

    def __init__(self, client: str, series: str) -> None:
        if _SERIES_ID.fullmatch(series) is None:
            raise ValueError(f"{series!r} is no id of a series")
        self.client = check_client(client)
        self.series = series
        self.prefix = f"{SERIES}/{client}/{series}/"
        self.state_prefix = f"{self.prefix}states/"
        self.pointer_prefix = f"{self.prefix}pointers/"

    def new_state(self, job: str) -> str:
        """A key that nothing has, for what is known after a job.

        Raises:
            InvalidJob: it is no id of a job.
        """
        return f"{self.state_prefix}{check_job_id(job)}-{_random()}.zst"

    def pointer(self, order: int, job: str) -> str:
        """The key of the pointer to the state of a job; the same each time.

        Raises:
            InvalidJob: it is no id of a job.
        """
        return f"{self.pointer_prefix}{order:012}-{check_job_id(job)}.json"


def pointer_order(key: str) -> tuple[int, str] | None:
    """The order and the job of a pointer's key, by which pointers are compared; None for any other key."""
    parts = key.split("/")
    found = _POINTER.fullmatch(parts[-1])
    if len(parts) != 5 or (parts[0], parts[3]) != (SERIES, "pointers") or found is None:
        return None
    return int(found[1]), found[2]


def series_of_key(key: str) -> tuple[str, str] | None:
    """The client and the series of a key; None if it is of no series."""
    parts = key.split("/")
    return (parts[1], parts[2]) if len(parts) == 5 and parts[0] == SERIES and parts[3] in _OF_SERIES else None


def runs_prefix(client: str, recipe: str, series: str = "") -> str:
    """What all keys of runs of a recipe begin with, or those of one series.

    Raises:
        InvalidJob: it is no id of a client.
        ValueError: something else is not what it should be.
    """
    if _RECIPE_PART.fullmatch(recipe) is None or (series and _SERIES_ID.fullmatch(series) is None):
        raise ValueError(f"{recipe!r} is no name of a recipe, or {series!r} no series")
    return f"{RUNS}/{check_client(client)}/{recipe}/" + (f"{series}/" if series else "")


def run_key(client: str, recipe: str, series: str, *, at_ms: int, job: str) -> str:
    """Where the figures of a run are.

    Raises:
        InvalidJob, ValueError: see `runs_prefix`.
    """
    if not series:
        raise ValueError("a run without a series is not remembered")
    return f"{runs_prefix(client, recipe, series)}{at_ms:015}-{check_job_id(job)}.json"


def run_of(key: str) -> tuple[str, int, str] | None:
    """Series, time in ms and job of such a key; None for any other key."""
    parts = key.split("/")
    run = _RUN.fullmatch(parts[-1])
    if len(parts) != 5 or parts[0] != RUNS or run is None or _SERIES_ID.fullmatch(parts[3]) is None:
        return None
    return parts[3], int(run[1]), run[2]


def _checked(sha256: str) -> str:
    if _SHA256.fullmatch(sha256) is None:
        raise ValueError(f"{sha256!r} is no SHA-256")
    return sha256


def kind_of(key: str) -> str | None:
    """What the object of a key is, as `crawler.fault_points` names its kinds; None if it is none."""
    parts = key.split("/")
    if parts[0] == RECIPES:
        return "version" if recipe_version_of(key) else _OF_RECIPES.get(parts[1]) if len(parts) == 3 else None
    if parts[0] == SERIES:
        return _OF_SERIES[parts[3]] if series_of_key(key) else None
    if parts[0] == RUNS:
        return "run" if run_of(key) else None
    if len(parts) == 4:
        return _FOLDERS.get(parts[2])
    if len(parts) != 3:
        return None
    if parts[0] == AUDIT:
        return _OF_AUDIT.get(parts[1])
    return "intent" if (parts[0], parts[2]) == (INTENTS, "intent.json") else _SINGLE.get(parts[2])


def check_client(text: str) -> str:
    """The id of a client, as it was given.

    Raises:
        InvalidJob: it is not 1 to 64 of A-Z, a-z, 0-9, ".", "_" and "-", begins with "." or "-", or is `INTENTS`.
    """
    if _CLIENT.fullmatch(text) is None or text == INTENTS:
        shown = repr(text if len(text) <= 80 else f"{text[:80]}...")
        raise InvalidJob(
            f'{shown} is no id of a client; use 1 to 64 of A-Z, a-z, 0-9, ".", "_" and "-", the first one no "." or'
            f' "-", and not "{INTENTS}"'
        )
    return text


def file_name(name: str) -> str:
    """The name with a hyphen for everything that may not stand in a key; may be another name's, too."""
    safe = re.sub(r"[^A-Za-z0-9._-]+", "-", name)[:100].lstrip(".-")
    return safe or "rows"


def _random() -> str:
    return secrets.token_hex(_RANDOM_BYTES)
