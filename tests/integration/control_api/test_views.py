"""Who may call what: every operation of the description by every kind of caller, with the exact answer of each.

Alice and Bob are clients that have the same: recipes, tags and Idempotency-Keys. Whatever Bob is answered is searched
for what is Alice's.
"""

from __future__ import annotations

import base64
import io
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import pytest
import redis
from api_in_process import api_in_process
from api_people import USUAL, in_store, new_key
from recipe_pushes import PAGE, check_all, goods, tar
from valkey_server import Database

from control_api.openapi import operations
from control_api.services import EXTENSION
from crawler.access.keys import new_key as never_stored
from crawler.access.model import Scope
from crawler.jobs.model import Intended, Outcome, State
from crawler.jobs.redis import RedisJobStore

#: Rules of the app that the description leaves out on purpose: they are the description.
NOT_DESCRIBED = {"/openapi.json", "/docs"}

ALL = frozenset(Scope)
UNKNOWN = "unknown-id"


@dataclass(frozen=True)
class Row:
    """What an operation answers.

    `needs`: a scope, "any key" or "open". `ok`: to its owner, or to whoever has the scope. `object`: whose id stands in
    the path. `admin`: to an administrator who asks for an object of Alice's. What is
    sent: `body`, `text` (a recipe), `query`.
    """

    needs: Scope | str
    ok: int = 200
    object: str = ""
    admin: int = 200
    body: dict | None = None
    text: str = ""
    query: dict = field(default_factory=dict)


#: A recipe that Alice has pushed.
HERS = "seaside_goods"
HER_SITE = "http://seaside.example"
HER_RECIPE = goods(HERS).replace("format: uri}", f'format: uri, default: "{HER_SITE}"}}')
HER_RECIPE = HER_RECIPE.replace("Goods of one page", "Goods that only she has")

ORDER = {"recipe": "shop", "inputs": {"site": "http://127.0.0.1:9"}, "tags": ["spring"]}

