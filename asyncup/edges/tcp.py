"""What the kernel does with a TCP connection, and what it knows: how far the peer has got.

A transport, TLS and the kernel take bytes long before they travel, and go on sending long after;
only the kernel sees the peer acknowledge them.
"""

import socket
import struct
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from asyncup.core.errors import UsageError

SHORTEST_LIMIT, LONGEST_LIMIT = 1.0, 4.0
"""Seconds: the least that the kernel takes for TCP_RTO_MAX_MS; and less than connections are waited
for after an outage. A round trip that is longer is none, but an acknowledgement that was held up.
"""

FIRST_LIMIT = 2.0
"""Seconds, at most, between two attempts to open a connection, whose round trip nobody knows."""

ROUND_TRIPS = 2
"""How many pauses that suit a round trip (RFC 6298) the longest one has."""

FLAT = 1.25
"""A round trip of so many shortest ones has no full queue in it: that would be as long again."""

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

_ROUND_TRIP = 68
"""Where it has `tcpi_rtt` and `tcpi_rttvar`, the round trip and its variation, as 32 bits each."""

_RESENT = 100
"""Where it has `tcpi_total_retrans`, segments that were sent again, as 32 bits."""

_LAST_ACK_RECEIVED = 56
"""Where it has `tcpi_last_ack_recv`, milliseconds since the last acknowledgement, as 32 bits."""

_BYTES_ACKNOWLEDGED = 120
"""Where it has `tcpi_bytes_acked`, all bytes that were, as 64 bits; since Linux 4.1."""

_LEAST = 148
"""Where it has `tcpi_min_rtt`, the shortest round trip, as 32 bits; since Linux 4.6."""

_SIZE = _LEAST + 4

_MICRO = 1e6
"""Its times are in microseconds, if nothing else is told."""

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
            opened.setsockopt(socket.IPPROTO_TCP, _RTO_MAX_MS, int(FIRST_LIMIT * 1000))
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(GIVEN_UP * 1000))


@dataclass(frozen=True, slots=True)
class TCPPath:
    """What a connection has seen of its way; times in seconds.

    Attributes:
        round_trip: of late, smoothed.
        variation: of that.
        least: the shortest one.
        resent: packets that were sent again.
    """

    round_trip: float
    variation: float
    least: float
    resent: int

    @property
    def longest_pause(self) -> float:
        """The longest pause that suits the round trip (RFC 6298)."""
        suits = self.round_trip + 4 * self.variation
        return min(max(SHORTEST_LIMIT, ROUND_TRIPS * suits), LONGEST_LIMIT)

    def loses(self, least: float) -> bool:
        """Return whether packets get lost though no queue is full, which would take time to pass.

        `least` is the shortest round trip of all connections: one that was opened while a queue
        was full has seen no shorter one.
        """
        return self.resent > 0 and self.round_trip <= FLAT * least


def path_of(connection: Socket) -> TCPPath | None:
    """Return what the kernel tells of a connection's way, if it does."""
    told = told_by(connection)
    if told is None:
        return None
    round_trip, variation = struct.unpack_from("=II", told, _ROUND_TRIP)
    (resent,), (least,) = (struct.unpack_from("=I", told, at) for at in (_RESENT, _LEAST))
    return TCPPath(round_trip / _MICRO, variation / _MICRO, least / _MICRO, resent)


def limit_pauses(connection: Settable, path: TCPPath) -> None:
    """Let the kernel send again what nobody has acknowledged at pauses that suit the round trip.

    Otherwise the pauses double up to two minutes (RFC 6298, 5.5), and a link that comes back after
    ten seconds stands idle for as long again. A round trip grows with the queue of a slow link,
    and what is sent again too soon makes that longer: so this is to be called again and again.
    """
    if _RTO_MAX_MS is not None:
        with suppress(OSError):  # an older kernel, or closed
            milliseconds = int(path.longest_pause * 1000)
            connection.setsockopt(socket.IPPROTO_TCP, _RTO_MAX_MS, milliseconds)


def told_by(connection: Socket) -> bytes | None:
    """Return what the kernel tells of a connection, if it tells enough."""
    if _INFO is None:
        return None
    try:
        told = connection.getsockopt(socket.IPPROTO_TCP, _INFO, _SIZE)
    except OSError:  # it is closed
        return None
    return told if len(told) == _SIZE else None


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
        self._bytes = _count(told_by(connection))

    def last(self, now: float) -> float:
        """Return when there were new ones last; where the system does not tell, the beginning.

        What is told may be somewhat later than they were: a peer that takes nothing more says so
        again and again, and the kernel tells the time of the last word of any kind.
        """
        told = told_by(self._connection)
        if told is None:
            return self._last
        (age,) = struct.unpack_from("=I", told, _LAST_ACK_RECEIVED)
        if (count := _count(told)) > self._bytes:
            self._bytes, self._last = count, max(self._last, now - age / 1000)
        return self._last

    @property
    def are_due(self) -> bool:
        """Whether the kernel waits for some; not as long as it is the peer who takes no more."""
        told = told_by(self._connection)
        return told is not None and struct.unpack_from("=I", told, _UNACKNOWLEDGED) > (0,)


def _count(told: bytes | None) -> int:
    """Return the bytes acknowledged so far."""
    if told is None:
        return 0
    count: int
    (count,) = struct.unpack_from("=Q", told, _BYTES_ACKNOWLEDGED)
    return count
