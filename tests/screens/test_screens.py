"""`docs/screens` has what is seen today of a run that was real."""

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from rich.cells import cell_len

from asyncup.core import events
from asyncup.core.plain import to_plain
from tests.screens.pictures import PICTURES, PLACE, RECORDING, screen_of
from tests.screens.recording import Moment, load, save

MOMENTS = load(RECORDING)
README = (PLACE.parents[1] / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", PICTURES)
def test_the_screens_are_those_of_today(name: str) -> None:
    """What is kept is what the panels draw; where they are changed, `make screenshots` tells."""
    width, height = PICTURES[name]
    told = screen_of(name, MOMENTS).text()
    assert told == (PLACE / f"{name}.txt").read_text(encoding="utf-8")
    assert len(told.splitlines()) <= height
    assert all(cell_len(row) <= width for row in told.splitlines())


@pytest.mark.parametrize("name", PICTURES)
def test_the_pictures_show_the_screens(name: str) -> None:
    """Each has the same words, and loads nothing from anywhere."""
    picture = (PLACE / f"{name}.svg").read_text(encoding="utf-8")
    root = ET.fromstring(picture)  # noqa: S314 - it is ours
    words = {word for each in root.iter() if each.text for word in each.text.split()}
    text = (PLACE / f"{name}.txt").read_text(encoding="utf-8")
    assert {word for word in text.split() if word.isalnum()} <= words
    assert re.findall(r"url\((?!#)|@font-face|@import|href=", picture) == []


def test_the_run_was_one() -> None:
    """It went on with an earlier one, met what it is to show, and came to its end."""
    kinds = {type(each.event) for each in MOMENTS}
    assert kinds >= {events.PartKept, events.RetryScheduled, events.FileSkipped, events.BytesSent}
    assert isinstance(MOMENTS[-1].event, events.RunFinished)
    assert MOMENTS[-1].event.exit_code == 0


def test_a_recording_is_read_as_it_was_written(tmp_path: Path) -> None:
    """All but the bytes on their way, of which some are told at once."""
    path = tmp_path / "run.jsonl"
    uri = next(each.event.uri for each in MOMENTS if isinstance(each.event, events.FileFound))
    facts = [each for each in MOMENTS if not isinstance(each.event, events.BytesSent)]
    sent = [Moment(99.0 + n / 100, events.BytesSent(uri, n % 2 + 1, 10)) for n in range(8)]
    save([*facts, *sent], path)
    told = load(path)
    # Errors are equal to nothing but themselves.
    assert list(map(to_plain, told[: len(facts)])) == list(map(to_plain, facts))
    counts = [each.event for each in told[len(facts) :]]
    assert counts == [events.BytesSent(uri, 1, 40), events.BytesSent(uri, 2, 40)]


def test_the_readme_shows_one() -> None:
    """The picture that is made for it."""
    assert "](docs/screens/readme.svg)" in README
