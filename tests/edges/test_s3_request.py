"""One request: its place in the queue, its clock, and what becomes of answers that are none."""

import asyncio
import socket
import ssl
import struct
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from asyncup.core.backoff import JITTER
from asyncup.core.errors import (
    AsyncupError,
    CertificateRejected,
    ConnectionLost,
    ForeignAnswer,
    ObjectTooLarge,
    S3Error,
    ServerFault,
    Stalled,
    TimedOut,
    UsageError,
)
from asyncup.core.model import ObjectAttributes, ObjectURI, Upload
from asyncup.core.options import Options, S3Config
from asyncup.edges.s3 import S3, open_s3
from asyncup.edges.s3_client import IDLE_TIMEOUT
from asyncup.edges.s3_clock import SigningClock
from asyncup.embedded import EmbeddedServer
from tests.bodies import body_of, checksums_of, receipt
from tests.certificates import make_certificate
from tests.proxy import Answer, Fate, Script, proxy_to
from tests.s3 import config_of

URI = ObjectURI("test-bucket", "key")
UPLOAD = Upload(URI, "0123456789abcdef")
DATA = b"hello"
PATIENT = Options(stall_timeout=60.0, complete_timeout=60.0)
"""Where there is an answer, however busy the machine is."""
IMPATIENT = Options(stall_timeout=1.0, complete_timeout=1.0)
"""Where there never is one."""
PAGE = ("Content-Type: text/html",)
NOBODY = S3Config(
    region="us-east-1",
    access_key_id="AKID",
    secret_access_key="none",  # noqa: S106 - it opens nothing
)

Ask = Callable[[S3, Path], Awaitable[object]]


async def put(s3: S3, directory: Path) -> object:
    """Store an object."""
    with body_of(DATA, directory) as body:
        return await s3.put_object(URI, body, checksums_of(DATA), ObjectAttributes())


async def send(s3: S3, directory: Path) -> object:
    """Send a part."""
    with body_of(DATA, directory) as body:
        return await s3.upload_part(UPLOAD, 1, body, checksums_of(DATA))


async def read(s3: S3, _: Path) -> object:
    """Read an object."""
    async with s3.get_object(URI) as blocks:
        return [block async for block in blocks]


VERBS: dict[str, Ask] = {
    "HeadObject": lambda s3, _: s3.head_object(URI),
    "GetObject": read,
    "ListObjectsV2": lambda s3, _: s3.list_objects(URI, 1),
    "probe": lambda s3, _: s3.probe(URI),
    "PutObject": put,
    "CreateMultipartUpload": lambda s3, _: s3.create_multipart_upload(
        URI, None, ObjectAttributes()
    ),
    "UploadPart": send,
    "ListMultipartUploads": lambda s3, _: s3.list_multipart_uploads(URI),
    "ListParts": lambda s3, _: s3.list_parts(UPLOAD),
    "CompleteMultipartUpload": lambda s3, _: s3.complete_multipart_upload(
        UPLOAD, [receipt(1, 0, DATA, "0" * 32)]
    ),
    "AbortMultipartUpload": lambda s3, _: s3.abort_multipart_upload(UPLOAD),
}


def ask(config: S3Config, asking: Ask, directory: Path, options: Options = PATIENT) -> object:
    """Open a gateway, make a request and close it."""

    async def main() -> object:
        async with open_s3(config, options, agent="test") as s3:
            return await asking(s3, directory)

    return asyncio.run(main())


def refused(
    server: EmbeddedServer,
    script: Script,
    asking: Ask,
    directory: Path,
    options: Options = PATIENT,
) -> AsyncupError:
    """Return the error of a request that goes through a proxy."""
    with proxy_to(server.endpoint_url, script) as proxy, pytest.raises(AsyncupError) as caught:
        ask(config_of(server, proxy.url), asking, directory, options)
    return caught.value


