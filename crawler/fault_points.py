"""The points at which a process can be made to fail: their names, what each one is, and what can happen there.

Scripts of the store and kinds of objects have points of their own, named after them. Knows nothing of how a fault
comes about; that is `crawler.faults`.
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

#: What can happen at a point.
#:
#: kill: the process is killed, as by SIGKILL.
#: hang: it stops with all of its threads, as by SIGSTOP, until somebody continues it.
#: error: the connection breaks before what the point is about has happened.
#: drop-reply: it has happened, and the connection breaks before anybody hears of it.
FaultKind: TypeAlias = Literal["kill", "hang", "error", "drop-reply"]

#: What a process can be.
Process: TypeAlias = Literal["worker", "node", "steward", "api"]

PROCESSES: Final[tuple[Process, ...]] = ("worker", "node", "steward", "api")

#: Every script that is called through the store, by the name of its file, and what its call does.
SCRIPTS: Final = {
    "abandon": "ends the leases of a worker that is dead",
    "add_client": "keeps a new client of the API",
    "add_key": "keeps a new key of the API",
    "adopt": "ends a job as its manifest says",
    "change": "replaces a record of a client or a key",
    "close": "ends a job of which nothing is leased",
    "commit": "settles pages with their rows and children",
    "create": "accepts a job",
    "day": "counts a job against what a client may submit in a day",
    "delete": "forgets a job that has ended",
    "enqueue": "accepts requests that no page has found",
    "find": "looks a key of the API up",
    "forget": "forgets jobs that are not counted any more",
    "gate": "asks what a worker may send to a host, and when",
    "hold": "holds a steward's duty for a while",
    "intend": "says what a job is to come to",
    "label": "keeps what a job is found by",
    "lease": "gives pages to a worker",
    "ledger": "reads the counters of a job",
    "let_go": "lets a steward's duty go",
    "live_of": "reads which jobs of a client are counted",
    "move": "moves a job from state to state",
    "note_links": "notes that links are issued, or files published",
    "park": "puts a page aside that its holder cannot read",
    "promote": "takes back what is due",
    "read": "reads fields of many jobs",
    "recipe_judge": "keeps what came of checking a recipe",
    "recipe_push": "keeps a recipe that is to be checked",
    "record": "records a segment, and takes its rows off the stream",
    "release": "hands leases back",
    "renew": "prolongs leases",
    "replay_end": "lets a replay begin that was given everything",
    "replay_fill": "gives a replay ids that the first job knew",
    "reserve": "counts a job among those of its client",
    "retry": "gives a page back for a later try",
    "robots_ask": "asks for a site's robots.txt, or who fetches it",
    "robots_keep": "keeps a site's robots.txt",
    "rows_limit": "says how many bytes of rows may wait",
    "seat_keep": "prolongs a worker's seat",
    "seat_take": "takes a seat for a node",
    "seat_yield": "asks for a seat to be given up",
    "seal": "seals entries of the audit",
    "seeds_peek": "shows the next seeds",
    "seeds_take": "takes seeds off",
    "session_ask": "asks for a job's session, or who logs in",
    "session_fail": "notes that a worker could not log in",
    "session_write": "keeps a new session of a job",
    "sizes": "reads how large a field of many jobs is",
    "stage": "puts a part of a large page beside it",
    "tidy": "unlinks keys that a closed job needs no more",
    "trim": "takes entries of the audit off that are in the storage of files",
    "why": "says what a job waits for",
}

#: Every kind of object that is put into the storage of files, as `crawler.exports.keys` names them, and what it is.
OBJECTS: Final = {
    "segment": "A segment of a job's rows",
    "file": "An export of a job",
    "manifest": "The manifest of a job",
    "intent": "The intent of a job",
    "record": "The `job.json` of a job",
    "log": "The log of a worker",
    "orphans": "The list of a job's orphans",
    "override": "What publishes the files of a job that were withheld",
    "anchor": "An anchor of the audit",
    "entries": "A piece of the audit",
    "recipe": "The text of a client's recipe",
    "pages": "The saved pages of a client's recipe",
    "state": "What an incremental recipe knows after a job",
    "pointer": "The pointer to such a state",
    "version": "The record of a version of a client's recipe",
    "run": "What a run was like, for later ones",
}

_AT_ONCE: Final[tuple[FaultKind, ...]] = ("kill", "hang")
_BEFORE: Final[tuple[FaultKind, ...]] = (*_AT_ONCE, "error")
_AFTER: Final[tuple[FaultKind, ...]] = (*_AT_ONCE, "drop-reply")

#: Each point, and what it is in one sentence.
POINTS: Final[dict[str, str]] = {
    **{
        f"{name}.{moment}": f"The call that {what} {when}."
        for name, what in SCRIPTS.items()
        for moment, when in (
            ("call", "is about to be sent"),
            ("reply", "has been answered, and nobody has heard of it"),
        )
    },
    **{
        f"put_{kind}.{moment}": f"{what} {when}."
        for kind, what in OBJECTS.items()
        for moment, when in (
            ("call", "is about to be sent to the storage of files"),
            ("half", "has been sent by half; of one in parts, half of a part"),
            ("reply", "is in the storage of files, and nobody has heard of it"),
        )
    },
    "fetch": "A worker has sent a request to a site, and has seen no answer.",
    "compose.half": "A steward has written half of a job's rows into files.",
    "seat.taken": "A node has taken a seat, and has not started a worker for it.",
    "worker.spawned": "A node has started a worker, and has told nobody of it.",
}


def kinds_at(point: str) -> tuple[FaultKind, ...]:
    """What can happen at a point of `POINTS`."""
    if point.endswith(".reply"):
        return _AFTER
    return _AT_ONCE if point == "worker.spawned" else _BEFORE
