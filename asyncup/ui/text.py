"""Events in words, for a terminal, a log, or a line above the panels."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from functools import singledispatch

from asyncup.core import aftercare, conditions, events, watching
from asyncup.core.conditions import SlotsReason
from asyncup.core.errors import AsyncupError
from asyncup.core.events import Event
from asyncup.core.names import printable
from asyncup.core.progress import Late, Progress
from asyncup.core.sizes import format_duration, format_size
from asyncup.ui.offline import state_of


class Level(Enum):
    """How much a line matters, as its mark."""

    INFO = " "
    DONE = "+"
    WARNING = "!"
    ERROR = "x"


@dataclass(frozen=True, slots=True)
class Line:
    """One thing to say; `hint` is what mends it."""

    level: Level
    text: str
    hint: str | None = None


def clean(text: str) -> str:
    r"""Return text that cannot steer a terminal: control characters as `\x1b`.

    File names and the messages of servers are not ours, and may hold anything.
    """
    told = printable(text)
    if told.isprintable():
        return told
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in told
    )


def error_line(error: AsyncupError) -> Line:
    """Say what went wrong, and what mends it."""
    return Line(Level.ERROR, str(error), error.hint)


@singledispatch
def describe(_: Event) -> Line | None:
    """Say what happened, None if it is not worth a line."""
    return None


@describe.register
def _(event: events.FileSkipped) -> Line | None:
    # What the user excluded is counted, and listed by a dry run.
    if event.filtered:
        return None
    return Line(Level.INFO, f"skipped {event.source}: {event.reason}")


@describe.register
def _(event: events.UploadResumed) -> Line:
    begun = f", begun {event.initiated:%Y-%m-%d %H:%M} UTC" if event.initiated else ""
    of = f" of {event.parts}" if event.parts else ""
    held = f"S3 lists {event.parts_listed}{of} parts of {format_size(event.part_size)}{begun}"
    return Line(Level.INFO, f"resuming {event.uri}: {held}")


@describe.register
def _(event: events.PendingUploadIgnored) -> Line:
    told = f"left a pending upload of {event.uri} alone ({event.upload_id}): {event.reason}"
    return Line(Level.WARNING, told)


@describe.register
def _(event: events.UploadRestarted) -> Line:
    return Line(Level.WARNING, f"looking at {event.source} again: {event.error}")


@describe.register
def _(event: events.UploadAborted) -> Line:
    told = f"aborted a pending upload of {event.uri} ({event.upload_id}): {event.reason}"
    return Line(Level.WARNING, told)


@describe.register
def _(event: events.AttributesDiffer) -> Line:
    told = f"{event.uri} is not stored as asked for: {', '.join(event.names)}"
    hint = "its upload was begun with others; upload it again with --overwrite always"
    return Line(Level.WARNING, told, hint)


@describe.register
def _(event: events.JournalUnavailable) -> Line:
    return Line(Level.WARNING, event.reason)


@describe.register
def _(event: events.PartDiscarded) -> Line:
    told = f"part {event.part_number} of {event.uri} goes again: {event.reason}"
    return Line(Level.WARNING, told)


@describe.register
def _(event: events.RetryScheduled) -> Line:
    told = f"attempt {event.attempt} failed, next in {format_duration(event.delay)}: {event.error}"
    return Line(Level.WARNING, told, event.error.hint)


@describe.register
def _(event: conditions.WentOffline) -> Line | None:
    # An outage of a day has more than a thousand probes.
    if event.probes & (event.probes - 1):
        return None
    told = f"{state_of(event.error)}, next try in {format_duration(event.next_probe)}"
    return Line(Level.WARNING, f"{told}: {event.error}", event.error.hint)


@describe.register
def _(event: conditions.WentOnline) -> Line:
    return Line(Level.INFO, f"S3 is there again, after {format_duration(event.seconds)}")


@describe.register
def _(_: conditions.CredentialsRenewed) -> Line:
    return Line(Level.INFO, "going on with other credentials: those before were refused")


@describe.register
def _(event: conditions.SlotsChanged) -> Line | None:
    if event.reason is SlotsReason.PAUSED:
        return Line(Level.WARNING, "paused: what is in flight arrives, and no other part is begun")
    told = f"{event.reason}: {counted(event.slots, 'part')} in flight at once from now on"
    if event.reason in {SlotsReason.ASKED, SlotsReason.UNPINNED, SlotsReason.CONTINUED}:
        return Line(Level.INFO, told)
    # The way is looked for all the time; only what goes wrong on it is worth a line.
    is_wrong = event.reason in {SlotsReason.THROTTLED, SlotsReason.LOST}
    return Line(Level.WARNING, told) if is_wrong else None


@describe.register
def _(event: events.Stopping) -> Line:
    if not event.grace:
        return Line(Level.WARNING, "stopping")
    told = f"stopping: parts in flight have {format_duration(event.grace)} to arrive"
    return Line(Level.WARNING, f"{told} (again to stop at once)")


@describe.register
def _(event: conditions.RateChanged) -> Line:
    much = "as fast as it goes" if event.rate is None else f"at most {format_size(event.rate)}/s"
    return Line(Level.INFO, f"{event.reason}: {much} from now on")


@describe.register
def _(event: conditions.ProcessesAdded) -> Line:
    told = f"one process was at work {event.share:.0%} of the time"
    return Line(Level.INFO, f"{told}: {event.processes} processes from now on")


@describe.register
def _(event: conditions.RateRefused) -> Line:
    return Line(Level.WARNING, f"the limit of the rate stays as it is: {event.reason}")


@describe.register
def _(event: events.UploadCompleted) -> Line:
    result = event.result
    parts = "" if result.parts == 1 else f" in {result.parts} parts"
    kept = f", {result.parts_kept} of them kept" if result.parts_kept else ""
    told = f"{event.uri} {format_size(result.size)}{parts}{kept}, verified by {result.proof}"
    return Line(Level.DONE, told)


@describe.register
def _(event: events.UploadFailed) -> Line:
    return error_line(event.error)


@describe.register
def _(event: events.UploadInterrupted) -> Line:
    left = "" if event.remaining is None else f", {format_size(event.remaining)} are not at S3 yet"
    return Line(Level.WARNING, f"stopped {event.uri}{left}")


@describe.register
def _(event: events.ReceiptLost) -> Line:
    return error_line(event.error)


@describe.register
def _(event: events.OutputLost) -> Line:
    told = f"write {event.path}: {event.reason}; the run goes on, and tries again with what comes"
    return Line(Level.WARNING, told)


@describe.register
def _(event: aftercare.ObjectVerified) -> Line:
    what = f"its receipt for {event.source}" if event.by_receipt else event.source
    told = f"{event.uri} {format_size(event.size)} equals {what}, proven by {event.proof}"
    return Line(Level.DONE, told)


@describe.register
def _(event: aftercare.VerifyFailed) -> Line:
    return error_line(event.error)


@describe.register
def _(event: aftercare.VerifyInterrupted) -> Line:
    return Line(Level.WARNING, f"stopped comparing {event.uri}")


@describe.register
def _(event: aftercare.VerifyFinished) -> Line:
    if not any((event.verified, event.skipped, event.failed, event.interrupted)):
        return Line(Level.WARNING, "nothing to verify: no files were found")
    told = [f"{counted(event.verified, 'object')} verified"]
    for count, what in (
        (event.skipped, "skipped"),
        (event.failed, "failed"),
        (event.interrupted, "not compared"),
    ):
        told += [f"{count} {what}"] if count else []
    whole = not event.failed and not event.interrupted
    return Line(Level.DONE if whole else Level.WARNING, ", ".join(told))


@describe.register
def _(event: aftercare.AbortFailed) -> Line:
    return error_line(event.error)


@describe.register
def _(event: watching.WatchStarted) -> Line:
    return Line(Level.INFO, f"all of {event.directory} was looked at; watching what changes")


@describe.register
def _(event: watching.WatchLost) -> Line:
    return Line(Level.WARNING, f"watch {event.directory}: {event.reason}; waiting for it")


@describe.register
def _(event: watching.WatchPolls) -> Line:
    told = f"the system does not tell what changes in {event.directory}: {event.reason}"
    return Line(Level.WARNING, f"{told}; looking every {format_duration(event.interval)}")


@describe.register
def _(event: watching.FileDeferred) -> Line:
    told = f"{event.source} is tried again in {format_duration(event.delay)}, or when it changes"
    return Line(Level.INFO, told)


@describe.register
def _(event: watching.SourceDeleted) -> Line:
    return Line(Level.INFO, f"deleted {event.source}: it is at S3, proven")


@describe.register
def _(event: watching.SourceMoved) -> Line:
    return Line(Level.INFO, f"moved {event.source} to {event.destination}: it is at S3, proven")


@describe.register
def _(event: watching.SourceKept) -> Line:
    return Line(Level.WARNING, str(event.error), event.error.hint)


def late_line(late: Late) -> Line:
    """Warn of an upload that its bucket's lifecycle rule will delete before it is done."""
    told = f"{late.uri} may not be done in time: its parts are deleted at "
    told += f"{late.abort_date:%Y-%m-%d %H:%M} UTC by a lifecycle rule of the bucket, and at "
    told += f"this rate it ends at {late.end:%Y-%m-%d %H:%M} UTC"
    hint = "give the rule's AbortIncompleteMultipartUpload more days, or send less beside it"
    return Line(Level.WARNING, told, hint)


