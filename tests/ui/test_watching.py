"""What is watched: each picture takes the place of the one before, whatever its length."""

import pyte
import pytest

from asyncup.ui.rows import ASCII, UNICODE
from asyncup.ui.text import Level, Line
from asyncup.ui.watching import screenful

LONG = Line(Level.INFO, "s3://bucket/" + "x" * 100)
ODD = Line(Level.WARNING, "\x1b[2J日本語" + "日" * 40)


def shown(*pictures: list[Line], width: int = 40, height: int = 6) -> list[str]:
    """Return what a terminal shows that has shown something else, and then these."""
    screen = pyte.Screen(width, height)
    stream = pyte.Stream(screen)
    stream.feed("what was there before\r\n" * 9)
    for picture in pictures:
        stream.feed(screenful(picture, width, height, UNICODE).replace("\n", "\r\n") + "\r\n")
    return [line.rstrip() for line in screen.display]


def lines(count: int) -> list[Line]:
    """Return so many lines."""
    return [Line(Level.INFO, f"line {number}") for number in range(1, count + 1)]


def test_each_picture_takes_the_place_of_the_one_before() -> None:
    """A shorter one leaves nothing of a longer one, nor of what was there at first."""
    assert shown(lines(5), [Line(Level.INFO, "one")], []) == [""] * 6
    assert shown(lines(5), [Line(Level.INFO, "one")]) == ["one", *[""] * 5]
    assert shown(lines(3)) == ["line 1", "line 2", "line 3", "", "", ""]


@pytest.mark.parametrize("count", [6, 7, 100])
def test_nothing_scrolls_away(count: int) -> None:
    """What has no room is counted; the first line stays where it is, however often it is shown."""
    expected = ["line 1", "line 2", "line 3", "line 4", f"and {count - 4} more lines", ""]
    assert shown(*[lines(count)] * 3) == expected


def test_nothing_wraps() -> None:
    """A long line is cut, and what would steer the terminal is shown."""
    told = shown([LONG, ODD, *lines(1)])
    assert told[0] == LONG.text[:39] + "…"
    assert told[1].startswith("warning: \\x1b[2J日")
    assert told[2:4] == ["line 1", ""]
    assert screenful([ODD], 40, 6, ASCII).replace("\x1b", "").isascii()
