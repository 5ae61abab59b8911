"""The link is as bad as it is told to be, counts what it carries, and leaves nothing behind."""

import signal
import socket
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.network.link import Link, open_link
from tests.network.names import sweep
from tests.network.namespaces import RUN, inside, within
from tests.network.packets import ACK, RST, SYN, Segment, checksum, parse, reset_for
from tests.network.weather import LATE, Direction, Flow, Weather

SIZE = 200_000
GONE = (ConnectionResetError, BrokenPipeError)


def arrivals(weather: Weather, packets: int, *, size: int = 1000) -> list[float | None]:
    """Return when packets arrive that are sent a millisecond apart."""
    direction = Direction(seed=1)
    direction.set(weather, 0.0)
    return [direction.enter(size, number / 1000) for number in range(packets)]


def test_fine_weather() -> None:
    """Packets arrive when they are sent."""
    assert arrivals(Weather(), 3) == [0.0, 0.001, 0.002]


def test_delay_and_rate() -> None:
    """One after the other at the rate, then the delay."""
    weather = Weather(delay=0.5, rate=1_000_000)
    assert arrivals(weather, 3) == pytest.approx([0.508, 0.516, 0.524])


def test_full_queue() -> None:
    """What finds no room in the queue is dropped and counted, and takes no one's turn."""
    direction = Direction(seed=1)
    direction.set(Weather(rate=8000, queue=1500), 0.0)
    assert [direction.enter(1000, 0.0) for _ in range(4)] == [1.0, 2.0, None, None]
    assert (direction.dropped, direction.lost) == (2, 0)


def test_loss_is_a_share_and_the_same_each_time() -> None:
    """Of many packets about the share is lost, the same ones for the same seed."""
    weather = Weather(loss=0.1)
    times = arrivals(weather, 10_000)
    assert 900 < times.count(None) < 1100
    assert times == arrivals(weather, 10_000)


def test_jitter_keeps_the_order() -> None:
    """No packet is later than the jitter allows, or earlier than one before it."""
    times = [time for time in arrivals(Weather(delay=1, jitter=0.1), 1000) if time is not None]
    assert times == sorted(times)
    late = [time - 1 - number / 1000 for number, time in enumerate(times)]
    assert min(late) >= 0
    assert 0.05 < max(late) <= 0.1


def test_reordering() -> None:
    """The share that is late is overtaken by others."""
    times = [time for time in arrivals(Weather(reorder=0.1), 1000) if time is not None]
    late = sum(time > number / 1000 + LATE / 2 for number, time in enumerate(times))
    assert 50 < late < 150
    assert times != sorted(times)


def test_outages() -> None:
    """Nothing passes from the begin of an outage to its end."""
    weather = Weather(outages=((0.001, 0.003), (0.004, 0.005)))
    assert [time is not None for time in arrivals(weather, 6)] == [1, 0, 0, 1, 0, 1]


def segment(sequence: int, size: int, flags: int = ACK) -> Segment:
    """Return a segment of a client."""
    return Segment(b"", b"", 1, 2, sequence % (1 << 32), 0, flags, size)


def test_unique_bytes() -> None:
    """Bytes that TCP sends again count once, also where the numbers begin again from zero."""
    flow = Flow(1)
    start = (1 << 32) - 150
    sent = [segment(start - 1, 0, SYN), *(segment(start + at, 100) for at in (0, 100, 0, 50, 200))]
    for each in sent:
        flow.saw(each, from_client=True)
    assert (flow.sent, flow.unique) == (500, 300)


@pytest.mark.parametrize("flags", [SYN, ACK])
def test_reset_is_a_packet(flags: int) -> None:
    """A reset goes back to the sender, with good checksums and the number that it expects."""
    sent = Segment(bytes([10, 77, 0, 1]), bytes([10, 77, 0, 2]), 1111, 80, 7, 99, flags, 0)
    packet = reset_for(sent)
    read = parse(packet)
    assert read is not None
    assert read[:4] == (sent.target, sent.source, 80, 1111)
    assert read.flags & RST
    assert (read.sequence, read.acknowledged) == ((99, 0) if flags == ACK else (0, 8))
    assert checksum(packet[:20]) == 0
    assert checksum(packet[12:20] + struct.pack("!HH", 6, 20) + packet[20:]) == 0


