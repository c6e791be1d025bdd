"""The calls on nodes, and on what the API stands on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import marshmallow as ma

from control_api.blueprint import Blueprint
from control_api.fields import Instant, Schema, about
from control_api.gate import ANY_KEY, needs
from control_api.services import ask, services
from crawler.access.model import Scope
from crawler.jobs.nodes import RedisNodes

if TYPE_CHECKING:
    from crawler.jobs.nodes import Node
    from crawler.store import Store

nodes: Final = Blueprint("nodes", __name__, url_prefix="/v1/nodes", description="Nodes: what runs the crawls.")
ready: Final = Blueprint("ready", __name__, url_prefix="/v1/ready", description="What the API stands on.")


class NodeSchema(Schema):
    """A node."""

    name = ma.fields.String(required=True, metadata=about("Unique in the fleet.", "node-1"))
    url = ma.fields.String(required=True, metadata=about("Of its console, for operators.", "http://10.0.0.7:6800"))
    slots = ma.fields.Integer(required=True, metadata=about("Workers that it can run.", 4))
    running = ma.fields.Integer(required=True, metadata=about("Workers that it runs.", 1))
    is_draining = ma.fields.Boolean(required=True, metadata=about("It takes no more work.", False))
    version = ma.fields.String(required=True, metadata=about("Of its Crawlery.", "0.1.0"))
    started_at = Instant(required=True, metadata=about("Since when it is up."))


class NodesSchema(Schema):
    """The nodes that are there."""

    nodes = ma.fields.List(ma.fields.Nested(NodeSchema), required=True, metadata=about("By name."))


class PartSchema(Schema):
    """One thing that the API stands on."""

    name = ma.fields.String(required=True, metadata=about("Which.", "store") | {"enum": ["store", "storage", "nodes"]})
    state = ma.fields.String(required=True, metadata=about("How it is.", "ok") | {"enum": ["ok", "failed"]})
    reason = ma.fields.String(required=True, metadata=about("More of it, for people; may be empty.", ""))


class ReadySchema(Schema):
    """Whether calls can be answered."""

    ready = ma.fields.Boolean(required=True, metadata=about("Calls can be answered.", True))
    parts = ma.fields.List(ma.fields.Nested(PartSchema), required=True, metadata=about("What it depends on."))


@nodes.route("", methods=["GET"])
@needs(Scope.ADMIN)
@nodes.response(200, NodesSchema)
def list_nodes() -> dict[str, Any]:
    """List the nodes.

    Those that have reported themselves within the last 10 seconds, by name.
    """
    return {
        "nodes": [
            {
                "name": node.name,
                "url": node.url,
                "slots": node.slots,
                "running": node.running,
                "is_draining": node.is_draining,
                "version": node.version,
                "started_at": node.started_ms,
            }
            for node in ask(_nodes)
        ]
    }


async def _nodes(store: Store) -> tuple[Node, ...]:
    return await RedisNodes(store).all()


@ready.route("", methods=["GET"])
@needs(ANY_KEY)
@ready.response(200, ReadySchema)
def show_parts() -> dict[str, Any]:
    """Show what the API stands on.

    The store of jobs, the storage of files, and the nodes. It is ready without nodes: jobs wait for them.
    """
    found = ask(_nodes)
    taking = sum(node.slots - node.running for node in found if not node.is_draining)
    parts = [
        ("store", services().store_watch.problem),
        ("storage", services().storage_watch.problem),
        ("nodes", "" if found else "no node is there; jobs wait for one"),
    ]
    return {
        "ready": not parts[0][1] and not parts[1][1],
        "parts": [
            {
                "name": name,
                "state": "failed" if problem else "ok",
                "reason": problem or (f"{len(found)} nodes, {taking} free slots" if name == "nodes" else ""),
            }
            for name, problem in parts
        ],
    }
