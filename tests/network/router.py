"""The process between two network namespaces: every packet passes through its hands.

It makes both namespaces and a TUN device in each, carries packets as the weather says, obeys a
line of JSON on standard input with a line on standard output, and removes everything when the
input ends: also when those who started it were killed.
"""

import fcntl
import heapq
import json
import os
import select
import signal
import struct
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict
from itertools import count
from typing import Any

from tests.network.namespaces import DEVICE, TUN, ip, namespace, plug_in
from tests.network.packets import RST, SYN, Segment, parse, reset_for
from tests.network.weather import Direction, Fate, Flow, Weather

CLIENT, SERVER = "10.77.0.1", "10.77.0.2"

_TUNSETIFF = 0x400454CA  # linux/if_tun.h
_IFF_TUN, _IFF_NO_PI = 0x0001, 0x1000
_LARGEST = 1 << 16
_AT_ONCE = 64
_NICE = -10


class Router:
    """Carries packets between two devices: the client's and the server's.

    Attributes:
        flows: all connections by their ends, in the order of their beginning.
    """

    def __init__(self, client: int, server: int, seed: int) -> None:
        self._devices = {client: server, server: client}
        self._client = client
        self._ways = {client: Direction(seed), server: Direction(seed + 1)}
        self._order = count()
        self._due: list[tuple[int, Callable[[Flow], None]]] = []
        self._travelling: list[tuple[float, int, int, bytes]] = []
        self.flows: dict[tuple[bytes, int, int], Flow] = {}

    def run(self, commands: int, obey: Callable[[], bool]) -> None:
        """Carry packets, and obey whenever commands can be read, until that returns False."""
        while True:
            timeout = self._deliver()
            ready, _, _ = select.select([commands, *self._devices], [], [], timeout)
            for source in ready:
                if source != commands:
                    self._take(source)
                elif not obey():
                    return

    def set(self, weather: Weather) -> None:
        """Change the weather; what is on its way arrives."""
        for way in self._ways.values():
            way.set(weather, time.monotonic())

    def when_sent(self, size: int, do: Callable[[Flow], None]) -> None:
        """Do something to the connection by which the client's next `size` bytes are full."""
        self._due.append((self._ways[self._client].size + size, do))

    @property
    def waits(self) -> bool:
        """Whether something is still to be done when some bytes were sent."""
        return bool(self._due)

    def counts(self) -> list[dict[str, int]]:
        """Return what each direction has counted, the client's first."""
        return [
            {name: getattr(way, name) for name in ("packets", "size", "lost", "dropped")}
            for way in self._ways.values()
        ]

    def clear(self) -> None:
        """Begin again: fine weather, no connections, nothing to be done."""
        self.flows.clear()
        self._due.clear()
        self.set(Weather())

    def _deliver(self) -> float | None:
        """Hand over what has arrived; return the seconds until the next packet does."""
        while self._travelling:
            wait = self._travelling[0][0] - time.monotonic()
            if wait > 0:
                return wait
            _, _, target, packet = heapq.heappop(self._travelling)
            # A device that is down takes nothing, as an interface without a cable.
            with suppress(OSError):
                os.write(target, packet)
        return None

    def _take(self, source: int) -> None:
        """Take in some packets of a device: not all that it has, since others are due as well."""
        for _ in range(_AT_ONCE):
            try:
                packet = os.read(source, _LARGEST)
            except OSError:
                return
            way = self._ways[source]
            way.saw(len(packet))
            segment = parse(packet)
            if segment is not None and not self._passes(segment, source):
                continue
            arrival = way.enter(len(packet), time.monotonic())
            if arrival is not None:
                self._send(arrival, self._devices[source], packet)

    def _passes(self, segment: Segment, source: int) -> bool:
        """Count a segment, and say whether its connection is one that lives."""
        from_client = source == self._client
        if from_client:
            ends = segment.source, segment.source_port, segment.target_port
        else:
            ends = segment.target, segment.target_port, segment.source_port
        flow = self.flows.get(ends)
        if from_client and segment.flags & SYN and (flow is None or flow.unique):
            flow = self.flows[ends] = Flow(ends[1])
        if flow is None:
            return True
        flow.saw(segment, from_client=from_client)
        if from_client and self._due:
            self._do(flow)
        if flow.fate is Fate.RESET and not segment.flags & RST:
            self._send(0.0, source, reset_for(segment))
        return flow.fate is Fate.LIVE

    def _do(self, flow: Flow) -> None:
        size = self._ways[self._client].size
        done = [each for each in self._due if each[0] <= size]
        self._due = [each for each in self._due if each[0] > size]
        for _, do in done:
            do(flow)

    def _send(self, arrival: float, target: int, packet: bytes) -> None:
        heapq.heappush(self._travelling, (arrival, next(self._order), target, packet))


