"""How a run of many files ended, and the one number that a script reads of it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from asyncup.core.errors import AsyncupError, Interrupted
from asyncup.core.events import RunFinished

PARTIAL = 1


class Failures:
    """The errors of what failed: all are counted, and the first of them are there to be looked at.

    Each of them was announced when it came up. However many there are, this does not grow.

    Attributes:
        exit_codes: those of all errors.
        stopping: the first one that stops a run, None if there is none.
    """

    MOST = 100
    """How many are there to be looked at."""

    def __init__(self, errors: Iterable[AsyncupError] = ()) -> None:
        self._first: list[AsyncupError] = []
        self._count = 0
        self.exit_codes: set[int] = set()
        self.stopping: AsyncupError | None = None
        for error in errors:
            self.append(error)

    def append(self, error: AsyncupError) -> None:
        """Add one."""
        self._count += 1
        self.exit_codes.add(error.exit_code)
        if len(self._first) < self.MOST:
            self._first.append(error)
        if self.stopping is None and error.stops_run:
            self.stopping = error

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[AsyncupError]:
        """Yield the first ones."""
        return iter(self._first)


@dataclass(slots=True)
class RunResult:
    """Counts of what was to be done, and the errors of what failed.

    `done` are files that were uploaded, objects that were verified, or uploads that were aborted.
    """

    done: int = 0
    skipped: int = 0
    interrupted: int = 0
    failures: Failures = field(default_factory=Failures)

    @property
    def exit_code(self) -> int:
        """The run's exit status.

        0: all is done. 1: some files failed, the others are done. 130: stopped by the user. Where
        nothing was done, or an error stopped the run, that error's own code.
        """
        if self.failures.stopping is not None:
            return self.failures.stopping.exit_code
        if self.interrupted:
            return Interrupted.exit_code
        if not self.failures:
            return 0
        codes = self.failures.exit_codes
        return min(codes) if len(codes) == 1 and not self.done + self.skipped else PARTIAL

    def as_event(self) -> RunFinished:
        """Return the event that ends the run."""
        return RunFinished(
            uploaded=self.done,
            skipped=self.skipped,
            failed=len(self.failures),
            interrupted=self.interrupted,
            exit_code=self.exit_code,
        )
