"""How fast a run is: at the moment, and in the long run, by which its end is told.

What leaves at the moment moves with every slice, and says little about the end: parts that are
lost travel again. The end is told from what S3 has acknowledged, outages included.
"""

from collections import deque

RATE_WINDOW = 15.0
"""Seconds over which the rate is taken: long enough for parts to even out, short enough to move."""

LONG_RUN, LONG_RUN_PARTS = 60.0, 16
"""Seconds, and parts, that the speed in the long run is taken over: whichever takes longer."""

Point = tuple[float, int]


class Speed:
    """Takes a sample now and then; times in seconds from any monotonic clock."""

    def __init__(self) -> None:
        self._moved: deque[Point] = deque()
        self._acknowledged: deque[Point] = deque()
        self._now = 0.0

    def sample(self, now: float, moved: int, acknowledged: int) -> None:
        """Note how many bytes have come nearer to S3, and how many it has acknowledged."""
        self._now = now
        self._moved.append((now, moved))
        while len(self._moved) > 2 and now - self._moved[1][0] > RATE_WINDOW:  # noqa: PLR2004
            self._moved.popleft()
        points = self._acknowledged
        if not points or points[-1][1] != acknowledged:
            points.append((now, acknowledged))
        while len(points) > LONG_RUN_PARTS and now - points[1][0] > LONG_RUN:
            points.popleft()

    @property
    def rate(self) -> float:
        """Bytes per second that came nearer to S3, over the last samples; never below 0."""
        if not self._moved:
            return 0.0
        return _rate(self._moved[0], self._moved[-1])

    @property
    def known_for(self) -> float:
        """Seconds that the rate is taken over."""
        return self._moved[-1][0] - self._moved[0][0] if self._moved else 0.0

    def until(self, unacknowledged: int, in_flight: int) -> float | None:
        """Return the seconds until S3 has all, None if that cannot be told.

        Before it has acknowledged anything, what leaves has to do.
        """
        points = self._acknowledged
        if len(points) > 1:
            rate, left = _rate(points[0], (self._now, points[-1][1])), unacknowledged
        else:
            rate, left = self.rate, unacknowledged - in_flight
        return max(0, left) / rate if rate else None


def _rate(first: Point, last: Point) -> float:
    (then, before), (now, here) = first, last
    return max(0.0, (here - before) / (now - then)) if now > then else 0.0
