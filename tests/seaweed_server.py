"""An S3 for tests: SeaweedFS on loopback that can be killed, and that dies with the process that started it.

It knows nothing of what is kept there. All of its listeners get free ports, so that any number of them run at once.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import socket
import subprocess
import sysconfig
import time
from pathlib import Path
from typing import Final

import boto3
from botocore.config import Config as BotoConfig
from botocore.exceptions import BotoCoreError, ClientError
from valkey_server import mortal

#: A server that is not up, or gone, after this many seconds never will be.
PATIENCE_S: Final = 30.0

#: The bucket that is there from the beginning.
BUCKET: Final = "crawlery-tests"

#: Those of the one user, who may do everything.
ACCESS_KEY: Final = "crawlery-tests-key"
SECRET_KEY: Final = "crawlery-tests-secret"

#: 256 bits that wrap the keys of objects. Without, every put that asks for encryption is answered with an error 500.
KEK: Final = "0123456789abcdef" * 4

_WEED: Final = Path(sysconfig.get_path("scripts")) / "weed"

#: Every listener of `weed mini`, except those that are switched off.
_PORTS: Final = (
    "master.port",
    "master.port.grpc",
    "volume.port",
    "volume.port.grpc",
    "filer.port",
    "filer.port.grpc",
    "s3.port",
    "s3.port.grpc",
    "admin.port",
    "admin.port.grpc",
)

#: Listeners and duties that no test needs; the last one would tell strangers about each start.
_OFF: Final = (
    "-webdav=false",
    "-admin.ui=false",
    "-s3.port.iceberg=0",
    "-s3.port.lance=0",
    "-s3.autoCreateBucket=false",
    "-master.telemetry=false",
)


class SeaweedServer:
    """`weed mini` in a folder of its own, with one bucket; what is in it outlives a kill.

    Start and restart it from a thread that lives as long as it is needed, see `mortal`.

    Attributes:
        environment: what a process needs to use it: the variables of `crawler.config` and those of AWS tools.
    """

    def __init__(self, folder: Path, *, kek: str | None = KEK) -> None:
        """`kek`: the key that wraps the keys of encrypted objects; None: it cannot encrypt."""
        self.ports: dict[str, int] = {}
        self._folder = folder
        self._kek = kek
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.ports['s3.port']}"

    @property
    def environment(self) -> dict[str, str]:
        return {
            "S3_ENDPOINT_URL": self.url,
            "STORAGE_URL": f"s3://{BUCKET}",
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        }

    @property
    def pid(self) -> int:
        assert self._process is not None, "not started"
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def client(self, **options: object):
        """A plain client of boto3, for looks behind the back of what is tested."""
        config = BotoConfig(
            signature_version="s3v4",
            s3={"addressing_style": "path"},
            retries={"total_max_attempts": 1},
            connect_timeout=2,
            read_timeout=10,
        )
        settings = {
            "endpoint_url": self.url,
            "region_name": "us-east-1",
            "aws_access_key_id": ACCESS_KEY,
            "aws_secret_access_key": SECRET_KEY,
            "config": config,
        }
        return boto3.client("s3", **(settings | options))

    def start(self) -> None:
        """Starts on the ports it had before, or on free ones; returns when the bucket takes an object.

        Raises:
            RuntimeError: it does not come up; the message ends with its log.
        """
        assert not self.running, "running already"
        had, deadline = self.ports, time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            self.ports = had or _free_ports()
            self._launch()
            while time.monotonic() < deadline and self.running:
                if self._takes_objects():
                    return
                time.sleep(0.05)
            if self.running:
                break
        self.stop()
        raise RuntimeError(f"the server does not come up:\n{self.log()[-3000:]}")

    def kill(self) -> None:
        """SIGKILL; returns when the process is gone."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """SIGTERM, and SIGKILL for one that does not listen."""
        self._end(signal.SIGTERM)

    def restart(self) -> None:
        """Up again with what the disk has; a running one is stopped first."""
        self.stop()
        self.start()

    def freeze(self) -> None:
        """SIGSTOP; returns when it stands still. Its connections stay open, and new ones are taken by the kernel."""
        self._process_now.send_signal(signal.SIGSTOP)
        _, status = os.waitpid(self.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status), f"it had ended:\n{self.log()[-3000:]}"

    def thaw(self) -> None:
        """SIGCONT."""
        self._process_now.send_signal(signal.SIGCONT)

    def fill_disk(self) -> None:
        """From now on, until `free_disk` or another start, no volume can grow: puts are answered with an error 500.

        What is there can be read.
        """
        sizes = [path.stat().st_size for path in (self._folder / "data").glob(f"{BUCKET}_*.dat")]
        _, hard = resource.prlimit(self.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (min(sizes, default=0), hard))

    def free_disk(self) -> None:
        """There is room again. Returns when it takes objects."""
        _, hard = resource.prlimit(self.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (hard, hard))
        deadline = time.monotonic() + PATIENCE_S
        while not self._takes_objects():
            assert time.monotonic() < deadline, f"it takes no objects:\n{self.log()[-3000:]}"
            time.sleep(0.05)

    def log(self) -> str:
        """What the server said since its last start."""
        path = self._folder / "server.log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def _launch(self) -> None:
        data = self._folder / "data"
        data.mkdir(exist_ok=True)
        options = [
            f"-dir={data}",
            "-ip=127.0.0.1",
            "-ip.bind=127.0.0.1",
            f"-bucket={BUCKET}",
            # Beside the default, /tmp/seaweedfs-filer-PORT.sock, others may have one; longer paths fit no socket.
            "-filer.localSocket=filer.sock",
            "-s3.localSocket=s3.sock",
            *_OFF,
            *(f"-{name}={port}" for name, port in self.ports.items()),
        ]
        environment = {**os.environ, "AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY}
        environment.pop("WEED_S3_SSE_KEK", None)
        if self._kek is not None:
            environment["WEED_S3_SSE_KEK"] = self._kek
        with (self._folder / "server.log").open("wb") as log:
            self._process = subprocess.Popen(
                mortal(str(_WEED), "mini", *options),
                cwd=self._folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    @property
    def _process_now(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "not started"
        return self._process

    def _takes_objects(self) -> bool:
        """Whether a volume is there to write to: the bucket is listed before that."""
        with contextlib.suppress(BotoCoreError, ClientError):
            client = self.client()
            client.put_object(Bucket=BUCKET, Key=".started", Body=b"1")
            client.delete_object(Bucket=BUCKET, Key=".started")
            return True
        return False

    def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(number)
        self._process.send_signal(signal.SIGCONT)  # one that stands still hears nothing but SIGKILL
        try:
            self._process.wait(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(timeout=PATIENCE_S)
        for name, port in self.ports.items():  # one that is killed leaves them behind
            kind = name.removesuffix(".port.grpc")
            Path(f"/tmp/seaweedfs-{kind}-grpc-{port}.sock").unlink(missing_ok=True)


def _free_ports() -> dict[str, int]:
    """A free port for each listener; all are held until all are found, so that none is given twice."""
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in _PORTS]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return {name: probe.getsockname()[1] for name, probe in zip(_PORTS, probes, strict=True)}
