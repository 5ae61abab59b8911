"""What the kernel tells of a connection, from real ones over the loopback interface."""

import errno
import socket
import struct
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from asyncup.core.errors import UsageError
from asyncup.edges import tcp
from asyncup.edges.tcp import (
    FIRST_LIMIT,
    GIVEN_UP,
    LONGEST_LIMIT,
    SHORTEST_LIMIT,
    UNSENT,
    Acknowledgements,
    Socket,
    TCPPath,
    check_congestion_control,
    control_congestion,
    limit_pauses,
    limit_unsent,
    path_of,
    set_up,
)

Pair = tuple[socket.socket, socket.socket]

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what is asked for")


class Told:
    """A socket of which the system tells these bytes."""

    def __init__(self, told: bytes) -> None:
        self._told = told

    def getsockopt(self, *_: object) -> bytes:
        """Return them."""
        return self._told


@pytest.fixture
def pair() -> Iterator[Pair]:
    """Return both ends of a connection."""
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as here,
        server.accept()[0] as there,
    ):
        yield here, there


def carry(here: socket.socket, there: socket.socket) -> None:
    """Send bytes, and wait for an answer, which acknowledges them."""
    here.sendall(b"question")
    there.recv(8)
    there.sendall(b"answer")
    here.recv(6)


@linux
def test_bytes_that_arrive_are_acknowledged(pair: Pair) -> None:
    """What was sent since the last look moves the time of the last one; what was before does not.

    The time of the loop is made up: 1000 s later, the last word is not as old as that.
    """
    here, there = pair
    carry(here, there)
    seen = Acknowledgements(here, 0.0)
    assert seen.last(1000.0) == 0.0
    carry(here, there)
    assert 900.0 < (last := seen.last(1000.0)) <= 1000.0
    assert seen.last(2000.0) == last


@linux
def test_bytes_that_are_due(pair: Pair) -> None:
    """What the peer has in its buffer, it has acknowledged, whether anybody reads it or not."""
    here, there = pair
    carry(here, there)
    assert not Acknowledgements(here, 0.0).are_due
    here.close()
    assert not Acknowledgements(here, 0.0).are_due


def test_segments_that_are_due() -> None:
    """It is the kernel that counts them."""
    assert Acknowledgements(Told(struct.pack("=24xI124x", 1)), 0.0).are_due
    assert not Acknowledgements(Told(bytes(152)), 0.0).are_due
    assert not Acknowledgements(Told(struct.pack("=24xI60x", 1)), 0.0).are_due


def test_a_connection_that_is_closed(pair: Pair) -> None:
    """Of it, nothing is told any more."""
    here, there = pair
    seen = Acknowledgements(here, 5.0)
    carry(here, there)
    here.close()
    assert seen.last(1000.0) == 5.0


@pytest.mark.parametrize("told", [b"", bytes(range(104)), bytes([255]) * 127])
def test_a_system_that_tells_less(told: bytes) -> None:
    """An older kernel, which fills in less, is taken to tell nothing."""
    wire: Socket = Told(told)
    assert Acknowledgements(wire, 5.0).last(1000.0) == 5.0


@pytest.mark.skipif(not hasattr(socket, "TCP_NOTSENT_LOWAT"), reason="the system has no such limit")
def test_what_waits_in_the_kernel_can_be_limited(pair: Pair) -> None:
    """The limit is the connection's own, may be another one later, and none when it is closed."""
    here, there = pair
    before = there.getsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT)
    for most in (128 << 10, 512 << 10):
        limit_unsent(here, most)
        assert here.getsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT) == most
    assert there.getsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT) == before
    here.close()
    limit_unsent(here, 1)


def test_the_kernel_takes_little_ahead() -> None:
    """What is handed over is soon on its way, so that whoever watches it move sees the network."""
    with socket.socket() as opened:
        set_up(opened)
        assert opened.getsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT) == UNSENT