@contextmanager
def answering(answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """Run a server that does the same about each connection; give its port."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            # Closing the server ends it.
            with suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    with connection, suppress(OSError):
                        answer(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


def reset(connection: socket.socket) -> None:
    """Break a connection, instead of ending it."""
    connection.recv(1 << 16)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def end(connection: socket.socket) -> None:
    """End a connection without a word."""
    connection.recv(1 << 16)


def hold(connection: socket.socket) -> None:
    """Say nothing until the other side has enough."""
    while connection.recv(1 << 16):
        pass


@pytest.mark.parametrize("verb", VERBS)
def test_an_answer_that_never_gets_beyond_its_head(
    weed: EmbeddedServer, tmp_path: Path, verb: str
) -> None:
    """A byte now and then is no answer: every verb ends at its time, and so does the client."""
    error = refused(weed, lambda _: Fate.DRIP_HEAD, VERBS[verb], tmp_path, IMPATIENT)
    assert type(error) is (Stalled if verb in {"PutObject", "UploadPart"} else TimedOut)


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb != "HeadObject"])
def test_an_answer_that_never_comes_to_its_end(
    weed: EmbeddedServer, tmp_path: Path, verb: str
) -> None:
    """So it is with an answer whose body trickles, the one of completing included."""
    ask(config_of(weed), put, tmp_path, Options())
    error = refused(weed, lambda _: Fate.DRIP_BODY, VERBS[verb], tmp_path, IMPATIENT)
    assert type(error) is (Stalled if verb in {"PutObject", "UploadPart"} else TimedOut)


def test_completing_has_a_clock_of_its_own(weed: EmbeddedServer, tmp_path: Path) -> None:
    """It is waited for as long as the user says, not as for all else."""
    with proxy_to(weed.endpoint_url, lambda _: Fate.SILENCE) as proxy:
        config, complete = config_of(weed, proxy.url), VERBS["CompleteMultipartUpload"]
        with pytest.raises(TimedOut, match=r"no answer within 0\.2 s"):
            ask(config, complete, tmp_path, replace(IMPATIENT, complete_timeout=0.2))


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("status", [200, 302, 404])
def test_a_page_for_any_verb(weed: EmbeddedServer, tmp_path: Path, verb: str, status: int) -> None:
    """A portal's page in the place of any answer is no success and no refusal."""
    page = Answer(status, "<html><body>Log in</body></html>", (*PAGE, 'ETag: W/"1"'))
    error = refused(weed, lambda _: page, VERBS[verb], tmp_path)
    assert (type(error), error.transient) == (ForeignAnswer, True)
    assert str(error).endswith(f"the answer is not one of S3: {status} text/html")


@pytest.mark.parametrize("verb", ["PutObject", "UploadPart", "CompleteMultipartUpload"])
def test_a_body_that_is_too_large_for_a_server_in_between(
    weed: EmbeddedServer, tmp_path: Path, verb: str
) -> None:
    """Nginx before a server has a limit of its own: it stays, and the hint says what helps."""
    error = refused(weed, lambda _: Answer(413, "<html></html>", PAGE), VERBS[verb], tmp_path)
    assert (type(error), error.transient) == (ObjectTooLarge, False)
    assert "--part-size" in str(error.hint)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_wants_to_know_who_asks(
    weed: EmbeddedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    """A proxy without its password is told as such; the next one may not want any."""
    with proxy_to(weed.endpoint_url, lambda _: Answer(407)) as proxy:
        monkeypatch.setenv(f"{scheme}_proxy", proxy.url)
        config = config_of(weed, f"{scheme}://s3.invalid")
        with pytest.raises(ForeignAnswer, match="407") as caught:
            ask(config, VERBS["ListObjectsV2"], tmp_path)
    assert "HTTPS_PROXY=" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", ForeignAnswer),
        (b"HTTP/1.1 200 OK\r\nno header\r\n\r\n", ForeignAnswer),
        (
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
            ForeignAnswer,
        ),
        (b"HTTP/1.1 200 OK\r\nETag", ConnectionLost),
        (b"", ConnectionLost),
    ],
)
def test_what_can_not_be_read(tmp_path: Path, said: bytes, kind: type[S3Error]) -> None:
    """What is no HTTP, or no XML, is not of S3; what breaks off is a lost connection."""

    def answer(connection: socket.socket) -> None:
        connection.recv(1 << 16)
        connection.sendall(said)

    with answering(answer) as port:
        config = replace(NOBODY, endpoint_url=f"http://127.0.0.1:{port}")
        with pytest.raises(S3Error) as caught:
            ask(config, VERBS["ListObjectsV2"], tmp_path)
    assert type(caught.value) is kind


