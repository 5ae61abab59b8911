"""Live panels: they fit any terminal, tell the truth, and leave nothing behind."""

import io
import re
import sys
from collections.abc import Callable
from datetime import datetime
from typing import TextIO

import pytest
from rich.cells import cell_len
from rich.console import Console

from asyncup.core import aftercare, events
from asyncup.core.conditions import SlotsChanged, SlotsReason, WentOffline
from asyncup.core.errors import AccessDenied, ConnectionLost, Fault, SourceMissing
from asyncup.core.events import Event
from asyncup.core.model import ObjectURI, Proof, UploadResult
from asyncup.core.part_map import PartState
from asyncup.ui.keys import KeyHint
from asyncup.ui.live import _STYLES, KEYS, LivePanels
from asyncup.ui.rows import ASCII, UNICODE

URI = ObjectURI("bucket", "big.bin")
LOST = ConnectionLost(Fault(action=f"upload part 2 of {URI}", message="reset by peer"))
DENIED = AccessDenied(
    Fault(action=f"upload part 1 of {URI}", code="AccessDenied"), hint="allow s3:PutObject"
)
FINISHED = events.RunFinished(uploaded=1, skipped=0, failed=0, interrupted=0, exit_code=0)

ALL_SIZES = pytest.mark.parametrize(
    ("width", "height"), [(w, h) for w in (40, 60, 80, 120, 200) for h in (16, 24, 60)]
)

DONE, MOVING, TO_COME = "█", "▒", "░"


class Drawn:
    """Live panels on a terminal of a given size, and a clock that is set by hand."""

    def __init__(self, width: int = 80, height: int = 50, *, file: TextIO | None = None) -> None:
        self.now = 0.0
        self.file = io.StringIO() if file is None else file
        self.console = Console(
            file=self.file,
            force_terminal=True,
            width=width,
            height=height,
            color_system=None,
            legacy_windows=False,
            _environ={"TERM": "xterm"},
        )
        moment = datetime(2026, 11, 27, 12, 3, 5).astimezone()
        self.live = LivePanels(self.console, lambda: self.now, lambda: moment)

    def happen(self, *happened: Event) -> None:
        for event in happened:
            self.live(event)

    def tick_at(self, now: float) -> None:
        self.now = now
        self.live.tick()

    def rows(self) -> list[str]:
        """Return the rows of the panels, as wide and as many as they want to be."""
        return ["".join(text for text, _ in row) for row in self.live.rows()]

    def file_rows(self) -> list[str]:
        """Return the rows of the panel below the totals: those of files, each and its map."""
        rows = self.rows()
        top = next(i for i, row in enumerate(rows) if re.match(r".. (in flight|details) ", row))
        return rows[top + 1 :]

    def written(self) -> str:
        """Return all that was written."""
        assert isinstance(self.file, io.StringIO)
        return self.file.getvalue()

    def screen(self) -> "Screen":
        """Return what a terminal shows of all that was written so far."""
        return Screen(self.written())


class Screen:
    """The part of a terminal that rich makes use of; it knows no other control code.

    Attributes:
        lines: what is to be seen.
        cursor: whether the cursor is.
    """

    def __init__(self, written: str) -> None:
        self.lines = [""]
        self.cursor = True
        self._row = 0
        self._at_start = True
        steps = re.findall(r"(\x1b\[[?\d;]*[A-Za-z]|[\r\n])|([^\x1b\r\n]+)", written)
        assert "".join(code + text for code, text in steps) == written
        for code, text in steps:
            if text:
                self._print(text)
            else:
                self._obey(code)
        while self.lines and not self.lines[-1]:
            self.lines.pop()

    def _obey(self, code: str) -> None:
        codes: dict[str, Callable[[], None]] = {
            "\r": self._start,
            "\n": self._down,
            "\x1b[1A": self._up,
            "\x1b[2K": self._erase,
            "\x1b[?25l": lambda: self._show(on=False),
            "\x1b[?25h": lambda: self._show(on=True),
        }
        codes[code]()

    def _print(self, text: str) -> None:
        assert text.isprintable()
        self.lines[self._row] = text if self._at_start else self.lines[self._row] + text
        self._at_start = False

    def _start(self) -> None:
        self._at_start = True

    def _down(self) -> None:
        self._row += 1
        self._at_start = True
        if self._row == len(self.lines):
            self.lines.append("")

    def _up(self) -> None:
        assert self._row > 0
        self._row -= 1

    def _erase(self) -> None:
        self.lines[self._row] = ""

    def _show(self, *, on: bool) -> None:
        self.cursor = on


