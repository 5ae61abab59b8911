"""A directory that is watched, on a virtual clock: what comes goes up, once, and whole."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from asyncup.core import conditions, events, watching
from asyncup.core.errors import (
    AccessDenied,
    BucketMissing,
    Fault,
    SourceBusy,
    SourceChanged,
    SourceUnsuitable,
)
from asyncup.core.model import Fingerprint, ObjectURI
from asyncup.core.options import Options, Overwrite
from asyncup.core.outcome import RunResult
from asyncup.core.selection import Filters
from asyncup.core.settling import FIRST_DELAY, OLD, ROUND, Marker, Settling, WatchOptions
from asyncup.edges.files import Walk
from asyncup.edges.remembered import Remembered
from asyncup.edges.watching import Hints
from asyncup.engine.jobs import Named, Selection
from asyncup.engine.looking import Look, Seen
from asyncup.engine.watch import MOST_HINTS, LettingGo, Watch
from tests.engine.kit import LIMITS, OPTIONS, Ears, no_task_is_left, uploader
from tests.fakes3 import FakeS3
from tests.loop import run

DENIED = AccessDenied(Fault(action="upload", code="AccessDenied"))


@dataclass
class Site:
    """A directory that is watched, and what tells of changes in it; `hint` may be called."""

    place: Path
    s3: FakeS3 = field(default_factory=FakeS3)
    ears: Ears = field(default_factory=Ears)
    options: Options = OPTIONS
    watching: WatchOptions = field(default_factory=WatchOptions)
    let_go: LettingGo | None = None
    filters: Filters = field(default_factory=Filters)
    hint: Hints = lambda _: None
    is_told: bool = True
    most: int = 100

    def __post_init__(self) -> None:
        self.directory.mkdir(exist_ok=True)

    @property
    def directory(self) -> Path:
        """What is watched."""
        return self.place / "in"

    def write(self, name: str, data: bytes = b"data") -> Path:
        """Make a file, and tell of it."""
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        self.hint({str(path)})
        return path

    async def tell(self, directory: Path, hint: Hints) -> str:
        """Be the system that tells of changes, or does not."""
        assert directory == self.directory
        if not self.is_told:
            return "no watch is left"
        self.hint = hint
        hint(None)
        await asyncio.Event().wait()
        raise AssertionError("unreachable")

    def watch(self, script: Callable[[], Awaitable[None]]) -> RunResult:
        """Watch until a script has ended, and return how it went."""

        async def main() -> RunResult:
            async with uploader(
                self.s3, self.place, options=self.options, listener=self.ears
            ) as up:
                watched = Watch(
                    self.directory,
                    Selection(
                        sources=[Named(self.directory)],
                        destination=ObjectURI("test-bucket", "in/"),
                        several=False,
                        walk=Walk(prunes=self.filters.prunes),
                        filters=self.filters,
                        limits=LIMITS,
                    ),
                    self.watching,
                    self.ears,
                    let_go=self.let_go,
                    watcher=self.tell,
                )
                watched._settling = Settling(self.watching.settle, self.most)
                going = asyncio.create_task(up.watch(watched))
                if self.watching.once:
                    return await going
                await script()
                up.stop()
                result = await going
            assert no_task_is_left()
            return result

        return run(main())

    def wait(self, seconds: float) -> RunResult:
        """Watch for so long."""

        async def script() -> None:
            await asyncio.sleep(seconds)

        return self.watch(script)

    @property
    def objects(self) -> dict[str, bytes]:
        """What is at S3, without the prefix."""
        return {key.removeprefix("in/"): each.data for key, each in self.s3.objects.items()}

    def names(self, kind: type[events.Event]) -> list[str]:
        """Return the files that events of a kind were about."""
        told: Iterable[object] = self.ears.of(kind)
        return [Path(str(getattr(each, "source"))).name for each in told]  # noqa: B009 - any event


def test_what_lies_there_goes_up_when_it_stood_still(tmp_path: Path) -> None:
    """Small and large files, at any depth, at the settle time and not before; the end is 130."""
    site = Site(tmp_path)
    site.write("small")
    site.write("sub/deep/large", b"l" * 1050)
    began: list[float] = []
    site.ears.act = lambda _, event: (
        began.append(asyncio.get_running_loop().time())
        if isinstance(event, events.FileStarted)
        else None
    )
    result = site.wait(30)
    assert site.objects == {"small": b"data", "sub/deep/large": b"l" * 1050}
    assert (result.done, result.exit_code) == (2, 130)
    assert min(began) >= WatchOptions().settle
    assert len(site.ears.of(watching.WatchStarted)) == 1


def test_what_comes_goes_up(tmp_path: Path) -> None:
    """A new file, one in a new directory, one renamed into it, and a tree that is moved there."""
    site = Site(tmp_path)

    async def script() -> None:
        await asyncio.sleep(20)
        site.write("new")
        site.write("sub/new")
        (tmp_path / "file").write_bytes(b"renamed")
        (tmp_path / "file").rename(site.directory / "renamed")
        (tmp_path / "tree" / "below").mkdir(parents=True)
        (tmp_path / "tree" / "below" / "it").write_bytes(b"moved")
        (tmp_path / "tree").rename(site.directory / "tree")
        site.hint({str(site.directory / "renamed"), str(site.directory / "tree")})
        await asyncio.sleep(20)

    site.watch(script)
    expected = {
        "new": b"data",
        "sub/new": b"data",
        "renamed": b"renamed",
        "tree/below/it": b"moved",
    }
    assert site.objects == expected


def test_a_file_that_grows_is_waited_for(tmp_path: Path) -> None:
    """It goes up once, when nobody has written to it for the settle time: whole."""
    site = Site(tmp_path)

    async def script() -> None:
        data = b""
        for _ in range(10):
            data += b"more"
            site.write("growing", data)
            await asyncio.sleep(9)
        assert site.objects == {}
        await asyncio.sleep(10)

    site.watch(script)
    assert site.objects == {"growing": b"more" * 10}
    assert site.s3.count("put_object") == 1


def test_what_changes_goes_up_again(tmp_path: Path) -> None:
    """Also if the size stays: what S3 holds is compared by content then."""
    site = Site(tmp_path)

    async def script() -> None:
        site.write("file", b"one")
        await asyncio.sleep(15)
        assert site.objects == {"file": b"one"}
        site.write("file", b"two")
        await asyncio.sleep(15)

    site.watch(script)
    assert site.objects == {"file": b"two"}
    assert site.s3.count("put_object") == 2


def test_what_is_touched_does_not(tmp_path: Path) -> None:
    """A file of the same bytes is shown to be there, and not sent."""
    site = Site(tmp_path)

    async def script() -> None:
        path = site.write("file")
        await asyncio.sleep(15)
        os.utime(path, (1, 1))
        site.hint({str(path)})
        await asyncio.sleep(15)

    site.watch(script)
    assert site.s3.count("put_object") == 1
    assert [each.reason for each in site.ears.of(events.FileSkipped)] == [
        "S3 already holds it, proven by etag"
    ]


def test_a_hint_about_what_is_done_is_nothing(tmp_path: Path) -> None:
    """Neither hints without a change nor looking through all ask S3 anything."""
    site = Site(tmp_path)

    async def script() -> None:
        path = site.write("file")
        await asyncio.sleep(15)
        before = len(site.s3.requests)
        for _ in range(3):
            site.hint({str(path)})
            await asyncio.sleep(ROUND)
        assert len(site.s3.requests) == before

    site.watch(script)


def test_a_new_start_sends_nothing_again(tmp_path: Path) -> None:
    """What S3 holds with the same size is left, as by put; one list tells of all of it."""
    site = Site(tmp_path)
    for name in "abc":
        site.write(name)
    site.wait(15)
    again = Site(tmp_path, s3=site.s3)
    again.wait(15)
    assert again.s3.count("put_object") == 3
    assert again.names(events.FileSkipped) == ["a", "b", "c"]
    assert again.s3.count("list_objects") == 2


def test_a_failure_ends_nothing(tmp_path: Path) -> None:
    """The others go up, and the one that failed is tried again later, until it does, too."""
    site = Site(tmp_path)
    site.write("a")
    site.write("b")
    site.s3.fail("put_object", DENIED)
    result = site.wait(30 + FIRST_DELAY)
    assert site.objects == {"a": b"data", "b": b"data"}
    assert (result.done, len(result.failures)) == (2, 1)
    (deferred,) = site.ears.of(watching.FileDeferred)
    assert (deferred.failures, deferred.delay) == (1, FIRST_DELAY)


def test_a_failure_is_tried_again_when_the_file_changes(tmp_path: Path) -> None:
    """Whoever mends a file need not wait for the delay."""
    site = Site(tmp_path)

    async def script() -> None:
        site.write("file")
        site.s3.fail("put_object", DENIED)
        await asyncio.sleep(15)
        site.write("file", b"mended")
        await asyncio.sleep(25)

    site.watch(script)
    assert site.objects == {"file": b"mended"}


def test_a_file_that_changes_on_its_way_goes_up_after_all(tmp_path: Path) -> None:
    """It fails, as by put, and goes up when it stands still, also if nobody tells of a change."""
    site = Site(tmp_path)
    path = site.write("large", b"1" * 1050)

    def change(_: int, event: events.Event) -> None:
        if isinstance(event, events.PartUploaded) and event.part_number == 3:
            site.ears.act = None
            path.write_bytes(b"2" * 1050)

    site.ears.act = change
    site.wait(10 + FIRST_DELAY)
    assert [type(each.error) for each in site.ears.of(events.UploadFailed)] == [SourceChanged]
    assert site.objects == {"large": path.read_bytes()}


def test_an_error_of_all_files_ends_the_watch(tmp_path: Path) -> None:
    """What would fail again for every file ends it with its own status, as it ends a put."""
    site = Site(tmp_path)
    site.write("file")
    site.s3.fail("put_object", BucketMissing(Fault(action="upload", code="NoSuchBucket")))
    assert site.wait(15).exit_code == 4


def test_an_outage_is_waited_out(tmp_path: Path) -> None:
    """As by put: no file fails for it, and what comes meanwhile goes up when it is over."""
    site = Site(tmp_path)

    async def script() -> None:
        site.write("before")
        site.s3.fail("put_object")
        site.s3.fail("probe", times=5)
        await asyncio.sleep(11)
        site.write("meanwhile")
        await asyncio.sleep(120)

    result = site.watch(script)
    assert len(site.ears.of(conditions.WentOffline)) == 5
    assert site.objects == {"before": b"data", "meanwhile": b"data"}
    assert (result.done, len(result.failures)) == (2, 0)


def test_a_file_that_may_not_be_read_goes_up_when_it_may(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told once, and looked at again when its permissions change."""
    site, closed = Site(tmp_path), {"secret"}
    monkeypatch.setattr(os, "access", lambda path, _: Path(path).name not in closed)
    site.write("secret")

    async def script() -> None:
        await asyncio.sleep(30)
        site.hint(None)
        await asyncio.sleep(5)
        closed.clear()
        site.hint({str(site.directory / "secret")})
        await asyncio.sleep(25)

    site.watch(script)
    assert site.names(events.UploadFailed) == site.names(watching.FileDeferred) == ["secret"]
    assert site.objects == {"secret": b"data"}


