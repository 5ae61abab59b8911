"""The files on their way: each with a map of its parts, or one of them with all that is known."""

from collections.abc import Iterator, Sequence

from asyncup.core.file_progress import FileProgress
from asyncup.core.model import ObjectURI
from asyncup.core.part_map import PartState
from asyncup.core.sizes import brief_size
from asyncup.ui.meters import TONES, cells, file_cells
from asyncup.ui.rows import Marks, Row, Span, Tone, apart, grid, tail, width_of
from asyncup.ui.text import clean

_NARROWEST_MAP = 10
_NARROWEST_CELL = 20
_MAP_ROWS = 3
_ROOM_FOR_MAPS = 6
_WORDS = {
    PartState.STORED: "before",
    PartState.ACKNOWLEDGED: "done",
    PartState.IN_FLIGHT: "in flight",
    PartState.WAITING: "waits",
    PartState.TO_COME: "to come",
}


def legend(marks: Marks) -> Row:
    """Say what the cells of a map mean."""
    return [
        span
        for state, word in _WORDS.items()
        for span in ((marks.states[state], TONES[state]), (f" {word}  ", Tone.PLAIN))
    ]


def listed(
    files: Sequence[FileProgress], chosen: ObjectURI | None, *, width: int, room: int, marks: Marks
) -> list[Row]:
    """Return rows for as many files as there is room for, the one that is chosen among them.

    Where there is room for it, each has a second row for its map.
    """
    each = 2 if room >= _ROOM_FOR_MAPS else 1
    most = len(files) if each * len(files) <= room else max(1, (room - 1) // each)
    index = next((i for i, file in enumerate(files) if file.uri == chosen), 0)
    first = max(0, min(index - most // 2, len(files) - most))
    shown = files[first : first + most]
    ends = [_end(file) for file in shown]
    rows: list[Row] = []
    for file, end in zip(shown, ends, strict=True):
        right: Row = [(end.rjust(max(map(len, ends))), Tone.PLAIN)]
        name = _name(file, chosen, marks)
        if each == 1:
            rows.append(_in_one_row(file, name, right, width, marks))
        else:
            left = [
                *name[:-1],
                (tail(name[-1][0], width - width_of(right) - 4, marks), Tone.STRONG),
            ]
            rows += [apart(left, right, width, marks), cells(file_cells(file, width), marks)]
    if (more := len(files) - len(shown)) > 0:
        rows.append([(f"and {more} more", Tone.FAINT)])
    return rows


def _name(file: FileProgress, chosen: ObjectURI | None, marks: Marks) -> Row:
    mark: Row = [(f"{marks.chosen} ", Tone.STRONG)] if file.uri == chosen else []
    return [*mark, (clean(file.uri.key), Tone.PLAIN)]


def _in_one_row(file: FileProgress, name: Row, right: Row, width: int, marks: Marks) -> Row:
    wide = max(_NARROWEST_MAP, width // 3)
    room = width - wide - width_of(right) - 2
    left = [*name[:-1], (tail(name[-1][0], room - width_of(name[:-1]), marks), Tone.PLAIN)]
    middle = [*cells(file_cells(file, wide), marks), (" ", Tone.PLAIN), *right]
    return apart(left, middle, width, marks)


def _end(file: FileProgress) -> str:
    """Say how much of a file S3 has, and how many of its parts."""
    if file.compared:
        phase = "comparing"
    elif file.completing:
        phase = "completing"
    else:
        parts = "?" if file.parts is None else str(file.parts)
        phase = f"{file.parts_done:>{len(parts)}}/{parts} parts"
    return f"{_percent(file):>4}  {phase:>10}"


def _percent(file: FileProgress) -> str:
    if file.size is None:
        return "?"
    # 100 is the word for an object that was compared with its file.
    done = file.compared or file.committed
    return f"{min(99, 100 * done // file.size) if file.size else 0}%"


def detailed(file: FileProgress, *, width: int, room: int, marks: Marks) -> list[Row]:
    """Return all that is known of a file: what it is, its map, and its parts that travel."""
    upload = [("upload ID", file.upload_id)] if file.upload_id else []
    facts = [("object", str(file.uri)), ("file", file.source), *upload]
    rows: list[Row] = [
        [(f"{label:<9} ", Tone.FAINT), (tail(clean(text), width - 10, marks), Tone.PLAIN)]
        for label, text in facts
    ]
    rows += grid(_numbers(file), width, _NARROWEST_CELL)
    # A row is left to the legend, and one to the parts.
    lines = max(1, min(_MAP_ROWS, len(file.map) // width, room - len(rows) - 2))
    states = file_cells(file, width * lines)
    rows += [cells(states[width * line : width * (line + 1)], marks) for line in range(lines)]
    rows.append(legend(marks))
    parts = list(_parts(file))
    if len(rows) + len(parts) > room:
        left = max(0, room - len(rows) - 1)
        parts = [*parts[:left], [(f"and {len(parts) - left} more parts", Tone.FAINT)]]
    return [*rows, *parts][:room]


def _numbers(file: FileProgress) -> list[tuple[str, Span]]:
    size = "?" if file.size is None else f"{brief_size(file.size)}, {_percent(file)}"
    parts = f"{file.parts or '?'} of {brief_size(file.part_size)}"
    before, done, in_flight, waits = (
        (word, (str(file.map.count(state)), Tone.PLAIN))
        for state, word in _WORDS.items()
        if state is not PartState.TO_COME
    )
    first, second = ("size", (size, Tone.STRONG)), ("parts", (parts, Tone.PLAIN))
    return [first, before, in_flight, second, done, waits]


def _parts(file: FileProgress) -> Iterator[Row]:
    """Yield a row for each part that is in flight, or waits to be."""
    for number, attempt in sorted(file.attempts.items()):
        told: Row = [(f"part {number:>5}  attempt {attempt:>2}  ", Tone.PLAIN)]
        sent, size = file.in_flight.get(number), file.size_of(number)
        if sent is None:
            yield [*told, ("waits for the next one", Tone.WARNING)]
        else:
            percent = 100 * sent // size if size else 0
            text = f"{percent:>3}%  {brief_size(sent):>8} of {brief_size(size)}"
            yield [*told, (text, Tone.MOVING)]
