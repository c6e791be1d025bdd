"""What goes in and out of the calls on the audit."""

from __future__ import annotations

from typing import Final

import marshmallow as ma

from control_api.access.schemas import ClientId
from control_api.fields import Cursor, Instant, Schema, Text, Whole, about
from crawler.audit.chain import Kind
from crawler.audit.listing import MAX_PAGE

_STATE: Final = {"state": "running"}


class AuditQuerySchema(Schema):
    """Which entries a list has."""

    client = ClientId(metadata=about("Entries of what this client has done, or of what was done to what is its own."))
    action = Text(
        r"[a-z]{1,20}(\.[a-z]{1,20})?",
        error="must be an action, such as key.revoked, or its first word, such as key",
        metadata=about("Entries of this action; its first word alone means all that begin with it.", "key"),
    )
    after = Instant(metadata=about("Entries of this time or later."))
    before = Instant(metadata=about("Entries before this time."))
    limit = Whole(least=1, most=MAX_PAGE, load_default=50, metadata=about("Entries on a page, at most.", 50))
    cursor = Cursor()


class AuditEntrySchema(Schema):
    """Something that was changed, or issued, and by whom."""

    id = ma.fields.String(required=True, metadata=about("Of the entry.", "1767323045678-0"))
    number = ma.fields.Integer(
        required=True,
        allow_none=True,
        metadata=about("Among all entries that are sealed; null for the moment until this one is.", 1234),
    )
    at = Instant(required=True, metadata=about("When it happened."))
    action = ma.fields.String(required=True, metadata=about("What was done.", "job.paused"))
    object = ma.fields.String(
        required=True, metadata=about("To what: the id of a job, a key or a client.", "mvb2qk7d5xw3o4n6rj5f7a2zle")
    )
    client = ma.fields.String(required=True, metadata=about("Whose that is.", "alice"))
    by = ma.fields.String(
        required=True,
        metadata=about("What it came through: api, command (somebody with access to the store), steward.", "api"),
    )
    actor = ma.fields.String(required=True, metadata=about("The client whose key was used; may be empty.", "alice"))
    key = ma.fields.String(required=True, metadata=about("The id of that key; may be empty.", "k7m2p4q6"))
    source = ma.fields.String(
        required=True, metadata=about("Address of the caller; of a command, user and machine.", "192.0.2.7")
    )
    request_id = ma.fields.String(
        required=True, metadata=about("That of the request; may be empty.", "0f8fad5bd9cb469fa16570867728950e")
    )
    before = ma.fields.Dict(
        required=True, allow_none=True, metadata=about("How it was; null if it was not there.", _STATE)
    )
    after = ma.fields.Dict(
        required=True, allow_none=True, metadata=about("How it is since; without secrets.", {"state": "paused"})
    )


class AuditListSchema(Schema):
    """A page of the audit, the newest first. It may be short, even empty, and still have a `next`."""

    entries = ma.fields.List(ma.fields.Nested(AuditEntrySchema), required=True, metadata=about("The newest first."))
    next = ma.fields.String(
        required=True,
        allow_none=True,
        metadata=about("`cursor` of the next page; null on the last.", "WzEsIjhhMGM5ZTU0NzFlYzJhMDQiLCIwMTk5Il0"),
    )


class AuditFindingSchema(Schema):
    """Something that is wrong with the audit."""

    kind = ma.fields.String(
        required=True, metadata=about("What was done.", "edited") | {"enum": [str(kind) for kind in Kind]}
    )
    first = ma.fields.Integer(required=True, metadata=about("Number of the first entry.", 12))
    last = ma.fields.Integer(required=True, metadata=about("Number of the last entry.", 12))
    why = ma.fields.String(
        required=True, metadata=about("In one sentence.", "entry 1767323045678-0 is not what was sealed")
    )


class AuditReportSchema(Schema):
    """What a verification has found."""

    whole = ma.fields.Boolean(required=True, metadata=about("Nothing is wrong with what is sealed.", False))
    sealed = ma.fields.Integer(required=True, metadata=about("Entries that were ever sealed.", 1240))
    anchored = ma.fields.Integer(
        required=True,
        metadata=about(
            "The storage of files vouches for entries up to this number; newer ones could be cut off unnoticed.", 1234
        ),
    )
    unsealed = ma.fields.Integer(required=True, metadata=about("Entries that are not sealed yet.", 1))
    findings = ma.fields.List(
        ma.fields.Nested(AuditFindingSchema), required=True, metadata=about("What is wrong; the first 1,000.")
    )
    unnamed = ma.fields.Integer(required=True, metadata=about("Further findings.", 0))