def test_a_name_that_can_be_no_key_is_told_once(tmp_path: Path) -> None:
    """However often it is met; it is told again when it is tried again."""
    site = Site(tmp_path)
    (site.directory / "caf\udce9").write_bytes(b"")

    async def script() -> None:
        for _ in range(5):
            await asyncio.sleep(10)
            site.hint(None)

    site.watch(script)
    assert len(site.ears.of(events.UploadFailed)) == 1


def test_a_marker_says_that_a_file_is_whole(tmp_path: Path) -> None:
    """It goes up at once then, and not before; a marker of an earlier state does not count."""
    site = Site(tmp_path, watching=WatchOptions(marker=Marker.parse("{}.done")))

    async def script() -> None:
        path = site.write("sub/file", b"one")
        await asyncio.sleep(100)
        assert site.objects == {}
        site.write("sub/file.done")
        await asyncio.sleep(1)
        assert site.objects == {"sub/file": b"one"}
        path.write_bytes(b"three")
        marked = (site.directory / "sub/file.done").stat().st_mtime_ns
        os.utime(path, ns=(marked + 1, marked + 1))
        site.hint({str(path)})
        await asyncio.sleep(100)
        assert site.objects == {"sub/file": b"one"}
        os.utime(site.directory / "sub/file.done", ns=(marked + 1, marked + 1))
        site.hint({str(site.directory / "sub/file.done")})
        await asyncio.sleep(1)

    site.watch(script)
    assert site.objects == {"sub/file": b"three"}


