"""What aiohttp is to do otherwise than it does: look up names, and stay where it is sent."""

import asyncio
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary, WeakValueDictionary

from aiobotocore.httpsession import AIOHTTPSession
from aiohttp.abc import AbstractResolver, ResolveResult
from botocore import exceptions as boto

from asyncup.edges.body import Floor, PartBody, SliceSize
from asyncup.edges.tcp import Acknowledgements, control_congestion, set_up
from asyncup.edges.threads import DaemonThreads

_NUMERIC = socket.NI_NUMERICHOST | socket.NI_NUMERICSERV

BUFFERED = 16 << 10
"""Bytes that wait for the kernel, at most."""

_REMEMBERED = 1000
"""Requests without an answer that are remembered: more than are under way at once."""

_LOST = (boto.ConnectionClosedError, boto.ConnectionError)

MOST_HANGING = 4
"""Look-ups that are left behind at most: each has a thread that nothing can stop."""

AddressInfo = tuple[int, int, int, str, tuple[Any, ...]]
Question = tuple[str, int, socket.AddressFamily]


class ThreadedResolver(AbstractResolver):
    """Looks up names in threads that nobody waits for.

    The system's own look-up can hang for minutes where the network swallows what it sends, and
    nothing can stop it; in the threads of asyncio's executor, it would keep the program from its
    end. However many requests want the same name, it is asked for once at a time; but one that
    hangs may do so for ever, or still ask those who told names before the network changed, so
    who comes when its time is over asks anew, a few times.

    `within` is in seconds, `lookup` is `socket.getaddrinfo`.
    """

    def __init__(
        self, within: float, lookup: Callable[..., list[Any]] = socket.getaddrinfo
    ) -> None:
        self._within = within
        self._lookup = lookup
        self._threads = DaemonThreads()
        self._under_way: dict[Question, asyncio.Future[list[Any]]] = {}
        self._begun: dict[Question, float] = {}
        self._hanging: set[asyncio.Future[list[Any]]] = set()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the addresses of a host, of both families where both are asked for.

        Raises:
            OSError: there are none, or nobody told them in time.
        """
        question = (host, port, family)
        if question not in self._under_way or self._hangs(question):
            self._begin(question)
        try:
            async with asyncio.timeout(self._within):
                found = await asyncio.shield(self._under_way[question])
        except TimeoutError:
            told = f"the name {host} was not looked up within {self._within:g} s"
            raise OSError(None, told) from None
        return [_read(host, *info) for info in found]

    def _hangs(self, question: Question) -> bool:
        """Whether a look-up has had its time, and may be left behind."""
        lasted = asyncio.get_running_loop().time() - self._begun[question]
        return lasted >= self._within and len(self._hanging) < MOST_HANGING

    def _begin(self, question: Question) -> None:
        if question in self._under_way:
            self._hanging.add(self._under_way[question])
        host, port, family = question
        flags = socket.AI_ADDRCONFIG
        ask = partial(self._lookup, host, port, family, socket.SOCK_STREAM, flags=flags)
        lookup = asyncio.get_running_loop().run_in_executor(self._threads, ask)

        def ended(lookup: "asyncio.Future[list[Any]]") -> None:
            self._hanging.discard(lookup)
            if self._under_way.get(question) is lookup:
                del self._under_way[question], self._begun[question]
            if not lookup.cancelled():
                lookup.exception()  # seen, also where nobody waits for it any more

        self._under_way[question] = lookup
        self._begun[question] = asyncio.get_running_loop().time()
        lookup.add_done_callback(ended)

    async def close(self) -> None:
        """Leave the look-ups that are still under way to themselves."""
        for lookup in [*self._under_way.values(), *self._hanging]:
            lookup.cancel()


def _read(
    hostname: str, family: int, _: int, proto: int, __: str, address: tuple[Any, ...]
) -> ResolveResult:
    # Of an address of a link, this form alone has the link.
    host, port = socket.getnameinfo(address, _NUMERIC)
    return ResolveResult(
        hostname=hostname,
        host=host,
        port=int(port),
        family=family,
        proto=proto,
        flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
    )


def open_socket(info: AddressInfo) -> socket.socket:
    """Open a socket that is set up as `asyncup.edges.tcp.set_up` says."""
    family, kind, proto, _, _ = info
    opened = socket.socket(family, kind, proto)
    set_up(opened)
    return opened


class Trust:
    """Tells which connections a request may use that others have used before.

    What takes one connection down, a server that ends or a network that changes, has often taken
    those down that lie idle beside it, and nothing tells that of them until a request is lost. So
    those that were handed out before the last loss, and have carried no answer since, are not used
    again, and what was lost itself goes over a new one: dead connections cost a request one
    attempt, however many there are.
    """

    def __init__(self) -> None:
        self._losses = 0
        # By protocol, which is Python's in every loop; to a transport of uvloop, nothing can refer
        # weakly.
        self._handed_out: WeakKeyDictionary[asyncio.BaseProtocol, int] = WeakKeyDictionary()
        self._in_use: WeakValueDictionary[str, asyncio.BaseProtocol] = WeakValueDictionary()
        # A set in order.
        self._unanswered: dict[str, None] = {}

    @contextmanager
    def watch(self, name: str) -> Iterator[None]:
        """Take note of how a request ends; by its name it is known again when it is made again."""
        try:
            yield
        except BaseException as error:
            # One that is cancelled, as a stalled one is, was not answered either.
            self._remember(name)
            self._losses += isinstance(error, _LOST)
            raise
        self._unanswered.pop(name, None)
        connection = self._in_use.pop(name, None)
        if connection is not None:
            self._handed_out[connection] = self._losses

    def _remember(self, name: str) -> None:
        self._unanswered.pop(name, None)
        self._unanswered[name] = None
        if len(self._unanswered) > _REMEMBERED:
            del self._unanswered[next(iter(self._unanswered))]

    def allows(self, connection: asyncio.BaseProtocol, name: str) -> bool:
        """Hand a connection out to a request; return whether it may have it."""
        handed_out = self._handed_out.get(connection)
        if handed_out is not None and (handed_out < self._losses or name in self._unanswered):
            return False
        self._handed_out[connection] = self._losses
        self._in_use[name] = connection
        return True


@dataclass(frozen=True, slots=True)
class _Request:
    """What a task asks S3 for, on its way through aiohttp."""

    name: str = ""
    body: PartBody | None = None


_REQUEST = ContextVar("_REQUEST", default=_Request())  # noqa: B039 - it is frozen


class SliceSizes:
    """What suits each connection to a server."""

    def __init__(self) -> None:
        self._floor = Floor()
        self._sizes: WeakKeyDictionary[asyncio.BaseProtocol, SliceSize] = WeakKeyDictionary()

    def of(self, transport: asyncio.Transport) -> SliceSize:
        """Return that of one connection."""
        protocol = transport.get_protocol()
        if protocol not in self._sizes:
            self._sizes[protocol] = SliceSize(transport.get_extra_info("socket"), self._floor)
        return self._sizes[protocol]


class Proxies:
    """botocore's proxies (`known`), found by the scheme of a URL, which is all that it goes by.

    Measured: to take a URL apart for that, twice for each request, takes longer than to sign it.
    """

    def __init__(self, known: Any) -> None:  # noqa: ANN401 - botocore's
        self._known = known
        self._urls: dict[str, str | None] = {}
        self.settings = known.settings

    def proxy_url_for(self, url: str) -> str | None:
        """Return the proxy for a URL, None if it is reached without one."""
        scheme = url.partition(":")[0]
        if scheme not in self._urls:
            self._urls[scheme] = self._known.proxy_url_for(url)
        return self._urls[scheme]

    def proxy_headers_for(self, url: str) -> dict[str, str]:
        """Return the headers that botocore has for the user that a URL names, if it does."""
        found: dict[str, str] = self._known.proxy_headers_for(url) if "@" in url else {}
        return found


def _use(
    transport: asyncio.Transport,
    body: PartBody | None,
    sizes: SliceSizes,
    congestion_control: str | None,
) -> None:
    """Make a connection ready for a request, and the request's body see how it fares there."""
    if congestion_control is not None:
        # Before it is connected is too early: then the route may still choose (ip-route(8)).
        with suppress(OSError):  # it is closed
            control_congestion(transport.get_extra_info("socket"), congestion_control)
    # For TLS, asyncio would otherwise take half a megabyte more than the kernel.
    transport.set_write_buffer_limits(high=BUFFERED)
    if body is not None:
        connection, now = transport.get_extra_info("socket"), asyncio.get_running_loop().time()
        body.acknowledgements = Acknowledgements(connection, now)
        body.slice_size = sizes.of(transport)
        body.slice_size.look(now)