ROWS = {
    "create_job": Row(Scope.JOBS_WRITE, 201, body=ORDER, admin=201),
    "list_jobs": Row(Scope.JOBS_READ),
    "get_job": Row(Scope.JOBS_READ, object="job"),
    "watch_job": Row(Scope.JOBS_READ, object="ended job"),  # of others it goes on for a minute
    "pause_job": Row(Scope.JOBS_WRITE, object="job"),
    "resume_job": Row(Scope.JOBS_WRITE, object="paused job"),
    "cancel_job": Row(Scope.JOBS_WRITE, object="job to cancel"),
    "replay_job": Row(Scope.JOBS_WRITE, 409, object="job", admin=409, body={"outcome": "timeout"}),  # it has not ended
    "list_failures": Row(Scope.JOBS_READ, object="job"),
    "list_logs": Row(Scope.JOBS_READ, object="job"),
    "get_results": Row(Scope.RESULTS_READ, object="job", admin=404),
    "get_quality": Row(Scope.JOBS_READ, 409, object="job", admin=409),  # it has not ended
    "publish_results": Row(Scope.RESULTS_OVERRIDE, 409, object="job", admin=409, body={"reason": "right"}),  # ditto
    "list_recipes": Row(Scope.RECIPES_READ),
    "get_recipe": Row(Scope.RECIPES_READ, object="recipe"),
    "validate_recipe": Row(Scope.RECIPES_WRITE, body={"recipe_text": "name: x"}),
    "preview_recipe": Row(
        Scope.RECIPES_WRITE, body={"recipe": "quotes", "url": "https://quotes.toscrape.com/", "body": "<p>none"}
    ),
    "list_recipe_versions": Row(Scope.RECIPES_READ, object="recipe"),
    "get_bands": Row(Scope.JOBS_READ, 404, object="recipe", admin=404),  # nothing was learned of it
    "diff_recipe": Row(
        Scope.RECIPES_READ, 404, object="recipe", admin=404, query={"from": "1.0.0", "to": "1.0.0"}
    ),  # one of the deployment has one version
    "put_recipe": Row(Scope.RECIPES_WRITE, 202, text=goods(), admin=202),
    "list_nodes": Row(Scope.ADMIN),
    "create_client": Row(Scope.ADMIN, 409, body={"id": "alice"}, admin=409),
    "list_clients": Row(Scope.ADMIN),
    "get_client": Row(Scope.ADMIN, object="client"),
    "change_client": Row(Scope.ADMIN, object="client", body={"name": "Alice's shop"}),
    "create_key": Row(Scope.ADMIN, 201, body={"client": "alice", "scopes": ["jobs:read"]}, admin=201),
    "list_keys": Row(Scope.ADMIN),
    "get_key": Row(Scope.ADMIN, object="key"),
    "rotate_key": Row(Scope.ADMIN, 201, object="key", admin=201, body={}),
    "revoke_key": Row(Scope.ADMIN, object="key to revoke"),
    "list_audit": Row(Scope.ADMIN),
    "verify_audit": Row(Scope.ADMIN),
    "init_scrape": Row(Scope.JOBS_WRITE, 201, body={"siteUrl": "http://127.0.0.1:9", "recipe": "shop"}, admin=201),
    "scrape_status": Row(Scope.JOBS_READ, object="job"),
    "scrape_jobs": Row(Scope.JOBS_READ),
    "scrape_cancel": Row(Scope.JOBS_WRITE, object="job to cancel"),
    "scrape_download": Row(Scope.RESULTS_READ, 404, object="job", admin=404),  # it has no files yet
    "old_recipe_list": Row(Scope.RECIPES_READ),
    "old_recipe_names": Row(Scope.RECIPES_READ),
    "old_recipe_get": Row(Scope.RECIPES_READ, object="recipe"),
    "old_recipe_by_site": Row(Scope.RECIPES_READ, query={"siteUrl": "https://quotes.toscrape.com/"}),
    "old_recipe_validate": Row(Scope.RECIPES_READ, body={"recipe": "shop"}),
    "show_me": Row("any key"),
    "show_parts": Row("any key"),
    "health": Row("open"),
    "ready": Row("open"),
    "show_version": Row("open"),
    "metrics": Row("open", 404, admin=404),
}

REFUSED = ("malformed", "unknown", "expired", "revoked", "disabled")

CODES = {401: "invalid_key", 403: "missing_scope", 404: "not_found", 409: "conflict"}

#: What the replaced system calls them.
REPLACED = {
    "UNAUTHORIZED": "invalid_key",
    "FORBIDDEN": "missing_scope",
    "NOT_FOUND": "not_found",
    "JOB_NOT_FOUND": "not_found",
    "RECIPE_NOT_FOUND": "not_found",
    "STORAGE_ENTRY_NOT_FOUND": "not_found",
}