def file_of(number: int) -> ObjectURI:
    return ObjectURI("bucket", f"dir/file-{number:04}.bin")


def started(uri: ObjectURI, size: int | None = 1000, parts: int | None = 10) -> list[Event]:
    """Return the events with which a file gets on its way, its first part half sent."""
    return [
        events.FileFound(uri.key, uri, size),
        events.FileStarted(uri.key, uri, size, 100, parts),
        events.PartStarted(uri, 1, 100, 1),
        events.BytesSent(uri, 1, 50),
    ]


def completed(uri: ObjectURI, size: int = 1000) -> Event:
    result = UploadResult(
        uri=uri, size=size, etag="e", proof=Proof.CRC64NVME, part_size=100, parts=10
    )
    return events.UploadCompleted(uri.key, uri, result)


def warnings(count: int, uri: ObjectURI = URI) -> list[Event]:
    """Return events that go into the log."""
    return [
        events.PartDiscarded(uri, number, 100, "its checksum differs " * 5)
        for number in range(1, count + 1)
    ]


def title_rows(rows: list[str]) -> list[str]:
    """Return the titles of the panels."""
    return [row.split()[1] for row in rows if row.startswith("╭")]


@ALL_SIZES
@pytest.mark.parametrize("count", [0, 1, 2, 40])
@pytest.mark.parametrize("logged", [0, 40])
@pytest.mark.parametrize("is_lost", [False, True])
def test_panels_fit_the_terminal(
    width: int, height: int, count: int, logged: int, *, is_lost: bool
) -> None:
    """With no, one or many files and a full log, also while S3 is out of reach, no row is wider
    and there are no more rows than the terminal has.
    """  # noqa: D205 - one sentence
    drawn = Drawn(width, height)
    if is_lost:
        drawn.happen(WentOffline(DENIED, 40.0, 3))
    for number in range(count):
        drawn.happen(*started(file_of(number)))
    drawn.happen(*warnings(logged))
    rows = drawn.rows()
    assert {cell_len(row) for row in rows} == {width}
    assert len(rows) < height
    expected = ["asyncup", *["in"] * bool(count), *["log"] * bool(logged)]
    assert title_rows(rows) == expected


@pytest.mark.parametrize("height", [1, 2, 5, 10, 15])
@pytest.mark.parametrize("width", [1, 5, 20, 30])
def test_a_tiny_terminal_does_no_harm(width: int, height: int) -> None:
    """What has no room is cut off; nothing is drawn beyond the terminal, and nothing fails."""
    drawn = Drawn(width, height)
    drawn.live.offer(KEYS)
    drawn.happen(WentOffline(DENIED, 40.0, 3), *warnings(3))
    for number in range(3):
        drawn.happen(*started(file_of(number)))
    with drawn.live:
        for key in ("x", "enter", "?"):
            drawn.live.press(key)
            drawn.tick_at(1.0)
            lines = drawn.screen().lines
            assert len(lines) <= max(0, height - 1)
            assert all(cell_len(line) <= width for line in lines)


NAMES = [
    "日本語のとても長いファイル名" * 4,
    "🦊" * 60,
    "a" * 300,
    "mixed 日 a 本 b 語 " * 8,
    "\x1b[31mred\x1b[0m" * 10,
    "\x1b[2J\x1b[1;1H",
    "line\nend\ttab\rreturn" * 6,
    "e\u0301" * 80,
    "x",
]


@ALL_SIZES
@pytest.mark.parametrize("name", NAMES)
def test_odd_names_fit_as_well(width: int, height: int, name: str) -> None:
    """Wide, long, empty-looking and hostile names change neither the size nor the terminal."""
    drawn = Drawn(width, height)
    uri = ObjectURI("bucket", name)
    drawn.happen(*started(uri), *warnings(2, uri))
    rows = drawn.rows()
    assert {cell_len(row) for row in rows} == {width}
    assert all(row.isprintable() for row in rows)
    assert "0/10 parts" in drawn.file_rows()[0]


