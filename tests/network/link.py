"""A link between two network namespaces, whose weather the test makes."""

import itertools
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from tests.network import namespaces
from tests.network.router import SERVER
from tests.network.weather import Fate, Weather
from tests.servers import ROOT

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Counts:
    """What one direction of the link has carried; see `tests.network.weather.Direction`."""

    packets: int
    size: int
    lost: int
    dropped: int


@dataclass(frozen=True, slots=True)
class Connection:
    """A TCP connection over the link; see `tests.network.weather.Flow`."""

    port: int
    sent: int
    unique: int
    answered: int


class Link:
    """A link that is there; it is fine until it is told otherwise.

    Attributes:
        client: the namespace of the one end.
        server: that of the other end, which has the address `tests.network.router.SERVER`.
    """

    def __init__(self, name: str, router: "subprocess.Popen[bytes]") -> None:
        self.name = name
        self.client = f"{name}-client"
        self.server = f"{name}-server"
        self.address = SERVER
        self.router = router

    def set(self, weather: Weather, *, after: int = 0) -> None:
        """Change the weather, now or when the client has sent so many more bytes.

        The times of `outages` begin then.
        """
        self._order("weather", after=after, **asdict(weather))

    def cut(self, *, after: int = 0, every: bool = False) -> None:
        """Let nothing of a connection pass any more, and tell nobody; see `reset`."""
        self._order("end", how=Fate.CUT, after=after, every=every)

    def reset(self, *, after: int = 0, every: bool = False) -> None:
        """Tell each end that the other one has reset a connection.

        It is the one that the client sends its next `after` bytes over, or every one that there
        is by then; 0 is now.
        """
        self._order("end", how=Fate.RESET, after=after, every=every)

    def pull_out(self) -> None:
        """Leave the client without a network, which its kernel knows."""
        namespaces.pull_out(self.client)

    def plug_in(self) -> None:
        """Give it back."""
        namespaces.plug_in(self.client)

    def wait(self) -> None:
        """Wait until all has happened that was to happen after some bytes."""
        self._order("wait")

    def clear(self) -> None:
        """Begin again: fine weather, no connections, nothing to happen."""
        self._order("clear")

    def counts(self) -> tuple[Counts, Counts]:
        """Return what went to the server, and what went to the client."""
        to_server, to_client = self._order("counts")
        return Counts(**to_server), Counts(**to_client)

    def connections(self) -> list[Connection]:
        """Return all connections since it was cleared, in the order of their beginning."""
        names = Connection.__slots__
        return [Connection(**{name: flow[name] for name in names}) for flow in self._order("flows")]

    def _order(self, verb: str, **values: object) -> Any:  # noqa: ANN401 - JSON's
        stdin, stdout = self.router.stdin, self.router.stdout
        if stdin is None or stdout is None:
            raise AssertionError("unreachable: both are pipes")
        stdin.write(json.dumps({"do": verb, "with": values}).encode() + b"\n")
        stdin.flush()
        return json.loads(stdout.readline())


@contextmanager
def open_link(seed: int = 1) -> Iterator[Link]:
    """Make a link, with namespaces of its own, for as long as the context lasts."""
    name = f"asyncup-{os.getpid()}-{next(_numbers)}"
    router = subprocess.Popen(
        [sys.executable, "-m", "tests.network.router", name, str(seed)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        # A Ctrl-C in the terminal is for the tests, which end this in their own order.
        start_new_session=True,
    )
    with router:
        if router.stdout is None or not router.stdout.readline():
            raise AssertionError("the link did not come up; see what its process wrote")
        yield Link(name, router)
