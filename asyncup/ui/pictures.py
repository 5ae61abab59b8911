"""The pictures of a report: how fast bytes went out, how many parts at once, and which when."""

from collections.abc import Iterator, Sequence

from asyncup.core.chronicle import FileStory, Outcome
from asyncup.core.lanes import Lane
from asyncup.core.sizes import format_duration, format_size
from asyncup.core.timeline import Bin
from asyncup.ui.chart import BOTTOM, HEIGHT, LEFT, TOP, Chart, picture
from asyncup.ui.markup import Markup, tag
from asyncup.ui.text import counted

_ROWS = 4
"""Steps on an axis of values."""

_FLOOR = TOP + HEIGHT
_MARK = 6
_NAME, _LONGEST_NAME = 15, 110
"""Pixels above a file's lanes for its name, and how many characters of it there is room for."""

_LANES, _THICKEST = 48, 9
"""Pixels that all lanes of a file, and one of them, may take."""


def throughput(chart: Chart) -> Markup:
    """Draw how fast bytes were sent, and when some of them turned out to be sent in vain."""
    step = _round_size(max(chart.rates, default=0.0) / _ROWS)
    return picture(
        "Bytes sent per second, over time",
        chart.offline(),
        chart.values((n / _ROWS, f"{format_size(step * n)}/s") for n in range(_ROWS + 1)),
        chart.times(),
        chart.area([rate / (step * _ROWS) for rate in chart.rates], "sent"),
        chart.bars(lambda each: _FLOOR - _MARK if each.in_vain else None, _FLOOR, "failure"),
        chart.hints(_told),
    )


def slots_and_retries(chart: Chart) -> Markup:
    """Draw how many parts travelled, how many were let, and how often one had to go again."""
    most = max((max(b.slots or 0, b.in_flight, b.retries) for b in chart.bins), default=0)
    step = _round_count(most / _ROWS)
    top = step * _ROWS
    return picture(
        "Parts in flight, slots and retries, over time",
        chart.offline(),
        chart.values((n / _ROWS, f"{step * n}") for n in range(_ROWS + 1)),
        chart.times(),
        chart.area([each.in_flight / top for each in chart.bins], "sent"),
        chart.line(
            [None if each.slots is None else each.slots / top for each in chart.bins], "slots"
        ),
        chart.bars(
            lambda each: _FLOOR - HEIGHT * each.retries / top if each.retries else None,
            _FLOOR,
            "failure",
        ),
        chart.hints(_told),
    )


def parts(stories: Sequence[FileStory], chart: Chart) -> Markup:
    """Draw of each file when its parts travelled, the first one on top."""
    floor = float(TOP)
    drawn: list[Markup] = []
    for story in stories:
        lanes = story.lanes.by_first_part
        thick = min(_THICKEST, _LANES / max(1, len(lanes)))
        drawn.append(tag("text", _name(story), x=LEFT, y=floor + 11, class_="name"))
        floor += _NAME
        for first, lane in lanes.items():
            kind = "lane" if story.outcome is Outcome.UPLOADED else "lane open"
            title = tag("title", _told_of(story, first, lane))
            drawn.append(tag("g", title, *_lane(lane, chart, floor, thick, kind)))
            floor += thick
        floor += 5
    return picture(
        "Parts of files, over time",
        chart.offline(floor),
        chart.times(floor + BOTTOM),
        *drawn,
        height=floor + BOTTOM,
    )


def _lane(lane: Lane, chart: Chart, y: float, thick: float, kind: str) -> Iterator[Markup]:
    height = max(1.0, thick - 1)
    if lane.began is None:
        # All of it was at S3 already.
        yield tag("rect", x=chart.x(lane.ended) - 3, y=y, width=3, height=height, class_="kept")
        return
    left, right = chart.x(lane.began), chart.x(lane.ended)
    yield tag("rect", x=left, y=y, width=max(1.5, right - left), height=height, class_=kind)
    if lane.failed is not None:
        x = chart.x(lane.failed) - 1.5
        yield tag("rect", x=x, y=y, width=3, height=height, class_="failure")


def _name(story: FileStory) -> str:
    name = story.source if story.uri is None else story.uri.key
    # The end of a name tells more than its beginning.
    return name if len(name) <= _LONGEST_NAME else f"…{name[1 - _LONGEST_NAME :]}"


def _told_of(story: FileStory, first: int, lane: Lane) -> str:
    last = first + story.lanes.size - 1
    if story.parts is not None:
        last = min(last, max(first, story.parts))
    told = [f"part {first}" if first == last else f"parts {first} to {last}"]
    if lane.began is not None:
        began, ended = format_duration(lane.began), format_duration(lane.ended)
        told.append(f"{lane.uploaded} uploaded, from {began} to {ended}")
    if lane.kept:
        told.append(f"{lane.kept} kept")
    if lane.failures:
        told.append(counted(lane.failures, "attempt failed", "attempts failed"))
    return ", ".join(told)


def _told(moment: Bin, rate: float, began: float) -> str:
    told = [
        f"after {format_duration(began)}: {format_size(rate)}/s",
        f"{counted(moment.in_flight, 'part')} in flight",
    ]
    if moment.slots is not None:
        told.append(counted(moment.slots, "slot"))
    if moment.retries:
        told.append(counted(moment.retries, "retry", "retries"))
    if moment.in_vain:
        told.append(f"{format_size(moment.in_vain)} sent in vain")
    if moment.is_offline:
        told.append("offline")
    return ", ".join(told)


def _round_size(least: float) -> int:
    """Return the next power of two, which is short to write as a size."""
    step = 1
    while step < least:
        step *= 2
    return step


def _round_count(least: float) -> int:
    """Return the next number of the form 1, 2, 5, 10, 20, 50, ..."""
    scale = 1
    while True:
        for digit in (1, 2, 5):
            if digit * scale >= least:
                return digit * scale
        scale *= 10
