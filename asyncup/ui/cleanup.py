"""Pending uploads as lines: those that there are, and what became of those to be aborted."""

from asyncup.core import events
from asyncup.core.aftercare import AbortFinished, PendingListed, PendingUploadFound
from asyncup.core.events import Event
from asyncup.core.sizes import format_duration, format_size
from asyncup.ui.renderer import Output, Writable
from asyncup.ui.text import Level, clean, counted, describe


class CleanupLines:
    """Writes what there is and what is gone to `output`, and all else to `errors`.

    `quiet` leaves only errors of the latter.
    """

    def __init__(self, output: Writable, errors: Writable, *, quiet: bool = False) -> None:
        self._output = Output(output)
        self._errors = Output(errors)
        self._quiet = quiet

    def __call__(self, event: Event, /) -> None:
        """Write what an event means."""
        if isinstance(event, PendingUploadFound):
            self._output.write(clean(pending_line(event)))
        elif isinstance(event, events.UploadAborted):
            self._output.write(clean(f"aborted {event.uri} ({event.upload_id})"))
        elif (line := describe(event)) is not None:
            if line.level is Level.ERROR or not self._quiet:
                self._errors.write_line(line)
        elif isinstance(event, PendingListed | AbortFinished) and not self._quiet:
            self._errors.write(_sum(event))


def pending_line(found: PendingUploadFound) -> str:
    """Say all that is known of a pending upload, in one line that begins with its URI."""
    told = [
        counted(found.parts, "part"),
        format_size(found.size),
        "age unknown" if found.age is None else f"{format_duration(max(0, found.age))} old",
        f"known here, of {found.source}" if found.in_journal else "not known here",
    ]
    if found.abort_date is not None:
        told.append(f"a lifecycle rule aborts it at {found.abort_date:%Y-%m-%d %H:%M} UTC")
    return f"{found.uri}: {', '.join(told)} (upload ID {found.upload_id})"


def _sum(event: PendingListed | AbortFinished) -> str:
    if isinstance(event, PendingListed):
        return f"{counted(event.uploads, 'pending upload')}, {format_size(event.size)} held at S3"
    told = f"{counted(event.aborted, 'upload')} aborted, {format_size(event.size)} deleted at S3"
    for count, what in ((event.failed, "failed"), (event.interrupted, "not looked at")):
        told += f", {count} {what}" if count else ""
    return told
