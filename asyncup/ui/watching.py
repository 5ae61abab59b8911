"""Lines that are shown again and again, each time in the place of those before."""

from collections.abc import Sequence

from asyncup.ui.rows import Marks, Row, Tone, fit
from asyncup.ui.text import Level, Line, clean

_HOME, _END_OF_LINE, _BELOW = "\x1b[H", "\x1b[K", "\x1b[J"


def screenful(lines: Sequence[Line], width: int, height: int, marks: Marks) -> str:
    """Return what makes a terminal show these lines and nothing else, before a last line's end.

    Each is over what was there, so that nothing flickers; none wraps, and none scrolls away.
    """
    texts = [_text(line) for line in lines]
    if (more := len(texts) - (height - 1)) > 0:
        texts = [*texts[: max(0, height - 2)], f"and {more + 1} more lines"]
    rows = [_fitted([(marks.text(text), Tone.PLAIN)], width, marks) for text in texts]
    return _HOME + f"{_END_OF_LINE}\n".join(rows) + _BELOW


def _text(line: Line) -> str:
    return f"{'warning: ' if line.level is Level.WARNING else ''}{clean(line.text)}"


def _fitted(row: Row, width: int, marks: Marks) -> str:
    return "".join(text for text, _ in fit(row, width, marks)).rstrip()
