"""Shapes of `session`: how a crawl is logged in, and by what a page shows that it still is."""

from __future__ import annotations

from crawler.recipe.language_requests import REQUEST, VALUES
from crawler.recipe.language_rules import CONDITION, RULE
from crawler.recipe.language_texts import DOMAIN, TEMPLATE, secret_problem
from crawler.recipe.shape import Key, ListOf, NamedMap, Variants
from crawler.recipe.shape_scalars import Text

SECRET = Text(
    noun="a secret's name",
    accepts=secret_problem,
    hint="the name under which the machines that crawl keep it: shop_password",
    pattern="^[a-z][a-z0-9_-]*$",
)

_ERROR = Key("error", RULE, "Rule for what the answer says when the login has failed; its text is shown")
_SHARED = (
    Key(
        "valid_if",
        CONDITION,
        "What every page of somebody who is logged in has; where this rule gives nothing, or false, the page is not"
        " read and the crawl logs in again",
    ),
    Key(
        "domains",
        ListOf(member=DOMAIN, noun="a list of domains"),
        "Domains whose pages get the session, with their sub-domains; without it the hosts of `start`",
    ),
)
_KINDS = ("login", "request", "cookies", "basic", "bearer")
_ONE_KIND = dict.fromkeys(_KINDS, "a session has one of `login`, `request`, `cookies`, `basic` and `bearer`")
_OF_REQUESTS = {"error": "it stands inside `login`, or beside `request`", "token": "it stands beside `request`"}

_LOGIN = NamedMap(
    keys=(
        Key("url", TEMPLATE, "URL of the page with the form", required=True),
        Key("formcss", Text(noun="a CSS selector"), "The form; without it the first one that asks for a password"),
        Key(
            "formdata",
            VALUES,
            "Values of its fields; those that are not named here keep what the page has, hidden ones too",
            required=True,
        ),
        _ERROR,
    ),
    noun="a form login: a map with `url` and `formdata`",
)
_SECRET = NamedMap(keys=(Key("secret", SECRET, "Name of the secret", required=True),), noun="a map with `secret`")
_BASIC = NamedMap(
    keys=(
        Key("username", TEMPLATE, "User name; templates allowed", required=True),
        Key("password", TEMPLATE, "Password: an input that is a secret", required=True),
    ),
    noun="a map with `username` and `password`",
)


def _kind(name: str, *keys: Key) -> NamedMap:
    elsewhere = {other: why for other, why in {**_ONE_KIND, **_OF_REQUESTS}.items() if other != name}
    own = {key.name for key in keys}
    return NamedMap(
        keys=(*keys, *_SHARED), elsewhere={other: why for other, why in elsewhere.items() if other not in own}
    )


SESSION = Variants(
    variants={
        "login": _kind("login", Key("login", _LOGIN, "A form that is filled in, once for all workers")),
        "request": _kind(
            "request",
            Key("request", REQUEST, "A request that logs in, once for all workers"),
            _ERROR,
            Key(
                "token",
                RULE,
                "Rule for a token in its answer, sent as `Authorization: Bearer`, beside its cookies",
            ),
        ),
        "cookies": _kind("cookies", Key("cookies", _SECRET, "Cookies of a secret: `name=value; name=value`")),
        "basic": _kind("basic", Key("basic", _BASIC, "User name and password, sent with every request")),
        "bearer": _kind("bearer", Key("bearer", _SECRET, "Token of a secret, sent with every request")),
    },
    noun="a session",
)
