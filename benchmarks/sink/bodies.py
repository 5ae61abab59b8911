"""Bodies of requests, read to their last byte: how long they are, and what follows them.

There are two framings, of one form and sometimes one in the other: that of HTTP (RFC 9112, 7.1),
and `aws-chunked`, in which a signature may follow each chunk's size:
https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from asyncup.core.checksums import RunningChecksums, to_base64
from asyncup.core.model import ChecksumAlgorithm
from benchmarks.sink.wire import Bytes, Ended, Stream

Headers = Mapping[str, str]
"""By names in small letters."""

CHECKSUM = "x-amz-checksum-"
"""What headers of checksums begin with."""


@dataclass(frozen=True, slots=True)
class Body:
    """A body that has arrived: its size in bytes, without framing, and the headers after it."""

    size: int
    trailers: Headers = field(default_factory=dict)


def read_body(stream: Bytes, headers: Headers) -> Body:
    """Read a body to its last byte, and forget it.

    Raises:
        Ended: it is shorter than announced, or its framing is broken.
    """
    if "aws-chunked" in headers.get("content-encoding", "") or _is_streamed(headers):
        return _read_aws_chunked(stream, headers)
    if _is_chunked(headers):
        return _read_chunks(stream)
    size = int(headers.get("content-length", 0))
    stream.discard(size)
    return Body(size)


def read_object(stream: Stream, headers: Headers) -> Body:
    """Read a body as `read_body`; if it comes with no checksum, compute one, as S3 does.

    That is CRC64NVME, told in a header:
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
    """
    if _is_framed(headers) or any(name.startswith(CHECKSUM) for name in headers):
        return read_body(stream, headers)
    running = RunningChecksums()
    size = int(headers.get("content-length", 0))
    stream.show(size, running.update)
    crc = running.result()[ChecksumAlgorithm.CRC64NVME]
    return Body(size, {f"{CHECKSUM}crc64nvme": to_base64(crc)})


def _is_framed(headers: Headers) -> bool:
    return (
        _is_chunked(headers)
        or _is_streamed(headers)
        or "aws-chunked" in headers.get("content-encoding", "")
    )


def _is_chunked(headers: Headers) -> bool:
    return headers.get("transfer-encoding", "").lower() == "chunked"


def _is_streamed(headers: Headers) -> bool:
    return headers.get("x-amz-content-sha256", "").startswith("STREAMING-")


def _read_aws_chunked(stream: Bytes, headers: Headers) -> Body:
    if _is_chunked(headers):
        chunks = Chunks(stream)
        body = _read_chunks(chunks)
        chunks.finish()
    else:
        body = _read_chunks(stream)
    announced = headers.get("x-amz-decoded-content-length")
    if announced is not None and int(announced) != body.size:
        raise Ended(f"{announced} bytes were announced, {body.size} came")
    return body


def _read_chunks(stream: Bytes) -> Body:
    total = 0
    while size := _read_size(stream):
        stream.discard(size)
        _read_end(stream)
        total += size
    return Body(total, read_headers(stream))


def _read_size(stream: Bytes) -> int:
    told, _, _ = stream.line().partition(b";")
    try:
        return int(told, 16)
    except ValueError:
        raise Ended(f"no size of a chunk: {told!r}") from None


def _read_end(stream: Bytes) -> None:
    if rest := stream.line():
        raise Ended(f"no end of a chunk: {rest[:20]!r}")


def read_headers(stream: Bytes) -> dict[str, str]:
    """Read headers, and the empty line after them.

    Raises:
        Ended: there are none.
    """
    found = {}
    while line := stream.line():
        name, _, value = line.decode("latin-1").partition(":")
        found[name.strip().lower()] = value.strip()
    return found


class Chunks:
    """What is inside of chunks, as if it were not cut."""

    def __init__(self, stream: Bytes) -> None:
        self._stream = stream
        self._left = 0
        self._is_begun = False

    def line(self) -> bytes:
        """Read a line."""
        line = b""
        while not line.endswith(b"\n"):
            line += self.take(1)
        return line.removesuffix(b"\n").removesuffix(b"\r")

    def discard(self, count: int) -> None:
        """Read so many bytes, and forget them."""
        while count:
            here = min(count, self._next())
            self._stream.discard(here)
            self._left -= here
            count -= here

    def take(self, count: int) -> bytes:
        """Read so many bytes."""
        taken = b""
        while len(taken) < count:
            here = min(count - len(taken), self._next())
            taken += self._stream.take(here)
            self._left -= here
        return taken

    def finish(self) -> None:
        """Read the end, which has to be here.

        Raises:
            Ended: there are more bytes.
        """
        if self._left or self._begin():
            raise Ended("more bytes than were told inside")
        read_headers(self._stream)

    def _next(self) -> int:
        """Return how many bytes the chunk still has; at its end, go on to the next one."""
        if not self._left and not self._begin():
            raise Ended("fewer bytes than were told inside")
        return self._left

    def _begin(self) -> int:
        if self._is_begun:
            _read_end(self._stream)
        self._is_begun = True
        self._left = _read_size(self._stream)
        return self._left
