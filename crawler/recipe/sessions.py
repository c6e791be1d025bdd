"""What a session means on pages: whether somebody is logged in, what is sent to log in, what the answer says.

Pure: who fetches, and where secrets come from, is not known here. `inputs` of the functions that make requests hold the
secrets, too.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from crawler.errors import LoginFailed, PageError
from crawler.recipe.documents import parse_document
from crawler.recipe.forms import asks_for_password, fill, find_form, names_of
from crawler.recipe.made_requests import made_request, pairs_of, url_of
from crawler.recipe.model import Condition, Page, PageRequest
from crawler.recipe.readable_rules import class_of, readable
from crawler.recipe.rules import PageContext, RowScope
from crawler.recipe.session_plan import FormLogin, RequestLogin
from crawler.recipe.values import holds, is_missing

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from crawler.recipe.model import PageInput, Recipe
    from crawler.recipe.session_plan import Credentials

#: Statuses that say that what was sent was wrong; others are of the site's own trouble.
_REFUSED: Final = frozenset({400, 401, 403, 404, 405, 410, 422})

#: Counts pages that have shown that somebody is logged in.
IS_VALID: Final = "recipe/session/valid"

#: Of what a site says, so much is shown.
_SHOWN: Final = 200


# --- pages -----------------------------------------------------------------------------------------------------------


def is_valid(condition: Condition, context: PageContext, at: RowScope) -> bool:
    """Whether a page shows that somebody is logged in; so does one that the rule cannot read (CSS on JSON).

    Raises:
        PageError: the rule failed.
    """
    rule = readable(condition.rule, class_of(context.document))
    if rule is None:
        return True
    holds_here = context.condition(Condition(rule=rule), at)
    if holds_here:
        context.stats[IS_VALID] += 1
    return holds_here


def session_hosts(recipe: Recipe, inputs: Mapping[str, Any], start: list[PageRequest]) -> tuple[str, ...]:
    """Whom the session is shown to, as `scheme://host`; `scheme://.host` with sub-domains. On http if a start is."""
    if recipe.session is None:
        return ()
    scopes = _scopes(inputs)
    domains = [value for template in recipe.session.domains if not is_missing(value := template.render(scopes))]
    parts = [urlsplit(url) for request in start for url in (request.url, *request.mirrors)]
    if domains:
        schemes = dict.fromkeys(["https", *(part.scheme for part in parts)])
        return tuple(f"{scheme}://.{_host(str(domain))}" for domain in domains for scheme in schemes)
    hosts = [f"{part.scheme}://{part.hostname}" for part in parts]
    return tuple(dict.fromkeys([*hosts, *(host.replace("http://", "https://", 1) for host in hosts)]))


def is_shown(url: str, hosts: Collection[str]) -> bool:
    """Whether a URL is of one of those that `session_hosts` names."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    wider = (host[at:] for at, letter in enumerate(f".{host}") if letter == ".")
    shown = {f"{parts.scheme}://{host}", *(f"{parts.scheme}://.{name}" for name in wider)}
    return not shown.isdisjoint(hosts)


def _host(text: str) -> str:
    """The host of what may be written as a domain, a host with a port or a URL."""
    return urlsplit(text if "//" in text else f"//{text}").hostname or ""


def basic_of(way: Credentials, inputs: Mapping[str, Any]) -> str:
    """What `Authorization: Basic` says.

    Raises:
        LoginFailed: there is no user name or no password.
    """
    parts = [None if part is None else part.render(_scopes(inputs)) for part in (way.username, way.password)]
    if any(part is None or is_missing(part) for part in parts):
        raise LoginFailed("`basic` has no user name or no password with these inputs")
    return base64.b64encode(":".join(map(str, parts)).encode()).decode()


# --- logging in ------------------------------------------------------------------------------------------------------


def first_request(way: FormLogin | RequestLogin, inputs: Mapping[str, Any]) -> PageRequest:
    """The request of the page with the form, or the one that logs in.

    Raises:
        LoginFailed: with these inputs there is none.
    """
    scopes = _scopes(inputs)
    if isinstance(way, FormLogin):
        url = url_of(way.url, scopes)
        if not url.address:
            raise LoginFailed(url.problem)
        return PageRequest(url=url.address, page=None)
    found = made_request(way.request, None, scopes)
    if isinstance(found, str):
        raise LoginFailed(found)
    return found