@pytest.mark.parametrize(("width", "shown"), [(60, 30), (80, 50), (200, 99)])
def test_a_long_name_shows_its_end(width: int, shown: int) -> None:
    """Of a name that does not fit the end is shown: that is where files differ."""
    name = "x" * 300 + "".join(f"{number:02}" for number in range(50))
    drawn = Drawn(width)
    drawn.happen(*started(ObjectURI("bucket", name)))
    assert re.search(rf"…\S*{name[-shown:]} ", drawn.file_rows()[0])


@pytest.mark.parametrize(
    ("width", "shown"), [(60, "ファイル16.bin"), (80, "ファイル15・ファイル16.bin")]
)
def test_a_long_name_of_wide_characters_shows_its_end(width: int, shown: str) -> None:
    """Where a character takes two columns, fewer of them are shown, and still those at the end."""
    drawn = Drawn(width)
    name = "・".join(f"ファイル{number}" for number in range(17)) + ".bin"
    drawn.happen(*started(ObjectURI("bucket", name)))
    assert re.search(rf"…\S*{shown} ", drawn.file_rows()[0])


def test_a_short_name_is_whole() -> None:
    """A name that fits is shown from its beginning to its end."""
    drawn = Drawn(80)
    drawn.happen(*started(URI))
    assert drawn.file_rows()[0].startswith("│ big.bin  ")


@pytest.mark.parametrize("height", [16, 24, 50])
def test_many_files_are_counted_where_there_is_no_room(height: int) -> None:
    """As many files as there is room for are shown, and the others are counted."""
    drawn = Drawn(80, height)
    for number in range(40):
        drawn.happen(*started(file_of(number)))
    text = "\n".join(drawn.rows())
    shown = text.count("0/10 parts")
    assert shown >= 1
    assert [f"file-{n:04}" in text for n in range(40)] == [n < shown for n in range(40)]
    assert (f"and {40 - shown} more" in text) is (shown < 40)


def test_a_terminal_with_room_shows_all_files() -> None:
    """On a high terminal, nothing is left out."""
    drawn = Drawn(80, 100)
    for number in range(40):
        drawn.happen(*started(file_of(number)))
    text = "\n".join(drawn.rows())
    assert text.count("0/10 parts") == 40
    assert "more" not in text


def bar_of(row: str) -> tuple[int, int, int]:
    """Return how many cells of a row are done, moving, and to come; they come in this order."""
    done, moving, to_come = (row.count(mark) for mark in (DONE, MOVING, TO_COME))
    assert DONE * done + MOVING * moving + TO_COME * to_come in row
    return done, moving, to_come


def on_its_way(done: int, moving: int, total: int) -> Drawn:
    """Return panels of a file of `total` bytes."""
    drawn = Drawn(90)
    drawn.happen(
        events.FileFound("big.bin", URI, total),
        events.FileStarted("big.bin", URI, total, 10, 10),
        events.PartUploaded(URI, 1, done, "e", 1),
        events.PartStarted(URI, 2, moving, 1),
        events.BytesSent(URI, 2, moving),
    )
    return drawn


@pytest.mark.parametrize(
    ("done", "moving", "total", "expected"),
    [
        (0, 0, 80, (0, 0, 80)),
        (20, 0, 80, (20, 0, 60)),
        (20, 10, 80, (20, 10, 50)),
        (0, 1, 8000, (0, 1, 79)),
        (79, 1, 80, (79, 1, 0)),
        (7999, 0, 8000, (79, 0, 1)),
        (7999, 1, 8000, (79, 1, 0)),
        (80, 0, 80, (80, 0, 0)),
        (0, 80, 80, (0, 80, 0)),
        (20 << 40, 20 << 40, 80 << 40, (20, 20, 40)),
    ],
)
def test_the_bar_tells_what_is_done_moving_and_to_come(
    done: int, moving: int, total: int, expected: tuple[int, int, int]
) -> None:
    """The cells are in proportion: done is rounded down, and what moves is always to be seen."""
    rows = on_its_way(done, moving, total).rows()
    assert bar_of(rows[1]) == expected


def test_the_bar_is_true_at_every_moment() -> None:
    """However much is done and moving, the bar is as wide as ever and in proportion."""
    for done in range(0, 101, 3):
        for moving in range(0, 101 - done, 4):
            cells = bar_of(on_its_way(done, moving, 100).rows()[1])
            assert sum(cells) == 80
            assert cells[0] == 80 * done // 100
            assert (cells[1] > 0) is (moving > 0)


