"""What clients push is checked apart: only what passes is ever current, and what is hostile hurts nobody else.

The fleet is a real API and a real steward; the check is the process that it always is.
"""

from __future__ import annotations

import gzip
import io
import socket
import tarfile
import time

import pytest
from recipe_pushes import PAGE, goods

#: A check must end within so long, in seconds, of which a machine that has other work gives it too little.
CHECK_S = 30.0
_SLACK_S = 30.0


def never_usable(fleet, name, **query):
    """No job gets it, by no name."""
    key = fleet.people.alice
    assert fleet.call("GET", f"/v1/recipes/{name}", key).status_code == 404
    assert name not in [each["name"] for each in fleet.call("GET", "/v1/recipes", key).json()["recipes"]]
    for named in (name, f"{name}@1.0.0"):
        order = {"recipe": named, "inputs": {"site": "http://127.0.0.1:9"}}
        refused = fleet.call("POST", "/v1/jobs", key, json=order)
        assert (refused.status_code, refused.json()["code"]) == (422, "unprocessable")


def test_a_recipe_whose_tests_fail_never_becomes_current(fleet):
    key = fleet.people.alice
    pushed = fleet.push(key, goods("failing", expect="Chair"), {"good.html": PAGE}, name="failing")
    assert (pushed.status_code, pushed.json()["state"]) == (202, "checking")
    never_usable(fleet, "failing")  # nor before it was checked
    found = fleet.judged(key, name="failing")
    assert found["state"] == "rejected"
    assert found["report"]["problems"] == ["1 of 1 tests have failed"]
    assert found["report"]["tests"][0]["problems"] == ["name: expected 'Chair', found 'Stool'"]
    never_usable(fleet, "failing")


def test_one_that_was_rejected_can_be_pushed_anew_and_one_that_was_not_stays_as_it_is(fleet):
    key, pages = fleet.people.alice, {"good.html": PAGE}
    fleet.push(key, goods("mended", expect="Chair"), pages, name="mended")
    assert fleet.judged(key, name="mended")["state"] == "rejected"
    assert fleet.push(key, goods("mended"), pages, name="mended").json()["state"] == "checking"
    assert fleet.judged(key, name="mended")["state"] == "current"
    again = fleet.push(key, goods("mended"), pages, name="mended")
    assert (again.status_code, again.json()["state"]) == (202, "current")
    for text, given in ((goods("mended", css="body h1"), pages), (goods("mended"), {"good.html": PAGE + b" "})):
        other = fleet.push(key, text, given, name="mended")
        assert (other.status_code, other.json()["code"]) == (409, "conflict")
    assert fleet.call("GET", "/v1/recipes/mended", key).json()["text"] == goods("mended")


def test_without_tests_it_is_kept_and_not_used_unless_an_administrator_forces_it(fleet):
    key, text = fleet.people.alice, goods("bare").partition("tests:")[0]
    fleet.push(key, text, name="bare")
    found = fleet.judged(key, name="bare")
    assert (found["state"], found["report"]["untested"]) == ("untested", ["good"])
    never_usable(fleet, "bare")
    assert fleet.push(key, text, name="bare", force="true").status_code == 403
    assert fleet.push(fleet.people.root, text, name="bare", force="true", client="alice").status_code == 202
    assert fleet.judged(key, name="bare")["state"] == "current"
    assert fleet.call("GET", "/v1/recipes/bare", key).json()["text"] == text


def test_who_has_pushed_and_forced_what_and_what_became_current_is_in_the_audit(fleet):
    key, root, here = fleet.people.alice, fleet.people.root, {"X-Request-Id": "r-of-this-push"}
    sha256s = {}
    for version in ("1.0.0", "1.1.0"):
        pushed = fleet.push(key, goods("noted", version=version), {"good.html": PAGE}, name="noted", headers=here)
        sha256s[version] = pushed.json()["sha256"]
        fleet.judged(key, name="noted", version=version)
    fleet.push(key, goods("noted", version="1.1.0"), {"good.html": PAGE}, name="noted")  # the same, so nothing changes
    bare = goods("noted", version="1.2.0").partition("tests:")[0]
    fleet.push(key, bare, name="noted")
    fleet.judged(key, name="noted", version="1.2.0")
    assert fleet.push(key, bare, name="noted", force="true").status_code == 403
    fleet.push(root, bare, name="noted", force="true", client="alice")
    fleet.judged(key, name="noted", version="1.2.0")
    fleet.push(key, goods("noted", version="1.3.0", expect="Chair"), {"good.html": PAGE}, name="noted")
    fleet.judged(key, name="noted", version="1.3.0")  # is rejected

    def told(of):
        found = fleet.call("GET", "/v1/audit?action=recipe&client=alice&limit=200", root).json()["entries"]
        return [entry for entry in reversed(found) if entry["object"].startswith(f"{of}@")]

    entries = told("noted")
    assert [(each["action"], each["object"], each["by"], each["actor"], each["client"]) for each in entries] == [
        ("recipe.pushed", "noted@1.0.0", "api", "alice", "alice"),
        ("recipe.current", "noted@1.0.0", "steward", "", "alice"),
        ("recipe.pushed", "noted@1.1.0", "api", "alice", "alice"),
        ("recipe.current", "noted@1.1.0", "steward", "", "alice"),
        ("recipe.pushed", "noted@1.2.0", "api", "alice", "alice"),
        ("recipe.forced", "noted@1.2.0", "api", "root", "alice"),
        ("recipe.current", "noted@1.2.0", "steward", "", "alice"),
        ("recipe.pushed", "noted@1.3.0", "api", "alice", "alice"),
    ]
    pushed, risen, forced = entries[2], entries[3], entries[5]
    assert (pushed["source"], pushed["request_id"], pushed["key"]) == ("127.0.0.1", "r-of-this-push", key.split("_")[2])
    assert (pushed["before"], pushed["after"]["state"]) == (None, "checking")
    assert (pushed["after"]["version"], pushed["after"]["sha256"]) == ("1.1.0", sha256s["1.1.0"])
    assert (risen["before"]["version"], risen["before"]["sha256"]) == ("1.0.0", sha256s["1.0.0"])
    assert (risen["after"]["version"], risen["after"]["state"]) == ("1.1.0", "current")
    assert (forced["before"]["state"], forced["after"]["forced"], forced["after"]["state"]) == (
        "untested", True, "checking",
    )  # fmt: skip


