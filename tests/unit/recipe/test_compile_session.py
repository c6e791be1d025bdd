"""`session` in recipes: what is accepted, what is refused, and what pages of strangers give."""

from __future__ import annotations

import pytest

from crawler.errors import InputError, RecipeError, SessionExpired
from crawler.recipe.extract import extract_page
from crawler.recipe.loader import load_recipe_text
from crawler.recipe.model import PageInput, PageRequest
from crawler.recipe.session_plan import Credentials, FormLogin, RequestLogin

HEAD = 'schema_version: 1\nname: one\nversion: "1.0.0"\n'
TAIL = """
start: [{urls: "https://shop.test/", page: page}]
pages:
  page: {item: thing, fields: {name: %s}}
items:
  thing: {version: 1, fields: {name: {type: string}}}
"""
SECRET = "inputs: {word: {type: string, secret: shop_password}, who: {type: string, default: me}}\n"
LOGIN = (
    'login: {url: "https://shop.test/login", formdata: {user: "{{ inputs.who }}", pass: "{{ inputs.word }}"}, '
    "error: .e}"
)


def recipe(session: str, *, rule: str = "h1", head: str = SECRET):
    return load_recipe_text(f"{HEAD}{head}session:\n  {session}\n{TAIL % rule}")


def said(session: str, **kwargs: str) -> str:
    with pytest.raises(RecipeError) as refused:
        recipe(session, **kwargs)
    return "\n".join(str(problem) for problem in refused.value.problems)


def read(plan, body: str, content_type: str = "text/html"):
    request = PageRequest(url="https://shop.test/", page="page")
    page = PageInput(request=request, url=request.url, body=body.encode(), headers={"content-type": content_type})
    return extract_page(plan, page)


@pytest.mark.parametrize(
    ("session", "kind"),
    [
        (LOGIN, FormLogin),
        ('request: {url: "https://shop.test/in", form: {pass: "{{ inputs.word }}"}}\n  token: token', RequestLogin),
        (
            'request: {url: "https://shop.test/in", headers: {Authorization: "Key {{ inputs.word }}"}}',
            RequestLogin,
        ),
        ('basic: {username: "{{ inputs.who }}", password: "{{ inputs.word }}"}', Credentials),
        ("bearer: {secret: shop_token}", Credentials),
        ("cookies: {secret: shop-cookies}", Credentials),
    ],
)
def test_there_are_five_ways_to_be_logged_in(session, kind):
    head = SECRET if "inputs.word" in session else ""
    assert isinstance(recipe(session, head=head).session.way, kind)


@pytest.mark.parametrize(
    ("session", "says"),
    [
        ("valid_if: a.logout", "session: one of login, request, cookies, basic or bearer is missing"),
        (f"{LOGIN}\n  bearer: {{secret: x}}", "session.bearer: 'bearer' does not belong here; a session has one of"),
        ("bearer: {secret: Shop Token}", "is no name of a secret"),
        ("bearer: {secrte: x}", "unknown key 'secrte'; did you mean 'secret'?"),
        (
            LOGIN.replace('"{{ inputs.word }}"', "hunter2"),
            "session.login.formdata.pass: this is a secret, and a recipe",
        ),
        ("basic: {username: me, password: hunter2}", "session.basic.password: this is a secret"),
        (LOGIN.replace("/login", "/login?k={{ inputs.word }}"), "session.login.url: 'word' is a secret, and may only"),
        (f"{LOGIN}\n  valid_if: '{{{{ inputs.word }}}}'", "session.valid_if: 'word' is a secret, and may only be sent"),
        (LOGIN.replace("error: .e", "formcss: 'form::text'"), "session.login.formcss: must select the form itself"),
        (LOGIN.replace("error: .e", "formcss: 'form['"), "session.login.formcss"),
        (LOGIN.replace("https:", "ftp:"), "is no http(s) URL"),
        ("login: {url: 'https://shop.test/'}", "the key 'formdata' is missing"),
    ],
)
def test_what_is_wrong_is_found_at_load(session, says):
    assert says in said(session)


def test_a_secret_goes_nowhere_but_to_the_login():
    text = said(LOGIN, rule='"{{ inputs.word }}"')
    assert "pages.page.fields.name: 'word' is a secret, and may only be sent to log in" in text
    text = said(LOGIN, head=f'{SECRET}fetch: {{headers: {{X-Key: "{{{{ inputs.word }}}}"}}}}\n')
    assert "fetch.headers.X-Key: 'word' is a secret" in text


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("{type: string, secret: x, default: a}", "inputs.word.default: `default` says something of a value"),
        ("{type: integer, secret: x}", "inputs.word.type: a secret is text"),
    ],
)
def test_a_secret_has_no_value_in_a_recipe(written, says):
    assert says in said(LOGIN, head=f"inputs: {{word: {written}, who: {{type: string, default: me}}}}\n")


def test_nobody_passes_a_secret_and_nobody_has_to():
    plan = recipe(LOGIN)
    assert plan.inputs.resolve({}) == {"who": "me"}
    assert plan.inputs.secrets == {"word": "shop_password"}
    assert "word" not in plan.inputs.json_schema()["properties"]
    with pytest.raises(InputError, match="input word: is a secret, which is kept where the crawl runs"):
        plan.inputs.from_text({"word": "hunter2"})


def test_a_page_of_a_stranger_gives_nothing():
    plan = recipe(f"{LOGIN}\n  valid_if: a.logout")
    assert read(plan, "<h1>Name</h1><a class=logout>x</a>").rows[0].values == {"name": "Name"}
    with pytest.raises(SessionExpired, match="nobody is logged in on this page"):
        read(plan, "<h1>Please log in</h1>")


def test_what_is_asked_of_html_is_not_asked_of_json_and_the_other_way_round():
    css = recipe(f"{LOGIN}\n  valid_if: a.logout", rule="{response: status}")
    assert read(css, '{"a": 1}', "application/json").rows
    jmespath = recipe(f"{LOGIN}\n  valid_if: {{jmespath: '!error'}}", rule="{response: status}")
    assert read(jmespath, "<h1>x</h1>").rows
    assert read(jmespath, '{"a": 1}', "application/json").rows
    with pytest.raises(SessionExpired):
        read(jmespath, '{"error": "who?"}', "application/json")
    either = recipe(f"{LOGIN}\n  valid_if: [a.logout, {{jmespath: user}}]", rule="{response: status}")
    with pytest.raises(SessionExpired):
        read(either, "<h1>x</h1>")
    assert read(either, '{"user": 1}', "application/json").rows


def test_xpath_may_say_who_is_logged_in():
    plan = recipe(f"{LOGIN}\n  valid_if: {{xpath: \"//a[@class='logout']\"}}")
    assert read(plan, "<h1>Name</h1><a class=logout>x</a>").rows
    with pytest.raises(SessionExpired):
        read(plan, "<h1>Name</h1>")


def test_an_answer_to_a_follow_up_request_is_held_against_it_too():
    rule = "{request: {url: /more}, css: p}"
    plan = recipe(f"{LOGIN}\n  valid_if: {{xpath: \"//a[@class='logout']\"}}", rule=rule)
    [request] = read(plan, "<a class=logout>x</a>").follow_ups
    for body, rows in (("<p>9</p>", None), ("<p>9</p><a class=logout>x</a>", [{"name": "9"}])):
        page = PageInput(request=request, url=request.url, body=body.encode(), headers={"content-type": "text/html"})
        if rows is None:
            with pytest.raises(SessionExpired):
                extract_page(plan, page)
        else:
            assert [row.values for row in extract_page(plan, page).rows] == rows