def form_request(recipe: Recipe, way: FormLogin, page: PageInput, inputs: Mapping[str, Any]) -> PageRequest:
    """The request that sends the form of a page, filled in.

    Raises:
        LoginFailed: there is no such form, it leads to somebody else, or would show the password in the address.
    """
    _check_status(page)
    try:
        context = _context(recipe, page)
        form = find_form(context.document, way.form)
    except PageError as error:
        raise LoginFailed(f"the page with the form cannot be read: {error}") from error
    if form is None:
        what = "no form that asks for a password" if way.form is None else f"no form `{way.form.text}`"
        raise LoginFailed(f"there is {what} on {bare(page.url)}")
    sites = login_sites(recipe, inputs)
    if not may_log_in_at(page.url, sites):
        raise LoginFailed(
            f"the form is on {bare(page.url)}, another site than that of `login.url`, and one that is not told who we"
            " are; name its host in `session.domains` if it may be told"
        )
    filled = fill(form, pairs_of(way.data, _scopes(inputs)))
    if filled is None or not may_log_in_at(filled.url, sites, sent_by=page.url):
        raise LoginFailed(f"the form on {bare(page.url)} leads to another site, which is not told who we are")
    if filled.method == "GET" and (asks_for_password(form) or _reads_a_secret(recipe, way)):
        raise LoginFailed(
            f"the form on {bare(page.url)} would send the password in the address, which ends up in logs (it has no"
            ' method="post"); log in with `session.request`, whose `form` or `json` is sent in the body'
        )
    unknown = [name for name in way.data if name not in names_of(form)]
    if len(unknown) == len(way.data):
        raise LoginFailed(
            f"the form has no field {unknown[0]!r}; it has {', '.join(names_of(form))[:_SHOWN] or 'none'}"
        )
    headers = (("Content-Type", "application/x-www-form-urlencoded"),) if filled.method == "POST" else ()
    return PageRequest(url=filled.url, page=None, method=filled.method, headers=headers, body=filled.body)


def check_answer(recipe: Recipe, way: FormLogin | RequestLogin, page: PageInput) -> None:
    """Looks at the answer to a login.

    Raises:
        LoginFailed: it says that nobody is logged in, and why.
    """
    _check_status(page)
    try:
        context = _context(recipe, page)
        at = RowScope(context.document.root)
        said = context.value(way.error, at) if way.error is not None else None
        form = None
        if isinstance(way, FormLogin) and context.document.kind == "html":
            form = find_form(context.document, way.form)
    except PageError as error:
        raise LoginFailed(f"the answer cannot be read: {error}") from error
    if said is not None and not is_missing(said) and holds(said):
        raise LoginFailed(f"the site says: {' '.join(str(said).split())[:_SHOWN]}")
    if form is not None and asks_for_password(form):
        raise LoginFailed(f"the site shows the form again ({bare(page.url)})")


def token_of(recipe: Recipe, way: RequestLogin, page: PageInput) -> str:
    """The token in the answer; "" where the recipe asks for none.

    Raises:
        LoginFailed: it has none.
    """
    if way.token is None:
        return ""
    try:
        context = _context(recipe, page)
        got = context.evaluate(way.token, RowScope(context.document.root))
    except PageError as error:
        raise LoginFailed(f"the answer cannot be read: {error}") from error
    if not isinstance(got.value, str) or not got.value.isascii() or not got.value.isprintable():
        raise LoginFailed(f"there is no token in the answer: {got.gap()}")
    return got.value


def login_sites(recipe: Recipe, inputs: Mapping[str, Any]) -> tuple[str, ...]:
    """Who may be told who we are: the address of the login, and after it the hosts that `domains` names.

    Raises:
        LoginFailed: with these inputs there is no login.
    """
    session = recipe.session
    if session is None or not isinstance(session.way, FormLogin | RequestLogin):
        return ()
    scopes = _scopes(inputs)
    named = [value for template in session.domains if not is_missing(value := template.render(scopes))]
    return (first_request(session.way, inputs).url, *(_host(str(domain)) for domain in named))


def may_log_in_at(url: str, sites: Sequence[str], *, sent_by: str = "") -> bool:
    """Whether an address may be told who we are; `sites` as `login_sites` names them.

    It is on the host of the login or one above or below it, or on a domain that the recipe names or below it. What
    began on https does not go on on http; `sent_by` is the page or answer that leads there.
    """
    login, *domains = sites
    there, origins = urlsplit(url), (urlsplit(login), urlsplit(sent_by))
    if there.scheme != "https" and any(origin.scheme == "https" for origin in origins):
        return False
    one, other = origins[0].hostname or "", there.hostname or ""
    if one == other or one.endswith(f".{other}") or other.endswith(f".{one}"):
        return True
    return any(other == domain or other.endswith(f".{domain}") for domain in domains if domain)


def bare(url: str) -> str:
    """A URL as it is shown: query and fragment may hold what nobody is to read."""
    return url.partition("#")[0].partition("?")[0]


def _reads_a_secret(recipe: Recipe, way: FormLogin) -> bool:
    read = (reference for template in way.data.values() for reference in template.references)
    return any(reference.scope == "inputs" and reference.path[0] in recipe.inputs.secrets for reference in read)


def _check_status(page: PageInput) -> None:
    if page.status >= 400:
        raise LoginFailed(f"{bare(page.url)} answers with status {page.status}", passing=page.status not in _REFUSED)


def _context(recipe: Recipe, page: PageInput) -> PageContext:
    kind = Page(
        name="session",
        parse=None,
        match=(),
        fetch=recipe.fetch,
        drop_if=None,
        sources={},
        follow=(),
        paginate=None,
        item=None,
        rows=None,
    )
    document = parse_document(
        page.body,
        kind=None,
        url=page.url,
        content_type=page.headers.get("content-type"),
        encoding=recipe.fetch.encoding,
    )
    document.use_xpath()
    return PageContext(page=kind, input=page, document=document)


def _scopes(inputs: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {"inputs": inputs, "carried": {}, "item": {}, "row": {}, "": {}}
