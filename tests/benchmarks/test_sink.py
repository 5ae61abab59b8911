"""The sink counts what has arrived, and no byte more: figures are worth what it is worth."""

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from asyncup.core.checksums import to_base64
from asyncup.core.model import ChecksumAlgorithm
from benchmarks.sink.ledger import Ledger
from benchmarks.sink.server import listen, secured, serve, serve_request
from benchmarks.sink.wire import Ended, Stream
from tests.bodies import checksums_of
from tests.certificates import make_certificate

SIZE = 100_000
DATA = bytes(range(250)) * (SIZE // 250)
CRC64NVME = to_base64(checksums_of(DATA)[ChecksumAlgorithm.CRC64NVME])
OK = b"HTTP/1.1 200 OK\r\n"


@dataclass(slots=True)
class Script:
    """A wire that brings what it is given, piece by piece, and notes what happens when."""

    pieces: list[bytes]
    happened: list[str] = field(default_factory=list)

    def receive_into(self, buffer: memoryview) -> int:
        return self.forget(len(buffer), buffer)

    def forget(self, most: int, buffer: memoryview | None = None) -> int:
        if not self.pieces:
            return 0
        piece = self.pieces.pop(0)
        here, rest = piece[:most], piece[most:]
        if rest:
            self.pieces.insert(0, rest)
        elif not self.pieces:
            self.happened.append("last byte read")
        if buffer is not None:
            buffer[: len(here)] = here
        return len(here)

    def send(self, data: bytes) -> None:
        self.happened.append(f"sent {data.partition(b' ')[2][:3].decode()}")


Connect = Callable[[], socket.socket]


@pytest.fixture
def ledger() -> Ledger:
    """Return the books of a sink."""
    return Ledger()


@pytest.fixture(params=["http", "https"])
def connect(request: pytest.FixtureRequest, ledger: Ledger, tmp_path: Path) -> Iterator[Connect]:
    """Run a sink, and return what connects to it."""
    certificate = make_certificate(tmp_path)
    is_secure = request.param == "https"
    context = secured(certificate) if is_secure else None
    trusting = ssl.create_default_context(cafile=str(certificate.issuer))
    with listen() as listener:
        threading.Thread(target=serve, args=(listener, ledger, context), daemon=True).start()

        def open_one() -> socket.socket:
            plain = socket.create_connection(listener.getsockname(), timeout=30)
            return trusting.wrap_socket(plain, server_hostname="127.0.0.1") if is_secure else plain

        yield open_one
        listener.shutdown(socket.SHUT_RDWR)


def put(body: bytes, *headers: str, target: str = "/bucket/key", length: bool = True) -> bytes:
    """Return a request that puts a body."""
    lines = [f"PUT {target} HTTP/1.1", "host: sink", *headers]
    if length:
        lines.append(f"content-length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def read_answer(connection: socket.socket) -> bytes:
    """Read an answer to its end."""
    answer = receive(connection)
    while b"\r\n\r\n" not in answer:
        answer += receive(connection)
    head, _, content = answer.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
    while len(content) < length:
        content += receive(connection)
    return head + b"\r\n\r\n" + content


def receive(connection: socket.socket) -> bytes:
    """Receive some bytes, which have to come."""
    received = connection.recv(1 << 16)
    assert received, "the sink has closed the connection"
    return received


def chunked(data: bytes, each: int, extension: str = "", trailers: str = "") -> bytes:
    """Return data in chunks, as HTTP and aws-chunked have them."""
    pieces = [data[start : start + each] for start in range(0, len(data), each)]
    framed = [f"{len(piece):x}{extension}\r\n".encode() + piece + b"\r\n" for piece in pieces]
    return b"".join(framed) + f"0{extension}\r\n{trailers}\r\n".encode()


def test_keep_alive(connect: Connect, ledger: Ledger) -> None:
    """Two bodies over one connection are two objects, and each byte of them is counted once."""
    with connect() as connection:
        for key in ("one", "two"):
            connection.sendall(put(DATA, target=f"/bucket/{key}"))
            assert read_answer(connection).startswith(OK)
    assert ledger.summary() | {"cpu": 0} == {
        "received": 2 * SIZE,
        "broken": 0,
        "requests": {"PutObject": 2},
        "objects": 2,
        "size": 2 * SIZE,
        "pending": 0,
        "cpu": 0,
    }


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ("content-md5: x", {"CRC64NVME": CRC64NVME}),
        ("x-amz-checksum-crc32: AAAAAA==", {"CRC32": "AAAAAA=="}),
    ],
)
def test_checksum_of_its_own(
    connect: Connect, ledger: Ledger, header: str, told: dict[str, str]
) -> None:
    """An object that comes without a checksum gets one, as on AWS, and its answer tells it."""
    with connect() as connection:
        connection.sendall(put(DATA, header))
        head = read_answer(connection).decode().lower()
    assert ledger.find("bucket/key").checksums == told
    assert f"x-amz-checksum-crc64nvme: {CRC64NVME}".lower() in head or "CRC32" in told
    assert ledger.tally.received == SIZE


