"""A network that misbehaves on demand: an HTTP proxy before a real S3 server, in a thread.

Every request is shown to a script, which lets it pass or says what is to happen to it.
"""

import asyncio
import re
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum, auto
from urllib.parse import urlsplit

from asyncup.embedded import Certificate

_BLOCK = 64 * 1024
_DRIP_SECONDS = 0.05


class Fate(Enum):
    """What can happen to a request beside being answered."""

    PASS = auto()
    """It is forwarded, and so is its answer."""
    RESET = auto()
    """The connection breaks in the middle of the body."""
    LOSE_ANSWER = auto()
    """The server does its work, but the connection breaks before the answer."""
    SILENCE = auto()
    """Nothing more is read or written, and nothing closed."""
    NO_CONTINUE = auto()
    """It is forwarded, but `100 Continue` is not."""
    TRUNCATE = auto()
    """The answer breaks off in the middle, of its body if it has one."""
    CLOSE = auto()
    """It is answered, and then the connection is closed without a word."""
    CORRUPT = auto()
    """One byte of the body is another one when it arrives."""
    DRIP_HEAD = auto()
    """The answer comes byte by byte, without end, and never gets beyond its head."""
    DRIP_BODY = auto()
    """The answer's head comes, and then its body byte by byte, without end."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that the proxy gives itself, before or after it has read the body.

    A body that comes without its length ends with `end`.
    """

    status: int
    body: str = ""
    headers: tuple[str, ...] = ()
    early: bool = False
    end: bytes = b""


@dataclass(frozen=True, slots=True)
class Crawl:
    """The body is let through slowly, on this connection only."""

    bytes_per_second: int


@dataclass(frozen=True, slots=True)
class Request:
    """What a script sees of a request; the client's `port` tells connections apart."""

    method: str
    path: str
    query: str
    size: int
    port: int

    @property
    def part_number(self) -> int | None:
        """The number of the part that it carries, if it is an UploadPart."""
        found = re.search(r"partNumber=(\d+)", self.query)
        return int(found[1]) if found and self.method == "PUT" else None

    @property
    def is_complete(self) -> bool:
        """Whether it is a CompleteMultipartUpload."""
        return self.method == "POST" and "uploadId=" in self.query


Script = Callable[[Request], Fate | Answer | Crawl]


def let_pass(parts: int) -> Callable[[Request], Fate]:
    """Return a script that lets so many parts through and is silent to the others."""
    seen: set[int] = set()

    def script(request: Request) -> Fate:
        if request.part_number is not None:
            if len(seen) == parts and request.part_number not in seen:
                return Fate.SILENCE
            seen.add(request.part_number)
        return Fate.PASS

    return script


def error_answer(code: str, status: int, *headers: str, early: bool = False) -> Answer:
    """Return an error as S3 tells it."""
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>scripted</Message></Error>"
    return Answer(status, body, headers, early)