def test_an_ascii_terminal_has_bars_and_borders_of_ascii() -> None:
    """Where the terminal knows no more than ASCII, bars and borders are drawn with that."""
    raw = io.BytesIO()
    with io.TextIOWrapper(raw, encoding="ascii", errors="backslashreplace") as file:
        drawn = Drawn(90, file=file)
        drawn.happen(*started(URI, 800), events.PartUploaded(URI, 1, 200, "e", 1))
        rows = drawn.rows()
        assert rows[1] == f"| {'#' * 20}{'-' * 60}   25% |"
        assert "".join(rows).isascii()
        assert rows[6] == f"+{'-' * 88}+"
        with drawn.live:
            drawn.tick_at(1.0)
        assert b"#" * 20 in raw.getvalue()


def test_a_row_tells_percent_and_parts() -> None:
    """A file's row has its name, a bar, how much of it S3 has, and how many of its parts."""
    drawn = Drawn(80)
    drawn.happen(*started(URI))
    for number in range(2, 5):
        drawn.happen(events.PartUploaded(URI, number, 100, "e", 1))
    name, parts = drawn.file_rows()[:2]
    assert name.endswith("  30%   3/10 parts │")
    assert parts == f"│ {MOVING * 8}{DONE * 23}{TO_COME * 45} │"


def test_a_row_tells_how_far_a_file_is_compared() -> None:
    """While a file is read to see whether it has to be sent, its bar shows that, as not done."""
    drawn = Drawn(80)
    drawn.happen(
        events.FileFound("big.bin", URI, 1000),
        events.FileStarted("big.bin", URI, 1000, 100, 10),
        aftercare.BytesRead(URI, 500, may_be_sent=True),
    )
    name, parts = drawn.file_rows()[:2]
    assert name.endswith(" 50%   comparing │")
    assert bar_of(parts) == (0, 38, 38)
    drawn.happen(aftercare.BytesRead(URI, -500, may_be_sent=True))
    assert drawn.file_rows()[0].endswith("  0%   0/10 parts │")


def test_a_row_tells_how_far_an_object_is_verified() -> None:
    """Nothing is sent then: what was read and equals so far is done."""
    drawn = Drawn(80)
    drawn.happen(
        events.FileFound("big.bin", URI, 1000),
        events.FileStarted("big.bin", URI, 1000, 100, 10),
        aftercare.BytesRead(URI, 250),
    )
    name, parts = drawn.file_rows()[:2]
    assert name.endswith(" 25%   0/10 parts │")
    assert bar_of(parts) == (19, 0, 57)


def test_hundred_percent_means_verified() -> None:
    """When all is at S3 but not compared yet it is 99 %, and the row says what is waited for."""
    drawn = Drawn(80)
    drawn.happen(
        *started(URI), events.PartUploaded(URI, 1, 1000, "e", 1), events.UploadCompleting(URI, 10)
    )
    assert drawn.file_rows()[0].endswith("99%  completing │")
    assert "100%" not in "".join(drawn.rows())


def test_an_empty_file_is_drawn() -> None:
    """A file of no bytes has a row as well, without a division by zero."""
    drawn = Drawn(80)
    drawn.happen(
        events.FileFound("big.bin", URI, 0),
        events.FileStarted("big.bin", URI, 0, 100, 1),
        events.PartStarted(URI, 1, 0, 1),
    )
    assert drawn.file_rows()[0].endswith("   0%   0/1 parts │")
    assert drawn.file_rows()[1] == f"│ {MOVING * 76} │"


def test_a_stream_is_drawn() -> None:
    """What has no known end is half way all the time, and claims neither percent nor parts."""
    drawn = Drawn(80)
    drawn.happen(*started(URI, None, None), events.PartUploaded(URI, 1, 100, "e", 1))
    name, parts = drawn.file_rows()[:2]
    assert name.endswith("   ?   1/? parts │")
    assert parts == f"│ {DONE}{TO_COME * 75} │"
    drawn.happen(*(events.PartUploaded(URI, number, 100, "e", 1) for number in range(2, 100)))
    assert drawn.file_rows()[1] == f"│ {DONE * 38}{TO_COME * 38} │"


