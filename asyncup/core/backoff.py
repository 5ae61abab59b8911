"""How long to wait before the next attempt, or whether there is one."""

from dataclasses import dataclass

from asyncup.core.errors import AsyncupError, S3Error

JITTER = 0.25
"""The share of a delay that chance may take off, so that parts that failed together part ways."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """Incremental delay: attempt n waits n x `step` seconds, at most `cap`, less some jitter."""

    max_attempts: int
    step: float
    cap: float

    def delay(self, attempt: int, error: AsyncupError, chance: float) -> float | None:
        """Return the seconds to wait after `attempt` (from 1) failed, None to give up.

        `chance` is a random number from 0 to 1. A `Retry-After` of the server is honoured in
        full, also beyond the cap: asking earlier only makes it worse.
        """
        if error.at_once:
            return 0.0
        if not error.transient or attempt >= self.max_attempts:
            return None
        own = min(attempt * self.step, self.cap) * (1 - JITTER * chance)
        asked = error.fault.retry_after if isinstance(error, S3Error) else None
        return max(own, asked or 0.0)
