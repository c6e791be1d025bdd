"""The name resolver with the egress rule: the downloader connects to addresses that were judged, to no others.

Our own download handler asks it for every host, named or written as an address in whatever way. To Twisted it is the
resolver of the reactor, which each connection of Scrapy's handlers asks; they dial what it answers. So pages,
robots.txt, redirects and whatever a spider asks for are all judged here, once, and the choice cannot be changed between
the judgement and the connection.

To whoever asks, a refused host is one that refuses connections: `refused` tells the downloader which those are. The log
has one line for each, for operators. A proxy of the deployment is judged as any host is; what it connects to is its own
business.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Any, Final, TypeVar

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.interfaces import IHostnameResolver, IHostResolution
from zope.interface import implementer

from crawler.egress.addresses import EgressPolicy, read_networks, refusal
from crawler.egress.persons import PersonsHosts
from crawler.egress.resolve import resolve
from crawler.errors import EgressRefused, NoAddress

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence
    from typing import Self

    from scrapy.crawler import Crawler, CrawlerProcessBase
    from scrapy.settings import BaseSettings
    from twisted.internet.interfaces import IAddress

    from crawler.egress.addresses import Address

logger = logging.getLogger(__name__)

_T = TypeVar("_T")

#: An answer is used for so many seconds, so that a busy crawl does not ask for each of its connections.
_KEPT_S: Final = 60.0

#: So many hosts are remembered, those that may be talked to and the others; the one that came first goes first. Pages
#: can name as many as they like.
_MOST_HOSTS: Final = 10_000


def egress_policy(settings: BaseSettings) -> EgressPolicy:
    """What the settings say of the deployment's own ranges.

    Raises:
        ConfigError: one is no range.
    """
    allow, deny = (
        read_networks(name, ",".join(map(str, settings.getlist(name)))) for name in ("EGRESS_ALLOW", "EGRESS_DENY")
    )
    return EgressPolicy(allow=allow, deny=deny)


@implementer(IHostResolution)
class _Resolution:
    def __init__(self, name: str) -> None:
        self.name = name
        self.task: asyncio.Task[None] | None = None

    def cancel(self) -> None:
        """Nobody waits any more."""
        if self.task is not None:
            self.task.cancel()


@implementer(IHostnameResolver)
class EgressResolver:
    """See the module. Belongs to the reactor of a crawl; `settings.py` names it as TWISTED_DNS_RESOLVER.

    Attributes:
        policy: of the deployment.
    """

    def __init__(
        self, reactor: Any, policy: EgressPolicy, *, timeout_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """A resolver that has been asked nothing yet.

        Args:
            reactor: an asyncio reactor.
            policy: of the deployment.
            timeout_s: how long the system's resolver may take.
            clock: seconds, monotonic.
        """
        self._reactor = reactor
        self.policy = policy
        self._timeout_s = timeout_s
        self._clock = clock
        self._known: dict[str, tuple[float, tuple[Address, ...]]] = {}
        self._refused: dict[str, None] = {}
        self._persons = PersonsHosts()
        self._tasks: set[asyncio.Task[None]] = set()

    @classmethod
    def from_crawler(cls, crawler: Crawler | CrawlerProcessBase, reactor: Any) -> Self:
        """As Scrapy makes it, before the reactor runs; one with the same policy that is there already stays.

        Raises:
            ConfigError: EGRESS_ALLOW or EGRESS_DENY has what is no range.
        """
        settings, installed = crawler.settings, getattr(reactor, "nameResolver", None)
        policy = egress_policy(settings)
        if isinstance(installed, cls) and installed.policy == policy:
            return installed  # of a downloader that was made first, as `scrapy shell` does
        return cls(reactor, policy, timeout_s=settings.getfloat("DNS_TIMEOUT"))

    def install_on_reactor(self) -> None:
        """From now on names are resolved here."""
        self._reactor.installNameResolver(self)

    def trust(self, hosts: Iterable[str]) -> None:
        """Takes the word of a person at this machine for hosts: they may be talked to where that is not denied.

        Only for addresses, and for names that no stranger can have.
        """
        self._persons.add(hosts)

    def refused(self, host: str) -> bool:
        """Whether a host was found to have an address that may not be talked to."""
        return host.lower() in self._refused

    def known(self, host: str) -> tuple[Address, ...] | None:
        """The addresses of a host, if they were asked for within the last minute and may all be talked to."""
        kept = self._known.get(host)
        return kept[1] if kept is not None and self._clock() < kept[0] else None

    async def addresses(self, host: str) -> tuple[Address, ...]:
        """The addresses of a host, which may all be talked to; at least one.

        Raises:
            EgressRefused: at least one of them may not; the log has it.
            NoAddress: there is none, or no answer.
        """
        kept = self.known(host)
        if kept is not None:
            return kept
        try:
            addresses = await resolve(host, self._persons.policy(host, self.policy), timeout_s=self._timeout_s)
        except EgressRefused as error:
            if not self.refused(host):
                logger.warning("%s", error.for_operators)
            for name in (host.lower(), _in_ascii(host)):
                _remember(self._refused, name, None)
            raise
        _remember(self._known, host, (self._clock() + _KEPT_S, addresses))
        for name in (host.lower(), _in_ascii(host)):
            self._refused.pop(name, None)
        return addresses

    def refusal(self, host: str, address: Address) -> str:
        """Why an address to which a host has led may not be dialled; "" = it may be."""
        return refusal(address, self._persons.policy(host, self.policy))

    def resolveHostName(  # noqa: N802 - the name is Twisted's
        self,
        resolutionReceiver: Any,  # noqa: N803 - ditto; an IResolutionReceiver, whose methods mypy takes to have no self
        hostName: str,  # noqa: N803 - ditto
        portNumber: int = 0,  # noqa: N803 - ditto
        addressTypes: Sequence[type[IAddress]] | None = None,  # noqa: N803 - ditto
        transportSemantics: str = "TCP",  # noqa: N803 - ditto
    ) -> IHostResolution:
        """As of `IHostnameResolver`; no addresses for a host that has none, or none that may be talked to."""
        _ = transportSemantics
        resolution = _Resolution(hostName)
        resolutionReceiver.resolutionBegan(resolution)
        kept = self.known(hostName)
        if kept is not None:
            _tell(resolutionReceiver, kept, portNumber, addressTypes)
        else:
            answering = self._answer(resolutionReceiver, hostName, portNumber, addressTypes)
            resolution.task = asyncio.get_running_loop().create_task(answering)
            self._tasks.add(resolution.task)
            resolution.task.add_done_callback(self._tasks.discard)
        return resolution  # type: ignore[return-value]  # it is one: zope's interfaces are unknown to mypy

    async def _answer(self, receiver: Any, host: str, port: int, kinds: Collection[type[IAddress]] | None) -> None:
        addresses: tuple[Address, ...] = ()
        try:
            addresses = await self.addresses(host)
        except EgressRefused:
            pass  # to whoever asks, it has no address
        except NoAddress as error:
            logger.debug("%s", error)
        _tell(receiver, addresses, port, kinds)


def _remember(hosts: dict[str, _T], host: str, what: _T) -> None:
    hosts.pop(host, None)
    hosts[host] = what
    if len(hosts) > _MOST_HOSTS:
        del hosts[next(iter(hosts))]


def _in_ascii(host: str) -> str:
    """A name as it stands in a URL."""
    try:
        return host.encode("idna").decode().lower()
    except UnicodeError:
        return host.lower()


def _tell(
    receiver: Any,
    addresses: Iterable[Address],
    port: int,
    kinds: Collection[type[IAddress]] | None,
) -> None:
    for address in addresses:
        kind = IPv4Address if address.version == 4 else IPv6Address
        if kinds is None or kind in kinds:
            receiver.addressResolved(kind("TCP", str(address), port))
    receiver.resolutionComplete()


def installed_resolver(settings: BaseSettings) -> EgressResolver:
    """The resolver of the running reactor; one with the policy of these settings is installed if there is none.

    Raises:
        ConfigError: EGRESS_ALLOW or EGRESS_DENY has what is no range.
    """
    from twisted.internet import reactor  # noqa: PLC0415 - imported sooner, it would choose the reactor

    policy, installed = egress_policy(settings), getattr(reactor, "nameResolver", None)
    if isinstance(installed, EgressResolver) and installed.policy == policy:
        return installed
    resolver = EgressResolver(reactor, policy, timeout_s=settings.getfloat("DNS_TIMEOUT"))
    resolver.install_on_reactor()
    return resolver
