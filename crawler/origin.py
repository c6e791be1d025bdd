"""Who asks for a change, and the words in which the script that makes the change notes it.

The scripts that change jobs, clients and keys append an entry to the audit themselves (`origin.lua`): there is no
change without its entry, and no entry without its change. What becomes of entries is of no concern here; that is
`crawler.audit`. Knows no store.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

#: Stands before every script that notes what it does: the last of its KEYS is the stream, the last of its ARGV words.
NOTING: Final = str(Path(__file__).with_name("origin.lua"))

#: Raised whenever an older reader could misread the words.
VERSION: Final = 1

#: Longer sources and ids are cut: they may come from strangers.
_MOST_CHARACTERS: Final = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """Who asks.

    Attributes:
        by: what it came through: `api`, `command` (somebody with access to the store), `steward`.
        client: whose key was used; "" without one.
        key: its id.
        source: the address of the caller; of a command, user and machine.
        request: the id of the request; "" without one.
    """

    by: str
    client: str = ""
    key: str = ""
    source: str = ""
    request: str = ""

    def words(self, action: str, object_id: str, *, client: str = "", before: Any = None, after: Any = None) -> bytes:
        """JSON of one entry.

        Args:
            action: what is done, such as `key.revoked`.
            object_id: to what.
            client: whose that is.
            before: how it was, as plain values without secrets; None = it was not there, or the script says it.
            after: how it is then.
        """
        said = {
            "v": VERSION,
            "action": action,
            "object": object_id,
            "of": client,
            "by": self.by,
            "client": self.client,
            "key": self.key,
            "source": self.source[:_MOST_CHARACTERS],
            "request": self.request[:_MOST_CHARACTERS],
            "before": before,
            "after": after,
        }
        return msgspec.json.encode(said)


def entries_key(prefix: str) -> str:
    """The stream of a store to which scripts append."""
    return f"{prefix}:{{audit}}:entries"
