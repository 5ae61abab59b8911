"""One JSON object a line for every event, for scripts and for logs; `ui.schema` is its form.

Sizes are integers of bytes, times ISO 8601 in UTC, `type` is the event's name. The bytes on their
way are told as a `progress` record from time to time instead of one by one.
"""

import json
from base64 import b64encode
from collections.abc import Callable
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any, Self

from asyncup.core.aftercare import BytesRead
from asyncup.core.errors import AsyncupError
from asyncup.core.events import BytesSent, Event
from asyncup.core.model import ObjectURI, UploadResult
from asyncup.core.names import odd_bytes, printable
from asyncup.core.progress import Progress
from asyncup.core.tally import Tally
from asyncup.ui.records import RECORDS, CommandFailed, HowFar, Record, Summary
from asyncup.ui.renderer import Output, Writable
from asyncup.ui.text import error_line

SCHEMA = 1
"""Grows when a field changes its meaning or goes away; new fields and events may come any time."""

UNTOLD = (BytesSent, BytesRead)
"""Events of which there are many: they are folded into `progress`."""

_NAMES: dict[type, str] = {kind: name for name, kind in RECORDS.items()}


class JsonLines:
    """Writes events as JSON; `clock` in seconds, for rates, `now` for the time of day.

    `interval` is in seconds, between two `progress` records.
    """

    def __init__(
        self,
        stream: Writable,
        clock: Callable[[], float],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        *,
        interval: float = 1.0,
    ) -> None:
        self._output = Output(stream)
        self._clock = clock
        self._now = now
        self._began = clock()
        self._progress = Progress()
        self._tally = Tally()
        self.interval = interval

    def __enter__(self) -> Self:
        self._progress.sample(self._clock())
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __call__(self, event: Event, /) -> None:
        """Write an event."""
        self._progress.apply(event)
        self._tally.apply(event)
        if not isinstance(event, UNTOLD):
            self._write(event)

    def tick(self) -> None:
        """Write how far it is."""
        self._progress.sample(self._clock())
        self._write(HowFar.of(self._progress))
        for late in self._progress.late(self._now()):
            self._write(late)

    def error(self, error: AsyncupError) -> None:
        """Write an error that belongs to no file."""
        self._write(CommandFailed(error))

    def end(self, exit_code: int) -> None:
        """Write what it came to in all: the last line."""
        elapsed = self._clock() - self._began
        self._write(Summary.of(self._tally, self._progress, elapsed, exit_code))

    def _write(self, told: Event | Record) -> None:
        self._output.write(line_of(told, self._now()))


def line_of(told: Event | Record, now: datetime) -> str:
    """Return the line that tells an event or a record."""
    kind = type(told)
    name = _NAMES.get(kind) or type_name(kind)
    return json.dumps({"schema": SCHEMA, "type": name, "time": _time(now), **_fields(told)})


def type_name(event: type) -> str:
    """Return the `type` of an event: `part_uploaded` of PartUploaded."""
    name = event.__name__
    return "".join(f"_{each.lower()}" if each.isupper() else each for each in name).lstrip("_")


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _fields(told: Any) -> dict[str, object]:  # noqa: ANN401 - any value with fields
    plain = {each.name: _plain(getattr(told, each.name)) for each in fields(told)}
    # A name that is not UTF-8 has no text that leads back to the file.
    if (source := getattr(told, "source", None)) and (raw := odd_bytes(source)) is not None:
        plain["source_bytes"] = b64encode(raw).decode("ascii")
    return plain


def _plain(value: object) -> object:
    """Return a value that JSON has."""
    if isinstance(value, str | ObjectURI):
        return printable(str(value))
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, datetime):
        return _time(value)
    if isinstance(value, UploadResult):
        return _fields(value)
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