class CheckedSession(AIOHTTPSession):  # type: ignore[misc] # aiobotocore ships no types
    """Sends requests over TLS only to whom a certificate is for, behind a proxy as well.

    botocore's settings of TLS leave the name in a certificate to urllib3, which aiobotocore does
    not use: any certificate that is trusted would do. And behind a proxy, it looks at none at all.
    """

    def _get_ssl_context(self) -> ssl.SSLContext:
        context: ssl.SSLContext = super()._get_ssl_context()
        context.check_hostname = True
        return context

    def _setup_proxy_ssl_context(self, proxy_url: str) -> ssl.SSLContext:
        given: ssl.SSLContext | None = super()._setup_proxy_ssl_context(proxy_url)
        return given or self._get_ssl_context()


class HTTPSession(CheckedSession):
    """aiobotocore's session, without redirects, over sockets of our own.

    aiohttp would send a part to wherever a portal points, and call its answer that of S3. Where S3
    itself sends a request to another region, botocore does that, and signs it anew.
    """

    _proxy_config: Any

    def __init__(
        self,
        *args: Any,  # noqa: ANN401 - aiobotocore's
        congestion_control: str | None = None,
        **kwargs: Any,  # noqa: ANN401 - aiobotocore's
    ) -> None:
        # aiobotocore's own check of these arguments, when it is configured, knows nothing of this.
        arguments = {**(kwargs.pop("connector_args", None) or {}), "socket_factory": open_socket}
        super().__init__(*args, connector_args=arguments, **kwargs)
        self._proxy_config = Proxies(self._proxy_config)
        self._trust = Trust()
        self._congestion_control = congestion_control
        self._sizes = SliceSizes()

    async def send(self, request: Any) -> Any:  # noqa: ANN401 - botocore's
        """Send a request over a connection that can be trusted, and return its answer."""
        name = f"{request.method} {request.url}"
        body = request.body if isinstance(request.body, PartBody) else None
        token = _REQUEST.set(_Request(name, body))
        try:
            with self._trust.watch(name):
                return await super().send(request)
        finally:
            _REQUEST.reset(token)

    def _create_connector(self, proxy_url: str | None) -> Any:  # noqa: ANN401 - aiohttp's
        connector = super()._create_connector(proxy_url)
        connect = connector.connect

        async def connect_anew(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - aiohttp's
            request = _REQUEST.get()
            connection = await connect(*args, **kwargs)
            while (transport := connection.transport) is not None:
                if self._trust.allows(connection.protocol, request.name):
                    _use(transport, request.body, self._sizes, self._congestion_control)
                    break
                connection.close()
                connection = await connect(*args, **kwargs)
            return connection

        connector.connect = connect_anew
        return connector

    async def _get_session(self, proxy_url: str | None) -> "_Unredirected":
        return _Unredirected(await super()._get_session(proxy_url))


class _Unredirected:
    def __init__(self, session: Any) -> None:  # noqa: ANN401 - aiobotocore's
        self._session = session

    async def request(self, method: str, **params: Any) -> Any:  # noqa: ANN401 - aiohttp's
        return await self._session.request(method, allow_redirects=False, **params)
