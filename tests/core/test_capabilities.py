"""What is remembered of a server: a hint that grows old, and never more than what was written."""

from datetime import UTC, datetime, timedelta

import pytest

from asyncup.core.capabilities import (
    LIFETIME,
    UNKNOWN,
    Capabilities,
    Remembered,
    hints_text,
    read_hints,
)

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
SEEN = Capabilities(takes_checksums=False, answers_continue=False)
END = "https://s3.example"


def test_what_is_written_is_read() -> None:
    """All of it, and when it was seen."""
    remembered = Remembered(END).learn("a", SEEN, NOW).learn("b", UNKNOWN, NOW)
    assert read_hints(hints_text(remembered), END) == remembered
    assert remembered.of("a", NOW) == SEEN
    assert remembered.of("another", NOW) == UNKNOWN


@pytest.mark.parametrize(
    ("age", "known"),
    [
        (timedelta(), SEEN),
        (LIFETIME - timedelta(seconds=1), SEEN),
        (LIFETIME, UNKNOWN),
        # A clock that was set back.
        (timedelta(seconds=-1), UNKNOWN),
    ],
)
def test_it_grows_old(age: timedelta, known: Capabilities) -> None:
    """What was seen long ago, or not yet, counts for nothing."""
    remembered = Remembered(END).learn("a", SEEN, NOW - age)
    assert remembered.of("a", NOW) == known
    assert remembered.answers_continue(NOW) is (known is UNKNOWN)


def test_what_is_old_is_forgotten() -> None:
    """The file does not grow with every bucket that ever was."""
    remembered = Remembered(END).learn("old", SEEN, NOW - LIFETIME).learn("new", SEEN, NOW)
    assert list(remembered.buckets) == ["new"]


def test_continue_is_of_the_server() -> None:
    """Who does not answer in one bucket does not in another; who was not asked may."""
    asked = Remembered(END).learn("a", Capabilities(answers_continue=True), NOW)
    assert asked.learn("b", UNKNOWN, NOW).answers_continue(NOW)
    assert not asked.learn("b", SEEN, NOW).answers_continue(NOW)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "{}",
        hints_text(Remembered("https://other.example").learn("a", SEEN, NOW)),
        hints_text(Remembered(END).learn("a", SEEN, NOW)).replace('"schema": 1', '"schema": 2'),
        hints_text(Remembered(END).learn("a", SEEN, NOW)).replace("+00:00", ""),
        hints_text(Remembered(END).learn("a", SEEN, NOW)).replace("false", '"no"'),
        hints_text(Remembered(END).learn("a", SEEN, NOW)).replace("2026", "year"),
        "[" * 100_000,
    ],
)
def test_what_is_none_of_it_tells_nothing(text: str) -> None:
    """Of another server or version, or damaged: as if there were nothing."""
    assert read_hints(text, END) == Remembered(END)
