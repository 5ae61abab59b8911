"""The journal: it remembers what it was told, has one owner per destination, and ends no run."""

import os
import re
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Self

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import asyncup
from asyncup.core.errors import JournalLocked
from asyncup.core.model import (
    ChecksumAlgorithm,
    Checksums,
    Fingerprint,
    JournalRecord,
    ObjectURI,
    Part,
    Phase,
    Receipt,
    Upload,
)
from asyncup.edges import places
from asyncup.edges.journal import Journal

ENDPOINT = "https://s3.example.com"
URI = ObjectURI("test-bucket", "some/key")
MARK = Fingerprint(size=23, mtime_ns=1_700_000_000_123_456_789, device=5, inode=77)
RECORD = JournalRecord(
    upload=Upload(
        URI,
        "upload-1",
        ChecksumAlgorithm.CRC64NVME,
        whole=True,
        initiated=datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC),
    ),
    source="/data/file.bin",
    fingerprint=MARK,
    part_size=10,
)
UPLOAD = RECORD.upload
OTHER = replace(RECORD, upload=replace(UPLOAD, upload_id="upload-2"))


def receipt(number: int) -> Receipt:
    """Return what S3 could have acknowledged for a part of ten bytes."""
    values = {
        ChecksumAlgorithm.CRC64NVME: number.to_bytes(8, "big"),
        ChecksumAlgorithm.MD5: bytes([number % 256]) * 16,
    }
    part = Part(number, 10 * (number - 1), 10)
    return Receipt(part, f"etag-{number}", Checksums(10, values))


def receipts(*numbers: int) -> dict[int, Receipt]:
    return {number: receipt(number) for number in numbers}


@contextmanager
def opened(directory: Path, endpoint: str = ENDPOINT) -> Iterator[Journal]:
    """Open a journal that has nothing to warn of."""
    warnings: list[str] = []
    with Journal(directory, endpoint, warnings.append) as journal:
        yield journal
    assert warnings == []


def inside(directory: Path) -> list[str]:
    """Return the names of all there is below a directory."""
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*"))


def test_what_was_told_is_found_by_the_next_run(tmp_path: Path) -> None:
    """A run finds the upload, its phase and its receipts as an earlier run has told them."""
    with opened(tmp_path) as journal:
        journal.opened(RECORD)
        for number in (2, 1, 3):
            journal.received(UPLOAD, receipt(number))
    with opened(tmp_path) as journal:
        assert journal.find(URI) == [replace(RECORD, receipts=receipts(1, 2, 3))]
        assert list(journal.find(URI)[0].receipts) == [1, 2, 3]


def test_a_part_that_was_sent_again_has_its_last_receipt(tmp_path: Path) -> None:
    """A receipt for the same part takes the place of the one before."""
    with opened(tmp_path) as journal:
        journal.opened(RECORD)
        journal.received(UPLOAD, replace(receipt(1), etag="before"))
        journal.received(UPLOAD, receipt(1))
        assert journal.find(URI)[0].receipts == receipts(1)


def test_the_phase_follows_the_upload(tmp_path: Path) -> None:
    """Completing is remembered with what it replaces, and what came of it; receipts stay."""
    with opened(tmp_path) as journal:
        journal.opened(RECORD)
        journal.received(UPLOAD, receipt(1))
        told = replace(RECORD, receipts=receipts(1))
        journal.completing(UPLOAD, "old-etag")
        assert journal.find(URI) == [replace(told, phase=Phase.COMPLETING, replaces="old-etag")]
        journal.unproven(UPLOAD)
        assert journal.find(URI) == [replace(told, phase=Phase.UNPROVEN)]
        journal.opened(RECORD)
        assert journal.find(URI) == [told]


def test_a_closed_upload_is_forgotten(tmp_path: Path) -> None:
    """What is completed, aborted or gone is found no more, even if it comes back by its ID."""
    with opened(tmp_path) as journal:
        for record in (RECORD, OTHER):
            journal.opened(record)
            journal.received(record.upload, receipt(1))
        journal.closed(UPLOAD)
        assert journal.find(URI) == [replace(OTHER, receipts=receipts(1))]
        journal.opened(RECORD)
        assert journal.find(URI)[0] == RECORD


