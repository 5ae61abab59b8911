"""What aiohttp does otherwise than by itself: it looks up names aside, and goes nowhere else."""

import asyncio
import socket
import ssl
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from aiobotocore.httpsession import AIOHTTPSession
from botocore import exceptions as boto
from botocore.httpsession import ProxyConfiguration

from asyncup.core.errors import ConnectionLost, ForeignAnswer, WrongRegion
from asyncup.core.model import ObjectAttributes, ObjectURI
from asyncup.core.options import AddressingStyle, Options, S3Config
from asyncup.edges import s3_http
from asyncup.edges.body import SliceSize
from asyncup.edges.s3 import open_s3
from asyncup.edges.s3_http import HTTPSession, Proxies, ThreadedResolver, Trust, open_socket
from asyncup.edges.tcp import Acknowledgements
from asyncup.embedded import EmbeddedServer
from tests.bodies import body_of, checksums_of
from tests.certificates import make_certificate
from tests.loop import run
from tests.proxy import Answer, Fate, Proxy, Request, error_answer, proxy_to
from tests.s3 import config_of

BOTH = [
    (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("2001:db8::1", 443, 0, 0)),
    (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 443)),
]
PATIENCE = 20.0
"""Seconds after which a look-up that did not begin never will: then a test fails, and ends."""

PLAIN = ObjectAttributes()

linux = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is no choice")

CONFIG = S3Config(
    endpoint_url="http://s3.invalid:9000",
    addressing_style=AddressingStyle.PATH,
    region="us-east-1",
    access_key_id="AKID",
    secret_access_key="none",  # noqa: S106 - it opens nothing
)


