from __future__ import annotations

from crawler.jobs.nodes import Node, RedisNodes


def test_nodes_are_there_as_long_as_they_report(clocked):
    nodes = clocked.face(RedisNodes(clocked.store))
    one, two = (Node(name=name, url=f"http://{name}", slots=2) for name in ("one", "two"))
    nodes.report(two)
    nodes.report(one)
    assert nodes.all() == (one, two)
    clocked.run(clocked.store.command("UNLINK", "crawlery:node:one"))  # as if its time had come
    assert nodes.all() == (two,)
    clocked.run(clocked.store.command("SET", "crawlery:node:two", '{"name": 5}'))  # of another version
    assert nodes.all() == ()
    nodes.leave("two")
    assert nodes.all() == ()