def test_what_was_never_opened_is_not_remembered(tmp_path: Path) -> None:
    """News of an upload that the journal does not know changes nothing."""
    with opened(tmp_path) as journal:
        journal.received(UPLOAD, receipt(1))
        journal.completing(UPLOAD, "")
        journal.unproven(UPLOAD)
        journal.closed(UPLOAD)
        assert journal.find(URI) == []
        assert journal.uploads() == []
        journal.opened(RECORD)
        assert journal.find(URI) == [RECORD]


def test_the_newest_is_found_first(tmp_path: Path) -> None:
    """Several uploads to one destination come in the reverse of the order they were opened in."""
    records = [replace(RECORD, upload=replace(UPLOAD, upload_id=name)) for name in "bdac"]
    with opened(tmp_path) as journal:
        for record in records:
            journal.opened(record)
        assert journal.find(URI) == records[::-1]
        assert journal.uploads() == records[::-1]
        journal.opened(records[0])
        assert journal.find(URI)[0] == records[0]


def test_each_destination_has_its_own(tmp_path: Path) -> None:
    """Nothing is found for another bucket, another key or at another endpoint."""
    uris = [ObjectURI("test-bucket", "a"), ObjectURI("test-bucket", "b"), ObjectURI("abc", "a")]
    records = [replace(RECORD, upload=replace(UPLOAD, uri=uri)) for uri in uris]
    with opened(tmp_path) as journal:
        for record in records:
            journal.opened(record)
            journal.received(record.upload, receipt(1))
        for uri, record in zip(uris, records, strict=True):
            assert journal.find(uri) == [replace(record, receipts=receipts(1))]
        assert journal.uploads() == [records[2], records[0], records[1]]
    with opened(tmp_path, "https://elsewhere.example.com") as journal:
        assert journal.find(uris[0]) == []
        assert journal.uploads() == []


@pytest.mark.parametrize("phase", Phase)
def test_receipts_stay_while_the_file_is_the_same(tmp_path: Path, phase: Phase) -> None:
    """To open an upload again, for the same bytes in the same parts, keeps what S3 has."""
    again = replace(RECORD, source="/moved/file.bin")
    with opened(tmp_path) as journal:
        journal.opened(RECORD)
        journal.received(UPLOAD, receipt(1))
        if phase is Phase.COMPLETING:
            journal.completing(UPLOAD, "old-etag")
        journal.opened(again)
        assert journal.find(URI) == [replace(again, receipts=receipts(1))]


@pytest.mark.parametrize(
    "again",
    [
        replace(RECORD, part_size=11),
        replace(RECORD, fingerprint=None),
        *(
            replace(RECORD, fingerprint=replace(MARK, **{name: 1}))
            for name in ("size", "mtime_ns", "device", "inode")
        ),
    ],
)
def test_receipts_of_other_bytes_are_dropped(tmp_path: Path, again: JournalRecord) -> None:
    """To open an upload for another file, or in other parts, keeps none of its receipts."""
    with opened(tmp_path) as journal:
        for record in (RECORD, OTHER):
            journal.opened(record)
            journal.received(record.upload, receipt(1))
        journal.opened(again)
        assert journal.find(URI) == [again, replace(OTHER, receipts=receipts(1))]
        journal.opened(RECORD)
        assert journal.find(URI)[0] == RECORD


def test_receipts_come_by_being_received_only(tmp_path: Path) -> None:
    """Receipts, a phase or a tag that a record brings along are not what S3 said just now."""
    told = replace(RECORD, receipts=receipts(1), phase=Phase.COMPLETING, replaces="old-etag")
    with opened(tmp_path) as journal:
        journal.opened(told)
        assert journal.find(URI) == [RECORD]


