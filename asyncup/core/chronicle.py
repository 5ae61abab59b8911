"""Events with their times, folded into what a report tells of a run, whatever there is of them.

What is held does not grow with bytes, parts or hours, and of files, so many are held in full: what
failed before what was stopped, that before what is done, and of those the largest. The others are
counted. Times are in seconds since the run began.
"""

import heapq
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from functools import singledispatchmethod

from asyncup.core import aftercare, conditions, events
from asyncup.core.errors import AsyncupError
from asyncup.core.events import Event
from asyncup.core.lanes import Lanes
from asyncup.core.model import ObjectURI, Proof
from asyncup.core.progress import Progress
from asyncup.core.tally import Tally
from asyncup.core.timeline import Timeline

FILES = 500
"""How many are held in full."""


class Outcome(IntEnum):
    """What became of a file; what is worth more to be told of is more."""

    SKIPPED = 1
    UPLOADED = 2
    VERIFIED = 3
    STOPPED = 4
    FAILED = 5


@dataclass(slots=True, kw_only=True)
class FileStory:
    """What became of one file; sizes in bytes, None of a stream.

    `uri` is None if it was refused before it had a key. `attempts` and `resent` are those of this
    run, `kept` the parts that S3 held already, `reason` why it was skipped or failed, `hint` what
    mends that.
    """

    source: str
    uri: ObjectURI | None
    began: float
    ended: float
    size: int | None = None
    parts: int | None = None
    outcome: Outcome = Outcome.STOPPED
    proof: Proof | None = None
    attempts: int = 0
    resent: int = 0
    kept: int = 0
    reason: str | None = None
    hint: str | None = None
    lanes: Lanes = field(default_factory=Lanes)


@dataclass(slots=True)
class ErrorStory:
    """How often an error of one kind was met, when, and what it said last.

    The errors themselves are not held: each holds all that was at hand where it was raised.
    """

    first: float
    last: float = 0.0
    count: int = 0
    said: str = ""
    hint: str | None = None