def test_a_link_to_saved_pages_is_noted_as_links_to_files_are_and_reading_is_not(fleet):
    key, root = fleet.people.alice, fleet.people.root
    fleet.push(key, goods("linked"), {"good.html": PAGE}, name="linked")
    fleet.judged(key, name="linked")
    fleet.push(key, goods("bareread").partition("tests:")[0], name="bareread")
    fleet.judged(key, name="bareread")

    def noted():
        found = fleet.call("GET", "/v1/audit?client=alice&limit=200", root).json()["entries"]
        return [(each["action"], each["object"], each["actor"]) for each in reversed(found)]

    before = noted()
    assert fleet.call("GET", "/v1/recipes/bareread?version=1.0.0", key).json()["pages_url"] is None
    order = {"recipe": "linked", "page": "good", "url": "http://a.example/", "body": PAGE.decode()}
    order["inputs"] = {"site": "http://a.example"}
    assert fleet.call("POST", "/v1/recipes/preview", key, json=order).status_code == 200
    fetched = {**order, "url": "http://127.0.0.1:9/"}
    del fetched["body"]
    assert fleet.call("POST", "/v1/recipes/preview", key, json=fetched).status_code == 422  # nobody is there
    assert fleet.call("GET", "/v1/recipes", key).status_code == 200
    assert noted() == before
    assert fleet.call("GET", "/v1/recipes/linked", key).json()["pages_url"]
    assert noted() == [*before, ("links.issued", "linked@1.0.0", "alice")]


def test_what_breaks_for_readers_of_the_files_needs_a_higher_item_version(fleet):
    key, pages = fleet.people.alice, {"good.html": PAGE}
    two = goods("steady").replace("{name: h1}", "{name: h1, size: h2}")
    two = two.replace("{name: {type: string, required: true}}", "{name: {type: string}, size: {type: string}}")

    def push(text, version):
        fleet.push(key, text.replace('"1.0.0"', f'"{version}"'), pages, name="steady")
        found = fleet.judged(key, name="steady", version=version)
        return found["state"], found["report"]["problems"]

    assert push(two, "1.0.0") == ("current", [])
    told = (
        "items.good.fields.size: is gone, and was there in version 1.0.0; keep it, or write `version: 2` in items.good"
    )
    assert push(goods("steady"), "1.1.0") == ("rejected", [told])
    assert fleet.call("GET", "/v1/recipes/steady", key).json()["version"] == "1.0.0"
    higher = goods("steady").replace("good: {version: 1", "good: {version: 2")
    assert push(higher, "1.1.0") == ("current", [])  # the same version pushed anew, for it was rejected
    assert push(two, "1.0.1") == ("passed", [])  # follows 1.0.0, whatever is current
    assert push(two, "1.2.0")[0] == "rejected"
    assert fleet.call("GET", "/v1/recipes/steady", key).json()["version"] == "1.1.0"


def test_names_of_the_deployment_are_reserved(fleet):
    refused = fleet.push(fleet.people.alice, goods("shop"), {"good.html": PAGE}, name="shop")
    assert (refused.status_code, refused.json()["code"]) == (409, "name_reserved")


def deep(depth=100_000):
    return b"<html><body>" + b"<div>" * depth + b"<h1>Stool</h1>"


def wide():
    return b"<html><body><ul>" + b"<li><b>x</b></li>" * 20_000 + b"</ul><h1>Stool</h1></body></html>"


ENDLESS = "{xpath: '//*[count(//*[count(//*[count(//*) > 1]) > 1]) > 1]'}"

#: What costs as much as one XPath may, often enough to take minutes.
COSTLY = "[" + ", ".join(["{xpath: '//p[count(preceding::p) > 100000]'}"] * 1_500) + "]"
PARAGRAPHS = b"<html><body>" + b"<p>x</p>" * 2_400 + b"<h1>Stool</h1></body></html>"