@dataclass
class LettingGoes:
    """Lets go of files by deleting them, or fails at first."""

    directory: Path
    errors: list[Exception] = field(default_factory=list)
    proven: list[Fingerprint] = field(default_factory=list)

    async def __call__(self, relative: str, proven: Fingerprint) -> Path | None:
        """Delete a file."""
        self.proven.append(proven)
        if self.errors:
            raise self.errors.pop(0)
        (self.directory / relative).unlink()
        return None


def test_what_is_proven_is_let_go(tmp_path: Path) -> None:
    """Each file with what it was known by when it was read."""
    site = Site(tmp_path)
    path = site.write("sub/file", b"l" * 1050)
    status = path.stat()
    let_go = site.let_go = LettingGoes(site.directory)
    site.wait(30)
    assert let_go.proven == [
        Fingerprint(1050, status.st_mtime_ns, status.st_dev, status.st_ino),
    ]
    assert site.names(watching.SourceDeleted) == ["file"]
    assert site.objects == {"sub/file": b"l" * 1050}


def test_what_an_earlier_run_has_sent_is_let_go_if_it_is_proven(tmp_path: Path) -> None:
    """By checksum; an object that only has the size proves nothing, so the file stays."""
    site = Site(tmp_path)
    site.write("same", b"same")
    site.wait(15)
    site.write("other", b"other")
    site.s3.objects["in/other"] = site.s3.objects["in/same"]
    for overwrite, left in ((Overwrite.NEVER, {"same", "other"}), (Overwrite.CHECKSUM, set())):
        again = Site(tmp_path, s3=site.s3, options=Options(overwrite=overwrite, limits=LIMITS))
        again.let_go = LettingGoes(site.directory)
        again.wait(15)
        assert {each.name for each in site.directory.iterdir()} == left
    assert site.objects == {"same": b"same", "other": b"other"}


