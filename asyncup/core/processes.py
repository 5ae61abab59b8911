"""When more processes pay: as soon as one has no time left, and there are cores for others.

What a process sends goes through one thread, which reads, encrypts and writes: that can do some
hundreds of MiB/s. Whether it has to depends on the link, the disk and the limits, which nobody
knows beforehand; but what its thread has computed tells.
"""

BUSY = 0.8
"""The share of the time that is nearly all: the rest goes by between two looks at what there is."""

LONG_ENOUGH = 2.0
"""Seconds over which the share is taken, at least."""


class Burden:
    """How much of the time a thread has been computing; times in seconds."""

    def __init__(self, now: float, computed: float) -> None:
        self._now = now
        self._computed = computed

    def share(self, now: float, computed: float) -> float | None:
        """Return the share since the last one that was told, None if that is not long ago.

        `computed` is for how long the thread has ever been computing.
        """
        seconds = now - self._now
        if seconds < LONG_ENOUGH:
            return None
        share = (computed - self._computed) / seconds
        self._now, self._computed = now, computed
        return share
