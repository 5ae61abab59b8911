"""The parts of a file over time, however many there are, in an amount of memory that does not grow.

Parts that are neighbours share a lane. Where there are more parts than there may be lanes, each
two become one. Times are in seconds since the run began.
"""

from collections.abc import Mapping
from dataclasses import dataclass

LANES = 32
"""How many there are at most for one file."""


@dataclass(slots=True)
class Lane:
    """What became of some parts that are neighbours.

    `began` is when the first of them was sent, `ended` when something was last heard of one, and
    `failed` when an attempt last failed; None: never. `uploaded` counts those that S3 has
    acknowledged, `kept` those that it held already, `failures` attempts that failed.
    """

    began: float | None = None
    ended: float = 0.0
    failed: float | None = None
    uploaded: int = 0
    kept: int = 0
    failures: int = 0

    def add(self, other: "Lane") -> None:
        """Take in what another one holds."""
        self.began = min(_known(self.began, other.began), default=None)
        self.ended = max(self.ended, other.ended)
        self.failed = max(_known(self.failed, other.failed), default=None)
        self.uploaded += other.uploaded
        self.kept += other.kept
        self.failures += other.failures


class Lanes:
    """The lanes of one file.

    Attributes:
        size: how many parts share a lane; the first one has the parts from 1 to `size`.
    """

    def __init__(self, most: int = LANES) -> None:
        self.size = 1
        self._most = most
        self._lanes: dict[int, Lane] = {}
        self._in_flight: set[int] = set()

    @property
    def by_first_part(self) -> Mapping[int, Lane]:
        """The lanes of which something was heard, in their order, by the number of a first part."""
        return {index * self.size + 1: lane for index, lane in sorted(self._lanes.items())}

    def start(self, number: int, now: float) -> None:
        """Note that a part begins to travel."""
        lane = self._of(number, now)
        lane.began = now if lane.began is None else lane.began
        self._in_flight.add(number)

    def fail(self, number: int, now: float) -> None:
        """Note that an attempt at a part has failed."""
        lane = self._of(number, now)
        lane.failed = now
        lane.failures += 1
        self._in_flight.discard(number)

    def finish(self, number: int, now: float) -> None:
        """Note that S3 has acknowledged a part."""
        self._of(number, now).uploaded += 1
        self._in_flight.discard(number)

    def keep(self, number: int, now: float) -> None:
        """Note that a part stays which S3 held already."""
        self._of(number, now).kept += 1

    def close(self, now: float) -> None:
        """Note that nothing more is heard of what is still in flight."""
        for number in self._in_flight:
            self._of(number, now)
        self._in_flight.clear()

    def _of(self, number: int, now: float) -> Lane:
        """Return the lane of a part, of which something is heard."""
        while number > self.size * self._most:
            self._double()
        lane = self._lanes.setdefault((number - 1) // self.size, Lane())
        lane.ended = now
        return lane

    def _double(self) -> None:
        self.size *= 2
        lanes, self._lanes = self._lanes, {}
        for index, lane in lanes.items():
            self._lanes.setdefault(index // 2, Lane()).add(lane)


def _known(*moments: float | None) -> list[float]:
    return [each for each in moments if each is not None]