def test_what_is_shown_by_its_size_only_is_kept(tmp_path: Path) -> None:
    """A server that tells nothing better has the file, it seems; that is no reason to delete it."""
    site = Site(tmp_path, s3=FakeS3(algorithms=(), opaque_etags=True))
    site.write("file")
    let_go = site.let_go = LettingGoes(site.directory)
    site.wait(30)
    assert site.objects == {"file": b"data"}
    (kept,) = site.ears.of(watching.SourceKept)
    assert "not shown to be this file" in str(kept.error)
    assert let_go.proven == []


def test_a_file_that_failed_is_not_let_go(tmp_path: Path) -> None:
    """Nothing goes that is not at S3."""
    site = Site(tmp_path)
    site.write("file")
    let_go = site.let_go = LettingGoes(site.directory)
    site.s3.fail("put_object", DENIED, times=9)
    site.wait(30)
    assert let_go.proven == []


def test_what_cannot_be_let_go_is_told(tmp_path: Path) -> None:
    """If that may pass, it is tried again, without sending the file; if not, it stays."""
    site = Site(tmp_path)
    site.write("file")
    busy, never = SourceBusy("somebody writes"), SourceUnsuitable("on another file system")
    let_go = site.let_go = LettingGoes(site.directory, [busy, never])
    site.wait(30 + 10 * FIRST_DELAY)
    assert [each.error for each in site.ears.of(watching.SourceKept)] == [busy, never]
    assert len(let_go.proven) == 2
    assert site.s3.count("put_object") == 1


def test_a_directory_that_goes_is_waited_for(tmp_path: Path) -> None:
    """It is told once, and when it is there again, all of it is looked through."""
    site = Site(tmp_path)

    async def script() -> None:
        site.write("first")
        await asyncio.sleep(15)
        site.directory.rename(tmp_path / "elsewhere")
        await asyncio.sleep(100)
        site.directory.mkdir()
        (site.directory / "second").write_bytes(b"two")
        await asyncio.sleep(15)

    site.watch(script)
    assert [each.reason for each in site.ears.of(watching.WatchLost)] == [
        "No such file or directory"
    ]
    assert len(site.ears.of(watching.WatchStarted)) == 2
    assert site.objects == {"first": b"data", "second": b"two"}


def test_a_hint_about_the_directory_itself_begins_anew(tmp_path: Path) -> None:
    """It may have been replaced so fast that nobody has seen it: changes are listened to anew."""
    site = Site(tmp_path)

    async def script() -> None:
        await asyncio.sleep(15)
        site.hint({str(site.directory)})
        hint, site.hint = site.hint, lambda _: None
        await asyncio.sleep(5)
        assert site.hint == hint
        site.write("file")
        await asyncio.sleep(15)

    site.watch(script)
    assert site.objects == {"file": b"data"}
    assert len(site.ears.of(watching.WatchStarted)) == 2


