"""What a run looks like: rows of a given width, no more of them than there is room for."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from asyncup.core.model import ObjectURI
from asyncup.core.progress import Progress
from asyncup.core.sizes import brief_size, format_duration
from asyncup.ui.files_panel import detailed, legend, listed
from asyncup.ui.keys import KeyHint
from asyncup.ui.meters import bar, cells, pulse
from asyncup.ui.rows import Frame, Marks, Row, Span, Tone, grid, width_of
from asyncup.ui.text import Level, Line, clean

_LOW = 20
"""Rows below which a terminal is low: what can be done without is left out."""

NARROWEST = 24
"""Columns below which there is no sense in fitting anything: the rest of a row is cut off."""

_USUAL = 80
"""Columns that terminals usually have."""

_BORDERS = 2
_LEAST = 2 * _BORDERS + 2
"""Rows that the log leaves to its own borders and to the files."""

_NARROWEST_CELL = 17
_LOW_GRID = 3
_PERCENT = 6
_PEAK = 16
MOST_LOG = 10
"""Lines of the log that are shown at most."""

TONES = {
    Level.INFO: Tone.FAINT,
    Level.DONE: Tone.DONE,
    Level.WARNING: Tone.WARNING,
    Level.ERROR: Tone.ERROR,
}


class View(Enum):
    """What is shown below the totals."""

    FILES = auto()
    DETAILS = auto()
    HELP = auto()


@dataclass(slots=True)
class Scene:
    """All that is drawn.

    Attributes:
        elapsed: seconds since the run began.
        offline: the state of the way to S3 while it is lost, and what a person can do about it.
        log: what happened, with the time of day, the latest last.
        keys: those that can be pressed.
        slots: how many parts may be in flight as long as nothing else was heard.
    """

    progress: Progress
    elapsed: float = 0.0
    offline: str | None = None
    hint: str | None = None
    log: Sequence[tuple[str, Line]] = ()
    keys: Sequence[KeyHint] = ()
    slots: int | None = None
    view: View = View.FILES
    chosen: ObjectURI | None = None


def draw(scene: Scene, width: int, height: int, marks: Marks) -> list[Row]:
    """Return the panels, each row `width` wide, or `NARROWEST`; a row is left to the cursor."""
    width = max(width, NARROWEST)
    frame, room = Frame(width, marks), height - 1
    panels = [("asyncup", _totals(scene, frame.inner, marks, is_low=height < _LOW))]
    room -= len(panels[0][1]) + _BORDERS
    if scene.view is View.HELP:
        panels.append(("help", _help(scene, marks)[: room - _BORDERS]))
    else:
        log = _log(scene, width, _most_log(height, room), marks)
        room -= len(log) + _BORDERS if log else 0
        panels += _files(scene, frame.inner, room - _BORDERS, marks)
        panels += [("log", log)] if log else []
    drawn: list[Row] = []
    for index, (title, rows) in enumerate(panels):
        is_first, is_last = index == 0, index == len(panels) - 1
        drawn += frame.around(
            rows,
            [(title, Tone.STRONG), *(_state(scene, marks) if is_first else [])],
            _losses(scene, marks) if is_first else [],
            _foot(scene, frame.inner, marks) if is_last else [],
        )
    return drawn[: height - 1]


def _state(scene: Scene, marks: Marks) -> Row:
    state = "stopping" if scene.progress.stopping else "paused" if scene.progress.is_paused else ""
    return [(f" {marks.dot} ", Tone.FAINT), (state, Tone.WARNING)] if state else []


def _losses(scene: Scene, marks: Marks) -> Row:
    """Say what does not come to an object, if there is any of it."""
    failed, skipped = scene.progress.files_failed, scene.progress.files_skipped
    told: Row = [(f"{failed} failed", Tone.ERROR)] if failed else []
    told += [(f" {marks.dot} ", Tone.FAINT)] if failed and skipped else []
    return [*told, (f"{skipped} skipped", Tone.FAINT)] if skipped else told


def _totals(scene: Scene, width: int, marks: Marks, *, is_low: bool) -> list[Row]:
    state = scene.progress
    done = bar(
        width - _PERCENT,
        stored=state.bytes_kept,
        done=state.committed - state.bytes_kept,
        moving=state.in_flight,
        total=state.bytes_found,
    )
    percent = min(99 if state.files else 100, 100 * state.committed // (state.bytes_found or 1))
    told = "?" if state.has_streams else f"{percent}%"
    rows: list[Row] = [[*cells(done, marks), (told.rjust(_PERCENT), Tone.STRONG)]]
    numbers = grid([*_numbers(scene)], width, _NARROWEST_CELL)
    rows += numbers[:_LOW_GRID] if is_low else numbers
    if not is_low:
        beats = state.pulse.last(width - _PEAK)
        most: Row = [(f"max {brief_size(max(beats, default=0))}/s".rjust(_PEAK), Tone.FAINT)]
        rows.append([(pulse(beats, width - _PEAK, marks), Tone.MOVING), *most])
    if scene.offline is not None:
        rows.append([(marks.text(scene.offline), Tone.WARNING)])
    if scene.hint is not None:
        rows.append([(marks.text(f"hint: {clean(scene.hint)}"), Tone.PLAIN)])
    return rows


def _numbers(scene: Scene) -> Iterator[tuple[str, Span]]:
    state = scene.progress
    slots = scene.slots if state.slots is None else state.slots
    of = f" of {slots}" if slots else ""
    limit = "off" if state.rate_limit is None else f"{brief_size(state.rate_limit)}/s"
    left = "?" if state.eta is None else format_duration(state.eta)
    resent = Tone.WARNING if state.bytes_resent else Tone.PLAIN
    more = "" if state.scan_finished else "+"
    yield "done", (brief_size(state.committed), Tone.STRONG)
    yield "total", ("?" if state.has_streams else brief_size(state.bytes_found), Tone.PLAIN)
    yield "rate", (f"{brief_size(state.rate)}/s", Tone.STRONG)
    yield "left", ("paused" if state.is_paused else left, Tone.STRONG)
    yield "time", (format_duration(scene.elapsed), Tone.PLAIN)
    yield "files", (f"{state.files_done}/{state.files_found}{more}", Tone.PLAIN)
    yield "slots", (f"{state.parts_in_flight}{of}", Tone.PLAIN)
    yield "limit", (limit, Tone.PLAIN)
    yield "resent", (brief_size(state.bytes_resent), resent)


def _files(scene: Scene, width: int, room: int, marks: Marks) -> list[tuple[str, list[Row]]]:
    files = list(scene.progress.files.values())
    chosen = next((file for file in files if file.uri == scene.chosen), None)
    if scene.view is View.DETAILS and chosen is not None:
        return [("details", detailed(chosen, width=width, room=room, marks=marks))]
    if not files:
        return []
    rows = listed(files, scene.chosen, width=width, room=room, marks=marks)
    return [("in flight", rows)]


def _help(scene: Scene, marks: Marks) -> list[Row]:
    keys: list[Row] = [
        [(f"{hint.key:<6} ", Tone.STRONG), (hint.told, Tone.PLAIN)] for hint in scene.keys
    ]
    return [*keys, [], legend(marks)]


def _foot(scene: Scene, width: int, marks: Marks) -> Row:
    """Return what keys there are, as many as there is room for, the most important ones first."""
    row: Row = []
    for hint in (hint for hint in scene.keys if hint.word):
        between = f" {marks.dot} " if row else ""
        more: Row = [(between, Tone.FAINT), (hint.key, Tone.STRONG), (f" {hint.word}", Tone.FAINT)]
        if width_of(row) + width_of(more) > width - 4:
            break
        row += more
    return row


def _most_log(height: int, room: int) -> int:
    """Return for how many rows of the log there is room."""
    wanted = max(2, min(MOST_LOG, (height - 12) // 4))
    return max(1, min(wanted, room - _LEAST))


def _log(scene: Scene, width: int, most: int, marks: Marks) -> list[Row]:
    """Return the last things that happened; when, where there is room to tell."""
    rows: list[Row] = []
    for moment, line in scene.log[-most:]:
        told = (marks.text(f"{line.level.value} {clean(line.text)}"), TONES[line.level])
        rows.append([(f"{moment} ", Tone.FAINT), told] if width >= _USUAL else [told])
    return rows