class World:
    """An API with two clients that have the same, and callers of every kind."""

    def __init__(self, app, url: str, folder) -> None:
        self.app = app
        self.url = url
        self.client = app.test_client()
        self.spec = app.extensions["crawlery-spec"]()
        self.operations = {
            operation["operationId"]: (path, method.upper(), operation)
            for path, method, operation in operations(self.spec)
        }
        self.keys = self._keys()
        parts = {"recipe": (io.BytesIO(HER_RECIPE.encode()), "r"), "pages": (io.BytesIO(tar({"good.html": PAGE})), "p")}
        assert self("PUT", f"/v1/recipes/{HERS}", "alice", data=parts).status_code == 202
        assert check_all(url, app.extensions[EXTENSION].objects, folder) == 1
        self.objects = self._objects()
        self.hers = [*self._hers(), HER_SITE, "that only she has"]

    def _keys(self) -> dict[str, str]:
        async def disable(access, _store):
            await access.change_client("carol", lambda client: replace(client, disabled=True))

        async def revoke(access, _store):
            await access.revoke(keys["revoked"].split("_")[2])

        fast = "100000/second"
        keys = {
            "alice": new_key(self.url, "alice", rate_limit=fast),
            "bob": new_key(self.url, "bob", rate_limit=fast),
            "root": new_key(self.url, "root", ALL - {Scope.SUPPORT_READ}, rate_limit=fast),
            "support": new_key(self.url, "support", USUAL | {Scope.SUPPORT_READ}, rate_limit=fast),
            "malformed": "ck_live_nonsense",
            "unknown": never_stored()[1],
            "expired": new_key(self.url, "alice", ALL, expires_ms=1),
            "revoked": new_key(self.url, "alice", ALL),
            "disabled": new_key(self.url, "carol", ALL),
        }
        keys |= {f"all but {scope}": new_key(self.url, "alice", ALL - {scope}) for scope in Scope}
        in_store(self.url, disable)
        in_store(self.url, revoke)
        return keys

    def _objects(self) -> dict[str, str]:
        async def end(_access, store):
            await RedisJobStore(store).move(jobs["ended job"], State.FINISHING, intended=Intended.SUCCEED)
            await RedisJobStore(store).move(jobs["ended job"], State.SUCCEEDED, outcome=Outcome.COMPLETE)

        jobs = {}
        for name in ("job", "paused job", "job to cancel", "ended job"):
            order = ORDER | {"inputs": {"site": "http://127.0.0.1:9/of-alice"}, "tags": ["spring", "hers"]}
            for caller in ("alice", "bob"):
                body = order if caller == "alice" else ORDER
                made = self("POST", "/v1/jobs", caller, json=body, headers={"Idempotency-Key": name})
                assert made.status_code == 201, made.text
                if caller == "alice":
                    jobs[name] = made.json["id"]
        assert self("POST", f"/v1/jobs/{jobs['paused job']}/pause", "alice").status_code == 200
        in_store(self.url, end)
        extra = new_key(self.url, "alice"), new_key(self.url, "alice")
        return {
            **jobs,
            "recipe": "shop",
            "client": "alice",
            "key": extra[0].split("_")[2],
            "key to revoke": extra[1].split("_")[2],
        }

    def _hers(self) -> list[str]:
        """What nobody but Alice may see."""
        ids = [id_ for name, id_ in self.objects.items() if "job" in name or "key" in name]
        return [*ids, "alice", "hers", self.keys["alice"].split("_")[2], HER_SITE, "that only she has"]

    def __call__(self, method, path, caller="", *, headers=None, **given):
        headers = dict(headers or {})
        if caller:
            headers["Authorization"] = f"Bearer {self.keys[caller]}"
        answer = self.client.open(path, method=method, headers=headers, buffered=True, **given)
        if caller == "bob":
            self.holds_nothing_of_alice(answer)
        return answer

    def holds_nothing_of_alice(self, answer) -> None:
        if not hasattr(self, "hers"):
            return
        text = f"{answer.headers}{answer.text}"
        for word in re.findall(r'"next": ?"([^"]+)"', text):
            text += base64.urlsafe_b64decode(word + "=" * (-len(word) % 4)).decode("latin-1")
        assert not [secret for secret in self.hers if secret in text]

    def operate(self, name: str, caller="", *, of="alice", **given):
        """Calls an operation, on an object of Alice's or on one that nobody has."""
        path, method, _ = self.operations[name]
        row = ROWS[name]
        known = self.objects.get(row.object, "") if of == "alice" else UNKNOWN
        if row.body is not None:
            given.setdefault("json", row.body)
        if row.text:
            path = path.replace("{name}", "goods")
            if "json" not in given:
                given |= {"data": row.text, "content_type": "application/yaml"}
        given.setdefault("query_string", row.query)
        path = path.replace("{kind}", "parent")
        return self(method, re.sub(r"\{\w+\}", known, path), caller, **given)

    def kept(self) -> dict[bytes, bytes]:
        """All that the store keeps, but for what every call counts."""
        with redis.Redis.from_url(self.url) as client:
            counted = (b"LIMIT", b"crawlery:ready", b"crawlery:{access}:used")
            keys = [key for key in client.scan_iter() if not key.startswith(counted) and b"LIMIT" not in key]
            return {key: client.dump(key) for key in sorted(keys)}


