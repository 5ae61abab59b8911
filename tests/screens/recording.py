"""A real run as it was told, event by event with its times, in a file of lines.

Each line is JSON: seconds since the run began, the name of an event's class, and its fields. Bytes
on their way are told four times a second: that is as good to look at.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from asyncup.core import conditions, events
from asyncup.core.events import BytesSent, Event
from asyncup.core.plain import from_plain, to_plain

_STEP = 0.25
_KINDS: dict[str, type[Event]] = {
    name: each
    for module in (events, conditions)
    for name, each in vars(module).items()
    if isinstance(each, type) and issubclass(each, Event)
}


@dataclass(frozen=True, slots=True)
class Moment:
    """An event, and when it was announced."""

    seconds: float
    event: Event


def save(moments: Sequence[Moment], path: Path) -> None:
    """Write a recording."""
    lines = map(_line, _fewer(moments))
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def load(path: Path) -> list[Moment]:
    """Read a recording."""
    told = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return [Moment(seconds, from_plain(_KINDS[name], plain)) for seconds, name, plain in told]


def _line(moment: Moment) -> str:
    told = [round(moment.seconds, 3), type(moment.event).__name__, to_plain(moment.event)]
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))


def _fewer(moments: Sequence[Moment]) -> Iterator[Moment]:
    """Yield the same with all bytes of a part put together that were told within a step."""
    waiting: dict[tuple[object, int], Moment] = {}
    began = 0.0
    for each in moments:
        if not isinstance(each.event, BytesSent) or each.seconds - began > _STEP:
            yield from waiting.values()
            waiting.clear()
            began = each.seconds
        if isinstance(each.event, BytesSent):
            event = each.event
            before = waiting.get((event.uri, event.part_number))
            if before is not None and isinstance(before.event, BytesSent):
                event = replace(event, count=event.count + before.event.count)
            waiting[event.uri, event.part_number] = Moment(each.seconds, event)
        else:
            yield each
    yield from waiting.values()