def totals(progress: Progress) -> str:
    """Say how far the run is, in one line."""
    found = progress.files_found
    return " · ".join(
        (
            f"{progress.files_done}/{found}{'' if progress.scan_finished else '+'} files",
            _done(progress),
            *_pace(progress),
        )
    )


def _done(progress: Progress) -> str:
    done = format_size(progress.committed)
    # What a stream will come to, nobody knows.
    return done if progress.has_streams else f"{done} of {format_size(progress.bytes_found)}"


def _pace(progress: Progress) -> Iterator[str]:
    yield f"{format_size(progress.rate)}/s"
    if progress.is_paused:
        yield "paused"
    elif progress.eta is not None:
        yield f"{format_duration(progress.eta)} left"
    if progress.compared:
        yield f"{format_size(progress.compared)} compared"
    if progress.parts_in_flight:
        yield f"{progress.parts_in_flight} in flight"
    if progress.slots:
        yield counted(progress.slots, "slot")
    if progress.bytes_resent:
        yield f"{format_size(progress.bytes_resent)} sent again"


def summary(progress: Progress, finished: events.RunFinished, elapsed: float) -> Iterator[Line]:
    """Say how the run ended."""
    if not any((finished.uploaded, finished.skipped, finished.failed, finished.interrupted)):
        yield Line(Level.WARNING, "nothing to upload: no files were found")
        return
    sent = progress.committed - progress.bytes_kept
    rate = sent / elapsed if elapsed else 0
    told = [
        f"{counted(finished.uploaded, 'file')} uploaded",
        f"{format_size(sent)} sent in {format_duration(elapsed)} ({format_size(rate)}/s)",
    ]
    if progress.bytes_kept:
        told.append(f"{format_size(progress.bytes_kept)} were at S3 already")
    if progress.retries:
        again = format_size(progress.bytes_resent)
        told.append(f"{counted(progress.retries, 'retry', 'retries')} sent {again} again")
    for count, what in (
        (finished.skipped, "skipped"),
        (finished.failed, "failed"),
        (finished.interrupted, "not finished"),
    ):
        if count:
            told.append(f"{count} {what}")
    whole = not finished.failed and not finished.interrupted
    yield Line(Level.DONE if whole else Level.WARNING, ", ".join(told))


def counted(count: int, one: str, more: str | None = None) -> str:
    """Say how many there are: `1 file`, `2 files`."""
    return f"{count} {one if count == 1 else more or f'{one}s'}"
