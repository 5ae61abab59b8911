"""What happened, in lines so short that they tell it within a panel."""

from asyncup.core import events
from asyncup.core.errors import S3Error
from asyncup.core.events import Event
from asyncup.core.sizes import format_duration
from asyncup.ui.text import Level, Line, describe


def log_line(event: Event) -> Line | None:
    """Say what happened as `describe` does; of a retry, when it is, and then why."""
    if not isinstance(event, events.RetryScheduled) or not isinstance(event.error, S3Error):
        return describe(event)
    fault = event.error.fault
    what = fault.action
    if event.uri is not None and event.part_number is not None:
        what = f"part {event.part_number} of {event.uri.key.rpartition('/')[2]}"
    reason = ": ".join(filter(None, (fault.code, fault.message))) or "failed"
    return Line(Level.WARNING, f"{what} again in {format_duration(event.delay)}: {reason}")
