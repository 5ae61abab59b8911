"""How a run of many files ended, and the one number that a script reads of it."""

from dataclasses import dataclass, field

from asyncup.core.errors import AsyncupError, Interrupted
from asyncup.core.events import RunFinished

PARTIAL = 1


@dataclass(slots=True)
class RunResult:
    """Counts of what was to be done, and the errors of what failed.

    `done` are files that were uploaded, objects that were verified, or uploads that were aborted.
    """

    done: int = 0
    skipped: int = 0
    interrupted: int = 0
    failures: list[AsyncupError] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """The run's exit status.

        0: all is done. 1: some files failed, the others are done. 130: stopped by the user. Where
        nothing was done, or an error stopped the run, that error's own code.
        """
        for error in self.failures:
            if error.stops_run:
                return error.exit_code
        if self.interrupted:
            return Interrupted.exit_code
        if not self.failures:
            return 0
        codes = {error.exit_code for error in self.failures}
        return codes.pop() if len(codes) == 1 and not self.done + self.skipped else PARTIAL

    def as_event(self) -> RunFinished:
        """Return the event that ends the run."""
        return RunFinished(
            uploaded=self.done,
            skipped=self.skipped,
            failed=len(self.failures),
            interrupted=self.interrupted,
            exit_code=self.exit_code,
        )