def test_totals_are_in_the_first_panel() -> None:
    """Under the bar stand the totals, with the rate of the last seconds."""
    drawn = Drawn(80)
    with drawn.live:
        drawn.happen(*started(URI), events.ScanFinished())
        drawn.tick_at(5.0)
        told = [" ".join(row.strip("│ ").split()) for row in drawn.rows()[2:5]]
    assert told == [
        "done 0 B total 1000 B rate 10 B/s",
        "left 1m 35s time 5s files 0/1",
        "slots 1 limit off resent 0 B",
    ]


def test_totals_stay_where_they_are() -> None:
    """Whatever the numbers, each stands in its column: nothing jumps."""
    columns: set[tuple[int, ...]] = set()
    for scale in (1, 1 << 13, 1 << 29, 1 << 40):
        drawn = Drawn(80)
        drawn.happen(*started(URI, 999 * scale), events.PartUploaded(URI, 1, 99 * scale, "e", 1))
        labels = re.findall(r"[a-z]+(?= +[\d?o])", "".join(drawn.rows()[2:5]))
        columns.add(tuple("".join(drawn.rows()[2:5]).index(label) for label in labels))
        assert len(labels) == 9
    assert len(columns) == 1


def test_what_is_paused_or_stopping_is_in_the_title() -> None:
    """Beside the name, and instead of the time that is left; failures and skips are opposite."""
    drawn = Drawn(80)
    drawn.happen(*started(URI), SlotsChanged(0, SlotsReason.PAUSED))
    rows = drawn.rows()
    assert rows[0].startswith("╭─ asyncup · paused ──")
    assert "left  paused" in rows[3]
    drawn.happen(
        events.FileSkipped("a", "it is there"),
        events.UploadFailed("1", None, DENIED),
        events.Stopping(10.0),
    )
    assert drawn.rows()[0].startswith("╭─ asyncup · stopping ──")
    assert drawn.rows()[0].endswith("── 1 failed · 1 skipped ─╮")


def test_the_pulse_is_drawn() -> None:
    """What moved in each second, up to the most of them, which is told beside it."""
    drawn = Drawn(80)
    with drawn.live:
        drawn.happen(*started(URI))
        for second, count in enumerate((0, 7 << 10, 14 << 10, 1, 0)):
            drawn.happen(events.BytesSent(URI, 1, count))
            drawn.tick_at(second + 0.5)
        drawn.tick_at(5.0)
    assert drawn.rows()[5].endswith("▂▅█▂▁  max 14.0 KiB/s │")


def test_the_log_tells_when_a_part_goes_again_and_why() -> None:
    """Both fit on a usual terminal; what has no part, or failed on this side, is told as well."""
    drawn = Drawn(80)
    drawn.happen(
        *started(file_of(3)),
        events.RetryScheduled(file_of(3), 1, 2, 12.0, LOST),
        events.RetryScheduled(URI, None, 1, 5.0, LOST),
        events.RetryScheduled(file_of(3), 1, 3, 5.0, SourceMissing("it is gone")),
    )
    rows = drawn.rows()[-4:-1]
    assert "12:03:05 ! part 1 of file-0003.bin again in 12s: reset by peer " in rows[0]
    assert "12:03:05 ! upload part 2 of s3://bucket/big.bin again in 5s: reset by" in rows[1]
    assert "12:03:05 ! attempt 3 failed, next in 5s: it is gone" in rows[2]


@pytest.mark.parametrize(("height", "lines"), [(16, 2), (24, 3), (32, 5), (60, 10)])
def test_the_log_is_short(height: int, lines: int) -> None:
    """The log shows the last things that happened, a row for each: more on a higher terminal."""
    drawn = Drawn(80, height)
    drawn.happen(*warnings(20))
    rows = drawn.rows()
    assert title_rows(rows) == ["asyncup", "log"]
    shown = re.findall(r"12:03:05 ! part (\d+) of", "\n".join(rows))
    assert shown == [str(number) for number in range(21 - lines, 21)]


def test_a_map_tells_of_each_part() -> None:
    """Stored before, acknowledged, in flight, waiting for its next attempt, to come."""
    drawn = Drawn(54)
    drawn.happen(
        events.FileFound("big.bin", URI, 1000),
        events.FileStarted("big.bin", URI, 1000, 100, 10),
        *(events.PartKept(URI, number, 100, "equal") for number in (1, 2)),
        *(events.PartStarted(URI, number, 100, 1) for number in (3, 4, 5)),
        events.PartUploaded(URI, 3, 100, "e", 1),
        events.RetryScheduled(URI, 4, 1, 5.0, LOST),
    )
    assert drawn.file_rows()[1] == f"│ {'▓' * 10}█████!!!!!▒▒▒▒▒{'░' * 25} │"