@pytest.fixture(scope="module")
def world(valkey_server, _database_numbers, tmp_path_factory):
    database = Database(server=valkey_server, number=next(_database_numbers))
    database.flush()
    with api_in_process(database.url, tmp_path_factory.mktemp("files")) as app:
        yield World(app, database.url, tmp_path_factory.mktemp("checks"))


def told(answer) -> dict:
    """A problem without what differs from call to call; its code is checked."""
    if answer.request.path.startswith("/api/"):
        assert (answer.mimetype, answer.json["success"]) == ("application/json", False)
        assert answer.json["requestId"] == answer.headers["X-Request-Id"]
        error = dict(answer.json["error"])
        return {**error, "code": REPLACED[error["code"]], "word": error["code"]}
    assert answer.mimetype == "application/problem+json", answer.text
    body = dict(answer.json)
    assert body.pop("request_id") == answer.headers["X-Request-Id"]
    assert body["status"] == answer.status_code
    assert body["type"] == f"urn:crawlery:problem:{body['code']}"
    return body


def same(one, other) -> bool:
    """Whether two answers are the same bytes but for the id of the request, and its time where answers have one."""
    ids = one.headers["X-Request-Id"], other.headers["X-Request-Id"]
    bodies = [answer.data.replace(id_.encode(), b"ID") for answer, id_ in zip((one, other), ids, strict=True)]
    bodies = [re.sub(rb'"timestamp": ?"[^"]+"', b"", body) for body in bodies]
    ignored = {"X-Request-Id", "RateLimit-Remaining", "RateLimit-Reset"}
    headers = [{(k, v) for k, v in answer.headers if k not in ignored} for answer in (one, other)]
    return bodies[0] == bodies[1] and headers[0] == headers[1] and one.status_code == other.status_code


def test_every_operation_of_the_description_has_a_row_and_every_row_an_operation(world):
    assert set(ROWS) == set(world.operations)


def test_every_rule_of_the_app_is_described_and_nothing_else(world):
    served = {
        (re.sub(r"<(?:[^<>:]+:)?(\w+)>", r"{\1}", rule.rule), method)
        for rule in world.app.url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
        if rule.rule not in NOT_DESCRIBED
    }
    assert served == {(path, method) for path, method, _ in world.operations.values()}


@pytest.mark.parametrize("name", ROWS)
def test_the_description_says_what_a_caller_needs(world, name):
    _, _, operation = world.operations[name]
    row = ROWS[name]
    if row.needs == "open":
        assert operation.get("security", []) == ([{"metrics_token": []}] if name == "metrics" else [])
    else:
        assert (operation["security"], operation["x-scope"]) == ([{"key": []}], str(row.needs))


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if row.needs != "open"])
def test_without_a_valid_key_nothing_is_told_and_nothing_happens(world, name):
    before = world.kept()
    nobody = world.operate(name)
    assert told(nobody)["code"] == "invalid_key"
    assert same(nobody, world.operate(name, of="nobody"))
    answers = {caller: world.operate(name, caller) for caller in REFUSED}
    for caller, answer in answers.items():
        assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer"), caller
        assert told(answer) == told(answers["unknown"]), caller
        assert same(answer, world.operate(name, caller, of="nobody")), caller
        assert "RateLimit-Limit" not in answer.headers
    for scheme in ("Basic", "Token", ""):
        wrong = world.operate(name, headers={"Authorization": f"{scheme} {world.keys['root']}".strip()})
        assert wrong.status_code == 401, scheme
    assert world.kept() == before
    assert str(401) in world.operations[name][2]["responses"]


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if isinstance(row.needs, Scope)])
def test_a_key_with_every_scope_but_the_needed_one_is_refused_before_anything_is_looked_up(world, name):
    before = world.kept()
    scope = ROWS[name].needs
    answer = world.operate(name, f"all but {scope}")
    assert answer.status_code == 403
    assert told(answer)["code"] == "missing_scope"
    assert str(scope) in answer.text
    assert same(answer, world.operate(name, f"all but {scope}", of="nobody"))
    assert same(answer, world.operate(name, f"all but {scope}", json=["bad"], query_string={"x": "bad"}))
    assert world.kept() == before
    assert "403" in world.operations[name][2]["responses"]


