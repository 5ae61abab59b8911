"""How long to wait before the next attempt, or whether there is one."""

from dataclasses import dataclass

from asyncup.core.errors import (
    AsyncupError,
    ClockCorrected,
    S3Error,
    WorkerLost,
)

JITTER = 0.25
"""The share of a delay that chance may take off, so that parts that failed together part ways."""

FREE_LOSSES = 3
"""Workers that a request may lose before it is taken to be what ends them."""


def is_free(error: AsyncupError, losses: int) -> bool:
    """Return whether an attempt that ended so is made again at once and does not count.

    `losses` is how many attempts at the same request lost their workers before.
    """
    return error.at_once and (losses < FREE_LOSSES or not isinstance(error, WorkerLost))


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """Incremental delay: attempt n waits n x `step` seconds, at most `cap`, less some jitter.

    `give_up_after` is for how many seconds S3 is looked for when it is out of reach.
    """

    max_attempts: int
    step: float
    cap: float
    give_up_after: float = 86_400.0

    def delay(
        self,
        attempt: int,
        error: AsyncupError,
        chance: float,
        *,
        may_pass: bool = False,
        losses: int = 0,
        spared: int = 0,
    ) -> float | None:
        """Return the seconds to wait after `attempt` (from 1) failed, None to give up.

        `chance` is a random number from 0 to 1; `may_pass` says that the error may pass though
        its kind does not; `losses` are those of `is_free`; `spared` attempts are not waited for.
        A `Retry-After` of the server is honoured in full, also beyond the cap: asking earlier only
        makes it worse. What went wrong and is mended by now is tried again at once.
        """
        # A clock is not wrong twice; the one attempt that it has cost is given back.
        corrected = isinstance(error, ClockCorrected) and attempt <= self.max_attempts
        if corrected or is_free(error, losses):
            return 0.0
        if not (error.transient or may_pass) or attempt >= self.max_attempts:
            return None
        asked = error.fault.retry_after if isinstance(error, S3Error) else None
        return max(self.pause(attempt - spared, chance), asked or 0.0)

    def pause(self, number: int, chance: float) -> float:
        """Return the seconds of the nth pause of a row; none before the first."""
        return min(number * self.step, self.cap) * (1 - JITTER * chance)