def test_without_hints_all_is_looked_through(tmp_path: Path) -> None:
    """Where the system tells nothing, that is told once, and files are found all the same."""
    site = Site(tmp_path, is_told=False)

    async def script() -> None:
        await asyncio.sleep(100)
        site.write("file")
        await asyncio.sleep(50)

    site.watch(script)
    assert [each.reason for each in site.ears.of(watching.WatchPolls)] == ["no watch is left"]
    assert site.objects == {"file": b"data"}


def test_polling_asks_for_no_hints(tmp_path: Path) -> None:
    """All is looked through as often as is asked for, and nobody is asked to tell."""
    site = Site(tmp_path, is_told=False, watching=WatchOptions(settle=1, poll=20))

    async def script() -> None:
        await asyncio.sleep(30)
        site.write("file")
        await asyncio.sleep(25)

    site.watch(script)
    assert site.ears.of(watching.WatchPolls) == []
    assert site.objects == {"file": b"data"}


def test_hints_that_are_lost_are_made_up_for(tmp_path: Path) -> None:
    """A file of which nobody tells is found when all is looked through, in time."""
    site = Site(tmp_path)

    async def script() -> None:
        await asyncio.sleep(20)
        (site.directory / "silent").write_bytes(b"")
        await asyncio.sleep(ROUND + 20)

    site.watch(script)
    assert site.objects == {"silent": b""}


def test_too_many_hints_are_one(tmp_path: Path) -> None:
    """More paths than are held come to a look through all, so nothing is missed."""
    site = Site(tmp_path)

    async def script() -> None:
        await asyncio.sleep(20)
        (site.directory / "file").write_bytes(b"")
        site.hint({f"{site.directory}/gone{number}" for number in range(MOST_HINTS + 1)})
        await asyncio.sleep(20)

    site.watch(script)
    assert site.objects == {"file": b""}


def test_more_files_than_may_wait_go_up_all_the_same(tmp_path: Path) -> None:
    """However many come at once, a bounded number is held, and the others get their turn."""
    site = Site(tmp_path, most=3)
    for number in range(20):
        site.write(f"{number:02}")
    site.wait(150)
    assert len(site.objects) == 20


def test_once_ends_when_all_is_done(tmp_path: Path) -> None:
    """What lies there is waited for and goes up; the exit status is that of a put."""
    site = Site(tmp_path, watching=WatchOptions(once=True), is_told=False)
    site.write("a")
    site.write("b")
    assert site.wait(0).exit_code == 0
    assert site.objects == {"a": b"data", "b": b"data"}
    again = Site(tmp_path, s3=site.s3, watching=WatchOptions(once=True))
    again.write("c")
    again.s3.fail("put_object", DENIED)
    assert again.wait(0).exit_code == 1
    assert again.ears.of(watching.FileDeferred) == []


def test_what_is_old_stands_still(tmp_path: Path) -> None:
    """A file that nobody has touched for long need not be waited for."""
    site = Site(tmp_path)
    path = site.write("file")
    selection = Selection(sources=[], destination=ObjectURI("test-bucket", "in/"), several=False)
    touched = max(path.stat().st_mtime, path.stat().st_ctime)
    times = iter([touched + OLD - 1, touched + OLD + 1])
    with closing(Remembered()) as remembered:
        look = Look(site.directory, selection, None, remembered, lambda: next(times))

        async def seen() -> list[bool]:
            return [each.is_whole async for each in look.at(["."]) if isinstance(each, Seen)]

        assert [run(seen()), run(seen())] == [[False], [True]]


def test_filters_hold_for_what_comes(tmp_path: Path) -> None:
    """As by put, also below a directory that is left out; nothing is told of it."""
    site = Site(tmp_path, filters=Filters.of(exclude=["*.tmp", "skip/"]))

    async def script() -> None:
        await asyncio.sleep(20)
        site.write("a.tmp")
        site.write("skip/b")
        site.write("c")
        await asyncio.sleep(20)

    site.watch(script)
    assert site.objects == {"c": b"data"}
    assert site.ears.of(events.FileSkipped) == []
