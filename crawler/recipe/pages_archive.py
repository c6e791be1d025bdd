"""Archives of saved pages: tar, packed or not, that strangers send. Unpacked only by a process that is confined.

Only regular files and the folders that they lie in are taken; links, devices and names that lead elsewhere are refused.
"""

from __future__ import annotations

import io
import re
import tarfile
from typing import TYPE_CHECKING, Final

from crawler.errors import CrawleryError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_MIB: Final = 1024 * 1024

#: Of the archive as it is sent, and of all that is in it.
MAX_PACKED_BYTES: Final = 20 * _MIB
MAX_UNPACKED_BYTES: Final = 100 * _MIB
MAX_FILES: Final = 500

#: Folders count for themselves: an archive of nothing else is refused, too.
_MAX_MEMBERS: Final = 2 * MAX_FILES

_MAX_NAME: Final = 200
_PART: Final = re.compile(r"[^/\\\x00-\x1f\x7f]{1,100}")


class ArchiveRefused(CrawleryError):
    """What was sent is no archive of saved pages; says why."""


def pack_pages(pages: Mapping[str, bytes]) -> bytes:
    """A packed archive of pages by name; the same bytes for the same pages.

    Raises:
        ArchiveRefused: there are too many of them.
    """
    if len(pages) > MAX_FILES:
        raise ArchiveRefused(f"{len(pages)} saved pages; there may be {MAX_FILES}")
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:xz", format=tarfile.PAX_FORMAT) as archive:
        for name, content in sorted(pages.items()):
            member = tarfile.TarInfo(_checked(name))
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    if packed.tell() > MAX_PACKED_BYTES:
        raise ArchiveRefused(f"the saved pages have {packed.tell():,} bytes when packed; {MAX_PACKED_BYTES:,} may be")
    return packed.getvalue()


def unpack_pages(archive: Path, folder: Path) -> int:
    """Writes the pages of an archive into a folder that is new; answers how many there are.

    Raises:
        ArchiveRefused: it is none, too large, or holds what is no page.
    """
    files = members = size = 0
    folder.mkdir()
    try:
        with tarfile.open(archive, mode="r|*") as pages:
            for member in pages:
                members += 1
                name = member.name.removeprefix("./").rstrip("/")
                if member.isdir():
                    if members > _MAX_MEMBERS:
                        raise ArchiveRefused(f"there are more than {_MAX_MEMBERS:,} members in it")
                    continue
                if not member.isreg():
                    raise ArchiveRefused(f"{_shown(name)} is no regular file; links and the like are not taken")
                files, size = files + 1, size + member.size
                if files > MAX_FILES:
                    raise ArchiveRefused(f"there are more than {MAX_FILES} files in it")
                if size > MAX_UNPACKED_BYTES:
                    raise ArchiveRefused(f"it has more than {MAX_UNPACKED_BYTES // _MIB} MiB when it is unpacked")
                content = pages.extractfile(member)
                assert content is not None  # it is regular
                path = folder / _checked(name)
                path.parent.mkdir(parents=True, exist_ok=True)
                with path.open("xb") as file:
                    file.write(content.read())
    except FileExistsError:
        raise ArchiveRefused(f"{_shown(name)} is in it twice") from None
    except (tarfile.TarError, EOFError, ValueError) as error:
        raise ArchiveRefused(f"it is no tar archive that can be read: {error}") from error
    except OSError as error:
        raise ArchiveRefused(f"it cannot be unpacked: {error.strerror or error}") from error
    return files


def _checked(name: str) -> str:
    parts = name.split("/")
    if len(name) > _MAX_NAME or any(part in (".", "..") or _PART.fullmatch(part) is None for part in parts):
        raise ArchiveRefused(f"{_shown(name)} is no name of a saved page; use a relative path without `..`")
    return name


def _shown(name: str) -> str:
    return repr(name if len(name) <= 80 else f"{name[:80]}...")