@linux
def test_a_connection_outlives_an_outage() -> None:
    """It is tried every other second, for minutes; where the kernel lets nobody say so, as ever.

    Without the second, the first would make it give up after half a minute.
    """
    with socket.socket() as opened:
        set_up(opened)
        try:
            pause = opened.getsockopt(socket.IPPROTO_TCP, 44)
        except OSError:
            expected = 0.0
        else:
            assert pause == FIRST_LIMIT * 1000
            expected = GIVEN_UP * 1000
        assert opened.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == expected


@pytest.mark.parametrize(
    ("round_trip", "variation", "pause"),
    [
        (0.08, 0.01, SHORTEST_LIMIT),
        (0.0, 0.0, SHORTEST_LIMIT),
        # A slow link with a long queue: sent again too soon, the packets would only make it longer.
        (0.75, 0.125, 2.5),
        # So long was an outage, and no round trip.
        (90.0, 45.0, LONGEST_LIMIT),
    ],
)
def test_pauses_suit_the_round_trip(round_trip: float, variation: float, pause: float) -> None:
    """At most twice what the kernel would wait for the first time, and at least a second."""
    assert TCPPath(round_trip, variation, 0.05, 0).longest_pause == pause


@linux
def test_the_kernel_is_told_the_longest_pause(pair: Pair) -> None:
    """As far as it lets itself be told; of what is closed, nothing comes of it."""
    here, _ = pair
    limit_pauses(here, TCPPath(0.75, 0.125, 0.05, 0))
    with suppress(OSError):
        assert here.getsockopt(socket.IPPROTO_TCP, 44) in {2500, 120_000}
    here.close()
    limit_pauses(here, TCPPath(0.75, 0.125, 0.05, 0))
    assert path_of(here) is None


@linux
def test_the_kernel_tells_of_the_way(pair: Pair) -> None:
    """On loopback, it is short, and nothing gets lost."""
    here, there = pair
    here.sendall(bytes(1000))
    assert there.recv(1000)
    path = path_of(here)
    assert path is not None
    assert 0 < path.least <= path.round_trip < 1
    assert path.resent == 0


@pytest.mark.parametrize(
    ("round_trip", "resent", "loses"),
    [(0.08, 1, True), (0.09, 50, True), (0.08, 0, False), (0.16, 50, False)],
    ids=["one", "many", "none", "a full queue"],
)
def test_packets_get_lost_on_a_link_that_is_not_full(
    round_trip: float, resent: int, *, loses: bool
) -> None:
    """A full link loses packets as well, but has a queue that takes time to pass."""
    assert TCPPath(round_trip, 0.01, 0.16, resent).loses(0.08) is loses


class OldKernel(socket.socket):
    """A socket of a kernel that does not know what is asked for."""

    def setsockopt(self, *_: object) -> None:
        """Refuse."""
        raise OSError(errno.ENOPROTOOPT, "Protocol not available")


def test_a_kernel_that_knows_less() -> None:
    """What it cannot do is left; it connects all the same."""
    with OldKernel() as opened:
        set_up(opened)
        assert opened.fileno() >= 0


@linux
def test_congestion_is_controlled_by_what_was_named() -> None:
    """An algorithm that every Linux has, and that every user may take."""
    with socket.socket() as opened:
        control_congestion(opened, "reno")
        told = opened.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16)
    assert told.rstrip(b"\0") == b"reno"
    check_congestion_control("reno")


@linux
@pytest.mark.parametrize("name", ["nosuch", "much-too-long-for-a-name", ""])
def test_an_algorithm_that_is_not_there_is_told(name: str) -> None:
    """With those that are."""
    with pytest.raises(UsageError, match=f"congestion control {name!r} cannot be used") as caught:
        check_congestion_control(name)
    assert "it lets you use: reno" in str(caught.value.hint)


def test_a_system_without_a_choice(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """There, to ask for one is a mistake, and told as one."""
    monkeypatch.setattr(tcp, "_CONGESTION", None)
    monkeypatch.setattr(tcp, "_ALLOWED", tmp_path / "missing")
    with pytest.raises(UsageError, match="does not let programs choose") as caught:
        check_congestion_control("bbr")
    assert caught.value.hint == "leave --congestion-control out"