class Chronicle:
    """Feed it every event of an upload or a verification; close it at the end; read it.

    Args:
        most: files that are held in full.
        slots: how many there are as long as nothing else is heard, None if there are none.

    Attributes:
        progress: bytes and retries, of all files.
        tally: how many files came to what.
        timeline: what happened when.
        errors: by the names of their classes, also of attempts that were made again.
        proofs: how many objects were shown to equal their files by what.
        bytes_proven: of objects that were there already, and were shown to equal their files.
        left_out: how many files are not held in full, by what became of them.
        outages: how often S3 was out of reach, and for how many seconds in all.
    """

    def __init__(self, most: int = FILES, *, slots: int | None = None) -> None:
        self.progress = Progress()
        self.progress.slots = slots
        self.tally = Tally()
        self.timeline = Timeline()
        self.errors: dict[str, ErrorStory] = {}
        self.proofs: Counter[Proof] = Counter()
        self.bytes_proven = 0
        self.left_out: Counter[Outcome] = Counter()
        self.outages = 0
        self.seconds_offline = 0.0
        self._most = most
        self._open: dict[ObjectURI | None, FileStory] = {}
        self._ended: list[tuple[Outcome, int, int, FileStory]] = []
        self._count = 0
        self._offline_since: float | None = None

    @property
    def bytes_found(self) -> int:
        """Also of those that failed or were stopped."""
        return self.progress.bytes_found + self.progress.bytes_left

    @property
    def files(self) -> Sequence[FileStory]:
        """Those that are held in full and have ended: what failed, was stopped, and so on."""
        ended = sorted(self._ended, key=lambda entry: (-entry[0], -entry[2]))
        return [story for *_, story in ended]

    def apply(self, event: Event, now: float) -> None:
        """Take in an event."""
        before = self.progress.bytes_resent
        self.progress.apply(event)
        self.tally.apply(event)
        if isinstance(event, events.BytesSent):
            self.timeline.at(now).sent += event.count
            return
        if in_vain := self.progress.bytes_resent - before:
            self.timeline.at(now).in_vain += in_vain
            if (story := self._open.get(getattr(event, "uri", None))) is not None:
                story.resent += in_vain
        self._note(event, now)
        self.timeline.stand(
            now,
            in_flight=self.progress.parts_in_flight,
            slots=self.progress.slots,
            is_offline=self._offline_since is not None,
        )

    def fail(self, error: AsyncupError, now: float) -> None:
        """Take in an error, also one that belongs to no file."""
        story = self.errors.setdefault(type(error).__name__, ErrorStory(now))
        story.last, story.said, story.hint = now, str(error), error.hint
        story.count += 1

    def close(self, now: float) -> None:
        """Take in that nothing more will happen: what was not done by now was stopped."""
        for uri in list(self._open):
            self._end(uri, now, Outcome.STOPPED)
        if self._offline_since is not None:
            self._come_back(now)
        self.timeline.stand(now, in_flight=0, slots=self.progress.slots, is_offline=False)

    @singledispatchmethod
    def _note(self, event: Event, now: float) -> None:
        """Take in what concerns files and errors; most events change nothing here."""

    @_note.register
    def _(self, event: events.FileStarted, now: float) -> None:
        self._open[event.uri] = FileStory(
            source=event.source,
            uri=event.uri,
            began=now,
            ended=now,
            size=event.size,
            parts=event.parts,
        )

    @_note.register
    def _(self, event: events.UploadResumed, _: float) -> None:
        self._open[event.uri].parts = event.parts

    @_note.register
    def _(self, event: events.UploadRestarted, now: float) -> None:
        story = self._open[event.uri]
        story.size, story.parts, story.kept = event.size, event.parts, 0
        story.lanes.close(now)
        self.fail(event.error, now)

    @_note.register
    def _(self, event: events.PartKept, now: float) -> None:
        story = self._open[event.uri]
        story.kept += 1
        story.lanes.keep(event.part_number, now)

    @_note.register
    def _(self, event: events.PartStarted, now: float) -> None:
        story = self._open[event.uri]
        story.attempts += 1
        story.lanes.start(event.part_number, now)

    @_note.register
    def _(self, event: events.PartUploaded, now: float) -> None:
        self._open[event.uri].lanes.finish(event.part_number, now)

    @_note.register
    def _(self, event: events.RetryScheduled, now: float) -> None:
        self.timeline.at(now).retries += 1
        self.fail(event.error, now)
        if event.uri in self._open and event.part_number is not None:
            self._open[event.uri].lanes.fail(event.part_number, now)

    @_note.register
    def _(self, event: events.UploadCompleted, now: float) -> None:
        result = event.result
        self.proofs[result.proof] += 1
        story = self._story(event.source, event.uri, now)
        story.size, story.parts, story.proof = result.size, result.parts, result.proof
        self._end(event.uri, now, Outcome.UPLOADED)

    @_note.register
    def _(self, event: aftercare.ObjectVerified, now: float) -> None:
        self.proofs[event.proof] += 1
        self.bytes_proven += event.size
        story = self._story(event.source, event.uri, now)
        story.size, story.proof = event.size, event.proof
        self._end(event.uri, now, Outcome.VERIFIED)

    @_note.register
    def _(self, event: events.FileSkipped, now: float) -> None:
        if event.filtered:
            # Nobody wants to be told of each of these: they are what the user left out.
            self.left_out[Outcome.SKIPPED] += 1
            return
        story = self._story(event.source, event.uri, now)
        story.size, story.reason = event.size, event.reason
        self._end(event.uri, now, Outcome.SKIPPED)

    @_note.register
    def _(self, event: events.UploadFailed | aftercare.VerifyFailed, now: float) -> None:
        self.fail(event.error, now)
        story = self._story(event.source, event.uri, now)
        story.reason, story.hint = str(event.error), event.error.hint
        self._end(event.uri, now, Outcome.FAILED)

    @_note.register
    def _(self, event: events.UploadInterrupted | aftercare.VerifyInterrupted, now: float) -> None:
        self._story(event.source, event.uri, now)
        self._end(event.uri, now, Outcome.STOPPED)

    @_note.register
    def _(self, event: events.ReceiptLost, now: float) -> None:
        self.fail(event.error, now)

    @_note.register
    def _(self, event: conditions.WentOffline, now: float) -> None:
        self.fail(event.error, now)
        if self._offline_since is None:
            self._offline_since = now

    @_note.register
    def _(self, _: conditions.WentOnline, now: float) -> None:
        self._come_back(now)

    def _story(self, source: str, uri: ObjectURI | None, now: float) -> FileStory:
        """Return the story of a file, also of one that was never begun."""
        story = FileStory(source=source, uri=uri, began=now, ended=now)
        return self._open.setdefault(uri, story)

    def _end(self, uri: ObjectURI | None, now: float, outcome: Outcome) -> None:
        story = self._open.pop(uri)
        story.ended, story.outcome = now, outcome
        story.lanes.close(now)
        self._count += 1
        # Of two that are worth the same, the one that ended first stays.
        entry = (outcome, story.size or 0, -self._count, story)
        if len(self._ended) < self._most:
            heapq.heappush(self._ended, entry)
        else:
            least, *_ = heapq.heappushpop(self._ended, entry)
            self.left_out[least] += 1

    def _come_back(self, now: float) -> None:
        since, self._offline_since = self._offline_since, None
        self.outages += 1
        self.seconds_offline += now - (now if since is None else since)
