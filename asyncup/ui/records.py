"""What lines of JSON tell beside events: how far it is, what went wrong at large, and the sum.

Sizes are in bytes, times in seconds, rates in bytes per second.
"""

from dataclasses import dataclass
from typing import Self

from asyncup.core.errors import AsyncupError
from asyncup.core.progress import Late, Progress
from asyncup.core.tally import Tally


@dataclass(frozen=True, slots=True, kw_only=True)
class HowFar:
    """How far a run is, once a second; `eta` is null while it cannot be told.

    `bytes_committed` are those that S3 has acknowledged, in this run or an earlier one,
    `bytes_resent` those that travelled in vain. `bytes_compared` were read to see whether a file
    has to be sent at all.
    """

    files_done: int
    files_found: int
    bytes_found: int
    bytes_committed: int
    bytes_in_flight: int
    bytes_compared: int
    bytes_resent: int
    rate: int
    eta: int | None

    @classmethod
    def of(cls, state: Progress) -> Self:
        """Return what a progress comes to."""
        return cls(
            files_done=state.files_done,
            files_found=state.files_found,
            bytes_found=state.bytes_found,
            bytes_committed=state.committed,
            bytes_in_flight=state.in_flight,
            bytes_compared=state.compared,
            bytes_resent=state.bytes_resent,
            rate=round(state.rate),
            eta=None if state.eta is None else round(state.eta),
        )


@dataclass(frozen=True, slots=True)
class CommandFailed:
    """A command could not do its work, or not begin it, because of an error of no one file."""

    error: AsyncupError


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The last line, however a command ends: without it, the process was killed.

    `done` are files that were uploaded (or planned), objects that were verified, uploads that
    were listed or aborted; `interrupted` were stopped or never begun. Of `bytes_committed`,
    `bytes_kept` were at S3 from an earlier run; `bytes_resent` travelled in vain.
    """

    done: int
    skipped: int
    failed: int
    interrupted: int
    bytes_found: int
    bytes_committed: int
    bytes_kept: int
    bytes_resent: int
    retries: int
    elapsed: float
    exit_code: int

    @classmethod
    def of(cls, tally: Tally, state: Progress, elapsed: float, exit_code: int) -> Self:
        """Return what a command comes to."""
        return cls(
            done=tally.done,
            skipped=tally.skipped,
            failed=tally.failed,
            interrupted=tally.interrupted,
            bytes_found=state.bytes_found,
            bytes_committed=state.committed,
            bytes_kept=state.bytes_kept,
            bytes_resent=state.bytes_resent,
            retries=state.retries,
            elapsed=round(elapsed, 3),
            exit_code=exit_code,
        )


RECORDS = {
    "progress": HowFar,
    "upload_late": Late,
    "error": CommandFailed,
    "summary": Summary,
}
"""By their `type`; that of an event is the name of its class."""

Record = HowFar | Late | CommandFailed | Summary
