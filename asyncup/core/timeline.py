"""Numbers over time, of a run of any length, in an amount of memory that does not grow.

There is a fixed number of bins. When a run has outlasted them all, each two become one, and all
are twice as wide from then on. Times are in seconds since the run began.
"""

from dataclasses import dataclass, replace

BINS = 240
"""How many there are at most: as many columns as a picture can show."""

_NARROWEST = 0.25
"""Seconds that a bin is wide to begin with: a run of a minute is not doubled yet."""


@dataclass(slots=True)
class Bin:
    """What happened between two moments; sizes in bytes.

    `sent` was handed to the network, of which `in_vain` was taken back; `retries` were scheduled.
    `in_flight` parts and `slots` are the most that there were at once; of slots, nobody may know.
    """

    sent: int = 0
    in_vain: int = 0
    retries: int = 0
    in_flight: int = 0
    slots: int | None = None
    is_offline: bool = False

    def add(self, other: "Bin") -> None:
        """Take in what another one holds."""
        self.sent += other.sent
        self.in_vain += other.in_vain
        self.retries += other.retries
        self.in_flight = max(self.in_flight, other.in_flight)
        known = [each for each in (self.slots, other.slots) if each is not None]
        self.slots = max(known, default=None)
        self.is_offline |= other.is_offline


class Timeline:
    """Bins from the beginning of a run to its latest moment, without a gap.

    Attributes:
        bins: at most `most` of them, an even number.
        width: of each, in seconds.
    """

    def __init__(self, most: int = BINS, width: float = _NARROWEST) -> None:
        self.bins: list[Bin] = []
        self.width = width
        self._most = most
        self._standing = Bin()

    def at(self, now: float) -> Bin:
        """Return the bin of a moment, to be added to; a moment that is past counts as the last."""
        while now >= self.width * self._most:
            self._double()
        while len(self.bins) <= now // self.width:
            # What stood at the end of the one before stands at the beginning of this one.
            self.bins.append(replace(self._standing))
        return self.bins[-1]

    def stand(self, now: float, *, in_flight: int, slots: int | None, is_offline: bool) -> None:
        """Note how things stand from now on."""
        moment = self.at(now)
        self._standing = Bin(in_flight=in_flight, slots=slots, is_offline=is_offline)
        moment.add(self._standing)

    def rates(self, end: float) -> list[float]:
        """Return the bytes per second that were sent in each bin, until the run's end.

        The last bin ends with the run. What falls into very little of it is no rate: it counts as
        half as wide at least.
        """
        rates = [max(0, each.sent) / self.width for each in self.bins]
        if rates:
            elapsed = end - self.width * (len(rates) - 1)
            rates[-1] *= self.width / min(self.width, max(elapsed, self.width / 2))
        return rates

    def _double(self) -> None:
        self.width *= 2
        pairs = zip(self.bins[::2], self.bins[1::2], strict=False)
        for first, second in pairs:
            first.add(second)
        del self.bins[1::2]