class Lookup:
    """A look-up of names that never ends, until the test does."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.begun = threading.Event()
        self.may_end = threading.Event()

    def __call__(self, *question: object, **_: object) -> list[Any]:
        self.asked.append(question)
        self.begun.set()
        self.may_end.wait()
        return BOTH


@pytest.fixture
def hanging() -> Iterator[Lookup]:
    """Return a look-up that hangs as long as the test runs."""
    lookup = Lookup()
    yield lookup
    lookup.may_end.set()


def test_both_families_are_told() -> None:
    """All addresses are there, as numbers, so that aiohttp can try one family after the other."""

    async def main() -> None:
        resolver = ThreadedResolver(1, lambda *_, **__: BOTH)
        found = await resolver.resolve("s3.example", 443, socket.AF_UNSPEC)
        assert [(each["family"], each["host"], each["port"]) for each in found] == [
            (socket.AF_INET6, "2001:db8::1", 443),
            (socket.AF_INET, "192.0.2.1", 443),
        ]
        assert {each["hostname"] for each in found} == {"s3.example"}

    run(main())


def test_the_real_look_up() -> None:
    """Without anything else, it is the system that is asked."""

    async def main() -> None:
        found = await ThreadedResolver(10).resolve("localhost", 80, socket.AF_INET)
        assert {each["host"] for each in found} == {"127.0.0.1"}

    asyncio.run(main())


def test_a_name_that_is_not_there() -> None:
    """What the system raises is raised."""

    def missing(*_: object, **__: object) -> list[Any]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    async def main() -> None:
        with pytest.raises(socket.gaierror):
            await ThreadedResolver(1, missing).resolve("s3.invalid")

    run(main())


def test_a_look_up_that_hangs_is_given_up(hanging: Lookup) -> None:
    """Whoever waits for a name does so for a limited time; however many do, one thread asks."""

    async def main() -> None:
        resolver = ThreadedResolver(0.1, hanging)
        asked = [resolver.resolve("s3.example", 443) for _ in range(5)]
        errors = await asyncio.gather(*asked, return_exceptions=True)
        assert [str(each) for each in errors] == [
            "[Errno None] the name s3.example was not looked up within 0.1 s"
        ] * 5
        assert len(hanging.asked) == 1
        hanging.may_end.set()

    asyncio.run(main())


def test_a_look_up_that_hangs_keeps_nobody_from_asking_anew() -> None:
    """The next one may be answered, as by those whom a new network asks; but threads are few."""
    asked, may_end = 0, threading.Event()

    def lookup(*_: object, **__: object) -> list[Any]:
        nonlocal asked
        asked += 1
        if asked != 2:
            may_end.wait()
        return BOTH

    async def main() -> None:
        resolver = ThreadedResolver(0.05, lookup)
        with pytest.raises(OSError, match="not looked up"):
            await resolver.resolve("s3.example", 443)
        assert await resolver.resolve("s3.example", 443)
        for _ in range(2 * s3_http.MOST_HANGING):
            with pytest.raises(OSError, match="not looked up"):
                await resolver.resolve("s3.example", 443)
        assert asked == s3_http.MOST_HANGING + 2
        await resolver.close()

    try:
        asyncio.run(main())
    finally:
        may_end.set()


def test_a_name_is_looked_up_anew_each_time() -> None:
    """An answer is not kept: a new connection goes where the name leads now."""
    asked = []

    def lookup(host: str, *_: object, **__: object) -> list[Any]:
        asked.append(host)
        return BOTH

    async def main() -> None:
        resolver = ThreadedResolver(1, lookup)
        await resolver.resolve("s3.example", 443)
        await resolver.resolve("s3.example", 443)

    run(main())
    assert len(asked) == 2


async def cancelled(config: S3Config, hanging: Lookup) -> None:
    """Make a request, and leave it when it has begun to look up a name."""
    async with open_s3(config, Options(), agent="test") as s3:
        asked = asyncio.create_task(s3.list_objects(ObjectURI("bucket"), 1))
        assert await asyncio.to_thread(hanging.begun.wait, PATIENCE)
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked


def test_nobody_waits_for_a_look_up_that_hangs(
    monkeypatch: pytest.MonkeyPatch, hanging: Lookup
) -> None:
    """Neither closing the client nor the end of the loop wait for a name that never comes."""
    monkeypatch.setattr(
        "asyncup.edges.s3_client.ThreadedResolver", lambda within: ThreadedResolver(within, hanging)
    )

    # If anybody did wait, this would not return before the test's own time-out.
    asyncio.run(cancelled(CONFIG, hanging))
    assert not hanging.may_end.is_set()


def test_a_name_that_never_comes_is_a_lost_connection(
    monkeypatch: pytest.MonkeyPatch, hanging: Lookup
) -> None:
    """It is transient, and told by what it is."""
    monkeypatch.setattr(
        "asyncup.edges.s3_client.ThreadedResolver", lambda _: ThreadedResolver(0.1, hanging)
    )

    async def main() -> None:
        async with open_s3(CONFIG, Options(), agent="test") as s3:
            await s3.list_objects(ObjectURI("bucket"), 1)

    with pytest.raises(ConnectionLost, match=r"the name s3\.invalid was not looked up"):
        asyncio.run(main())


def test_who_gives_credentials_is_looked_up_aside_as_well(
    monkeypatch: pytest.MonkeyPatch, hanging: Lookup, tmp_path: Path
) -> None:
    """A role is asked of STS by a client of its own, whose name keeps nobody waiting either."""
    monkeypatch.setattr(
        "asyncup.edges.s3_client.ThreadedResolver", lambda within: ThreadedResolver(within, hanging)
    )
    (tmp_path / "token").write_text("a token of the cluster")
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(tmp_path / "token"))
    monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/uploads")
    config = replace(CONFIG, access_key_id=None, secret_access_key=None)

    asyncio.run(cancelled(config, hanging))
    assert [question[0] for question in hanging.asked] == ["sts.us-east-1.amazonaws.com"]
    assert not hanging.may_end.is_set()


@pytest.fixture
def elsewhere(weed: EmbeddedServer) -> Iterator[Proxy]:
    """Run another server, which answers everything as S3 would."""
    with proxy_to(weed.endpoint_url) as proxy:
        yield proxy


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_of_others_are_not_followed(
    weed: EmbeddedServer, elsewhere: Proxy, prefix: ObjectURI, tmp_path: Path, status: int
) -> None:
    """No verb goes, and no part is sent, where somebody else than S3 points."""
    log_in = Answer(status, "<html></html>", (f"Location: {elsewhere.url}/test-bucket/x",))

    async def main(url: str) -> None:
        async with open_s3(config_of(weed, url), Options(), agent="test") as s3:
            for ask in (
                lambda: s3.list_objects(prefix, 1),
                lambda: s3.head_object(prefix / "x"),
                lambda: s3.create_multipart_upload(prefix / "x", None, ObjectAttributes()),
            ):
                with pytest.raises(ForeignAnswer) as caught:
                    await ask()
                assert "open 127.0.0.1 in a browser" in str(caught.value.hint)
            with body_of(b"secret", tmp_path) as body, pytest.raises(ForeignAnswer):
                await s3.put_object(prefix / "x", body, checksums_of(b"secret"), ObjectAttributes())

    with proxy_to(weed.endpoint_url, lambda _: log_in) as portal:
        asyncio.run(main(portal.url))
    assert elsewhere.requests == []
    assert len(portal.requests) == 4


def test_s3_may_send_elsewhere_by_region(weed: EmbeddedServer, prefix: ObjectURI) -> None:
    """Where S3 names the bucket's region, botocore asks there, and signs for it."""
    where = ("x-amz-request-id: 1", "x-amz-bucket-region: eu-west-3")
    redirect = error_answer("PermanentRedirect", 301, *where)

    def script(_: Request) -> Fate | Answer:
        return redirect if len(proxy.requests) == 1 else Fate.PASS

    async def main(url: str) -> None:
        async with open_s3(config_of(weed, url), Options(), agent="test") as s3:
            await s3.list_objects(prefix, 1)

    with proxy_to(weed.endpoint_url, script) as proxy:
        asyncio.run(main(proxy.url))
    assert [each.method for each in proxy.requests] == ["GET", "GET"]


