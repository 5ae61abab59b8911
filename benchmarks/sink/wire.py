"""A connection's bytes: lines to read, and bytes to count and forget.

To forget costs little. Over HTTP nothing is copied out of the kernel. Over TLS the bytes have to be
decrypted; that much arrives at once that calls and the interpreter add little to it.
"""

import socket
import ssl
import sys
from collections.abc import Callable
from typing import Protocol

_AT_ONCE = 256 << 10
_RECORD = 16 << 10  # what TLS decrypts at once (RFC 8446, 5.1)
_LONGEST_LINE = 64 << 10

# Only Linux forgets bytes of TCP: tcp(7).
_FORGET = socket.MSG_TRUNC if sys.platform == "linux" else 0


class Ended(Exception):
    """The connection ended, or what it brings makes no sense: nothing more can be read."""


class Wire(Protocol):
    """A connection that brings and takes bytes; both calls return 0 at its end."""

    def receive_into(self, buffer: memoryview) -> int:
        """Wait for bytes, and put them into a buffer; return how many."""

    def forget(self, most: int) -> int:
        """Wait for bytes, and forget at most so many; return how many."""

    def send(self, data: bytes) -> None:
        """Send all of some bytes."""


class PlainWire:
    """A connection of HTTP."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._scratch = memoryview(bytearray(_AT_ONCE if _FORGET == 0 else 8 * _AT_ONCE))

    def receive_into(self, buffer: memoryview) -> int:
        """Wait for bytes."""
        return self._connection.recv_into(buffer)

    def forget(self, most: int) -> int:
        """Wait for bytes, and forget them."""
        return self._connection.recv_into(self._scratch[:most], flags=_FORGET)

    def send(self, data: bytes) -> None:
        """Send all of some bytes."""
        self._connection.sendall(data)


class SecureWire:
    """A connection of HTTPS: the server's end of TLS."""

    def __init__(self, connection: socket.socket, context: ssl.SSLContext) -> None:
        self._connection = connection
        self._arrived, self._answers = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._arrived, self._answers, server_side=True)
        self._sealed = memoryview(bytearray(_AT_ONCE))
        self._opened = memoryview(bytearray(_RECORD))

    def receive_into(self, buffer: memoryview) -> int:
        """Wait for bytes."""
        while True:
            try:
                # The first call shakes hands.
                return int(self._tls.read(len(buffer), buffer))
            except ssl.SSLWantReadError:
                self._flush()
                count = self._connection.recv_into(self._sealed)
                if not count:
                    return 0
                self._arrived.write(self._sealed[:count])
            except ssl.SSLZeroReturnError:
                return 0

    def forget(self, most: int) -> int:
        """Wait for bytes, and forget them."""
        return self.receive_into(self._opened[:most])

    def send(self, data: bytes) -> None:
        """Send all of some bytes."""
        self._tls.write(data)
        self._flush()

    def _flush(self) -> None:
        if self._answers.pending:
            self._connection.sendall(self._answers.read())


class Bytes(Protocol):
    """Bytes that are read from front to end."""

    def line(self) -> bytes:
        """Read a line, and return it without its end.

        Raises:
            Ended: there is none.
        """

    def discard(self, count: int) -> None:
        """Read so many bytes, and forget them.

        Raises:
            Ended: there are not so many.
        """

    def take(self, count: int) -> bytes:
        """Read so many bytes, and return them.

        Raises:
            Ended: there are not so many.
        """


class Stream:
    """What a connection brings."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._buffer = memoryview(bytearray(_RECORD))
        self._ahead = b""

    def line(self) -> bytes:
        """Read a line."""
        while (end := self._ahead.find(b"\n")) < 0:
            if len(self._ahead) > _LONGEST_LINE:
                raise Ended("a line without an end")
            self._ahead += self._receive()
        found, self._ahead = self._ahead[:end], self._ahead[end + 1 :]
        return found.removesuffix(b"\r")

    def discard(self, count: int) -> None:
        """Read so many bytes, and forget them."""
        count -= len(self._from_ahead(count))
        while count:
            gone = self._wire.forget(count)
            if not gone:
                raise Ended(f"{count} bytes did not come")
            count -= gone

    def show(self, count: int, look: Callable[[memoryview], None]) -> None:
        """Read so many bytes, and forget them when they were looked at."""
        ahead = self._from_ahead(count)
        look(memoryview(ahead))
        count -= len(ahead)
        while count:
            here = self._wire.receive_into(self._buffer[:count])
            if not here:
                raise Ended(f"{count} bytes did not come")
            look(self._buffer[:here])
            count -= here

    def take(self, count: int) -> bytes:
        """Read so many bytes."""
        taken = self._from_ahead(count)
        while len(taken) < count:
            self._ahead = self._receive()
            taken += self._from_ahead(count - len(taken))
        return taken

    def _from_ahead(self, most: int) -> bytes:
        found, self._ahead = self._ahead[:most], self._ahead[most:]
        return found

    def _receive(self) -> bytes:
        count = self._wire.receive_into(self._buffer)
        if not count:
            raise Ended("the connection was closed")
        return bytes(self._buffer[:count])
