"""What goes in and out of the calls on clients and keys."""

from __future__ import annotations

from typing import Any, Final

import marshmallow as ma

from control_api.fields import Choice, Few, Instant, Line, Schema, Text, Truth, Whole, about
from crawler.access.model import MAX_NAME_CHARACTERS, MAX_NOTE_CHARACTERS, Scope
from crawler.errors import InvalidJob
from crawler.exports.keys import INTENTS, check_client
from crawler.rate import RATE

#: An old key may live so long beside the new one, in seconds.
MAX_GRACE_S: Final = 7 * 24 * 3600
DEFAULT_GRACE_S: Final = 3600


#: A quota of this is more than anybody can use.
_MOST: Final = 10**12 - 1

_KEY_ID: Final = "k7m2p4q6"


def _no_folder_of_ours(text: str) -> None:
    try:
        check_client(text)
    except InvalidJob as error:
        raise ma.ValidationError(str(error)) from None


class ClientId(Text):
    """The id of a client."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs["metadata"] = {"example": "alice", "not": {"const": INTENTS}, **kwargs.get("metadata", {})}
        super().__init__(
            "[A-Za-z0-9_][A-Za-z0-9._-]{0,63}",
            error='must be 1 to 64 of A-Z, a-z, 0-9, ".", "_" and "-", the first one no "." or "-"',
            **kwargs,
        )
        self.validators.append(_no_folder_of_ours)


class RateText(Text):
    """A rate, such as 600/minute; "" is that of the deployment."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs["metadata"] = {
            "description": 'Calls that it may make, such as 600/minute or 10 per 10 seconds; "" = as everybody.',
            "example": "600/minute",
            **kwargs.get("metadata", {}),
        }
        super().__init__(f"|{RATE}", error="must be a rate, such as 600/minute or 10 per 10 seconds", **kwargs)


class QuotasSchema(Schema):
    """What a client may use at most; null = no limit."""

    running_jobs = Whole(most=_MOST, allow_none=True, metadata=about("Jobs that have not ended.", 10))
    jobs_per_day = Whole(most=_MOST, allow_none=True, metadata=about("Jobs accepted in any 24 hours.", 200))
    requests_per_day = Whole(
        most=_MOST,
        allow_none=True,
        metadata=about("Pages settled by jobs that were accepted in the last 24 hours.", 1000000),
    )


class ClientOrderSchema(Schema):
    """A client to be made."""

    id = ClientId(required=True, metadata=about("Stands in the keys of its files; never changes."))
    name = Line(most=MAX_NAME_CHARACTERS, load_default="", metadata=about("For people.", "Alice's team"))
    quotas = ma.fields.Nested(
        QuotasSchema, load_default=dict, metadata=about("What it may use; no limit where nothing is said.")
    )
    rate_limit = RateText(load_default="")


class ClientChangeSchema(Schema):
    """What is to change of a client; what is left out stays as it is, single quotas too."""

    name = Line(most=MAX_NAME_CHARACTERS, metadata=about("For people.", "Alice's team"))
    quotas = ma.fields.Nested(QuotasSchema, metadata=about("What it may use; null takes a limit away."))
    rate_limit = RateText()
    disabled = Truth(metadata=about("Its keys are refused; its jobs go on.", False))


class ClientSchema(Schema):
    """Somebody who has jobs."""

    id = ma.fields.String(required=True, metadata=about("Never changes.", "alice"))
    name = ma.fields.String(required=True, metadata=about("For people; may be empty.", "Alice's team"))
    quotas = ma.fields.Nested(QuotasSchema, required=True, metadata=about("What it may use."))
    rate_limit = ma.fields.String(
        required=True, metadata=about("Calls that it may make; empty = as everybody.", "600/minute")
    )
    disabled = ma.fields.Boolean(required=True, metadata=about("Its keys are refused; its jobs go on.", False))
    created_at = Instant(required=True, metadata=about("When it was made."))