@pytest.mark.parametrize(
    "answer",
    [
        Answer(301, "", ("x-amz-request-id: 1",)),
        error_answer("TemporaryRedirect", 307, "x-amz-request-id: 1"),
    ],
)
def test_s3_that_does_not_say_where_is_not_asked_for_ever(
    weed: EmbeddedServer, prefix: ObjectURI, answer: Answer
) -> None:
    """A bucket that is elsewhere, nobody says where, is in the wrong region, and that is all."""

    async def main(url: str) -> None:
        async with open_s3(config_of(weed, url), Options(), agent="test") as s3:
            with pytest.raises(WrongRegion, match="does not say in which"):
                await s3.list_objects(prefix, 1)

    with proxy_to(weed.endpoint_url, lambda _: answer) as proxy:
        asyncio.run(main(proxy.url))
    assert len(proxy.requests) == 2


@pytest.mark.parametrize("name", ["reno", None])
@linux
def test_connections_are_controlled_as_it_was_asked_for(
    weed: EmbeddedServer, prefix: ObjectURI, monkeypatch: pytest.MonkeyPatch, name: str | None
) -> None:
    """Those to S3 find their rate by the algorithm that was named, else by the system's own."""
    opened: list[socket.socket] = []

    def open_and_keep(*info: Any) -> socket.socket:  # noqa: ANN401 - aiohttp's
        opened.append(open_socket(*info))
        return opened[-1]

    async def main() -> set[bytes]:
        config = replace(config_of(weed), congestion_control=name)
        async with open_s3(config, Options(), agent="test") as s3:
            await s3.probe(prefix)
            return {algorithm_of(each) for each in opened}

    monkeypatch.setattr(s3_http, "open_socket", open_and_keep)
    with socket.socket() as usual:
        expected = algorithm_of(usual) if name is None else name.encode()
    assert asyncio.run(main()) == {expected}


def algorithm_of(connection: socket.socket) -> bytes:
    """Return how a connection finds its rate."""
    return connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16).rstrip(b"\0")


def test_the_client_opens_sockets_of_ours() -> None:
    """Aiohttp is given what opens them, though aiobotocore's own settings have no word for it."""
    session = HTTPSession(connector_args={"keepalive_timeout": 3.0})
    assert session._connector_args == {"keepalive_timeout": 3.0, "socket_factory": open_socket}