def test_all_that_is_known_of_a_file() -> None:
    """Enter shows one file with its parts that travel or wait, and goes back to the list."""
    drawn = Drawn(80)
    drawn.happen(*started(file_of(1)), *started(file_of(2), 1950, 20))
    drawn.happen(
        events.UploadCreated(file_of(2), "the-id"),
        events.PartStarted(file_of(2), 20, 50, 3),
        events.RetryScheduled(file_of(2), 20, 3, 5.0, LOST),
    )
    for key in ("down", "j", "enter"):
        drawn.live.press(key)
    rows = [" ".join(row.strip("│ ").split()) for row in drawn.file_rows()]
    assert rows[:3] == [
        "object s3://bucket/dir/file-0002.bin",
        "file dir/file-0002.bin",
        "upload ID the-id",
    ]
    assert "part 1 attempt 1 50% 50 B of 100 B" in rows
    assert "part 20 attempt 3 waits for the next one" in rows
    drawn.live.press("enter")
    assert [row.split()[1:3] for row in drawn.file_rows()[:3:2]] == [
        ["dir/file-0001.bin", "0%"],
        ["▸", "dir/file-0002.bin"],
    ]


def test_details_of_a_file_that_is_done_are_gone() -> None:
    """Then there is the list again, of those that are left."""
    drawn = Drawn(80)
    drawn.happen(*started(file_of(1)), *started(file_of(2)))
    drawn.live.press("enter")
    assert "details" in title_rows(drawn.rows())
    drawn.happen(completed(file_of(1)))
    assert title_rows(drawn.rows()) == ["asyncup", "in"]
    assert "file-0002" in drawn.file_rows()[0]


@ALL_SIZES
def test_details_and_help_fit_as_well(width: int, height: int) -> None:
    """Also of a file of ten thousand parts, hundreds of them in flight."""
    drawn = Drawn(width, height)
    drawn.live.offer([KeyHint("p", "pause", "begin no part until it is pressed again"), *KEYS])
    drawn.happen(*started(URI, 1_000_000, 10_000), *warnings(3))
    drawn.happen(*(events.PartStarted(URI, number, 100, 1) for number in range(2, 300)))
    for key in ("enter", "?"):
        drawn.live.press(key)
        rows = drawn.rows()
        assert {cell_len(row) for row in rows} == {width}
        assert len(rows) < height
        assert "p pause · ? help" in rows[-1]
    drawn.live.press("?")
    assert title_rows(drawn.rows()) == ["asyncup", "details", "log"]


def test_the_file_that_is_chosen_is_among_those_shown() -> None:
    """All the way down, and around to the first one again; and up to the last one."""
    drawn = Drawn(80, 16)
    for number in range(9):
        drawn.happen(*started(file_of(number)))
    for number in (*range(9), 0):
        drawn.live.press("down")
        assert f"│ ▸ dir/file-{number:04}.bin" in "\n".join(drawn.rows())
    drawn.live.press("k")
    assert "│ ▸ dir/file-0008.bin" in "\n".join(drawn.rows())


def test_keys_without_a_file_do_no_harm() -> None:
    """There is nothing to choose, and nothing to show of it."""
    drawn = Drawn(80)
    for key in ("enter", "j", "k", "x"):
        drawn.live.press(key)
    assert title_rows(drawn.rows()) == ["asyncup"]


def test_a_file_that_is_done_leaves_the_panels() -> None:
    """Completed, failed, skipped and stopped files are in flight no more."""
    drawn = Drawn(80)
    uris = [file_of(number) for number in range(4)]
    for uri in uris:
        drawn.happen(*started(uri))
    drawn.happen(
        completed(uris[0]),
        events.UploadFailed("1", uris[1], DENIED),
        events.FileSkipped("2", "it is there", uris[2]),
        events.UploadInterrupted("3", uris[3], 950),
    )
    assert title_rows(drawn.rows()) == ["asyncup", "log"]


