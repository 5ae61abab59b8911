"""What the kernel tells of a connection, from real ones over the loopback interface."""

import socket
import sys
from collections.abc import Iterator

import pytest

from asyncup.edges.tcp import Acknowledgements, Socket, limit_unsent

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