HEADERS = {
    "HeadObject": "Last-Modified: yesterday",
    "CreateMultipartUpload": "x-amz-abort-date: never",
    "ListParts": "x-amz-abort-date: never",
}


@pytest.mark.parametrize("verb", HEADERS)
def test_an_answer_with_nonsense_in_it(weed: EmbeddedServer, tmp_path: Path, verb: str) -> None:
    """A date that is none is not S3's, whatever else the answer has of S3."""
    answer = Answer(200, "", ("x-amz-request-id: 1", HEADERS[verb]))
    error = refused(weed, lambda _: answer, VERBS[verb], tmp_path)
    assert (type(error), error.transient) == (ForeignAnswer, True)


@pytest.mark.parametrize(
    "keys",
    [
        replace(NOBODY, session_token="one\nanother"),  # noqa: S106 - it opens nothing
        replace(NOBODY, access_key_id="AK\0ID"),
    ],
    ids=["token", "key"],
)
def test_keys_that_can_not_be_sent(weed: EmbeddedServer, tmp_path: Path, keys: S3Config) -> None:
    """What no header can hold is told as that, and nobody waits for S3 to come back."""
    config = replace(keys, endpoint_url=weed.endpoint_url)
    with pytest.raises(UsageError, match="look at s3://test-bucket/key: "):
        ask(config, VERBS["HeadObject"], tmp_path)


def test_a_name_that_can_not_be_sent(weed: EmbeddedServer, tmp_path: Path) -> None:
    """Nor is it an answer that cannot be read, also where S3 has answered another request."""

    async def two(s3: S3, _: Path) -> object:
        await s3.list_objects(URI, 1)
        return await s3.head_object(ObjectURI(URI.bucket, "\udcff"))

    with pytest.raises(UsageError, match="surrogates not allowed"):
        ask(config_of(weed), two, tmp_path)


@pytest.mark.parametrize("answer", [reset, end, hold])
def test_a_handshake_that_fails_is_a_lost_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: Callable[[socket.socket], None]
) -> None:
    """A connection that breaks or hangs while TLS begins is no bad certificate."""
    monkeypatch.setattr("asyncup.edges.s3_client.CONNECT_TIMEOUT", 0.2)
    with answering(answer) as port:
        config = replace(NOBODY, endpoint_url=f"https://127.0.0.1:{port}")
        with pytest.raises(ConnectionLost) as caught:
            ask(config, VERBS["ListObjectsV2"], tmp_path, Options(stall_timeout=20))
    assert type(caught.value) is ConnectionLost