NAMES = st.text(st.characters()) | st.binary().map(os.fsdecode)
UP_TO_50_TB = st.integers(0, 50 * 10**12)
WIDE = st.integers(0, (1 << 128) - 1)
ZONES = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))
UPLOADS = st.builds(
    Upload,
    st.builds(ObjectURI, NAMES, NAMES),
    NAMES,
    st.none() | st.sampled_from(ChecksumAlgorithm),
    st.booleans(),
    st.none() | st.datetimes(timezones=ZONES),
)
RECEIPTS = st.builds(
    Receipt,
    st.builds(Part, st.integers(1, 10_000), UP_TO_50_TB, UP_TO_50_TB),
    NAMES,
    st.builds(
        Checksums,
        UP_TO_50_TB,
        st.dictionaries(st.sampled_from(ChecksumAlgorithm), st.binary(max_size=32)),
    ),
)
RECORDS = st.builds(
    JournalRecord,
    upload=UPLOADS,
    source=NAMES,
    fingerprint=st.none()
    | st.builds(Fingerprint, UP_TO_50_TB, st.integers(-(10**19), 10**19), WIDE, WIDE),
    part_size=UP_TO_50_TB,
)


def test_every_value_comes_back_as_it_went_in(tmp_path: Path) -> None:
    """Names that are no UTF-8 or hold NULs, wide inodes, odd times: nothing is bent or refused."""

    @settings(derandomize=True, deadline=None)
    @given(RECORDS, st.lists(RECEIPTS, max_size=3), NAMES)
    def check(record: JournalRecord, told: list[Receipt], replaces: str) -> None:
        with opened(tmp_path) as journal:
            journal.opened(record)
            for each in told:
                journal.received(record.upload, each)
            journal.completing(record.upload, replaces)
            assert journal.uploads() == [replace(record, phase=Phase.COMPLETING, replaces=replaces)]
        with opened(tmp_path) as journal:
            (found,) = journal.find(record.upload.uri)
            last = {each.part.number: each for each in told}
            expected = replace(record, phase=Phase.COMPLETING, replaces=replaces, receipts=last)
            assert found == expected
            journal.closed(record.upload)

    check()


def test_without_a_state_directory_there_is_no_journal() -> None:
    """Nothing is remembered, nothing refused, and nothing said."""
    warnings: list[str] = []
    with Journal(None, ENDPOINT, warnings.append) as journal, journal.claim(URI):
        use(journal)
        with journal.claim(URI):
            assert nothing_in(journal)
    assert warnings == []


def use(journal: Journal) -> None:
    """Call everything that changes a journal."""
    journal.opened(RECORD)
    journal.received(UPLOAD, receipt(1))
    journal.completing(UPLOAD, "")
    journal.unproven(UPLOAD)
    journal.closed(OTHER.upload)


def nothing_in(journal: Journal) -> bool:
    """Return whether a journal knows of nothing."""
    return (len(journal.find(URI)), len(journal.uploads())) == (0, 0)


def test_nothing_but_the_journal_is_left_of_a_run(tmp_path: Path) -> None:
    """When a run ends, its lock, and what SQLite keeps beside the file, are gone."""
    with opened(tmp_path / "a" / "state") as journal, journal.claim(URI):
        use(journal)
        assert len(inside(tmp_path / "a" / "state" / "runs")) == 1
    assert inside(tmp_path / "a" / "state") == ["journal.sqlite", "runs"]


def test_nobody_else_can_read_the_journal(tmp_path: Path) -> None:
    """The directory and the files are the user's own, whatever the umask."""
    before = os.umask(0)
    try:
        with opened(tmp_path / "state") as journal:
            use(journal)
            modes = {
                path.name: stat.S_IMODE(path.stat().st_mode)
                for path in [tmp_path / "state", *(tmp_path / "state").iterdir()]
            }
    finally:
        os.umask(before)
    assert modes == {
        "state": 0o700,
        "runs": 0o700,
        "journal.sqlite": 0o600,
        "journal.sqlite-wal": 0o600,
        "journal.sqlite-shm": 0o600,
    }


