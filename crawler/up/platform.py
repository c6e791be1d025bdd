"""The whole platform: its folder, its servers, then stewards and nodes, and all of it to an orderly end.

async with Platform(PlatformOptions(data_dir=Path("crawlery-data"))) as platform:
    platform.environment          # REDIS_URL, STORAGE_URL ...: how to reach it
    platform.states()             # what runs where
    platform.kill("node-1")       # and it comes again

Use it from a thread that lives as long as the platform: its children end with that.
"""

from __future__ import annotations

import asyncio
import shutil
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from crawler.access.bootstrap import first_key
from crawler.access.store import AccessStore
from crawler.errors import KeyRefused
from crawler.origin import Origin
from crawler.peppers import Peppers
from crawler.store import Store, connect
from crawler.up import existing, servers, workers
from crawler.up.folder import DataFolder
from crawler.up.ports import HOST, settle_ports
from crawler.up.supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from crawler.up.options import PlatformOptions
    from crawler.up.spec import ChildSpec, ChildState

#: Whose key commands typed beside the data folder use; jobs that they hand to the store themselves are its, too.
CLIENT: Final = "local"

#: What servers get of the environment; the rest of it may hold secrets, and settings of other servers of that make.
_PLAIN: Final = ("PATH", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH", "LD_PRELOAD")

#: What workers, which read what strangers have written, have no use for: an administrator's key, peppers of keys, the
#: key of the audit.
_FOR_NO_CHILD: Final = ("CRAWLERY_API_", "API_KEY_PEPPERS", "AUDIT_KEY")


class Platform:
    """One platform on this machine. `start` and `stop`, or a block, once."""

    def __init__(self, options: PlatformOptions, *, on_change: Callable[[ChildState], None] | None = None) -> None:
        """`on_change` is called with each new state of a child."""
        self.options = options
        self.folder = DataFolder(options.data_dir)
        self.environment: dict[str, str] = {}
        self.first_api_key = ""  #: of the control API, if this start has made one
        self._on_change = on_change
        self._supervisor: Supervisor | None = None
        self._ports: dict[str, int] = {}
        self._secrets: dict[str, str] = {}

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as undo:
            undo.push_async_callback(self.stop)
            await self.start()
            undo.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def supervisor(self) -> Supervisor:
        """Who runs the children, from the moment that the folder is locked."""
        assert self._supervisor is not None, "not started"
        return self._supervisor

    def states(self) -> list[ChildState]:
        """How all children are; none before they are started."""
        return [] if self._supervisor is None else self._supervisor.states()

    def kill(self, name: str) -> None:
        """SIGKILL to one child, which is started again; KeyError if there is none of that name."""
        self.supervisor.kill(name)

    def kill_all(self) -> None:
        """SIGKILL to all children, for good; `stop` then soon returns."""
        if self._supervisor is not None:
            self._supervisor.kill_all()

    async def start(self) -> None:
        """Returns when everything is ready. After an error, call `stop`.

        Raises:
            ConfigError: an address of a server that is there already is none.
            PlatformError: the folder or a port is taken, a server is missing or does not answer.
            ChildFailed: a child does not come up.
        """
        self.folder.lock()
        await asyncio.to_thread(self._prepare)
        inherited = self.options.environment
        self._supervisor = supervisor = Supervisor(
            logs=self.folder.subfolder("logs"),
            environment={name: inherited[name] for name in _PLAIN if name in inherited},
            on_change=self._on_change,
        )
        started = self._servers()
        await supervisor.start(*started)
        self.environment = self._reach() | self._node_user()
        self.first_api_key, key = await self._api_key()
        self.environment |= {"CRAWLERY_API_URL": f"http://{HOST}:{self._ports[workers.API]}", "CRAWLERY_API_KEY": key}
        self.folder.write_environment(self.environment)
        await supervisor.start(*self._workers(tuple(spec.name for spec in started)))

    async def stop(self) -> None:
        """Ends all children in order, and gives the folder back."""
        try:
            if self._supervisor is not None:
                await self._supervisor.stop()
            if self.folder.locked:
                await asyncio.to_thread(shutil.rmtree, self.folder.path / "tmp", ignore_errors=True)
        finally:
            self.folder.unlock()

    def _prepare(self) -> None:
        """What must be right before anything is started."""
        options = self.options
        if options.redis_url:
            existing.check_store(options.redis_url)
        if options.storage is not None:
            existing.check_storage(options.storage)
        self._secrets = self.folder.secrets()
        names = [
            *([] if options.redis_url else [servers.VALKEY]),
            *(servers.SEAWEEDFS_PORTS if options.storage is None else []),
            workers.API,
            *workers.node_names(options),
            *([workers.SHOP] if options.shop else []),
        ]
        self._ports = settle_ports(
            names,
            kept=self.folder.ports(),
            given=options.ports,
            state_file=self.folder.state_file,
            with_companion=servers.PORTS_WITH_COMPANION,
        )
        self.folder.keep_ports(self._ports)

    def _servers(self) -> list[ChildSpec]:
        """Those that are not there already."""
        specs = []
        if not self.options.redis_url:
            password = self._secrets["valkey_password"]
            specs.append(servers.valkey(self.folder, port=self._ports[servers.VALKEY], password=password))
        if self.options.storage is None:
            ports = {name: self._ports[name] for name in servers.SEAWEEDFS_PORTS}
            specs.append(servers.seaweedfs(self.folder, ports=ports, secrets=self._secrets))
        return specs

    def _reach(self) -> dict[str, str]:
        """The variables that say how to reach store and storage, as `crawler.config` reads them."""
        options = self.options
        reach = {"REDIS_URL": options.redis_url or self._valkey_url()}
        if options.storage is not None:
            storage = options.storage
            return reach | {
                "STORAGE_URL": storage.storage_url,
                "S3_ENDPOINT_URL": storage.s3_endpoint_url,
                "S3_PUBLIC_ENDPOINT_URL": storage.s3_public_endpoint_url,
                "S3_REGION": storage.s3_region,
                "S3_SSE": storage.s3_sse,
            }
        return reach | {
            "STORAGE_URL": f"s3://{servers.BUCKET}",
            "S3_ENDPOINT_URL": f"http://{HOST}:{self._ports['s3']}",
            "S3_REGION": servers.REGION,
            "S3_SSE": "AES256",
            "AWS_ACCESS_KEY_ID": self._secrets["s3_access_key_id"],
            "AWS_SECRET_ACCESS_KEY": self._secrets["s3_secret_access_key"],
        }

    def _valkey_url(self) -> str:
        return f"redis://:{self._secrets['valkey_password']}@{HOST}:{self._ports[servers.VALKEY]}/0"

    def _node_user(self) -> dict[str, str]:
        """Who may look at consoles of nodes, and tell these what to do: one that was chosen, or our own."""
        if {"SCRAPYD_USERNAME", "SCRAPYD_PASSWORD"} <= set(self.options.environment):
            return {}
        return {"SCRAPYD_USERNAME": workers.NODE_USER, "SCRAPYD_PASSWORD": self._secrets["node_password"]}

    @property
    def _peppers(self) -> str:
        """Those that were chosen, or our own."""
        return self.options.environment.get("API_KEY_PEPPERS") or f"up:{self._secrets['api_key_pepper']}"

    @property
    def _audit_key(self) -> str:
        """The one that was chosen, or our own."""
        return self.options.environment.get("AUDIT_KEY") or self._secrets["audit_key"]

    def _login_secrets(self) -> Path:
        """Where what recipes log in with lies: where somebody has said, or in the data folder."""
        said = self.options.environment.get("CRAWLERY_SECRETS_DIR", "").strip()
        if said:
            return Path(said).expanduser().absolute()  # the folders of nodes are others
        self.folder.subfolder("secrets", CLIENT)
        return self.folder.subfolder("secrets")

    async def _api_key(self) -> tuple[str, str]:
        """A key of the control API that was made just now, "" if there was one; and the one that is kept.

        Raises:
            StoreError: the store refuses us.
            ConfigError: the peppers that were chosen are none.
        """
        store = Store(connect({"url": self.environment["REDIS_URL"]}))
        access = AccessStore(store, Peppers.of(self._peppers), origin=Origin(by="command", source="crawlery up"))
        try:
            kept = self.folder.api_key
            with suppress(KeyRefused):
                await access.authenticate(kept)
                return "", kept
            made = await first_key(access, client_id=CLIENT, note="made by crawlery up")
            self.folder.keep_api_key(made)
        finally:
            await store.close()
        return made, made

    def _workers(self, needs: tuple[str, ...]) -> list[ChildSpec]:
        """The control API, stewards, nodes and the shop; they need all servers that were started."""
        options = self.options
        # Another account's token, profile or endpoint would be taken for that of our own storage.
        foreign = ("AWS_", "S3_") if options.storage is None else ()
        inherited = {name: value for name, value in options.environment.items() if not name.startswith(foreign)}
        # A steward composes files as large as those of a job, and a killed one leaves them: where `stop` removes them.
        said = {**inherited, **self.environment}
        environment = {name: value for name, value in said.items() if not name.startswith(_FOR_NO_CHILD)}
        if options.shop:  # it is a site on this machine, where no recipe may go otherwise
            environment["EGRESS_ALLOW"] = " ".join((inherited.get("EGRESS_ALLOW", ""), HOST)).strip()
        for_logins = {"CRAWLERY_SECRETS_DIR": str(self._login_secrets())}
        pepper = {"API_KEY_PEPPERS": self._peppers}
        sealing = {"AUDIT_KEY": self._audit_key}
        scratch = {"TMPDIR": str(self.folder.subfolder("tmp"))}
        folders = {name: self.folder.subfolder("nodes", name) for name in workers.node_names(options)}
        specs = [
            workers.api(options, environment | pepper | sealing, needs, port=self._ports[workers.API]),
            *workers.stewards(options, environment | scratch | sealing, needs),
            *workers.nodes(options, environment | for_logins, needs, ports=self._ports, folders=folders),
        ]
        if options.shop:
            specs.append(workers.shop(options, environment, port=self._ports[workers.SHOP]))
        return specs
