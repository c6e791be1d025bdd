from __future__ import annotations

import json

from crawler.origin import Origin, entries_key


def test_words_say_who_asks_for_what():
    origin = Origin(by="api", client="root", key="k7m2p4q6", source="192.0.2.7", request="r")
    said = json.loads(origin.words("client.changed", "acme", client="acme", before={"name": "a"}, after={"name": "b"}))
    assert said == {
        "v": 1,
        "action": "client.changed",
        "object": "acme",
        "of": "acme",
        "by": "api",
        "client": "root",
        "key": "k7m2p4q6",
        "source": "192.0.2.7",
        "request": "r",
        "before": {"name": "a"},
        "after": {"name": "b"},
    }


def test_what_strangers_may_have_written_is_cut():
    said = json.loads(Origin(by="api", source="x" * 5000, request="y" * 5000).words("job.paused", "j"))
    assert (len(said["source"]), len(said["request"])) == (200, 200)


def test_all_scripts_of_a_store_append_to_one_stream():
    assert entries_key("crawlery") == "crawlery:{audit}:entries"