@pytest.mark.parametrize("name", ROWS)
def test_another_clients_key_is_told_of_an_object_what_it_is_told_of_none(world, name):
    row = ROWS[name]
    expected = 403 if row.needs == Scope.ADMIN else 404 if "job" in row.object else row.ok
    before = world.kept()
    answer = world.operate(name, "bob")
    assert answer.status_code == expected, answer.text
    if expected == 404 and row.object:
        assert told(answer)["code"] == CODES[404]
        assert same(answer, world.operate(name, "bob", of="nobody"))
    if name not in ("create_job", "init_scrape", "put_recipe"):
        assert world.kept() == before
    assert str(expected) in world.operations[name][2]["responses"]


@pytest.mark.parametrize("name", ROWS)
def test_an_administrator_may_do_what_the_row_says_with_an_object_of_another_client(world, name):
    row = ROWS[name]
    answer = world.operate(name, "root")
    assert answer.status_code == row.admin, answer.text
    assert str(row.admin) in world.operations[name][2]["responses"]
    if row.object:
        nothing = world.operate(name, "root", of="nobody")
        assert nothing.status_code == 404
        assert row.admin != 404 or same(answer, nothing)
    if answer.status_code >= 400:
        assert told(answer)["code"] == CODES[answer.status_code]


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if row.needs != Scope.ADMIN])
def test_the_owner_may(world, name):
    answer = world.operate(name, "alice")
    assert answer.status_code == ROWS[name].ok, answer.text
    if ROWS[name].needs == "open":
        assert all(world.operate(name, caller).status_code == ROWS[name].ok for caller in ("", *REFUSED))
    elif ROWS[name].object:
        assert told(world.operate(name, "alice", of="nobody"))["code"] == "not_found"


def test_results_of_another_client_need_the_scope_of_support_and_nothing_else_comes_with_it(world):
    job = world.objects["job"]
    assert world("GET", f"/v1/jobs/{job}/results", "support").json["job"] == job
    assert same(world("GET", f"/v1/jobs/{job}/results", "root"), world("GET", f"/v1/jobs/{UNKNOWN}/results", "root"))
    for path in ("", "/failures", "/logs", "/events"):
        assert world("GET", f"/v1/jobs/{job}{path}", "support").status_code == 404
    assert world("POST", f"/v1/jobs/{job}/cancel", "support").status_code == 404


#: Calls on recipes, by a name that may be there or not: method, path, body.
_PAGE = {"url": f"{HER_SITE}/", "body": PAGE.decode(), "page": "good"}
OF_RECIPES = {
    "list_recipes": ("GET", "/v1/recipes", None),
    "get_recipe": ("GET", "/v1/recipes/NAME", None),
    "list_recipe_versions": ("GET", "/v1/recipes/NAME/versions", None),
    "preview_recipe": ("POST", "/v1/recipes/preview", {"recipe": "NAME", **_PAGE}),
    "create_job": ("POST", "/v1/jobs", {"recipe": "NAME"}),
    "old_recipe_list": ("GET", "/api/recipes/list", None),
    "old_recipe_names": ("GET", "/api/recipes/names", None),
    "old_recipe_get": ("GET", "/api/recipes/get/NAME", None),
    "old_recipe_by_site": ("GET", f"/api/recipes/getBySite?siteUrl={HER_SITE}/a", None),
    "old_recipe_validate": ("POST", "/api/recipes/validate", {"recipe": "NAME"}),
    "init_scrape": ("POST", "/api/scrape/init", {"recipe": "NAME", "siteUrl": HER_SITE}),
}