def link(target):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        member = tarfile.TarInfo("good.html")
        member.type, member.linkname = tarfile.SYMTYPE, target
        archive.addfile(member)
    return packed.getvalue()


def bomb():
    """100 KB that unpack to a header of 2 GB."""
    member = tarfile.TarInfo("good.html")
    member.type, member.size = tarfile.XHDTYPE, 2 * 1024**3
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=1) as file:
        file.write(member.tobuf(tarfile.USTAR_FORMAT))
        for _ in range(200):
            file.write(b"\0" * 1024**2)
    return packed.getvalue()


def hog():
    """A template that makes 900 MB of a page of 15 MB."""
    fields = "{name: h1, big: {template: '" + "{{ item.name }}" * 60 + "'}}"
    text = goods().replace("fields: {name: h1}", f"fields: {fields}")
    return text.replace("{name: {type: string, required: true}}", "{name: {type: string}, big: {type: string}}")


#: What is pushed, and a word of the report: text and pages.
HOSTILE = {
    "an XPath without end": (goods(css=ENDLESS), {"good.html": wide()}, "tests have failed"),
    "too much for the time": (goods(css=COSTLY), {"good.html": PARAGRAPHS}, "checking it has come to no end"),
    "memory": (hog(), {"good.html": b"<h1>" + b"x y " * 4_000_000 + b"</h1>"}, "1,024 MiB of memory"),
    "a page of 100,000 levels": (goods(), {"good.html": deep()}, "tests have failed"),
    "a link out of the archive": (goods(), link("/etc/passwd"), "no regular file"),
    "a header without end": (goods(), bomb(), ""),
    "a snapshot elsewhere": (goods().replace("snapshot: good.html", "snapshot: /etc/passwd"), {}, ""),
    "the environment": (goods(css="{template: '{{ env.SECRET_OF_THE_STEWARD }}'}"), {"good.html": PAGE}, ""),
    "a file by XPath": (goods(css="{xpath: 'document(\"/etc/passwd\")'}"), {"good.html": PAGE}, ""),
    "a parent": (goods().replace("start:", "extends: shop@1\nstart:"), {"good.html": PAGE}, ""),
    "a number without end": (
        goods().replace("{type: string, required: true}", f"{{type: integer, enum: [{10**30}]}}"),
        {"good.html": PAGE},
        "more than 64 bits",
    ),
    "no archive": (goods(), b"\0" * 100_000, ""),
}


#: It takes all of the 20 s of processor time that a check has; `test_confinement` has one that takes less.
SLOW = {"too much for the time"}


@pytest.mark.parametrize(
    "what", [pytest.param(what, marks=pytest.mark.long) if what in SLOW else what for what in HOSTILE]
)
def test_what_is_hostile_is_rejected_in_time_with_a_report_and_the_api_goes_on(fleet, what):
    text, pages, word = HOSTILE[what]
    key, name = fleet.people.bob, f"h{list(HOSTILE).index(what)}"
    began = time.monotonic()
    pushed = fleet.push(key, text.replace("name: goods", f"name: {name}"), pages, name=name)
    assert pushed.status_code == 202, pushed.text
    assert fleet.call("GET", "/v1/me", key).status_code == 200
    found = fleet.judged(key, name=name)
    assert time.monotonic() - began < CHECK_S + _SLACK_S
    assert found["state"] == "rejected", found
    assert word in " ".join(found["report"]["problems"])
    assert found["report"]["problems"]
    assert "root:" not in str(found)
    assert "canary" not in str(found)
    assert fleet.call("GET", "/v1/me", key).status_code == 200
    assert not list(fleet.scratch.glob("recipe-*"))


def test_what_its_pages_name_is_asked_for_by_nobody(fleet):
    with socket.create_server(("127.0.0.1", 0)) as canary:
        canary.settimeout(0.1)
        at = f"http://127.0.0.1:{canary.getsockname()[1]}"
        page = (
            f'<?xml version="1.0"?><!DOCTYPE a SYSTEM "{at}/a.dtd" [<!ENTITY b SYSTEM "{at}/b">'
            f'<!ENTITY c SYSTEM "file:///etc/passwd">]><a><h1>&b;&c;</h1><img src="{at}/c"/></a>'
        ).encode()
        text = goods("asking", expect="x").replace("good: {item", "good: {parse: xml, item")
        key = fleet.people.bob
        assert fleet.push(key, text, {"good.html": page}, name="asking").status_code == 202
        found = fleet.judged(key, name="asking")
        assert found["state"] == "rejected"
        assert "root:" not in str(found)
        with pytest.raises(TimeoutError):
            canary.accept()


def test_a_steward_that_is_killed_in_the_middle_is_replaced_and_leaves_nothing_undone(fleet):
    key = fleet.people.alice
    fleet.push(key, goods("orphan"), {"good.html": PAGE}, name="orphan")
    fleet.stop_steward()
    fleet.start_steward()
    assert fleet.judged(key, name="orphan")["state"] == "current"
