"""Events folded into what a person wants to see: done, in flight, sent again, rate, time left.

Done counts bytes that S3 has acknowledged. Bytes in flight stand apart, and a retry takes them
back, so nothing is ever counted twice or beyond the total. So do those that were read to see
whether a file has to be sent at all: whatever comes of that, they did not travel. A file is at
100 % when its object was compared with it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import singledispatchmethod

from asyncup.core import aftercare, conditions, events
from asyncup.core.file_progress import FileProgress
from asyncup.core.model import ObjectURI
from asyncup.core.part_map import PartState
from asyncup.core.speed import Pulse, Speed

SURE_AFTER = 10.0
"""Seconds that the rate has to be known for before anything is predicted from it."""

MOST_NAMED = 1000
"""Files left undone that are remembered one by one; of the others, their bytes."""


@dataclass(frozen=True, slots=True)
class Late:
    """An upload that is not done, by its estimated `end`, when a lifecycle rule deletes it."""

    uri: ObjectURI
    upload_id: str
    abort_date: datetime
    end: datetime


class Progress:
    """The state of a run: feed it every event, ask it at any time.

    Time is an argument (seconds, from any monotonic clock), so the same events at the same times
    always give the same picture.
    """

    def __init__(self) -> None:
        self.files: dict[ObjectURI, FileProgress] = {}
        self.scan_finished = False
        self.stopping = False
        self.files_found = 0
        self.files_done = 0
        self.files_skipped = 0
        self.files_failed = 0
        self.bytes_found = 0
        self.bytes_done = 0
        self.bytes_kept = 0
        self.bytes_resent = 0
        self.retries = 0
        self.offline: conditions.WentOffline | None = None
        self.slots: int | None = None
        self.rate_limit: float | None = None
        self._waiting: dict[ObjectURI, int] = {}
        self._left: dict[ObjectURI, int] = {}
        self._bytes_unnamed = 0
        self.pulse = Pulse()
        self._speed = Speed()
        self._sampled = 0.0
        self._rested = 0.0
        self._warned: set[str] = set()
        # Bound once: to bind it takes Python 3.11 longer than it takes to run.
        self.apply = self.apply

    def sample(self, now: float) -> None:
        """Note where the run is at this time, for the rate; a pause is no part of that time."""
        if self.is_at_rest:
            self._rested += now - self._sampled
        self._sampled = now
        acknowledged = self.committed - self.bytes_kept
        moved = acknowledged + self.in_flight
        self._speed.sample(now - self._rested, moved, acknowledged)
        self.pulse.sample(now, moved)

    @property
    def is_paused(self) -> bool:
        """Whether no part is begun, because somebody wants that."""
        return self.slots == 0

    @property
    def is_at_rest(self) -> bool:
        """Whether what was in flight when it was paused has arrived, so that nothing moves."""
        return self.is_paused and not self.parts_in_flight

    @property
    def rate(self) -> float:
        """Bytes per second that came nearer to S3, over the last samples; never below 0."""
        return 0.0 if self.is_at_rest else self._speed.rate

    @property
    def eta(self) -> float | None:
        """Seconds until all is done at the speed of the long run; None if that cannot be told."""
        if not self.scan_finished or self.is_paused:
            return None
        return self._speed.until(self.bytes_found - self.committed, self.in_flight)

    def late(self, now: datetime) -> list[Late]:
        """Return the uploads that will be deleted before they are done, each of them once.

        Parts go out in the order in which their files were begun, nearly: the end of a file is
        when it and those before it are sent at this rate. `now` is the time of day.
        """
        found: list[Late] = []
        left = 0
        for file in self.files.values():
            left += max(0, (file.size or 0) - file.position)
            abort_date = file.abort_dates.get(file.upload_id)
            if abort_date is None or file.size is None or file.upload_id in self._warned:
                continue
            end = self._end(now, left)
            if end is not None and end > abort_date:
                self._warned.add(file.upload_id)
                found.append(Late(file.uri, file.upload_id, abort_date, end))
        return found

    def _end(self, now: datetime, left: int) -> datetime | None:
        """Return when so many bytes will be sent, None while that cannot be told."""
        if not left:
            return now
        if self._speed.known_for < SURE_AFTER or not self.rate:
            return None
        try:
            return now + timedelta(seconds=left / self.rate)
        except OverflowError:
            return datetime.max.replace(tzinfo=now.tzinfo)

    @property
    def committed(self) -> int:
        """Bytes that S3 has acknowledged, in this run or an earlier one."""
        return self.bytes_done + sum(file.committed for file in self.files.values())

    @property
    def bytes_left(self) -> int:
        """Bytes of files that failed or were stopped: taken out of the total, and not at S3."""
        return self._bytes_unnamed + sum(self._left.values())

    @property
    def unfinished(self) -> list[ObjectURI] | None:
        """Objects that are not there yet, of all files that were found: in any state.

        None if too many were left in this run for their names to be kept.
        """
        if len(self._left) >= MOST_NAMED:
            return None
        return list(dict.fromkeys((*self.files, *self._waiting, *self._left)))

    @property
    def in_flight(self) -> int:
        """Bytes handed to the network and not acknowledged yet."""
        return sum(sum(file.in_flight.values()) for file in self.files.values())

    @property
    def compared(self) -> int:
        """Bytes read of files of which it is not known yet whether they have to be sent."""
        return sum(file.compared for file in self.files.values())

    @property
    def has_streams(self) -> bool:
        """Whether something is on its way whose end nobody knows."""
        return any(file.size is None for file in self.files.values())

    @property
    def parts_in_flight(self) -> int:
        """Parts that hold a slot now."""
        return sum(len(file.in_flight) for file in self.files.values())

    @singledispatchmethod
    def apply(self, event: events.Event) -> None:
        """Take in an event; those that change nothing here are passed over."""

    @apply.register
    def _(self, event: events.FileFound) -> None:
        self.files_found += 1
        self.bytes_found += event.size or 0
        # Of a directory that is watched, what failed is found again.
        self._left.pop(event.uri, None)
        self._waiting[event.uri] = event.size or 0

    @apply.register
    def _(self, event: events.FileSkipped) -> None:
        self.files_skipped += 1
        if event.uri is not None:
            # It was counted when it was found; S3 turned out to hold it.
            self.files_found -= 1
            self._drop(event.uri)

    @apply.register
    def _(self, _: events.ScanFinished) -> None:
        self.scan_finished = True

    @apply.register
    def _(self, event: events.FileStarted) -> None:
        # It may have grown since it was found.
        self.bytes_found += (event.size or 0) - self._waiting.pop(event.uri, 0)
        self.files[event.uri] = FileProgress(
            event.source, event.uri, event.size, event.part_size, event.parts
        )

    @apply.register
    def _(self, event: events.UploadResumed) -> None:
        file = self.files[event.uri]
        file.plan(event.part_size, event.parts)
        file.upload_id = event.upload_id

    @apply.register
    def _(self, event: events.UploadExpires) -> None:
        # Of all that are pending for the key, before it is known which of them is resumed.
        if (file := self.files.get(event.uri)) is not None:
            file.abort_dates[event.upload_id] = event.abort_date

    @apply.register
    def _(self, event: events.UploadCreated) -> None:
        if (file := self.files.get(event.uri)) is not None:
            file.upload_id = event.upload_id

    @apply.register
    def _(self, event: events.UploadRestarted) -> None:
        # What stays of it will be told part by part.
        file = self.files[event.uri]
        self.bytes_resent += sum(file.in_flight.values())
        self.bytes_found += (event.size or 0) - (file.size or 0)
        self.bytes_kept -= file.kept
        file.lost = None
        self.files[event.uri] = FileProgress(
            event.source, event.uri, event.size, file.part_size, event.parts, lost=file
        )

    @apply.register
    def _(self, event: events.PartKept) -> None:
        file = self.files[event.uri]
        file.acknowledge(event.part_number, event.size, PartState.STORED)
        file.kept += event.size
        self.bytes_kept += event.size

    @apply.register
    def _(self, event: events.PartStarted) -> None:
        # If it was in flight, that attempt was in vain.
        file = self.files[event.uri]
        self.bytes_resent += file.lose(event.part_number, PartState.TO_COME)
        self.bytes_resent += file.begin(event.part_number, event.attempt)

    @apply.register
    def _(self, event: events.BytesSent) -> None:
        self.files[event.uri].in_flight[event.part_number] += event.count

    @apply.register
    def _(self, event: events.RetryScheduled) -> None:
        self.retries += 1
        if event.uri is not None and event.part_number is not None:
            # It has to travel again.
            file = self.files[event.uri]
            self.bytes_resent += file.lose(event.part_number, PartState.WAITING)

    @apply.register
    def _(self, event: events.PartUploaded) -> None:
        file = self.files[event.uri]
        file.acknowledge(event.part_number, event.size, PartState.ACKNOWLEDGED)

    @apply.register
    def _(self, event: events.UploadCompleting) -> None:
        self.files[event.uri].completing = True

    @apply.register
    def _(self, event: events.UploadCompleted) -> None:
        file = self.files.pop(event.uri)
        if file.size is None:
            self.bytes_found += event.result.size
        self.files_done += 1
        self.bytes_done += event.result.size

    @apply.register
    def _(self, event: events.UploadFailed) -> None:
        self.files_failed += 1
        self._leave(event.uri)

    @apply.register
    def _(self, event: events.UploadInterrupted) -> None:
        self._leave(event.uri)

    @apply.register
    def _(self, event: aftercare.BytesRead) -> None:
        if not event.may_be_sent:
            self.files[event.uri].committed += event.count
        elif (file := self.files.get(event.uri)) is not None:
            # A dry run begins no file.
            file.compared += event.count

    @apply.register
    def _(self, event: aftercare.ObjectVerified) -> None:
        self.files.pop(event.uri, None)
        self.files_done += 1
        self.bytes_done += event.size

    @apply.register
    def _(self, event: aftercare.VerifyFailed) -> None:
        self.files_failed += 1
        self._leave(event.uri)

    @apply.register
    def _(self, event: aftercare.VerifyInterrupted) -> None:
        self._leave(event.uri)

    @apply.register
    def _(self, event: conditions.SlotsChanged) -> None:
        self.slots = event.slots

    @apply.register
    def _(self, event: conditions.RateChanged) -> None:
        self.rate_limit = event.rate

    @apply.register
    def _(self, _: events.Stopping) -> None:
        self.stopping = True

    @apply.register
    def _(self, event: conditions.WentOffline) -> None:
        self.offline = event

    @apply.register
    def _(self, _: conditions.WentOnline) -> None:
        self.offline = None

    def _leave(self, uri: ObjectURI | None) -> None:
        """Take out a file of which some is still to be sent, by another run."""
        total = self.bytes_found
        self._drop(uri)
        if uri is None:
            return
        if uri in self._left or len(self._left) < MOST_NAMED:
            self._left[uri] = total - self.bytes_found
        else:
            self._bytes_unnamed += total - self.bytes_found

    def _drop(self, uri: ObjectURI | None) -> None:
        """Take out a file that will not arrive in this run, so that the totals stay reachable."""
        if uri is None:
            return
        self.bytes_found -= self._waiting.pop(uri, 0)
        if (file := self.files.pop(uri, None)) is not None:
            self.bytes_found -= (file.size or 0) - file.committed
            self.bytes_done += file.committed
