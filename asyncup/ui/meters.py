"""How far, and how fast: bars, maps of parts, and the pulse of a run, as pieces of a row."""

from collections.abc import Iterable, Sequence
from itertools import groupby

from asyncup.core.file_progress import FileProgress
from asyncup.core.part_map import PartState
from asyncup.ui.rows import Marks, Row, Tone

TONES = {
    PartState.STORED: Tone.STORED,
    PartState.ACKNOWLEDGED: Tone.DONE,
    PartState.TO_COME: Tone.FAINT,
    PartState.IN_FLIGHT: Tone.MOVING,
    PartState.WAITING: Tone.WARNING,
}


def cells(states: Iterable[PartState], marks: Marks) -> Row:
    """Return a mark for each state, those of a kind together."""
    return [
        (marks.states[state] * len(list(group)), TONES[state]) for state, group in groupby(states)
    ]


def bar(width: int, *, stored: int, done: int, moving: int, total: int) -> list[PartState]:
    """Return cells for bytes: those of earlier runs, of this one, on their way, and to come.

    What is at S3 is rounded down, and what moves is always to be seen.
    """
    if not total:
        return [PartState.TO_COME] * width
    at_s3 = width * (stored + done) // total
    before = min(at_s3, width * stored // total)
    ahead = min(width - at_s3, -(-width * moving // total))
    return [
        *[PartState.STORED] * before,
        *[PartState.ACKNOWLEDGED] * (at_s3 - before),
        *[PartState.IN_FLIGHT] * ahead,
        *[PartState.TO_COME] * (width - at_s3 - ahead),
    ]


def file_cells(file: FileProgress, width: int) -> list[PartState]:
    """Return a file's map in so many cells; the end of a stream is always half way.

    While it is read to be compared, its bytes are shown: parts, it has none then.
    """
    if file.compared:
        total = file.size or file.compared
        return bar(width, stored=0, done=0, moving=file.compared, total=total)
    if file.committed and not file.parts_done:
        return bar(width, stored=0, done=file.committed, moving=0, total=file.size or 1)
    if file.parts is None:
        known = min(len(file.map), width // 2)
        return [*file.map.cells(known), *[PartState.TO_COME] * (width - known)]
    return file.map.cells(width)


def pulse(beats: Sequence[int], width: int, marks: Marks) -> str:
    """Return a mark for each beat, the latest at the end; the highest is the most of them."""
    most = max(beats, default=0) or 1
    top = len(marks.beats) - 1
    return "".join(marks.beats[-(-top * beat // most)] for beat in beats).rjust(width)