def test_the_terminal_shows_the_panels() -> None:
    """After a tick, the terminal shows what the panels are, and each tick replaces the last one."""
    drawn = Drawn(80)
    with drawn.live:
        drawn.tick_at(1.0)
        assert drawn.screen().lines == drawn.rows()
        drawn.happen(*started(URI), *warnings(3))
        drawn.tick_at(2.0)
        assert drawn.screen().lines == drawn.rows()
        drawn.happen(completed(URI))
        drawn.tick_at(3.0)
        drawn.tick_at(4.0)
        assert drawn.screen().lines[1:] == drawn.rows()
        assert not drawn.screen().cursor


def test_nothing_is_drawn_between_ticks() -> None:
    """Events draw nothing, however many there are: the terminal is written to by time only."""
    drawn = Drawn(80)
    with drawn.live:
        drawn.tick_at(1.0)
        before = drawn.screen().lines
        drawn.happen(*started(URI), *warnings(3), completed(URI))
        assert drawn.screen().lines == before


def test_what_stays_scrolls_up_above_the_panels() -> None:
    """Objects that are done, and errors with their hints stay, in order, each once."""
    drawn = Drawn(80)
    other = file_of(1)
    with drawn.live:
        drawn.happen(*started(URI), *started(other), completed(URI))
        drawn.tick_at(1.0)
        drawn.happen(events.UploadFailed("1", other, DENIED), *warnings(1))
        drawn.tick_at(2.0)
        drawn.tick_at(3.0)
        kept = [
            "+ s3://bucket/big.bin 1000 B in 10 parts, verified by crc64nvme",
            "x upload part 1 of s3://bucket/big.bin: AccessDenied",
            "  hint: allow s3:PutObject",
        ]
        assert drawn.screen().lines == kept + drawn.rows()
    assert drawn.screen().lines == kept


def test_nothing_is_left_of_the_panels() -> None:
    """When the run is over, the panels are gone and the cursor is back."""
    drawn = Drawn(80)
    with drawn.live:
        drawn.happen(*started(URI), *warnings(9))
        drawn.tick_at(1.0)
    assert (drawn.screen().lines, drawn.screen().cursor) == ([], True)


def test_nothing_is_left_after_an_error() -> None:
    """The panels go away as well when they are left by Ctrl-C, and what is to stay is not lost."""

    def interrupt() -> None:
        with drawn.live:
            drawn.tick_at(1.0)
            drawn.happen(*started(URI), completed(URI))
            raise KeyboardInterrupt

    drawn = Drawn(80)
    with pytest.raises(KeyboardInterrupt):
        interrupt()
    assert drawn.screen().lines == [
        "+ s3://bucket/big.bin 1000 B in 10 parts, verified by crc64nvme"
    ]
    assert drawn.screen().cursor


def test_the_summary_stays() -> None:
    """The end of the run is summed up above the panels and stays, also after a late tick."""
    summed_up = "+ 1 file uploaded, 1000 B sent in 20s (50 B/s)"
    drawn = Drawn(80)
    with drawn.live:
        drawn.happen(*started(URI), completed(URI))
        drawn.tick_at(10.0)
        drawn.now = 20.0
        drawn.happen(FINISHED)
        drawn.tick_at(21.0)
        drawn.tick_at(22.0)
        assert drawn.screen().lines.count(summed_up) == 1
    assert drawn.screen().lines[-1] == summed_up


def test_the_summary_stays_without_another_tick() -> None:
    """A run that ends between two ticks is summed up all the same."""
    drawn = Drawn(80)
    with drawn.live:
        drawn.happen(FINISHED)
    assert drawn.screen().lines == ["+ 1 file uploaded, 0 B sent in 0s (0 B/s)"]


def test_the_streams_are_given_back() -> None:
    """While the panels are up they catch what others print; afterwards nothing is caught."""
    streams = sys.stdout, sys.stderr
    with Drawn(80).live as live:
        live.tick()
        assert (sys.stdout, sys.stderr) != streams
    assert (sys.stdout, sys.stderr) == streams


def test_what_others_print_goes_above_the_panels() -> None:
    """A warning of some library does not run into the panels."""
    drawn = Drawn(80)
    with drawn.live:
        drawn.tick_at(1.0)
        sys.stderr.write("told by somebody else\n")
        drawn.tick_at(2.0)
        assert drawn.screen().lines == ["told by somebody else", *drawn.rows()]


def test_a_tick_is_wanted_ten_times_a_second() -> None:
    """The panels are drawn often enough to look alive, and no more often."""
    assert LivePanels.interval == 0.1