def test_a_certificate_that_is_not_trusted(tmp_path: Path) -> None:
    """No verb, and no probe, takes a portal with a certificate of its own for S3."""
    made = make_certificate(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(made.certificate, made.key)

    def shake_hands(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True):
            pass

    with answering(shake_hands) as port:
        config = replace(NOBODY, endpoint_url=f"https://127.0.0.1:{port}")
        for verb in ("probe", "ListObjectsV2"):
            with pytest.raises(CertificateRejected):
                ask(config, VERBS[verb], tmp_path, Options())


def test_nothing_is_signed_before_it_has_a_connection(
    weed: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There are as many connections as may be signed for: no signature grows old in a queue."""
    signed: list[datetime] = []
    now = SigningClock.now

    def noting(clock: SigningClock) -> datetime:
        signed.append(now(clock))
        return signed[-1]

    monkeypatch.setattr(SigningClock, "now", noting)

    async def main(url: str) -> None:
        async with open_s3(config_of(weed, url), Options(concurrency=1), agent="test") as s3:
            asked = [asyncio.create_task(s3.list_objects(URI, 1)) for _ in range(10)]
            await asyncio.to_thread(proxy.wait_until, lambda proxy: len(proxy.requests) == 4)
            assert len(signed) == 4
            for each in asked:
                each.cancel()
            await asyncio.gather(*asked, return_exceptions=True)

    with proxy_to(weed.endpoint_url, lambda _: Fate.SILENCE) as proxy:
        asyncio.run(main(proxy.url))


@pytest.mark.parametrize(("size", "asks"), [(1 << 20, False), (2 << 20, True)])
def test_only_large_bodies_ask_whether_they_are_welcome(
    tmp_path: Path, size: int, *, asks: bool
) -> None:
    """What is soon sent is sent at once; to be told first that it may come takes a round trip."""
    heads: list[bytes] = []

    def note(connection: socket.socket) -> None:
        heads.append(connection.recv(1 << 16).lower())

    async def send_some(s3: S3, directory: Path) -> object:
        with body_of(bytes(size), directory) as body:
            return await s3.upload_part(UPLOAD, 1, body, checksums_of(b""))

    with answering(note) as port, suppress(S3Error):
        ask(replace(NOBODY, endpoint_url=f"http://127.0.0.1:{port}"), send_some, tmp_path)
    assert (b"\r\nexpect: 100-continue" in heads[0]) == asks


def test_a_small_body_that_stalls_says_nothing_of_large_ones(tmp_path: Path) -> None:
    """It did not ask first, so the server may well know what is asked: large bodies go on to."""
    heads: list[bytes] = []

    def note(connection: socket.socket) -> None:
        heads.append(connection.recv(1 << 16).lower())
        # It takes all, and says nothing.
        hold(connection)

    async def send_both(s3: S3, directory: Path) -> None:
        for size in (0, 2 << 20):
            with body_of(bytes(size), directory) as body, suppress(Stalled):
                await s3.upload_part(UPLOAD, 1, body, checksums_of(b""))

    with answering(note) as port:
        ask(
            replace(NOBODY, endpoint_url=f"http://127.0.0.1:{port}"), send_both, tmp_path, IMPATIENT
        )
    assert [b"\r\nexpect: 100-continue" in head for head in heads] == [False, True]


def test_what_is_tried_again_goes_over_a_new_connection() -> None:
    """Connections that stood idle through a failure are closed by the time of the next attempt."""
    assert Options().retry_step * (1 - JITTER) > IDLE_TIMEOUT


@pytest.mark.parametrize("size", [1 << 20, 8 << 20])
def test_what_is_acknowledged_before_it_was_sent(tmp_path: Path, size: int) -> None:
    """A success that comes before the last bytes have left cannot be about all of them."""

    def welcome(connection: socket.socket) -> None:
        connection.recv(1 << 16)
        connection.sendall(b'HTTP/1.1 200 OK\r\nETag: "tag"\r\nContent-Length: 0\r\n\r\n')
        hold(connection)

    async def send_some(s3: S3, directory: Path) -> None:
        with body_of(bytes(size), directory) as body:
            await s3.upload_part(UPLOAD, 1, body, checksums_of(b""))

    with answering(welcome) as port:
        config = replace(NOBODY, endpoint_url=f"http://127.0.0.1:{port}")
        with pytest.raises(ServerFault, match=f"of {size} bytes were sent"):
            ask(config, send_some, tmp_path)