def test_tls_takes_little_ahead(tmp_path: Path) -> None:
    """A server that does not read holds up whoever sends, over TLS as without it."""
    certificate = make_certificate(tmp_path)
    served = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    served.load_cert_chain(certificate.certificate, certificate.key)
    listening = socket.create_server(("127.0.0.1", 0))
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 10)
    taken = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal taken
        for _ in range(1000):
            yield bytes(16 << 10)
            taken += 16 << 10

    async def main() -> None:
        done, gone = asyncio.Event(), asyncio.Event()

        async def keep(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            await done.wait()
            writer.transport.abort()
            gone.set()

        # The reader's own buffer is small as well.
        server = await asyncio.start_server(keep, sock=listening, ssl=served, limit=16 << 10)
        url = f"https://127.0.0.1:{listening.getsockname()[1]}/"
        connector = HTTPSession(verify=False, connector_args={})._create_connector(None)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1), aiohttp.ClientSession(connector=connector) as client:
                await client.put(url, data=body())
        done.set()
        await gone.wait()
        server.close()
        await server.wait_closed()

    asyncio.run(main())
    # Of this, most is in the buffers of the server.
    assert 0 < taken < 1 << 20


CREATED = """<InitiateMultipartUploadResult>
<Bucket>test-bucket</Bucket><Key>key</Key><UploadId>1</UploadId>
</InitiateMultipartUploadResult>"""
HEAD = f"HTTP/1.1 200 OK\r\nx-amz-request-id: 1\r\nContent-Length: {len(CREATED)}\r\n\r\n"
IN_THE_POOL = 4


