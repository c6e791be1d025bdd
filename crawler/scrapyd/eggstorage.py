"""No eggs: nothing is deployed to a node. Code comes with the installation, recipes with the jobs."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Final

from scrapyd.interfaces import IEggStorage
from zope.interface import implementer

if TYPE_CHECKING:
    from crawler.scrapyd.config import ScrapydConfig

#: What clients that would deploy are told.
REFUSAL: Final = "this node takes no eggs: jobs carry their recipe, and code comes with the installation of Crawlery"


class NotDeployable(Exception):
    """Somebody tried to store an egg."""


@implementer(IEggStorage)
class NoEggs:
    """See the module; the methods are those of `IEggStorage`."""

    def __init__(self, config: ScrapydConfig) -> None:
        _ = config

    def put(self, eggfile: IO[bytes], project: str, version: str) -> None:
        """Refuses.

        Raises:
            NotDeployable: always.
        """
        _ = eggfile, project, version
        raise NotDeployable(REFUSAL)

    def get(self, project: str, version: str | None = None) -> tuple[None, None]:
        """There is none."""
        _ = project, version
        return None, None

    def list_projects(self) -> list[str]:
        """There is none; the project that a node has is in its settings."""
        return []

    def list(self, project: str) -> list[str]:
        """There is none."""
        _ = project
        return []

    def delete(self, project: str, version: str | None = None) -> None:
        """Refuses.

        Raises:
            NotDeployable: always.
        """
        _ = project, version
        raise NotDeployable(REFUSAL)
