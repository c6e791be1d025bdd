"""Says how a new record differs from the committed one: `compare.py OLD.json NEW.json`.

Ends with 1 when a ratio to a spider written by hand is more than 10 % worse, with a line for each, and with 2 when the
two have no such ratio in common, or there is no old one.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from crawls.figures import compared, worse


def main(arguments: list[str]) -> int:
    """See the module."""
    if not Path(arguments[0]).exists():
        print(f"nothing to compare with: {arguments[0]} is written by `make bench RECORD=1`", file=sys.stderr)
        return 2
    old, new = (json.loads(Path(name).read_text(encoding="utf-8")) for name in arguments)
    count = compared(old, new)
    if not count:
        print("nothing to compare: the records have no ratio to a spider written by hand in common", file=sys.stderr)
        return 2
    lost = worse(old, new)
    for line in lost:
        print(f"worse: {line}")
    print(f"{count} ratios compared, {len(lost)} more than 10 % worse")
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