class ClientsSchema(Schema):
    """All clients."""

    clients = ma.fields.List(ma.fields.Nested(ClientSchema), required=True, metadata=about("By id."))


class KeyOrderSchema(Schema):
    """A key to be made."""

    client = ClientId(required=True, metadata=about("Whose it will be."))
    scopes = Few(
        Choice(Scope),
        required=True,
        least=1,
        most=len(Scope),
        metadata=about("What it may do.", ["jobs:read", "jobs:write", "results:read", "recipes:read"]),
    )
    note = Line(
        most=MAX_NOTE_CHARACTERS, load_default="", metadata=about("For people: what uses it.", "nightly import")
    )
    expires_at = Instant(
        allow_none=True,
        load_default=None,
        metadata=about("It is refused from then on; in the future, or null for never.", "2027-01-01T00:00:00Z"),
    )


class RotationSchema(Schema):
    """How long the old key lives beside the new one."""

    grace_s = Whole(
        most=MAX_GRACE_S,
        load_default=DEFAULT_GRACE_S,
        metadata=about("Seconds until the old key is refused; 0 = at once.", DEFAULT_GRACE_S),
    )


class KeySchema(Schema):
    """A key, without its secret."""

    id = ma.fields.String(required=True, metadata=about("Eight characters of the key, which may be shown.", _KEY_ID))
    client = ma.fields.String(required=True, metadata=about("Whose it is.", "alice"))
    scopes = ma.fields.List(
        Choice(Scope), required=True, metadata=about("What it may do.", ["jobs:read", "jobs:write"])
    )
    note = ma.fields.String(required=True, metadata=about("For people; may be empty.", "nightly import"))
    created_at = Instant(required=True, metadata=about("When it was made."))
    expires_at = Instant(
        required=True,
        allow_none=True,
        metadata=about("It is refused from then on; null = never.", "2027-01-01T00:00:00.000Z"),
    )
    revoked_at = Instant(
        required=True,
        allow_none=True,
        metadata=about("Since when it is refused; null = it is not.") | {"x_example_null": True},
    )
    last_used_at = Instant(
        required=True, allow_none=True, metadata=about("When it was used last, to the minute; null = never yet.")
    )


class NewKeySchema(KeySchema):
    """A key with its text, which is shown this once."""

    key = ma.fields.String(
        required=True,
        metadata=about("The key itself. Nobody can show it again.", f"ck_live_{_KEY_ID}_{'x' * 43}000000"),
    )


class KeysQuerySchema(Schema):
    """Whose keys."""

    client = ClientId(metadata=about("Keys of this client; without it, those of all."))


class KeysSchema(Schema):
    """Keys, the newest first."""

    keys = ma.fields.List(ma.fields.Nested(KeySchema), required=True, metadata=about("The newest first."))


class UsageSchema(Schema):
    """What of its quotas a client has used."""

    running_jobs = ma.fields.Integer(required=True, metadata=about("Jobs that have not ended.", 2))
    jobs_today = ma.fields.Integer(required=True, metadata=about("Jobs accepted in the last 24 hours.", 31))


class MeSchema(Schema):
    """What a key is told of itself."""

    client = ma.fields.String(required=True, metadata=about("Whose key this is.", "alice"))
    key_id = ma.fields.String(required=True, metadata=about("Its id.", _KEY_ID))
    scopes = ma.fields.List(
        Choice(Scope), required=True, metadata=about("What it may do.", ["jobs:read", "jobs:write"])
    )
    expires_at = Instant(
        required=True,
        allow_none=True,
        metadata=about("It is refused from then on; null = never.", "2027-01-01T00:00:00.000Z"),
    )
    rate_limit = ma.fields.String(required=True, metadata=about("Calls that its client may make.", "600/minute"))
    quotas = ma.fields.Nested(QuotasSchema, required=True, metadata=about("What its client may use."))
    usage = ma.fields.Nested(UsageSchema, required=True, metadata=about("What of that is used."))