@pytest.mark.parametrize("sent", [0, 1, SIZE // 2, SIZE - 1])
def test_who_stops_early_has_sent_nothing(connect: Connect, ledger: Ledger, sent: int) -> None:
    """A body that ends before its last byte is no object, and none of it counts."""
    with connect() as connection:
        connection.sendall(put(DATA)[: -SIZE + sent])
        # Of the connection, not of TLS: as if the client had been killed.
        socket.socket.shutdown(connection, socket.SHUT_WR)
        assert connection.recv(1) == b""
    assert (ledger.tally.received, ledger.tally.broken, ledger.objects) == (0, 1, {})


@pytest.mark.parametrize("each", [1000, SIZE])
def test_aws_chunked(connect: Connect, ledger: Ledger, each: int) -> None:
    """What frames a body is not counted, and the checksum that follows it is remembered."""
    body = chunked(DATA, each, ";chunk-signature=00", "x-amz-checksum-crc32:AAAAAA==\r\n")
    announced = f"x-amz-decoded-content-length: {SIZE}"
    with connect() as connection:
        connection.sendall(put(body, "content-encoding: aws-chunked", announced))
        assert read_answer(connection).startswith(OK)
        connection.sendall(put(DATA, target="/bucket/next"))
        assert read_answer(connection).startswith(OK)
    assert ledger.tally.received == 2 * SIZE
    assert ledger.find("bucket/key").checksums == {"CRC32": "AAAAAA=="}


def test_chunks_within_chunks(connect: Connect, ledger: Ledger) -> None:
    """Botocore cuts an aws-chunked body once more for HTTP, and anywhere."""
    inner = chunked(DATA, 3333, trailers="x-amz-checksum-crc32:AAAAAA==\r\n")
    headers = ["content-encoding: aws-chunked", "transfer-encoding: chunked"]
    announced = f"x-amz-decoded-content-length: {SIZE}"
    with connect() as connection:
        connection.sendall(put(chunked(inner, 1009), *headers, announced, length=False))
        assert read_answer(connection).startswith(OK)
        connection.sendall(put(DATA, target="/bucket/next"))
        assert read_answer(connection).startswith(OK)
    assert (ledger.tally.received, ledger.tally.broken) == (2 * SIZE, 0)
    assert ledger.find("bucket/key").checksums == {"CRC32": "AAAAAA=="}


def test_chunks_of_http(connect: Connect, ledger: Ledger) -> None:
    """A body of which nobody has told the size is counted without its framing."""
    body = chunked(DATA, 4096)
    with connect() as connection:
        connection.sendall(put(body, "transfer-encoding: chunked", length=False))
        assert read_answer(connection).startswith(OK)
    assert ledger.tally.received == SIZE


@pytest.mark.parametrize("announced", [SIZE - 1, SIZE + 1])
def test_another_size_than_announced(connect: Connect, ledger: Ledger, announced: int) -> None:
    """A body that is not as long as it is said to be does not count."""
    headers = ["content-encoding: aws-chunked", f"x-amz-decoded-content-length: {announced}"]
    with connect() as connection:
        connection.sendall(put(chunked(DATA, 1000), *headers))
        assert connection.recv(1) == b""
    assert (ledger.tally.received, ledger.tally.broken, ledger.objects) == (0, 1, {})


def test_it_says_when_to_go_on(connect: Connect, ledger: Ledger) -> None:
    """Whoever waits for 100 Continue before the body gets it."""
    head, _, body = put(DATA, "expect: 100-continue").partition(b"\r\n\r\n")
    with connect() as connection:
        connection.sendall(head + b"\r\n\r\n")
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        assert read_answer(connection).startswith(OK)
    assert ledger.tally.received == SIZE


@pytest.mark.parametrize("framed", [False, True])
def test_no_answer_before_the_last_byte(ledger: Ledger, framed: bool) -> None:
    """An early answer would let a client stop sending, and be measured as faster than it is."""
    headers = ["content-encoding: aws-chunked"] if framed else []
    request = put(chunked(DATA, 999) if framed else DATA, *headers)
    wire = Script([request[start : start + 997] for start in range(0, len(request), 997)])
    assert serve_request(Stream(wire), wire, ledger)
    assert wire.happened == ["last byte read", "sent 200"]


def test_no_answer_to_half_a_body(ledger: Ledger) -> None:
    """To a body that does not come to its end there is no answer at all."""
    wire = Script([put(DATA)[:-1]])
    with pytest.raises(Ended):
        serve_request(Stream(wire), wire, ledger)
    assert wire.happened == ["last byte read"]


def test_what_is_asked_from_outside(connect: Connect) -> None:
    """Who measures is told what has arrived, and can let all be forgotten."""
    with connect() as connection:
        connection.sendall(put(DATA))
        read_answer(connection)
        connection.sendall(b"GET /-/tally HTTP/1.1\r\n\r\n")
        told = json.loads(read_answer(connection).partition(b"\r\n\r\n")[2])
        assert (told["received"], told["objects"], told["size"]) == (SIZE, 1, SIZE)
        connection.sendall(b"POST /-/reset HTTP/1.1\r\n\r\n")
        told = json.loads(read_answer(connection).partition(b"\r\n\r\n")[2])
        assert (told["received"], told["objects"], told["size"]) == (0, 0, 0)