@dataclass(slots=True)
class Proxy:
    """A running proxy.

    Attributes:
        url: what clients connect to.
        requests: all that arrived, in order.
        answered: those that the server has answered and whose answer was passed on.
    """

    upstream: tuple[str, int]
    script: Script
    url: str = ""
    requests: list[Request] = field(default_factory=list)
    answered: list[Request] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)
    ending: asyncio.Event = field(default_factory=asyncio.Event)
    tls: ssl.SSLContext = field(default_factory=lambda: ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))

    def wait_until(self, enough: Callable[["Proxy"], bool]) -> None:
        """Wait until the proxy has seen what is waited for; a test's own time-out ends it."""
        with self.changed:
            self.changed.wait_for(lambda: enough(self))

    def parts(self) -> list[int]:
        """Return the numbers of the parts that the server acknowledged, in order."""
        return [each.part_number for each in self.answered if each.part_number]

    def _note(self, kept: list[Request], request: Request) -> None:
        with self.changed:
            kept.append(request)
            self.changed.notify_all()

    async def serve_connection(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Carry requests of one client connection until either side has enough."""
        try:
            # A connection that is cut off by the end of the test has nothing to say either.
            with suppress(OSError, asyncio.IncompleteReadError, _Break, asyncio.CancelledError):
                async with _connection(self.upstream) as upstream:
                    while True:
                        await self._one(reader, writer, *upstream)
        finally:
            writer.transport.abort()

    async def _one(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        from_server: asyncio.StreamReader,
        to_server: asyncio.StreamWriter,
    ) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        request = _read_request(head, writer.get_extra_info("peername")[1])
        self._note(self.requests, request)
        fate = self.script(request)
        if isinstance(fate, Answer):
            await _answer(fate, request, reader, writer)
            return
        if fate is Fate.SILENCE:
            await self.ending.wait()
            raise _Break
        _narrow(writer, fate)
        to_server.write(head)
        if b"100-continue" in head.lower():
            interim = await from_server.readuntil(b"\r\n\r\n")
            if not interim.startswith(b"HTTP/1.1 100"):
                await _relay_answer(interim, request, from_server, writer)
                return
            if fate is not Fate.NO_CONTINUE:
                writer.write(interim)
        await _relay_body(request.size, reader, to_server, fate)
        await self._pass_on(request, fate, from_server, writer)

    async def _pass_on(
        self,
        request: Request,
        fate: Fate | Crawl,
        from_server: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        answer = await from_server.readuntil(b"\r\n\r\n")
        if fate is Fate.LOSE_ANSWER:
            raise _Break
        if fate in {Fate.DRIP_HEAD, Fate.DRIP_BODY}:
            await self._drip(writer, answer if fate is Fate.DRIP_BODY else b"")
        whole = fate is not Fate.TRUNCATE
        await _relay_answer(answer, request, from_server, writer, whole=whole)
        self._note(self.answered, request)
        if fate is Fate.CLOSE:
            raise _Break

    async def _drip(self, writer: asyncio.StreamWriter, head: bytes) -> None:
        length = b"\r\ncontent-length: 1000000000\r\n"
        writer.write(re.sub(rb"(?i)\r\ncontent-length: *\d+\r\n", length, head))
        writer.write(b"" if head else b"HTTP/1.1 200 OK\r\nX-Long: ")
        while not self.ending.is_set():
            writer.write(b" ")
            await writer.drain()
            with suppress(TimeoutError):
                await asyncio.wait_for(self.ending.wait(), _DRIP_SECONDS)
        raise _Break

    def show(self, certificate: Certificate) -> None:
        """Show another certificate to those who connect from now on."""
        self.tls.load_cert_chain(certificate.certificate, certificate.key)


class _Break(Exception):
    pass


@contextmanager
def proxy_to(
    url: str,
    script: Script = lambda _: Fate.PASS,
    certificate: Certificate | None = None,
    *,
    address: str = "127.0.0.1",
) -> Iterator[Proxy]:
    """Run a proxy to a server, in a thread of its own, over TLS if there is a certificate."""
    target = urlsplit(url)
    proxy = Proxy((target.hostname or "", target.port or 80), script)
    if certificate is not None:
        proxy.show(certificate)
    tls = None if certificate is None else proxy.tls
    started, loop = threading.Event(), asyncio.new_event_loop()

    async def main() -> None:
        server = await asyncio.start_server(
            proxy.serve_connection, address, 0, limit=1 << 20, ssl=tls
        )
        scheme = "http" if tls is None else "https"
        proxy.url = f"{scheme}://{address}:{server.sockets[0].getsockname()[1]}"
        started.set()
        await proxy.ending.wait()
        server.close()
        # A connection that was just taken is ours some steps later. Cancelled before it has begun,
        # it would never be let go.
        for _ in range(5):
            await asyncio.sleep(0)
        # What has begun lets go a step after its end.
        for _ in range(5):
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)
            await asyncio.sleep(0)
        # What is left was never served, or is ending politely: TLS waits for the other side to.
        for transport in list(getattr(loop, "_transports").values()):  # noqa: B009 - it is private
            transport.abort()
        for _ in range(5):
            await asyncio.sleep(0)

    thread = threading.Thread(target=lambda: loop.run_until_complete(main()))
    thread.start()
    started.wait()
    try:
        yield proxy
    finally:
        loop.call_soon_threadsafe(proxy.ending.set)
        thread.join()
        loop.close()


@asynccontextmanager
async def _connection(
    address: tuple[str, int],
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection(*address, limit=1 << 20)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


def _read_request(head: bytes, port: int) -> Request:
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ")
    headers = {
        name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
    }
    path, _, query = target.partition("?")
    return Request(method, path, query, int(headers.get("content-length", 0)), port)


def _narrow(writer: asyncio.StreamWriter, fate: Fate | Crawl) -> None:
    """Let the system take little ahead of what is let through."""
    if isinstance(fate, Crawl):
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BLOCK)


async def _relay_body(
    size: int, reader: asyncio.StreamReader, to_server: asyncio.StreamWriter, fate: Fate | Crawl
) -> None:
    left = size
    while left:
        block = await reader.read(min(_BLOCK, left))
        if not block:
            raise _Break
        if fate is Fate.CORRUPT and left == size:
            block = bytes([block[0] ^ 1]) + block[1:]
        left -= len(block)
        if isinstance(fate, Crawl):
            await asyncio.sleep(len(block) / fate.bytes_per_second)
        to_server.write(block)
        await to_server.drain()
        if fate is Fate.RESET and left <= size // 2:
            raise _Break


async def _relay_answer(
    head: bytes,
    request: Request,
    from_server: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    *,
    whole: bool = True,
) -> None:
    found = re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)
    size = int(found[1]) if found and request.method != "HEAD" else 0
    body = await from_server.readexactly(size)
    if not whole:
        writer.write(head + body[: size // 2] if size else head[: len(head) // 2])
        await writer.drain()
        raise _Break
    writer.write(head + body)
    await writer.drain()


async def _answer(
    answer: Answer, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    left = 0 if answer.early else request.size
    if left:
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    while left:
        block = await reader.read(min(_BLOCK, left))
        if not block:
            raise _Break
        left -= len(block)
    if answer.end:
        await reader.readuntil(answer.end)
    # What answers HEAD has the length of a body, and none.
    body = b"" if request.method == "HEAD" else answer.body.encode()
    head = [f"HTTP/1.1 {answer.status} Scripted", f"Content-Length: {len(body)}", *answer.headers]
    if answer.early:
        head.append("Connection: close")
    writer.write("\r\n".join([*head, "", ""]).encode() + body)
    await writer.drain()
    if answer.early:
        raise _Break
