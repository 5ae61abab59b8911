"""What the kernel does with a TCP connection, and what it knows: how far the peer has got.

A transport, TLS and the kernel take bytes long before they travel, and go on sending long after;
only the kernel sees the peer acknowledge them.
"""

import socket
import struct
import sys
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from asyncup.core.errors import UsageError

LONGEST_PAUSE = 2.0
"""Seconds, at most, until the kernel sends again what nobody has acknowledged.

Otherwise the pauses double up to two minutes (RFC 6298, 5.5), and a link that comes back after ten
seconds stands idle for as long again. More than the round trip of any link that is worth using.
"""

GIVEN_UP = 600.0
"""Seconds after which the kernel gives up a connection on which nothing is acknowledged.

By default, it counts how often it has sent, and would be done too soon. Our own clocks are sooner.
"""

_RTO_MAX_MS: int | None = 44 if sys.platform == "linux" else None
"""TCP_RTO_MAX_MS of linux/tcp.h, since Linux 6.15; Python has no name for it."""

_CONGESTION: int | None = getattr(socket, "TCP_CONGESTION", None)

_ALLOWED = Path("/proc/sys/net/ipv4/tcp_allowed_congestion_control")

_INFO: int | None = getattr(socket, "TCP_INFO", None) if sys.platform == "linux" else None
"""tcp(7); the layout below is Linux's `struct tcp_info` of linux/tcp.h, which only ever grows."""

_UNACKNOWLEDGED = 24
"""Where it has `tcpi_unacked`, the segments that were sent and not acknowledged, as 32 bits."""

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

    def setsockopt(self, level: int, option: int, value: int | bytes, /) -> None:
        """Set an option."""


def limit_unsent(connection: Settable, most: int) -> None:
    """Let the kernel take no more bytes than these beside those on their way, where it knows how.

    Otherwise it takes megabytes at once, and all clocks that watch bytes move see them move in
    lumps with long pauses: a slow link looks like a dead one, and a dead one like a link.
    """
    if _NOTSENT_LOWAT is not None:
        with suppress(OSError):
            connection.setsockopt(socket.IPPROTO_TCP, _NOTSENT_LOWAT, most)


def set_up(opened: socket.socket) -> None:
    """Let a socket take no more than it can send soon, and be patient with a way that is lost."""
    limit_unsent(opened, UNSENT)
    if _RTO_MAX_MS is not None:
        with suppress(OSError):  # an older kernel
            opened.setsockopt(socket.IPPROTO_TCP, _RTO_MAX_MS, int(LONGEST_PAUSE * 1000))
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(GIVEN_UP * 1000))


def control_congestion(connection: Settable, name: str) -> None:
    """Let a connection find its rate by the algorithm of this name; see tcp(7), TCP_CONGESTION.

    Raises:
        OSError: this system does not have it, or does not let everybody use it.
    """
    if _CONGESTION is None:
        raise OSError(None, "it does not let programs choose")
    connection.setsockopt(socket.IPPROTO_TCP, _CONGESTION, name.encode())


def check_congestion_control(name: str) -> None:
    """Check that connections can be controlled by the algorithm of this name.

    Raises:
        UsageError: they cannot.
    """
    with socket.socket() as trial:
        try:
            control_congestion(trial, name)
        except OSError as error:
            raise UsageError(
                f"TCP congestion control {name!r} cannot be used on this system: {error.strerror}",
                hint=_choices(),
            ) from error


def _choices() -> str:
    """Tell which algorithms there are to choose from."""
    try:
        return f"it lets you use: {', '.join(_ALLOWED.read_text('ascii').split())}"
    except OSError:
        return "leave --congestion-control out"


class Acknowledgements:
    """Tells when a peer acknowledged bytes that were sent from now on.

    `now` is the time of the event loop, in seconds, here and below.
    """

    def __init__(self, connection: Socket, now: float) -> None:
        self._connection = connection
        self._last = now
        self._bytes = _count(self._told())

    def last(self, now: float) -> float:
        """Return when there were new ones last; where the system does not tell, the beginning.

        What is told may be somewhat later than they were: a peer that takes nothing more says so
        again and again, and the kernel tells the time of the last word of any kind.
        """
        told = self._told()
        if told is None:
            return self._last
        (age,) = struct.unpack_from("=I", told, _LAST_ACK_RECEIVED)
        if (count := _count(told)) > self._bytes:
            self._bytes, self._last = count, max(self._last, now - age / 1000)
        return self._last

    @property
    def are_due(self) -> bool:
        """Whether the kernel waits for some; not as long as it is the peer who takes no more."""
        told = self._told()
        return told is not None and struct.unpack_from("=I", told, _UNACKNOWLEDGED) > (0,)

    def _told(self) -> bytes | None:
        """Return what the kernel tells, if it tells enough."""
        if _INFO is None:
            return None
        try:
            told = self._connection.getsockopt(socket.IPPROTO_TCP, _INFO, _SIZE)
        except OSError:  # it is closed
            return None
        return told if len(told) == _SIZE else None


def _count(told: bytes | None) -> int:
    """Return the bytes acknowledged so far."""
    if told is None:
        return 0
    count: int
    (count,) = struct.unpack_from("=Q", told, _BYTES_ACKNOWLEDGED)
    return count