#: Answers that do not name the recipe, and those that anybody gets.
_NAMELESS = ("create_job", "init_scrape", "preview_recipe", "old_recipe_validate")
_LISTS = ("list_recipes", "old_recipe_list", "old_recipe_names")


@pytest.mark.parametrize("name", OF_RECIPES)
def test_a_recipe_that_a_client_has_pushed_is_there_for_its_own_keys_alone(world, name):
    method, path, body = OF_RECIPES[name]

    def ask(caller, recipe):
        given = body and {key: value.replace("NAME", recipe) for key, value in body.items()}
        return world(method, path.replace("NAME", recipe), caller, json=given)

    hers = ask("alice", HERS)
    assert hers.status_code in (200, 201), hers.text
    assert name in _NAMELESS or HERS in hers.text
    for caller in ("bob", "root"):
        answer, unknown = ask(caller, HERS), ask(caller, "nobodys_goods")
        assert (answer.status_code == 200) is (name in _LISTS), answer.text
        assert HERS not in unknown.text
        assert comparable(answer).replace(HERS, "nobodys_goods") == comparable(unknown)


def comparable(answer) -> str:
    """The body without the id of the request, and without the time where it has one."""
    body = answer.text.replace(answer.headers["X-Request-Id"], "ID")
    return re.sub(r'"timestamp": ?"[^"]+"', "", body)


@pytest.mark.parametrize(
    "query",
    [
        *("", "tag=spring", "tag=hers", "recipe=shop", "state=queued&state=paused", "outcome=complete"),
        *("client=bob", "limit=1", "created_after=2026-01-01T00:00:00Z", "created_before=2100-01-01T00:00:00Z"),
    ],
)
def test_no_list_of_one_client_shows_or_counts_jobs_of_another(world, query):
    seen, cursor = [], ""
    while True:
        page = world("GET", f"/v1/jobs?{query}" + (f"&cursor={cursor}" if cursor else ""), "bob")
        assert page.status_code == 200, page.text
        seen += page.json["jobs"]
        cursor = page.json["next"]
        if cursor is None:
            break
    assert {job["client"] for job in seen} <= {"bob"}
    assert query != "tag=spring" or len(seen) >= 3
    if query in ("", "recipe=shop", "client=bob", "limit=1"):
        assert len(seen) == len(world("GET", "/v1/jobs?limit=200", "bob").json["jobs"]) >= 3
    if query in ("tag=hers", "outcome=complete"):
        assert not seen


def test_what_a_client_has_used_is_its_own(world):
    jobs = world("GET", "/v1/jobs?limit=200", "bob").json["jobs"]
    assert world("GET", "/v1/me", "bob").json["usage"] == {"running_jobs": len(jobs), "jobs_today": len(jobs)}


def test_a_list_of_another_clients_jobs_needs_the_scope_admin(world):
    answer = world("GET", "/v1/jobs?client=carol", "bob")
    assert (answer.status_code, told(answer)["scope"]) == (403, "admin")
    hers = world("GET", "/v1/jobs?client=alice&limit=200", "root").json["jobs"]
    assert {job["client"] for job in hers} == {"alice"}
    everybody = world("GET", "/v1/jobs?limit=200", "root").json["jobs"]
    assert {"alice", "bob"} <= {job["client"] for job in everybody}
    assert world("GET", "/v1/jobs?client=nobody", "root").json == {"jobs": [], "next": None}
    assert world("GET", "/v1/jobs?client=nobody%00", "root").json["errors"][0]["pointer"] == "/query/client"


