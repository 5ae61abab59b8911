"""When a file stands still: by its size and time, or by a marker; and when it is tried again."""

import pytest

from asyncup.core.errors import UsageError
from asyncup.core.model import Fingerprint
from asyncup.core.settling import (
    FIRST_DELAY,
    LONGEST_DELAY,
    ROUND,
    Marker,
    Settling,
    Verdict,
    WatchOptions,
)

ONE = Fingerprint(size=1, mtime_ns=1, device=1, inode=1)
GROWN = Fingerprint(size=2, mtime_ns=2, device=1, inode=1)
REPLACED = Fingerprint(size=1, mtime_ns=1, device=1, inode=2)


def see(
    settling: Settling, now: float, seen: Fingerprint = ONE, *, path: str = "a", whole: bool = False
) -> Verdict:
    """Show a file."""
    return settling.see(path, seen, now, is_whole=whole)


def test_a_file_is_taken_when_it_stood_still() -> None:
    """It is waited for until it was the same for the time given, and it is said until when."""
    settling = Settling(10.0)
    assert see(settling, 5.0) is Verdict.WAIT
    assert settling.next_due() == 15.0
    assert see(settling, 14.9) is Verdict.WAIT
    assert settling.due(14.9) == []
    assert settling.due(15.0) == ["a"]
    assert see(settling, 15.0) is Verdict.TAKE
    assert settling.next_due() is None


@pytest.mark.parametrize("other", [GROWN, REPLACED], ids=["grown", "replaced"])
def test_a_change_begins_the_wait_anew(other: Fingerprint) -> None:
    """What has grown, or has another file under its name, is waited for from then on."""
    settling = Settling(10.0)
    see(settling, 0.0)
    assert see(settling, 9.0, other) is Verdict.WAIT
    assert see(settling, 10.0, other) is Verdict.WAIT
    assert see(settling, 19.0, other) is Verdict.TAKE


def test_what_is_whole_need_not_stand_still() -> None:
    """A file that is marked, or old, is taken as soon as it is seen."""
    assert see(Settling(10.0), 0.0, whole=True) is Verdict.TAKE


def test_a_file_is_taken_once() -> None:
    """While it is under way nobody else is to take it, also if it changes; then it is looked at."""
    settling = Settling(0.0)
    see(settling, 0.0, whole=True)
    assert see(settling, 1.0, GROWN, whole=True) is Verdict.LEAVE
    assert settling.due(1e9) == []
    assert settling.done("a") == ONE
    assert see(settling, 2.0, GROWN, whole=True) is Verdict.TAKE


def test_what_is_gone_is_not_waited_for() -> None:
    """Nothing is left of a file that has gone."""
    settling = Settling(10.0)
    see(settling, 0.0)
    settling.gone("a")
    assert not settling.is_waiting
    assert settling.next_due() is None


def test_no_more_wait_than_there_is_room_for() -> None:
    """However many files come at once, only so many are held; there is room when one is taken."""
    settling = Settling(10.0, most=2)
    assert [see(settling, 0.0, path=path) for path in "abc"][2] is Verdict.FULL
    assert see(settling, 1.0, GROWN, path="a") is Verdict.WAIT
    assert see(settling, 11.0, GROWN, path="a") is Verdict.TAKE
    assert see(settling, 11.0, path="c") is Verdict.WAIT


def test_a_failure_is_tried_again_with_growing_delay() -> None:
    """Twice as late each time, up to the longest delay; the same file is left until then."""
    settling = Settling(10.0)
    now, delays = 0.0, []
    for _ in range(9):
        assert see(settling, now, whole=True) is Verdict.TAKE
        noted = settling.failed("a", now)
        assert noted is not None
        delays.append(noted[1])
        assert see(settling, now + noted[1] - 1, whole=True) is Verdict.LEAVE
        now += noted[1]
        assert settling.due(now) == ["a"]
    assert delays[:3] == [FIRST_DELAY, 2 * FIRST_DELAY, 4 * FIRST_DELAY]
    assert delays[-1] == LONGEST_DELAY


def test_a_change_is_tried_sooner_than_that() -> None:
    """What has failed and changes is taken when it stands still, and that takes longer now."""
    settling = Settling(10.0)
    see(settling, 0.0, whole=True)
    settling.failed("a", 0.0)
    assert see(settling, 1.0, GROWN) is Verdict.WAIT
    assert settling.due(FIRST_DELAY + 1) == ["a"]
    assert settling.next_due() == 21.0
    assert see(settling, 21.0, GROWN) is Verdict.TAKE
    assert settling.failed("a", 21.0) == (2, 2 * FIRST_DELAY)


def test_success_ends_the_failures() -> None:
    """A file that went up after all begins at the first delay again if it fails later."""
    settling = Settling(0.0)
    for now in (0.0, FIRST_DELAY):
        see(settling, now, whole=True)
        settling.failed("a", now)
    see(settling, 1e6, whole=True)
    settling.done("a")
    see(settling, 1e6, whole=True)
    assert settling.failed("a", 1e6) == (1, FIRST_DELAY)


def test_what_cannot_be_read_is_told_once_until_it_is_due() -> None:
    """It is met at every look, and is news only when it was to be tried again."""
    settling = Settling(10.0)
    assert settling.failed("a", 0.0) == (1, FIRST_DELAY)
    assert settling.failed("a", FIRST_DELAY - 1) is None
    assert settling.due(FIRST_DELAY) == ["a"]
    assert settling.failed("a", FIRST_DELAY) == (2, 2 * FIRST_DELAY)
    assert see(settling, FIRST_DELAY + 1) is Verdict.WAIT


def test_failures_take_no_more_room_than_others() -> None:
    """The oldest is forgotten: whoever looks through all finds it."""
    settling = Settling(0.0, most=2)
    for path in "abc":
        settling.failed(path, 0.0)
    assert settling.due(FIRST_DELAY) == ["b", "c"]


@pytest.mark.parametrize(
    ("text", "name", "marker"),
    [("{}.done", "a.bin", "a.bin.done"), ("ready-{}", "a", "ready-a"), (".{}.ok", "a", ".a.ok")],
)
def test_a_marker_is_found_by_its_file_and_back(text: str, name: str, marker: str) -> None:
    """The name of a file gives that of its marker, and that of a marker its file's."""
    read = Marker.parse(text)
    assert read.of(name) == marker
    assert read.marked_by(marker) == name
    assert read.marked_by(name) is None


def test_a_marker_of_nothing_is_none() -> None:
    """A file called as what is added to a name marks no file."""
    assert Marker.parse("{}.done").marked_by(".done") is None
    assert Marker.parse("aa{}aa").marked_by("aaa") is None


@pytest.mark.parametrize("text", ["done", "{}", "{}/done", "{}.{}", ""])
def test_a_marker_has_to_name_the_file_once(text: str) -> None:
    """What would mark no file, all files, itself, or one elsewhere, is refused."""
    with pytest.raises(UsageError, match="marker"):
        Marker.parse(text)


def test_options_are_looked_at() -> None:
    """Times that cannot be are refused; where all is looked through anyway, no more often."""
    with pytest.raises(UsageError, match="settle"):
        WatchOptions(settle=-1.0)
    with pytest.raises(UsageError, match="poll"):
        WatchOptions(poll=0.0)
    assert WatchOptions().every == ROUND
    assert WatchOptions(poll=5.0).every == 5.0
