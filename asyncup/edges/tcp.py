"""What the kernel knows of a TCP connection: how far the peer has got with what was sent to it.

A transport, TLS and the kernel take bytes long before they travel, and go on sending long after;
only the kernel sees the peer acknowledge them.
"""

import socket
import struct
import sys
from contextlib import suppress
from typing import Protocol

_INFO: int | None = getattr(socket, "TCP_INFO", None) if sys.platform == "linux" else None
"""tcp(7); the layout below is Linux's `struct tcp_info` of linux/tcp.h, which only ever grows."""

_LAST_ACK_RECEIVED = 56
"""Where it has `tcpi_last_ack_recv`, milliseconds since the last acknowledgement, as 32 bits."""

_BYTES_ACKNOWLEDGED = 120
"""Where it has `tcpi_bytes_acked`, all bytes that were, as 64 bits; since Linux 4.1."""

_SIZE = _BYTES_ACKNOWLEDGED + 8

UNSENT = 128 << 10
"""Bytes that the kernel takes ahead at most of who is not known to be quick."""

# tcp(7): one of Linux and macOS.
_NOTSENT_LOWAT: int | None = getattr(socket, "TCP_NOTSENT_LOWAT", None)


class Socket(Protocol):
    """What a transport of asyncio shows of its socket."""

    def getsockopt(self, level: int, option: int, size: int, /) -> bytes:
        """Return an option of some bytes."""


class Settable(Socket, Protocol):
    """One that can be set as well."""

    def setsockopt(self, level: int, option: int, value: int, /) -> None:
        """Set an option."""


def limit_unsent(connection: Settable, most: int) -> None:
    """Let the kernel take no more bytes than these beside those on their way, where it knows how.

    Otherwise it takes megabytes at once, and all clocks that watch bytes move see them move in
    lumps with long pauses: a slow link looks like a dead one, and a dead one like a link.
    """
    if _NOTSENT_LOWAT is not None:
        with suppress(OSError):
            connection.setsockopt(socket.IPPROTO_TCP, _NOTSENT_LOWAT, most)


class Acknowledgements:
    """Tells when a peer acknowledged bytes that were sent from now on.

    `now` is the time of the event loop, in seconds, here and below.
    """

    def __init__(self, connection: Socket, now: float) -> None:
        self._connection = connection
        self._last = now
        self._bytes, _ = self._look()

    def last(self, now: float) -> float:
        """Return when there were new ones last; where the system does not tell, the beginning.

        What is told may be somewhat later than they were: a peer that takes nothing more says so
        again and again, and the kernel tells the time of the last word of any kind.
        """
        count, age = self._look()
        if count > self._bytes:
            self._bytes, self._last = count, max(self._last, now - age)
        return self._last

    def _look(self) -> tuple[int, float]:
        """Return the bytes acknowledged so far, and the seconds since the last such word."""
        if _INFO is None:
            return 0, 0.0
        try:
            told = self._connection.getsockopt(socket.IPPROTO_TCP, _INFO, _SIZE)
        except OSError:  # it is closed
            return 0, 0.0
        if len(told) < _SIZE:
            return 0, 0.0
        (age,) = struct.unpack_from("=I", told, _LAST_ACK_RECEIVED)
        (count,) = struct.unpack_from("=Q", told, _BYTES_ACKNOWLEDGED)
        return count, age / 1000