def test_a_cursor_is_good_for_its_own_client_and_its_own_filters_only(world):
    cursor = world("GET", "/v1/jobs?limit=1&tag=spring", "alice").json["next"]
    everybodys = world("GET", "/v1/jobs?limit=1&tag=spring", "root").json["next"]
    again = f"/v1/jobs?limit=1&tag=spring&cursor={cursor}"
    assert world("GET", again, "alice").status_code == 200
    wrong = [
        world("GET", again, "bob"),
        world("GET", again, "root"),
        world("GET", f"/v1/jobs?limit=1&cursor={cursor}", "alice"),
        world("GET", f"/v1/jobs?limit=1&tag=spring&cursor={everybodys}", "alice"),
        world("GET", f"/v1/jobs?limit=1&tag=spring&cursor={everybodys}", "bob"),
        world("GET", f"/v1/jobs?limit=1&tag=spring&cursor={cursor[:-4]}", "alice"),
        world("GET", f"/v1/jobs?limit=1&tag=spring&cursor={cursor}A", "alice"),
    ]
    for answer in wrong:
        assert answer.status_code == 400
        assert [error["pointer"] for error in answer.json["errors"]] == ["/query/cursor"]


def test_an_idempotency_key_of_one_client_is_another_one_of_another(world):
    key = {"Idempotency-Key": "job"}
    hers = world("POST", "/v1/jobs", "alice", json=ORDER | {"tags": ["another"]}, headers=key)
    assert told(hers)["code"] == "idempotency_conflict"
    his = world("POST", "/v1/jobs", "bob", json=ORDER, headers=key)
    assert (his.status_code, his.headers["Idempotent-Replayed"], his.json["client"]) == (201, "true", "bob")
    assert his.headers["Location"] == f"/v1/jobs/{his.json['id']}"
    conflict = world("POST", "/v1/jobs", "bob", json=ORDER | {"tags": ["another"]}, headers=key)
    assert told(conflict) == told(hers)


def test_a_recipe_as_text_needs_its_own_scope(world):
    text = world("GET", "/v1/recipes/shop", "alice").json["text"]
    order = {"recipe_text": text, "inputs": ORDER["inputs"]}
    refused = world("POST", "/v1/jobs", f"all but {Scope.RECIPES_INLINE}", json=order)
    assert (refused.status_code, told(refused)["scope"]) == (403, "recipes:inline")
    assert world("POST", "/v1/jobs", "alice", json=order).status_code == 201


def test_what_steers_a_job_of_another_client_leaves_it_as_it_is(world):
    job = world.objects["job"]
    before = world("GET", f"/v1/jobs/{job}", "alice").json
    for what in ("pause", "resume", "cancel"):
        assert world("POST", f"/v1/jobs/{job}/{what}", "bob").status_code == 404
    after = world("GET", f"/v1/jobs/{job}", "alice").json
    assert after == before


def test_changes_of_a_client_that_come_at_once_lose_nothing(world):
    world("POST", "/v1/clients", "root", json={"id": "dora"})
    changes = [
        {"name": "Dora"},
        {"rate_limit": "7/second"},
        {"disabled": True},
        *({"quotas": {name: 7}} for name in ("running_jobs", "jobs_per_day", "requests_per_day")),
    ]
    headers = {"Authorization": f"Bearer {world.keys['root']}"}

    def change(body):
        return world.app.test_client().patch("/v1/clients/dora", json=body, headers=headers).status_code

    with ThreadPoolExecutor(len(changes)) as threads:
        assert set(threads.map(change, changes)) == {200}
    dora = world("GET", "/v1/clients/dora", "root").json
    quotas = {"running_jobs": 7, "jobs_per_day": 7, "requests_per_day": 7}
    assert (dora["name"], dora["rate_limit"], dora["disabled"], dora["quotas"]) == ("Dora", "7/second", True, quotas)