def text_of(console: Console, live: LivePanels) -> str:
    """Return what a console shows of panels that it is to print."""
    return "".join(segment.text for segment in console.render(live.panels()))


def test_a_narrower_terminal_keeps_nothing_of_what_it_wrapped() -> None:
    """It has made two or three rows of each: so many are erased before anything is drawn."""
    drawn = Drawn(80)
    with drawn.live:
        rows = 0
        for width, times in ((80, 1), (40, 2), (60, 1), (20, 3)):
            written = len(drawn.written())
            drawn.console.width = width
            drawn.tick_at(1.0)
            assert drawn.written()[written:].count("\x1b[1A") == times * rows
            rows = len(drawn.rows())


def test_another_program_may_have_the_screen() -> None:
    """Hidden panels leave nothing behind; what is to stay is told all the same, events count."""
    drawn = Drawn(80)
    done = "+ s3://bucket/big.bin 1000 B in 10 parts, verified by crc64nvme"
    with drawn.live:
        drawn.happen(*started(URI), *started(file_of(1)))
        drawn.tick_at(1.0)
        drawn.live.hide()
        assert (drawn.screen().lines, drawn.screen().cursor) == ([], True)
        drawn.happen(completed(URI))
        drawn.tick_at(2.0)
        assert (drawn.screen().lines, drawn.live.erasure) == ([done], "")
        drawn.live.hide()
        drawn.live.show()
        drawn.live.show()
        drawn.tick_at(3.0)
        assert drawn.screen().lines == [done, *drawn.rows()]
        assert not drawn.screen().cursor
    assert (drawn.screen().lines, drawn.screen().cursor) == ([done], True)


def test_the_panels_can_be_taken_off_at_once() -> None:
    """What does it needs no more than to be written: for an end that leaves time for nothing."""
    drawn = Drawn(80)
    with drawn.live:
        drawn.happen(*started(URI))
        drawn.tick_at(1.0)
        screen = Screen(drawn.written() + drawn.live.erasure)
        assert (screen.lines, screen.cursor) == ([], True)


def test_the_colours_are_those_of_the_terminal() -> None:
    """Its own sixteen, on its own background: they can be read on a light and on a dark one."""
    assert {style.bgcolor for style in _STYLES.values()} == {None}
    used = {style.color.name for style in _STYLES.values() if style.color is not None}
    assert used == {"blue", "green", "cyan", "yellow", "red"}


def test_without_colour_nothing_is_lost() -> None:
    """NO_COLOR leaves the marks, each kind of which is another one."""
    file = io.StringIO()
    console = Console(
        file=file, force_terminal=True, width=80, height=24, _environ={"NO_COLOR": "1"}
    )
    live = LivePanels(console, lambda: 0.0)
    for event in (*started(URI), *warnings(1)):
        live(event)
    console.print(live.panels())
    assert not re.search(r"\x1b\[[\d;]*3\d", file.getvalue())
    for marks in (UNICODE, ASCII):
        assert len(set(marks.states.values())) == len(PartState)


@pytest.mark.parametrize("name", ["[bold red]markup[/]", "a[/].bin", ":smile:.txt", "[red]x"])
def test_names_are_no_markup(name: str) -> None:
    """A file's name is shown as it is: brackets are neither styles nor an error in the drawing."""
    console = Console(file=io.StringIO(), force_terminal=True, width=120, color_system=None)
    live = LivePanels(console, lambda: 0.0)
    uri = ObjectURI("bucket", name)
    live(events.FileFound(name, uri, 10))
    live(events.FileStarted(name, uri, 10, 10, 1))
    assert name in text_of(console, live)


def test_an_ascii_terminal_gets_ascii() -> None:
    """Nothing that an ASCII terminal cannot show is drawn on it."""
    with io.TextIOWrapper(io.BytesIO(), encoding="ascii") as file:
        console = Console(file=file, force_terminal=True, width=60, height=50, color_system=None)
        live = LivePanels(console, lambda: 0.0)
        uri = ObjectURI("bucket", "ü" + "x" * 100)
        live(events.FileFound("x", uri, 10))
        live(events.FileStarted("x", uri, 10, 10, 1))
        live(events.PendingUploadIgnored(uri, "id" * 50, "reason"))
        assert text_of(console, live).isascii()
