"""What pictures of a run are made of: one axis of time for all of them, and values over it.

They are SVG that stands in a page and takes its colours from there. Coordinates are in pixels of
a picture that is `WIDTH` wide; times are in seconds since the run began.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

from asyncup.core.sizes import exact_duration, format_duration
from asyncup.core.timeline import Bin, Timeline
from asyncup.ui.markup import Markup, tag

WIDTH = 960
LEFT, RIGHT, TOP, BOTTOM = 84, 12, 8, 22
HEIGHT = 150
"""Of the field that values are drawn in."""

_TICKS = 8
"""On the axis of time, at most."""

_THINNEST = 1.5
_HOUR = 3600

_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)
"""Seconds between two ticks; whole days, twice as many each time, beyond that."""


def picture(label: str, *content: Markup, height: float = TOP + HEIGHT + BOTTOM) -> Markup:
    """Return a picture; `label` tells what it is to whoever does not see it."""
    box = f"0 0 {WIDTH} {height:.0f}"
    return tag("svg", *content, viewBox=box, role="img", aria_label=label)


class Chart:
    """Draws a timeline from left to right, up to the run's `end`."""

    def __init__(self, timeline: Timeline, end: float) -> None:
        self.bins = timeline.bins
        self.rates = timeline.rates(end)
        self._width = timeline.width
        self._end = end

    def x(self, moment: float) -> float:
        """Return where a moment is."""
        share = moment / self._end if self._end else 0.0
        return LEFT + (WIDTH - LEFT - RIGHT) * min(1.0, max(0.0, share))

    def times(self, height: float = TOP + HEIGHT + BOTTOM) -> Markup:
        """Return lines at round times, from the top down to the words below them."""
        drawn: list[Markup] = []
        for tick in self._ticks():
            x = self.x(tick)
            drawn.append(tag("line", x1=x, x2=x, y1=TOP, y2=height - BOTTOM))
            words = exact_duration(tick) if tick < _HOUR else format_duration(tick)
            drawn.append(tag("text", words, x=x, y=height - 7, text_anchor="middle"))
        return tag("g", *drawn, class_="grid")

    def values(self, rows: Iterable[tuple[float, str]]) -> Markup:
        """Return lines at some shares of the height, and what each stands for."""
        drawn: list[Markup] = []
        for share, words in rows:
            y = _y(share)
            drawn.append(tag("line", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y))
            drawn.append(tag("text", words, x=LEFT - 6, y=y + 4, text_anchor="end"))
        return tag("g", *drawn, class_="grid")

    def line(self, shares: Sequence[float | None], kind: str) -> Markup:
        """Draw a share of the height for each bin, as steps; None: nobody knows it."""
        return tag("polyline", points=self._steps(shares), class_=kind)

    def area(self, shares: Sequence[float], kind: str) -> Markup:
        """Draw the same, filled down to the bottom."""
        floor, end = f"{_y(0):.1f}", self.x(self._width * len(shares))
        points = f"{LEFT},{floor} {self._steps(shares)} {end:.1f},{floor}"
        return tag("polygon", points=points, class_=kind)

    def bars(self, top_of: Callable[[Bin], float | None], floor: float, kind: str) -> Markup:
        """Draw a bar down to the floor for each bin of which `top_of` tells where it begins."""
        drawn: list[Markup] = []
        for index, each in enumerate(self.bins):
            if (y := top_of(each)) is not None:
                left, right = self._edges(index)
                width = max(_THINNEST, right - left)
                drawn.append(tag("rect", x=left, y=y, width=width, height=floor - y, class_=kind))
        return tag("g", *drawn)

    def offline(self, floor: float = TOP + HEIGHT) -> Markup:
        """Return what is behind all else where S3 was out of reach."""
        return self.bars(lambda each: TOP if each.is_offline else None, floor, "offline")

    def hints(self, told: Callable[[Bin, float, float], str]) -> Markup:
        """Return what tells of a bin, with its rate and when it began, to who points at it."""
        drawn: list[Markup] = []
        for index, (each, rate) in enumerate(zip(self.bins, self.rates, strict=True)):
            left, right = self._edges(index)
            title = tag("title", told(each, rate, self._width * index))
            drawn.append(tag("rect", title, x=left, y=TOP, width=right - left, height=HEIGHT))
        return tag("g", *drawn, class_="hints")

    def _ticks(self) -> Iterator[int]:
        step = next((each for each in _STEPS if self._end / each <= _TICKS), _STEPS[-1])
        while self._end / step > _TICKS:
            step *= 2
        yield from range(0, int(self._end) + 1, step)

    def _edges(self, index: int) -> tuple[float, float]:
        return self.x(self._width * index), self.x(self._width * (index + 1))

    def _steps(self, shares: Sequence[float | None]) -> str:
        """Return the way along the upper ends of bars that stand side by side."""
        way: list[str] = []
        for index, share in enumerate(shares):
            if share is None:
                continue
            left, right = self._edges(index)
            way.append(f"{left:.1f},{_y(share):.1f} {right:.1f},{_y(share):.1f}")
        return " ".join(way)


def _y(share: float) -> float:
    return TOP + HEIGHT * (1 - min(1.0, share))