class AnswersOnce:
    """A server that answers the first request of a connection, and ends it at the second.

    The first connections wait for each other, so that none is used twice before all are there.
    """

    def __init__(self) -> None:
        self.connections = 0
        self._are_there = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a connection."""
        await reader.readuntil(b"\r\n\r\n")
        self.connections += 1
        if self.connections == IN_THE_POOL:
            self._are_there.set()
        await self._are_there.wait()
        writer.write(f"{HEAD}{CREATED}".encode())
        with suppress(asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
        writer.close()
        await writer.wait_closed()


@asynccontextmanager
async def answering_once() -> AsyncIterator[tuple[AnswersOnce, Callable[[str], Awaitable[object]]]]:
    """Run such a server; give it, and what creates an upload there for a key."""
    answers = AnswersOnce()
    server = await asyncio.start_server(answers.serve, "127.0.0.1", 0)
    config = replace(CONFIG, endpoint_url=f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    async with server, open_s3(config, Options(), agent="test") as s3:
        yield (
            answers,
            lambda key: s3.create_multipart_upload(ObjectURI("bucket", key), None, PLAIN),
        )


def test_what_lay_idle_beside_a_lost_connection_is_not_used() -> None:
    """However many connections are dead in the pool, they cost one attempt of one request."""

    async def main() -> None:
        async with answering_once() as (answers, create):
            await asyncio.gather(*map(create, "abcd"))
            with pytest.raises(ConnectionLost):
                await create("e")
            await create("f")
            assert answers.connections == IN_THE_POOL + 1

    asyncio.run(main())


def test_a_request_that_was_lost_goes_over_a_new_connection() -> None:
    """Others may have had that connection since, and left it dead, too."""

    async def main() -> None:
        async with answering_once() as (answers, create):
            await asyncio.gather(*map(create, "abcd"))
            with pytest.raises(ConnectionLost):
                await create("e")
            await create("f")
            await create("e")
            assert answers.connections == IN_THE_POOL + 2

    asyncio.run(main())


def test_connections_that_are_trusted_are_used_again(weed: EmbeddedServer) -> None:
    """Where none was lost, one connection after the other takes request after request."""

    async def main(url: str) -> None:
        async with open_s3(config_of(weed, url), Options(), agent="test") as s3:
            for _ in range(3):
                await s3.list_objects(ObjectURI("test-bucket"), 1)

    with proxy_to(weed.endpoint_url) as proxy:
        asyncio.run(main(proxy.url))
    assert len({each.port for each in proxy.requests}) == 1


def test_a_body_sees_how_its_connection_fares(weed: EmbeddedServer, tmp_path: Path) -> None:
    """Whoever sends one can ask what the other side has acknowledged of it."""
    uri = ObjectURI("test-bucket", "key")

    async def main() -> None:
        async with open_s3(config_of(weed), Options(), agent="test") as s3:
            with body_of(b"seen", tmp_path) as body:
                assert body.acknowledgements is None
                await s3.put_object(uri, body, checksums_of(b"seen"), PLAIN)
                assert isinstance(body.acknowledgements, Acknowledgements)

    asyncio.run(main())


class Connection(asyncio.Protocol):
    """A connection as aiohttp knows it."""


def fail(trust: Trust, name: str) -> None:
    """Let a request end without an answer."""
    with suppress(TimeoutError), trust.watch(name):
        raise TimeoutError


def test_what_has_been_answered_is_trusted_again() -> None:
    """However often a request failed before, its answer ends the doubt in it."""
    trust, connection = Trust(), Connection()
    assert trust.allows(connection, "PUT /part")
    for _ in range(3):
        fail(trust, "PUT /part")
    assert not trust.allows(connection, "PUT /part")
    with trust.watch("PUT /part"):
        pass
    assert trust.allows(connection, "PUT /part")


def test_a_connection_that_answers_after_a_loss_is_trusted() -> None:
    """What has brought an answer since another connection was lost has not been lost with it."""
    trust, alive, idle = Trust(), Connection(), Connection()
    assert trust.allows(idle, "PUT /idle")
    with trust.watch("PUT /idle"):
        pass
    assert trust.allows(alive, "PUT /part")
    loss = suppress(boto.ConnectionClosedError)
    with trust.watch("PUT /part"), loss, trust.watch("PUT /another"):
        raise boto.ConnectionClosedError(endpoint_url="http://s3")
    assert trust.allows(alive, "PUT /next")
    assert not trust.allows(idle, "PUT /next but one")


def test_what_never_comes_again_is_forgotten() -> None:
    """Of requests without an answer, the latest are remembered, and not all of a run."""
    trust, connection = Trust(), Connection()
    assert trust.allows(connection, "another")
    fail(trust, "first")
    for number in range(999):
        fail(trust, f"{number}")
    fail(trust, "first")
    fail(trust, "last")
    assert not trust.allows(connection, "first")
    assert trust.allows(connection, "0")


def test_a_connection_keeps_the_size_of_its_slices(tmp_path: Path, weed: EmbeddedServer) -> None:
    """A part that follows another over a connection goes on in slices of the size that suited."""
    sizes: list[SliceSize] = []

    async def main() -> None:
        async with open_s3(config_of(weed), Options(concurrency=1), agent="test") as s3:
            for key in ("one", "another"):
                with body_of(b"part", tmp_path) as body:
                    await s3.put_object(
                        ObjectURI("test-bucket", key), body, checksums_of(b"part"), PLAIN
                    )
                    sizes.append(body.slice_size)

    asyncio.run(main())
    assert sizes[0] is sizes[1]


def test_connections_of_any_loop_are_known_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """To a transport of another loop than asyncio's own, nothing may be able to refer weakly."""

    class Transport:
        __slots__ = ()

        def set_write_buffer_limits(self, high: int) -> None:
            """Take note of nothing."""

    connection = SimpleNamespace(transport=Transport(), protocol=Connection())

    async def connect() -> SimpleNamespace:
        return connection

    connector = SimpleNamespace(connect=connect)
    monkeypatch.setattr(AIOHTTPSession, "_create_connector", lambda *_: connector)

    async def main() -> None:
        assert await HTTPSession()._create_connector(None).connect() is connection

    run(main())


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize(
    "named",
    [
        {},
        {"http": "http://proxy.example:1"},
        {"https": "proxy.example:2"},
        {"http": "//user:word@proxy.example:3", "https": "http://user:word@proxy.example:4"},
    ],
)
def test_proxies(named: dict[str, str], scheme: str) -> None:
    """Requests go through the proxy that botocore finds for them, the first and all others."""
    known = ProxyConfiguration(named, {"proxy_ca_bundle": "ca.pem"})
    proxies = Proxies(known)
    others = ["http://other.example/", "https://other.example/"]
    urls = [f"{scheme}://s3.example/b/k", *others, f"{scheme}://user:word@s3.example/b/@"]
    assert [proxies.proxy_url_for(url) for url in urls] == list(map(known.proxy_url_for, urls))
    assert list(map(proxies.proxy_headers_for, urls)) == list(map(known.proxy_headers_for, urls))
    assert proxies.settings == known.settings
