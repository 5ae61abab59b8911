"""How many parts to have in flight: a few more while that brings more, half where it was too many.

It is what TCP does with its window (RFC 5681, RFC 3649), but for two things: more has to bring
more, for it costs memory and disk; and a connection that breaks alone among many says nothing of
the way that all share. Times are in seconds, of any clock that only goes forward.
"""

from dataclasses import dataclass
from math import ceil

from asyncup.core.conditions import SlotsReason
from asyncup.core.errors import AsyncupError, ConnectionLost, Throttled, TimedOut
from asyncup.core.options import MIB, Adaptive

SETTLE = 2.0
"""Seconds after a change that are not measured: connections open, the system fills its buffers."""

LONG_ENOUGH = 3.0
"""Seconds that are measured at least."""

ENOUGH_BYTES = MIB
ENOUGH_PARTS = 2
"""What each slot moves meanwhile, the one or the other: so that the last slice is within noise."""

FIRST_LONG, FIRST_BYTES, FIRST_PARTS = 2.0, MIB // 4, 1
"""The same as these three, while it doubles: the difference that is looked for is larger."""

NEARLY_ALL = 0.75
"""If so many of the slots lose their connections together, it was the way that was lost."""

DOUBLED_GAIN = 1.3
"""How much more twice the slots have to bring for them to be doubled again."""

MANIFOLD = 4
"""As many times more are tried where packets are lost on a link that is not full."""

FULL = 0.9
"""The share of the slots that has to be in use for their number to be what holds up the rest."""

GAIN = 1.05
"""How much more a quarter of slots more has to bring to stay."""

REST = 30.0
LONGEST_REST = 480.0
"""Seconds until more is tried again, after it was too much, or in vain: then twice as long."""

SPARED = 10.0
"""Seconds in which what fails is one event: parts that fail together do not fail at once."""

EXCUSED = 20.0
"""Seconds after which it is too late to find that the whole way was lost: probes take time."""

_NEVER = (float("-inf"), 0)

STRICT = 300.0
"""Seconds in which that is not believed again: it may be the number after all that breaks them."""

LONERS = 8
"""One connection lost among so many is no sign, and one alone never is."""

DOUBLED_IN = 0.5
"""Seconds in which a ramp doubles, or a little less."""


@dataclass(frozen=True, slots=True)
class _Trial:
    """A larger number is tried: what there was before, and what that brought a second."""

    slots: int
    rate: float