def test_secrets_never_get_in(tmp_path: Path) -> None:
    """A password in the endpoint's URL is not written, and does not make it another endpoint."""
    with opened(tmp_path, "https://me:hunter2@s3.example.com/?token=hunter2") as journal:
        use(journal)
        written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"s3.example.com" in written
    assert b"hunter2" not in written
    with opened(tmp_path, ENDPOINT) as journal:
        assert len(journal.find(URI)) == 1


def test_the_default_place_is_the_users_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless told otherwise, the journal is kept below the user's state directory."""
    monkeypatch.setenv("XDG_STATE_HOME", "/somewhere/state")
    assert places.default_state_dir().name == "asyncup"
    if sys.platform == "linux":
        assert places.default_state_dir() == Path("/somewhere/state/asyncup")


def is_free(directory: Path, uri: ObjectURI = URI, endpoint: str = ENDPOINT) -> bool:
    """Return whether another run could be at work on a destination."""
    with opened(directory, endpoint) as journal, ExitStack() as stack:
        try:
            stack.enter_context(journal.claim(uri))
        except JournalLocked:
            return False
        return True


def test_a_destination_has_one_owner(tmp_path: Path) -> None:
    """While it is claimed, nobody else can claim it; other destinations are free."""
    with opened(tmp_path) as journal:
        assert is_free(tmp_path)
        with journal.claim(URI):
            assert not is_free(tmp_path)
            assert is_free(tmp_path, ObjectURI("test-bucket", "other/key"))
            assert is_free(tmp_path, ObjectURI("other-bucket", "some/key"))
            assert is_free(tmp_path, endpoint="https://elsewhere.example.com")
            # To ask has changed nothing.
            assert not is_free(tmp_path)
        assert is_free(tmp_path)


def test_a_run_does_not_claim_twice(tmp_path: Path) -> None:
    """Two files of one run with the same destination exclude each other, too."""
    with opened(tmp_path) as journal, journal.claim(URI):
        with pytest.raises(JournalLocked), journal.claim(URI):
            pass
        assert not is_free(tmp_path)


def test_a_claim_is_let_go_however_it_ends(tmp_path: Path) -> None:
    """An error while a destination is claimed frees it, and is not changed."""
    with opened(tmp_path) as journal:
        with pytest.raises(KeyboardInterrupt, match="now"), journal.claim(URI):
            raise KeyboardInterrupt("now")
        assert is_free(tmp_path)


def test_a_claim_ends_with_its_run(tmp_path: Path) -> None:
    """A run that ends while a claim is open lets go of it; to let go again does no harm."""
    with ExitStack() as claims:
        with opened(tmp_path) as journal:
            claims.enter_context(journal.claim(URI))
        assert is_free(tmp_path)


_CHILD = """
import sys
from pathlib import Path
from asyncup.core.errors import JournalLocked
from asyncup.core.model import Checksums, ChecksumAlgorithm, JournalRecord, ObjectURI, Part
from asyncup.core.model import Receipt, Upload
from asyncup.edges.journal import Journal

directory, key = sys.argv[1:]
uri = ObjectURI("test-bucket", key)
upload = Upload(uri, "upload-" + key)
print("ready", flush=True)
sys.stdin.readline()
with Journal(Path(directory), "https://s3.example.com", sys.exit) as journal:
    try:
        with journal.claim(uri):
            journal.opened(JournalRecord(upload=upload, source="", fingerprint=None, part_size=1))
            for number in range(1, 101):
                part = Part(number, 0, 1)
                sums = Checksums(1, {ChecksumAlgorithm.MD5: key.encode()})
                journal.received(upload, Receipt(part, key, sums))
            print("owned", flush=True)
            sys.stdin.readline()
    except JournalLocked:
        print("locked", flush=True)
        sys.stdin.readline()
print("over", flush=True)
"""


