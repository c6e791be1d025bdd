"""Logins of Cardigann definitions as `session`: a form that is filled in, a request, or cookies of a browser.

Names, passwords and cookies are secrets: the recipe names them, and whoever crawls with it keeps them in files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from crawler.recipe.importing.cardigann_templates import read_template
from crawler.recipe.importing.foreign_css import css_problem
from crawler.recipe.importing.foreign_nodes import Part, field_name, maps_of, text_of

if TYPE_CHECKING:
    from crawler.recipe.yaml_nodes import Entry

_SITE: Final = "{{ inputs.site }}"
_BY_HAND: Final = "write it as `session`, with its secrets by name; pages for everybody can be read without"


def session_of(part: Part, name: str) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """The `session` of a definition and the inputs that it reads, both empty if it has no login that works here.

    `name` is the recipe's; names of secrets begin with it.
    """
    login, entry = part.below("login"), part.entry("login")
    if login is None or entry is None:
        if entry is not None:
            part.found.add("decide", entry.mark, ("login",), "a login is not carried over", _BY_HAND)
        return {}, {}
    own = field_name(name, set())
    method = (login.text("method") or "form").lower()
    if method == "cookie":
        secrets = {"cookie": f"{own}_cookie"}
        session: dict[str, Any] = {"cookies": {"secret": secrets["cookie"]}}
    else:
        secrets = {}
        session = _logged_in(login, method, own, secrets)
    if not session:
        message = f"a login by `{method}` is not carried over"
        part.found.add("decide", entry.mark, ("login",), message, _BY_HAND)
        return {}, {}
    error, valid_if = _signs(login)
    if error is not None and method != "cookie":
        session.get("login", session)["error"] = error  # of a form it stands inside `login`
    if valid_if is not None:
        session["valid_if"] = valid_if
    _tell_secrets(part, entry, secrets)
    inputs = {key: {"type": "string", "secret": secret} for key, secret in secrets.items()}
    return session, {} if method == "cookie" else inputs


def _logged_in(login: Part, method: str, own: str, secrets: dict[str, str]) -> dict[str, Any]:
    path = (login.text("submitpath") if method == "post" else None) or login.text("path") or ""
    data = _data(login, own, secrets)
    if method not in ("form", "post") or not path or not data:  # a secret in an address would be in every log
        return {}
    url = path if "://" in path else f"{_SITE}/{path.lstrip('/')}"
    if method == "form":
        form = login.text("form")
        chosen = {"formcss": form} if form and css_problem(form) is None else {}
        return {"login": {"url": url, **chosen, "formdata": data}}
    return {"request": {"url": url, "form": data}}


def _data(login: Part, own: str, secrets: dict[str, str]) -> dict[str, Any]:
    """What is sent to log in. Every setting that it reads is a secret: a name is half of a login."""
    data: dict[str, Any] = {}
    block = login.below("inputs")
    for entry in () if block is None else block.node.entries:
        text = read_template(text_of(entry.node) or "")
        if entry.key.startswith("$") or not text.alternatives:
            continue
        data[entry.key] = text.alternatives[0]
        secrets |= {name: f"{own}_{name}" for name in sorted(text.inputs)}
    return data


def _signs(login: Part) -> tuple[Any, Any]:
    """How the answer to a login says that it has failed, and pages that somebody is logged in; None: not said."""
    errors = [text_of(node.get("selector")) for _, node in maps_of(login.node.get("error"), (*login.path, "error"))]
    usable = [{"css": error} for error in errors if error and css_problem(error) is None]
    test = login.below("test")
    selector = None if test is None else test.text("selector")
    usual = selector is not None and css_problem(selector) is None
    error = None if not usable else usable[0] if len(usable) == 1 else usable
    return error, {"css": selector, "as": "html"} if usual else None


def _tell_secrets(part: Part, entry: Entry, secrets: dict[str, str]) -> None:
    files = ", ".join(f"secrets/{name}" for name in secrets.values())
    message = "the login is carried over; what it is done with is secret, and a recipe holds none"
    part.found.add("decide", entry.mark, ("login",), message, f"write {files}" if files else "try it")