class Aimd:
    """Finds how many slots there are to be (`slots`), from what they bring and what fails.

    It begins with doubling, as long as that brings much more: where packets are lost, so many
    connections carry so much. Then it grows by a quarter, and stays with that if it brought more.
    It halves where S3 asks for
    fewer requests or connections are lost, comes back to three quarters when that is over, and
    tries more only after a rest.
    """

    def __init__(self, bounds: Adaptive, now: float) -> None:
        self._bounds = bounds
        self.slots = bounds.start
        self._goal = 0
        self._rest = REST
        self._resting_until = now
        self._spared_until = now
        self._lost: list[float] = []
        self._halved = _NEVER
        self._strict_until = now
        self._trial: _Trial | None = None
        self._best = 0.0
        self._is_first = bounds.start < bounds.most
        self.restart(now)

    def _measure_from(self, then: float) -> None:
        self._since = self._seen = then
        self._used = 0.0
        self._count = self._parts = 0

    def lossy(self, now: float, in_use: int) -> SlotsReason | None:
        """Take in that packets are lost though the link is not full; return why there are more now.

        Each connection carries so much there and no more, so nothing has to be measured.
        """
        is_full = in_use >= FULL * self.slots
        if not self._is_first or not is_full or self.slots == self._bounds.most:
            return None
        return self._change(now, min(self._bounds.most, MANIFOLD * self.slots), SlotsReason.LOSSY)

    def restart(self, now: float) -> None:
        """Forget what was measured: something else than the slots has changed."""
        self._trial = None
        self._best = 0.0
        self._measure_from(now + SETTLE)

    def moved(
        self, now: float, in_use: int, *, count: int = 0, parts: int = 0
    ) -> SlotsReason | None:
        """Take in that bytes moved or parts arrived, and return why `slots` is another one now.

        `in_use` slots were in use since this was called last.
        """
        if now < self._since:
            return None
        self._used += in_use * (now - self._seen)
        self._seen = now
        self._count += count
        self._parts += parts
        seconds = now - self._since
        if not self._is_measured(seconds):
            return None
        rate, is_full = self._count / seconds, self._used >= FULL * self.slots * seconds
        self._measure_from(now)
        return self._judge(now, rate, is_full=is_full)

    def _is_measured(self, seconds: float) -> bool:
        """Return whether what was seen in so many seconds is enough to judge by."""
        if self._is_first:
            each = max(self._count / FIRST_BYTES, self._parts / FIRST_PARTS)
            return seconds >= FIRST_LONG and each >= self.slots
        each = max(self._count / ENOUGH_BYTES, self._parts / ENOUGH_PARTS)
        return seconds >= LONG_ENOUGH and each >= self.slots

    def failed(self, now: float, error: AsyncupError) -> SlotsReason | None:
        """Take in that an attempt failed, and return why `slots` is another one now."""
        is_a_sign = self._is_a_sign(now, error)
        if now < self._spared_until:
            return self._forgive(now)
        if not is_a_sign:
            return None
        before, self._is_first = self.slots, False
        self._spared_until = now + SPARED
        self._resting_until = now + REST
        self._goal = 3 * before // 4
        is_throttled = isinstance(error, Throttled)
        reason = SlotsReason.THROTTLED if is_throttled else SlotsReason.LOST
        self._halved = _NEVER if is_throttled else (now, before)
        return self._change(now, max(self._bounds.least, before // 2), reason)

    def _forgive(self, now: float) -> SlotsReason | None:
        """Take back a halving when it turns out that nearly all connections were lost."""
        (_, before), slots = self._halved, self.slots
        if now < self._strict_until or not before or len(self._lost) < NEARLY_ALL * before:
            return None
        self._strict_until = now + STRICT
        self.excuse(now)
        return SlotsReason.RECOVERED if self.slots != slots else None

    def excuse(self, now: float) -> None:
        """Take back a halving: connections were lost with the whole way, not to one another."""
        then, slots = self._halved
        if now - then <= EXCUSED:
            self.slots, self._goal = slots, 0
            self._resting_until = now
            self._halved, self._lost = _NEVER, []
            # New connections all around: what they bring has to be found out again.
            self._is_first = self.slots < self._bounds.most
            self.restart(now)

    def _is_a_sign(self, now: float, error: AsyncupError) -> bool:
        """Return whether a failure says that there is too much on the way."""
        if not isinstance(error, ConnectionLost | TimedOut):
            return isinstance(error, Throttled)
        self._lost = [*(then for then in self._lost if now - then < SPARED), now]
        return len(self._lost) >= max(2, self.slots / LONERS)

    def _judge(self, now: float, rate: float, *, is_full: bool) -> SlotsReason | None:
        trial, self._trial = self._trial, None
        if trial is not None:
            was_doubled, gain = self._is_first, rate / trial.rate if trial.rate else 1.0
            self._is_first = was_doubled and gain >= DOUBLED_GAIN
            if was_doubled and GAIN <= gain < DOUBLED_GAIN:
                # Up to where they fill the link, so many bring so much.
                return self._change(
                    now, min(self.slots, ceil(trial.slots * gain)), SlotsReason.IN_VAIN
                )
            if gain < GAIN:
                self._resting_until = now + self._rest
                self._rest = min(2 * self._rest, LONGEST_REST)
                return self._change(now, trial.slots, SlotsReason.IN_VAIN)
            self._rest = REST
        if not is_full:
            return None
        if self.slots < self._goal:
            return self._change(now, self._goal, SlotsReason.RECOVERED)
        # Of several measures, the best: chance alone is not to make more look better.
        self._best = max(self._best, rate)
        step = self.slots if self._is_first else max(1, self.slots // 4)
        more = min(self._bounds.most, self.slots + step)
        if now < self._resting_until or more == self.slots:
            return None
        trial = _Trial(self.slots, self._best)
        reason = self._change(now, more, SlotsReason.TRIED)
        self._trial = trial
        return reason

    def _change(self, now: float, slots: int, reason: SlotsReason) -> SlotsReason | None:
        is_other = slots != self.slots
        self.slots = slots
        self.restart(now)
        return reason if is_other else None


class Ramp:
    """Slow start after an outage: all parts are waiting, and are let go one by one.

    `slots` begins with 1 and grows while bytes move: with n of them, by one in an nth of the time
    in which it doubles.
    """

    def __init__(self) -> None:
        self.slots = 1
        self._grew = 0.0

    def begin(self, now: float) -> None:
        """Begin again, with one."""
        self.slots = 1
        self._grew = now

    def moved(self, now: float) -> None:
        """Take in that bytes moved."""
        if now - self._grew >= DOUBLED_IN / self.slots:
            self.slots += 1
            self._grew = now

    def failed(self, now: float) -> None:
        """Take in that an attempt failed."""
        self.slots = max(1, self.slots // 2)
        self._grew = now