class Commands:
    """Obeys lines of JSON; each is answered, `wait` when there is nothing to wait for any more."""

    def __init__(self, router: Router) -> None:
        self._router = router
        self._someone_waits = False

    def obey(self) -> bool:
        """Obey one line of standard input and answer it; False at its end."""
        line = sys.stdin.readline()
        if not line:
            return False
        order: Mapping[str, Any] = json.loads(line)
        answer = getattr(self, f"_{order['do']}")(**order.get("with", {}))
        self._someone_waits = order["do"] == "wait" and self._router.waits
        if not self._someone_waits:
            _tell(answer)
        return True

    def _weather(self, after: int, **given: Any) -> None:  # noqa: ANN401 - JSON's
        outages = tuple((begin, end) for begin, end in given.pop("outages"))
        weather = Weather(**given, outages=outages)
        self._when(after, lambda _: self._router.set(weather))

    def _wait(self) -> None:
        pass

    def _clear(self) -> None:
        self._router.clear()

    def _counts(self) -> list[dict[str, int]]:
        return self._router.counts()

    def _flows(self) -> list[dict[str, Any]]:
        return [asdict(flow) for flow in self._router.flows.values()]

    def _end(self, after: int, how: str, *, every: bool) -> None:
        def end(flow: Flow | None) -> None:
            for each in self._router.flows.values():
                if every or each is flow:
                    each.fate = Fate(how)

        self._when(after, end)

    def _when(self, after: int, do: Callable[[Flow | None], None]) -> None:
        def then(flow: Flow) -> None:
            do(flow)
            if self._someone_waits and not self._router.waits:
                self._someone_waits = False
                _tell(None)

        if after:
            self._router.when_sent(after, then)
        else:
            do(None)


def _tell(answer: object) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def open_device(space: str, address: str) -> int:
    """Make a TUN device in a namespace, with one address and a way to everywhere."""
    device = os.open(TUN, os.O_RDWR | os.O_NONBLOCK)
    asked = struct.pack("16sH22x", b"asyncup%d", _IFF_TUN | _IFF_NO_PI)
    made = fcntl.ioctl(device, _TUNSETIFF, asked)
    name = made[:16].rstrip(b"\0").decode()
    # The weather has the one queue; that of the device only has to be long enough.
    ip("link", "set", name, "txqueuelen", "20000", "netns", space, "name", DEVICE)
    ip("-n", space, "address", "add", address, "dev", DEVICE)
    plug_in(space)
    return device


def main() -> None:
    """Serve a link between the namespaces `NAME-client` and `NAME-server` until input ends."""
    name, seed = sys.argv[1], int(sys.argv[2])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    with suppress(OSError):
        os.nice(_NICE)
    with namespace(f"{name}-client") as client, namespace(f"{name}-server") as server:
        devices = open_device(client, CLIENT), open_device(server, SERVER)
        router = Router(*devices, seed)
        _tell("ready")
        router.run(sys.stdin.fileno(), Commands(router).obey)


if __name__ == "__main__":
    main()
