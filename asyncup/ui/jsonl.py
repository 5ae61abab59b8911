"""One JSON object a line for every event, on standard output, for scripts.

Sizes are integers of bytes, times ISO 8601 in UTC, `type` is the event's name. The bytes on their
way are told as a `progress` event every second instead of one by one.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import UTC, datetime
from typing import Self

from asyncup.core.aftercare import BytesRead
from asyncup.core.errors import AsyncupError
from asyncup.core.events import BytesSent, Event
from asyncup.core.model import ObjectURI, UploadResult
from asyncup.core.progress import Progress
from asyncup.ui.renderer import Output, Writable
from asyncup.ui.text import error_line

SCHEMA = 1
"""Grows when a field changes its meaning or goes away; new fields and events may come any time."""


class JsonLines:
    """Writes events as JSON; `clock` in seconds, for rates, `now` for the time of day."""

    interval = 1.0

    def __init__(
        self,
        stream: Writable,
        clock: Callable[[], float],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._output = Output(stream)
        self._clock = clock
        self._now = now
        self._progress = Progress()

    def __enter__(self) -> Self:
        self._progress.sample(self._clock())
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __call__(self, event: Event, /) -> None:
        """Write an event."""
        self._progress.apply(event)
        if not isinstance(event, BytesSent | BytesRead):
            told = {each.name: _plain(getattr(event, each.name)) for each in fields(event)}
            self._write(_type_name(event), told)

    def tick(self) -> None:
        """Write how far it is."""
        state = self._progress
        state.sample(self._clock())
        self._write(
            "progress",
            {
                "files_done": state.files_done,
                "files_found": state.files_found,
                "bytes_found": state.bytes_found,
                "bytes_committed": state.committed,
                "bytes_in_flight": state.in_flight,
                "bytes_compared": state.compared,
                "bytes_resent": state.bytes_resent,
                "rate": round(state.rate),
                "eta": None if state.eta is None else round(state.eta),
            },
        )

        for late in state.late(self._now()):
            told = {each.name: _plain(getattr(late, each.name)) for each in fields(late)}
            self._write("upload_late", told)

    def error(self, error: AsyncupError) -> None:
        """Write an error that belongs to no file."""
        self._write("error", {"error": _plain(error)})

    def _write(self, kind: str, told: Mapping[str, object]) -> None:
        line = {"schema": SCHEMA, "type": kind, "time": _time(self._now()), **told}
        self._output.write(json.dumps(line))


def _type_name(event: Event) -> str:
    name = type(event).__name__
    return "".join(f"_{each.lower()}" if each.isupper() else each for each in name).lstrip("_")


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _plain(value: object) -> object:
    """Return a value that JSON has."""
    if isinstance(value, ObjectURI):
        return str(value)
    if isinstance(value, datetime):
        return _time(value)
    if isinstance(value, UploadResult):
        return {each.name: _plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, AsyncupError):
        line = error_line(value)
        return {
            "name": type(value).__name__,
            "message": line.text,
            "hint": line.hint,
            "exit_code": value.exit_code,
            "transient": value.transient,
        }
    return value
