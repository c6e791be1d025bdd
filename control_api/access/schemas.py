"""What goes in and out of the calls on clients and keys."""

from __future__ import annotations

from typing import Any, Final

import marshmallow as ma
from marshmallow import validate

from control_api.fields import Instant, Line, Schema, Truth, Whole
from crawler.access.model import MAX_NAME_CHARACTERS, MAX_NOTE_CHARACTERS, Scope
from crawler.errors import InvalidAccess, InvalidJob
from crawler.exports.keys import check_client
from crawler.rate import Rate

#: An old key may live so long beside the new one, in seconds.
MAX_GRACE_S: Final = 7 * 24 * 3600
DEFAULT_GRACE_S: Final = 3600


def _client_id(text: str) -> None:
    try:
        check_client(text)
    except InvalidJob as error:
        raise ma.ValidationError(str(error)) from None


def _rate(text: str) -> None:
    try:
        if text:
            Rate.of(text)
    except InvalidAccess as error:
        raise ma.ValidationError(str(error)) from None


class ClientId(ma.fields.String):
    """The id of a client."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("metadata", {})["pattern"] = "^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$"
        super().__init__(validate=_client_id, **kwargs)


class RateText(ma.fields.String):
    """A rate, such as 600/minute; "" is that of the deployment."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("metadata", {}).update(
            {
                "pattern": "^$|^[1-9][0-9]{0,6} ?(/|per) ?([1-9][0-9]{0,3} )?(second|minute|hour)s?$",
                "example": "600/minute",
            }
        )
        super().__init__(validate=_rate, **kwargs)


class QuotasSchema(Schema):
    """What a client may use at most; null = no limit."""

    running_jobs = Whole(allow_none=True, metadata={"description": "Jobs that have not ended."})
    jobs_per_day = Whole(allow_none=True, metadata={"description": "Jobs accepted in any 24 hours."})
    requests_per_day = Whole(
        allow_none=True, metadata={"description": "Pages settled by jobs that were accepted in the last 24 hours."}
    )


class ClientOrderSchema(Schema):
    """A client to be made."""

    id = ClientId(required=True)
    name = Line(most=MAX_NAME_CHARACTERS, load_default="")
    quotas = ma.fields.Nested(QuotasSchema, load_default=dict)
    rate_limit = RateText(load_default="")


class ClientChangeSchema(Schema):
    """What is to change of a client; a quota that is left out stays as it is."""

    name = Line(most=MAX_NAME_CHARACTERS)
    quotas = ma.fields.Nested(QuotasSchema)
    rate_limit = RateText()
    disabled = Truth(metadata={"description": "Its keys are refused; its jobs go on."})


class ClientSchema(Schema):
    """Somebody who has jobs."""

    id = ma.fields.String(required=True)
    name = ma.fields.String(required=True)
    quotas = ma.fields.Nested(QuotasSchema, required=True)
    rate_limit = ma.fields.String(required=True)
    disabled = ma.fields.Boolean(required=True)
    created_at = Instant(required=True)


class ClientsSchema(Schema):
    """All clients."""

    clients = ma.fields.List(ma.fields.Nested(ClientSchema), required=True)


class KeyOrderSchema(Schema):
    """A key to be made."""

    client = ClientId(required=True)
    scopes = ma.fields.List(
        ma.fields.Enum(Scope, by_value=True), required=True, validate=validate.Length(1, len(Scope))
    )
    note = Line(most=MAX_NOTE_CHARACTERS, load_default="")
    expires_at = Instant(allow_none=True, load_default=None)


class RotationSchema(Schema):
    """How long the old key lives beside the new one."""

    grace_s = Whole(most=MAX_GRACE_S, load_default=DEFAULT_GRACE_S)


class KeySchema(Schema):
    """A key, without its secret."""

    id = ma.fields.String(required=True)
    client = ma.fields.String(required=True)
    scopes = ma.fields.List(ma.fields.Enum(Scope, by_value=True), required=True)
    note = ma.fields.String(required=True)
    created_at = Instant(required=True)
    expires_at = Instant(required=True, allow_none=True)
    revoked_at = Instant(required=True, allow_none=True)
    last_used_at = Instant(required=True, allow_none=True, metadata={"description": "To the minute."})


class NewKeySchema(KeySchema):
    """A key with its text, which is shown this once."""

    key = ma.fields.String(required=True)


class KeysQuerySchema(Schema):
    """Whose keys."""

    client = ClientId()


class KeysSchema(Schema):
    """Keys, the newest first."""

    keys = ma.fields.List(ma.fields.Nested(KeySchema), required=True)


class UsageSchema(Schema):
    """What of its quotas a client has used."""

    running_jobs = ma.fields.Integer(required=True)
    jobs_today = ma.fields.Integer(required=True, metadata={"description": "Accepted in the last 24 hours."})


class MeSchema(Schema):
    """What a key is told of itself."""

    client = ma.fields.String(required=True)
    key_id = ma.fields.String(required=True)
    scopes = ma.fields.List(ma.fields.Enum(Scope, by_value=True), required=True)
    expires_at = Instant(required=True, allow_none=True)
    rate_limit = ma.fields.String(required=True)
    quotas = ma.fields.Nested(QuotasSchema, required=True)
    usage = ma.fields.Nested(UsageSchema, required=True)
