"""How fast a run is: at the moment, and in the long run, by which its end is told.

What leaves at the moment moves with every slice, and says little about the end: parts that are
lost travel again. The end is told from what S3 has acknowledged, outages included.
"""

from collections import deque

RATE_WINDOW = 15.0
"""Seconds over which the rate is taken: long enough for parts to even out, short enough to move."""

LONG_RUN, LONG_RUN_PARTS = 60.0, 16
"""Seconds, and parts, that the speed in the long run is taken over: whichever takes longer."""

BEAT, BEATS = 1.0, 240
"""Seconds that a beat of the pulse takes, and how many of them are remembered."""

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


class Pulse:
    """How many bytes came nearer to S3 in each of the last stretches of time, for a picture."""

    def __init__(self) -> None:
        self._beats = deque([0], maxlen=BEATS + 1)
        self._began: float | None = None
        self._beat = 0
        self._moved = 0

    def sample(self, now: float, moved: int) -> None:
        """Note how many bytes have come nearer by now; a retry takes some of them back."""
        if self._began is None:
            self._began, self._moved = now, moved
        beat = int((now - self._began) / BEAT)
        self._beats.extend([0] * min(BEATS + 1, beat - self._beat))
        self._beat = beat
        self._beats[-1] += moved - self._moved
        self._moved = moved

    def last(self, count: int) -> list[int]:
        """Return the bytes of up to so many beats that are over, the latest one last."""
        return [max(0, bytes_moved) for bytes_moved in self._beats][-count - 1 : -1]
