"""Events folded into how a command ended, also where it was broken off before it could tell."""

from functools import singledispatchmethod

from asyncup.core import aftercare, events, standing
from asyncup.core.events import Event
from asyncup.core.model import ObjectURI


class Tally:
    """Counts of what was to be done; feed it every event, read it at the end.

    `done` are files that were uploaded (or planned), objects that were verified, uploads that
    were listed or aborted.
    """

    def __init__(self) -> None:
        self.done = 0
        self.skipped = 0
        self.failed = 0
        self._stopped = 0
        self._open: set[ObjectURI] = set()
        # Bound once, as in `asyncup.core.progress`.
        self.apply = self.apply

    @property
    def interrupted(self) -> int:
        """What was stopped or, of what was found, never begun."""
        return self._stopped + len(self._open)

    @singledispatchmethod
    def apply(self, event: Event) -> None:
        """Take in an event; most change nothing here."""

    @apply.register
    def _(self, event: events.FileFound) -> None:
        self._open.add(event.uri)

    @apply.register
    def _(self, event: events.FileSkipped) -> None:
        self.skipped += 1
        self._close(event.uri)

    @apply.register
    def _(
        self, event: events.UploadCompleted | events.FilePlanned | aftercare.ObjectVerified
    ) -> None:
        self.done += 1
        self._close(event.uri)

    @apply.register
    def _(self, event: events.UploadFailed | aftercare.VerifyFailed) -> None:
        self.failed += 1
        self._close(event.uri)

    @apply.register
    def _(self, event: events.UploadInterrupted | aftercare.VerifyInterrupted) -> None:
        self._stopped += 1
        self._close(event.uri)

    @apply.register
    def _(
        self,
        _: aftercare.PendingUploadFound | standing.CommandFound | standing.UnfinishedUploadFound,
    ) -> None:
        self.done += 1

    @apply.register
    def _(self, event: events.RunFinished) -> None:
        self._end(event.uploaded, event.skipped, event.failed, event.interrupted)

    @apply.register
    def _(self, event: aftercare.VerifyFinished) -> None:
        self._end(event.verified, event.skipped, event.failed, event.interrupted)

    @apply.register
    def _(self, event: aftercare.AbortFinished) -> None:
        self._end(event.aborted, 0, event.failed, event.interrupted)

    def _close(self, uri: ObjectURI | None) -> None:
        if uri is not None:
            self._open.discard(uri)

    def _end(self, done: int, skipped: int, failed: int, interrupted: int) -> None:
        """Take the counts of who knows better: also what was not even found is in them."""
        self.done, self.skipped, self.failed = done, skipped, failed
        self._stopped = interrupted
        self._open.clear()
