"""Rows of text, cut and filled up to a width, in what a terminal can show."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from rich.cells import cell_len, set_cell_size

from asyncup.core.part_map import PartState


class Tone(Enum):
    """What a piece of text is about; its colour follows from that."""

    PLAIN = auto()
    FAINT = auto()
    STRONG = auto()
    STORED = auto()
    DONE = auto()
    MOVING = auto()
    WARNING = auto()
    ERROR = auto()


_GAP = 2
"""Columns between two columns of a grid."""

Span = tuple[str, Tone]
Row = list[Span]


@dataclass(frozen=True, slots=True)
class Marks:
    """The characters that pictures are made of; each is one column wide.

    Attributes:
        states: a cell of a map of parts, for each state.
        beats: from nothing to the most.
        corners, line, side: borders.
        cut: where a text goes on.
        dot: between two things.
        chosen: before the file that is chosen.
    """

    states: dict[PartState, str]
    beats: str
    corners: tuple[str, str, str, str]
    line: str
    side: str
    cut: str
    dot: str
    chosen: str
    is_ascii: bool = False

    def text(self, text: str) -> str:
        """Return text in what the terminal can show."""
        if not self.is_ascii or text.isascii():
            return text
        return text.replace("·", self.dot).encode("ascii", "replace").decode()


UNICODE = Marks(
    states={
        PartState.STORED: "▓",
        PartState.ACKNOWLEDGED: "█",
        PartState.TO_COME: "░",
        PartState.IN_FLIGHT: "▒",
        PartState.WAITING: "!",
    },
    beats="▁▂▃▄▅▆▇█",
    corners=("╭", "╮", "╰", "╯"),
    line="─",
    side="│",
    cut="…",
    dot="·",
    chosen="▸",
)
ASCII = Marks(
    states={
        PartState.STORED: "+",
        PartState.ACKNOWLEDGED: "#",
        PartState.TO_COME: "-",
        PartState.IN_FLIGHT: "=",
        PartState.WAITING: "!",
    },
    beats="_.:-=+*#",
    corners=("+", "+", "+", "+"),
    line="-",
    side="|",
    cut="~",
    dot="-",
    chosen=">",
    is_ascii=True,
)


def marks_for(encoding: str | None) -> Marks:
    """Return the marks that a terminal of an encoding can show."""
    return UNICODE if (encoding or "").lower().startswith("utf") else ASCII


def width_of(row: Row) -> int:
    """Return how many columns a row takes."""
    return sum(cell_len(text) for text, _ in row)


def fit(row: Row, width: int, marks: Marks) -> Row:
    """Return a row that takes exactly so many columns; what is cut off, is so at its end."""
    left = width - width_of(row)
    if left >= 0:
        return [*row, (" " * left, Tone.PLAIN)]
    cut: Row = []
    left = width - 1
    for text, tone in row:
        if (wide := cell_len(text)) > left:
            return [*cut, (f"{set_cell_size(text, left)}{marks.cut}", tone)]
        cut.append((text, tone))
        left -= wide
    raise AssertionError("unreachable: it is wider than that")


def tail(text: str, width: int, marks: Marks) -> str:
    """Return the end of a text, as long as there is room for: names differ at their ends."""
    text = marks.text(text)
    if cell_len(text) <= width:
        return text
    end = set_cell_size(text[::-1], max(1, width - 1))[::-1].lstrip()
    return f"{marks.cut}{end}"


def apart(left: Row, right: Row, width: int, marks: Marks) -> Row:
    """Return a row with one text at its beginning, and one at its end."""
    return [*fit(left, max(0, width - width_of(right)), marks), *right]


def grid(cells: Sequence[tuple[str, Span]], width: int, narrowest: int) -> list[Row]:
    """Return labelled values in columns that stay where they are, whatever the values."""
    most = max(1, (width + _GAP) // (narrowest + _GAP))
    columns = -(-len(cells) // -(-len(cells) // most))
    wide = (width - _GAP * (columns - 1)) // columns
    labels = [max(len(label) for label, _ in cells[column::columns]) for column in range(columns)]
    rows: list[Row] = []
    for index, (label, (value, tone)) in enumerate(cells):
        column = index % columns
        if not column:
            rows.append([])
        gap, room = " " * _GAP if column else "", wide - labels[column] - 1
        rows[-1] += [
            (f"{gap}{label:<{labels[column]}} ", Tone.FAINT),
            (f"{value:<{room}.{room}}", tone),
        ]
    return rows


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame of a width around rows, with something on its border."""

    width: int
    marks: Marks

    @property
    def inner(self) -> int:
        """Columns that are left inside of it."""
        return self.width - 4

    def around(self, rows: Iterable[Row], title: Row, right: Row, foot: Row) -> list[Row]:
        """Return rows with a border; a title that has no room is cut, `foot` is below."""
        side = self.marks.side
        top_left, top_right, bottom_left, bottom_right = self.marks.corners
        return [
            self._border(top_left, title, right, top_right),
            *(
                [
                    (f"{side} ", Tone.FAINT),
                    *fit(row, self.inner, self.marks),
                    (f" {side}", Tone.FAINT),
                ]
                for row in rows
            ),
            self._border(bottom_left, foot, [], bottom_right),
        ]

    def _border(self, begin: str, left: Row, right: Row, end: str) -> Row:
        line, room = self.marks.line, self.width - 4
        right = [(" ", Tone.PLAIN), *right, (" ", Tone.PLAIN)] if right else []
        left = [(" ", Tone.PLAIN), *left, (" ", Tone.PLAIN)] if left else []
        if width_of(left) > room - width_of(right):
            left = fit(left, max(0, room - width_of(right)), self.marks)
        rest = line * (room - width_of(left) - width_of(right))
        return [
            (begin + line, Tone.FAINT),
            *left,
            (rest, Tone.FAINT),
            *right,
            (line + end, Tone.FAINT),
        ]