class Child:
    """Another process that claims a key when told so, and holds it until told to end."""

    def __init__(self, directory: Path, key: str = "some/key") -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", _CHILD, str(directory), key],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(Path(asyncup.__file__).parents[1])},
        )
        assert self.hear() == "ready"

    def hear(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().rstrip()

    def go_on(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def kill(self) -> None:
        self.process.kill()
        assert self.process.wait() == -signal.SIGKILL

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()


def start(directory: Path, keys: Sequence[str], stack: ExitStack) -> list[Child]:
    """Start processes, and let them all go at once."""
    children = [stack.enter_context(Child(directory, key)) for key in keys]
    for child in children:
        child.go_on()
    return children


def test_a_process_that_is_alive_is_named(tmp_path: Path) -> None:
    """Who is refused is told the process and the host, and that to wait or stop it helps."""
    with ExitStack() as stack:
        (child,) = start(tmp_path, ["some/key"], stack)
        assert child.hear() == "owned"
        with (
            opened(tmp_path) as journal,
            pytest.raises(JournalLocked) as caught,
            journal.claim(URI),
        ):
            pass
        who = f"process {child.process.pid} on host {os.uname().nodename}"
        assert re.fullmatch(
            f"upload s3://test-bucket/some/key: {who} is at work on it "
            r"\(it was started at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\)",
            str(caught.value),
        )
        assert caught.value.hint == (
            "wait for it to end, or stop it; then run the same command again"
        )
        child.go_on()
        assert child.hear() == "over"
        child.process.communicate()
        assert is_free(tmp_path)


def test_a_killed_process_owns_nothing(tmp_path: Path) -> None:
    """What a killed run had claimed is taken over, with all that it was told; nothing else stays
    of it.
    """  # noqa: D205 - one sentence
    with ExitStack() as stack:
        (child,) = start(tmp_path, ["some/key"], stack)
        assert child.hear() == "owned"
        with opened(tmp_path) as journal:
            child.kill()
            with journal.claim(URI):
                assert not is_free(tmp_path)
                (found,) = journal.find(URI)
                assert list(found.receipts) == list(range(1, 101))
    assert inside(tmp_path) == ["home", "journal.sqlite", "runs"]


def test_killed_runs_are_cleaned_up_after(tmp_path: Path) -> None:
    """The next start removes what a killed run has left, whatever it will claim itself."""
    with ExitStack() as stack:
        (child,) = start(tmp_path, ["some/key"], stack)
        assert child.hear() == "owned"
        child.kill()
    assert len(inside(tmp_path / "runs")) == 1
    with opened(tmp_path):
        assert len(inside(tmp_path / "runs")) == 1
    assert inside(tmp_path / "runs") == []


@pytest.mark.parametrize("before", ["nothing", "journal", "dead"])
def test_of_several_processes_one_becomes_the_owner(tmp_path: Path, before: str) -> None:
    """However many start at once, with no journal yet or after a dead owner, exactly one claims."""
    with ExitStack() as stack:
        if before == "journal":
            assert is_free(tmp_path)
        if before == "dead":
            (dead,) = start(tmp_path, ["some/key"], stack)
            assert dead.hear() == "owned"
            dead.kill()
        children = start(tmp_path, ["some/key"] * 4, stack)
        assert sorted(child.hear() for child in children) == ["locked"] * 3 + ["owned"]


def test_processes_share_a_journal(tmp_path: Path) -> None:
    """Runs that begin the journal at once and write to it at once all have it, and lose nothing."""
    keys = ["a", "b", "c", "d"]
    with ExitStack() as stack:
        children = start(tmp_path, keys, stack)
        assert [child.hear() for child in children] == ["owned"] * 4
        for child in children:
            child.go_on()
        assert [child.hear() for child in children] == ["over"] * 4
    with opened(tmp_path) as journal:
        assert [record.upload.uri.key for record in journal.uploads()] == keys
        for key in keys:
            (record,) = journal.find(ObjectURI("test-bucket", key))
            assert [each.etag for each in record.receipts.values()] == [key] * 100