class Sink:
    """A server that takes all bytes there are, and then tells how many."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._listener = inside(link.server, lambda: socket.create_server((link.address, 9)))
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                took = 0
                try:
                    while block := connection.recv(1 << 16):
                        took += len(block)
                    connection.sendall(b"%d" % took)
                except OSError:
                    continue

    def connect(self) -> socket.socket:
        """Return a connection of the client's."""
        return inside(
            self._link.client, lambda: socket.create_connection((self._link.address, 9), timeout=30)
        )

    def send(self, size: int) -> int:
        """Send so many bytes; return how many arrived."""
        with self.connect() as connection:
            connection.sendall(bytes(size))
            connection.shutdown(socket.SHUT_WR)
            return int(connection.recv(100))

    def close(self) -> None:
        """Take no further connection."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()


@pytest.fixture
def sink(link: Link) -> Iterator[Sink]:
    """Run a sink behind the link."""
    sink = Sink(link)
    yield sink
    link.clear()
    sink.close()


def test_bytes_arrive_and_are_counted(link: Link, sink: Sink) -> None:
    """All bytes of a connection arrive; payload is counted without headers, bytes with them."""
    before, _ = link.counts()
    assert sink.send(SIZE) == SIZE
    (connection,) = link.connections()
    assert connection.unique == SIZE
    after, _ = link.counts()
    headers = 40 * (after.packets - before.packets)
    assert after.size - before.size >= SIZE + headers


@pytest.mark.parametrize(
    "weather", [Weather(loss=0.05), Weather(reorder=0.2), Weather(delay=0.01, jitter=0.01)]
)
def test_bad_weather(link: Link, sink: Sink, weather: Weather) -> None:
    """TCP carries its bytes through; those that it had to send again are told apart."""
    link.set(weather)
    before, _ = link.counts()
    assert sink.send(SIZE) == SIZE
    (connection,) = link.connections()
    after, _ = link.counts()
    assert connection.unique == SIZE
    # Where nothing is lost, TCP may still take an answer that is late for one that is.
    assert connection.sent > SIZE or after.lost == before.lost


def test_outage_ends(link: Link, sink: Sink) -> None:
    """Bytes that an outage holds up arrive after it."""
    link.set(Weather(outages=((0, 0.5),)), after=SIZE // 2)
    assert sink.send(SIZE) == SIZE
    assert link.counts()[0].lost > 0


@pytest.mark.parametrize("every", [True, False])
def test_reset(link: Link, sink: Sink, *, every: bool) -> None:
    """Both ends learn of a reset at once, and the next connection lives."""
    link.reset(after=SIZE // 2, every=every)
    with pytest.raises(GONE):
        sink.send(SIZE * 100)
    assert sink.send(SIZE) == SIZE


def test_cut(link: Link, sink: Sink) -> None:
    """Of a connection that is cut nothing is heard any more, while others live."""
    with sink.connect() as cut:
        link.cut(after=1000)
        cut.sendall(bytes(1000))
        link.wait()
        cut.shutdown(socket.SHUT_WR)
        cut.settimeout(0.3)
        with pytest.raises(TimeoutError):
            cut.recv(1)
        link.reset(every=True)


def _terminate(router: "subprocess.Popen[bytes]") -> None:
    router.terminate()


def _leave(router: "subprocess.Popen[bytes]") -> None:
    assert router.stdin is not None
    router.stdin.close()


@pytest.mark.parametrize("end", [_terminate, _leave])
def test_nothing_is_left(link: Link, end: Callable[["subprocess.Popen[bytes]"], None]) -> None:
    """When the link ends, or whoever made it, its namespaces and all that runs there end."""
    del link  # it stands for what this machine has to have
    with open_link() as other:
        command = [*within(other.client), "sh", "-c", "echo running; exec sleep 1000"]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as running:
            try:
                assert running.stdout is not None
                assert running.stdout.readline() == b"running\n"
                end(other.router)
                other.router.wait()
                assert running.wait(10) == -signal.SIGKILL
            finally:
                running.kill()
        assert list(RUN.glob(f"{other.name}-*")) == []


def test_names_of_killed_tests_are_removed(link: Link, tmp_path: Path) -> None:
    """What says where a namespace looks up names goes when the namespace has gone before."""
    for name in (link.client, "asyncup-1-1-client", "of-somebody-else"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "resolv.conf").touch()
    sweep(tmp_path)
    assert {each.name for each in tmp_path.iterdir()} == {link.client, "of-somebody-else", "home"}


def test_settings_of_a_namespace(link: Link) -> None:
    """They are set in it, and nowhere else: a connection begins without what others learnt."""
    setting = Path("/proc/sys/net/ipv4/tcp_no_metrics_save")
    assert [inside(space, setting.read_text) for space in (link.client, link.server)] == ["1\n"] * 2
