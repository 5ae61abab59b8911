"""A journal that breaks: told once, never believed, and no run ends by it."""

import os
import random
import resource
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Collection, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

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
from asyncup.edges import journal_file
from asyncup.edges.journal import Journal
from asyncup.edges.journal_rows import VERSION, read_receipt, receipt_row

ENDPOINT = "https://s3.example.com"
NAME = "journal.sqlite"
NO_MORE = (
    "; this run goes on without it: to resume, S3's lists are read, and "
    "nothing keeps another run off the same objects"
)


def receipt(number: int) -> Receipt:
    values = {ChecksumAlgorithm.CRC64NVME: number.to_bytes(8, "big")}
    return Receipt(Part(number, 10 * number, 10), f"etag-{number}", Checksums(10, values))


def record(name: str, parts: int = 0, phase: Phase = Phase.SENDING) -> JournalRecord:
    """Return a record of an upload to a key of this name."""
    return JournalRecord(
        upload=Upload(ObjectURI("test-bucket", name), f"upload-{name}"),
        source=f"/data/{name}",
        fingerprint=Fingerprint(1, 2, 3, 4),
        part_size=10,
        phase=phase,
        replaces="old-etag" if phase is Phase.COMPLETING else "",
        receipts={number: receipt(number) for number in range(1, parts + 1)},
    )


TRUTH = [
    record("a", 40),
    record("b", 3, Phase.COMPLETING),
    record("c", 25, Phase.COMPLETING),
    record("d"),
    record("e", 60),
]
"""What the journals were told that are broken here."""

NEW = record("new", 5)
"""What they are told when they are broken."""


def tell(journal: Journal, told: JournalRecord) -> None:
    """Tell a journal all of a record, step by step."""
    journal.opened(told)
    for each in told.receipts.values():
        journal.received(told.upload, each)
    if told.phase is Phase.COMPLETING:
        journal.completing(told.upload, told.replaces)


def make(directory: Path) -> Path:
    """Make a journal that knows the truth, and return its file."""
    with Journal(directory, ENDPOINT, pytest.fail) as journal:
        for told in TRUTH:
            tell(journal, told)
    return directory / NAME


def believed(journal: Journal, also: Collection[Upload] = ()) -> dict[str, JournalRecord]:
    """Return what a journal has to say, by key, after comparing it with the truth.

    `also` are uploads that a journal that broke knew of, and could not be told the end of.
    """
    listed = [each.upload for each in journal.uploads()]
    found = {}
    for told in TRUTH:
        for each in journal.find(told.upload.uri):
            assert each.receipts.items() <= told.receipts.items()
            found[each.upload.uri.key] = each
            # A phase that is older than the truth was the truth once.
            as_it_was = replace(told, phase=Phase.SENDING, replaces="")
            assert replace(each, receipts=told.receipts) in (told, as_it_was)
    assert set(listed) <= {told.upload for told in TRUTH} | set(also)
    return found


def still_works(journal: Journal, warnings: list[str]) -> None:
    """Use a journal: it works, or is no more and has said so."""
    with journal.claim(NEW.upload.uri):
        tell(journal, NEW)
        found = journal.find(NEW.upload.uri)
        # Damage that shows in nothing else may lose what is written into it.
        for each in found:
            assert each.receipts.items() <= NEW.receipts.items()
            assert replace(each, receipts=NEW.receipts) == NEW
        assert found or (journal.uploads() == [] and warnings)
        journal.closed(NEW.upload)
        assert journal.find(NEW.upload.uri) == []
    # One that is set aside, and its successor that breaks, too: that is the most to be told.
    assert len([told for told in warnings if told.endswith(NO_MORE)]) <= 1
    assert len(warnings) <= 2


def test_a_whole_journal_is_believed(tmp_path: Path) -> None:
    """What the tests below break is the truth before."""
    make(tmp_path)
    warnings: list[str] = []
    with Journal(tmp_path, ENDPOINT, warnings.append) as journal:
        assert list(believed(journal).values()) == TRUTH
        still_works(journal, warnings)
    assert warnings == []


@pytest.fixture
def in_memory(tmp_path: Path) -> Iterator[Path]:
    """Return a directory on which nothing waits for a disk, if the system has such."""
    memory = Path("/dev/shm")  # noqa: S108 - a directory below it, with a name of its own
    with TemporaryDirectory(dir=memory if memory.is_dir() else tmp_path) as directory:
        yield Path(directory)


@pytest.mark.parametrize("checked", [True, False])
def test_a_flipped_bit_is_never_believed(
    in_memory: Path, monkeypatch: pytest.MonkeyPatch, *, checked: bool
) -> None:
    """Wherever a bit of the file is flipped, what is found is true; checked at the start or not."""
    if not checked:
        monkeypatch.setattr(journal_file, "_CHECKED_WHOLE", 0)
    whole = make(in_memory / "whole").read_bytes()
    chance = random.Random(7)
    # Every byte of the header, and many of the rest.
    places = [*range(100), *chance.sample(range(100, len(whole)), 200)]
    for place in places:
        broken = bytearray(whole)
        broken[place] ^= 1 << chance.randrange(8)
        _try_broken(in_memory / "broken", bytes(broken))


def test_damaged_stretches_are_never_believed(in_memory: Path) -> None:
    """Blocks of zeros or noise, and blocks that were swapped, as disks make them."""
    whole = make(in_memory / "whole").read_bytes()
    chance = random.Random(8)
    for _ in range(100):
        size = chance.choice([16, 512, 4096])
        here, there = (chance.randrange(len(whole) // size) * size for _ in range(2))
        block = [bytes(size), chance.randbytes(size), whole[there : there + size]]
        broken = whole[:here] + chance.choice(block) + whole[here + size :]
        _try_broken(in_memory / "broken", broken)


@pytest.mark.parametrize("checked", [True, False])
def test_a_truncated_journal_is_never_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, checked: bool
) -> None:
    """At whatever length the file ends, what is found is true."""
    if not checked:
        monkeypatch.setattr(journal_file, "_CHECKED_WHOLE", 0)
    whole = make(tmp_path / "whole").read_bytes()
    for length in [*range(0, len(whole), 389), *range(0, len(whole), 4096), 1, 99, 100]:
        _try_broken(tmp_path / "broken", whole[:length])


def _try_broken(directory: Path, broken: bytes) -> None:
    """Use a journal of these bytes, and then again as the next run finds it."""
    directory.mkdir()
    (directory / NAME).write_bytes(broken)
    has_broken = False
    for _ in range(2):
        warnings: list[str] = []
        with Journal(directory, ENDPOINT, warnings.append) as journal:
            believed(journal, {NEW.upload} if has_broken else ())
            still_works(journal, warnings)
        has_broken = any(told.endswith(NO_MORE) for told in warnings)
    shutil.rmtree(directory)


def test_a_power_loss_takes_the_last_news_only(tmp_path: Path) -> None:
    """At whatever length SQLite's log ends, what is left is what was true at one moment before, and
    that is no reason for a warning.
    """  # noqa: D205 - one sentence
    told = record("a", 40)
    with Journal(tmp_path / "whole", ENDPOINT, pytest.fail) as journal:
        tell(journal, told)
        whole = (tmp_path / "whole" / NAME).read_bytes()
        log = (tmp_path / "whole" / f"{NAME}-wal").read_bytes()
    counts = []
    for length in [*range(0, len(log), 977), len(log)]:
        directory = tmp_path / f"cut-{length}"
        directory.mkdir()
        (directory / NAME).write_bytes(whole)
        (directory / f"{NAME}-wal").write_bytes(log[:length])
        with Journal(directory, ENDPOINT, pytest.fail) as journal:
            found = journal.find(told.upload.uri)
            counts.append(sum(1 + len(each.receipts) for each in found))
            for each in found:
                assert list(each.receipts.values()) == [
                    receipt(number + 1) for number in range(len(each.receipts))
                ]
            still_works(journal, [])
    assert counts == sorted(counts)
    assert counts[0] == 0
    assert counts[-1] == 41
    assert len(set(counts)) > 20


def test_a_flipped_bit_in_the_log_is_never_believed(tmp_path: Path) -> None:
    """Wherever a bit of SQLite's log is flipped, what is found is true."""
    with Journal(tmp_path / "whole", ENDPOINT, pytest.fail) as journal:
        for told in TRUTH:
            tell(journal, told)
        whole = (tmp_path / "whole" / NAME).read_bytes()
        log = (tmp_path / "whole" / f"{NAME}-wal").read_bytes()
    chance = random.Random(9)
    for place in [*range(32), *chance.sample(range(32, len(log)), 100)]:
        broken = bytearray(log)
        broken[place] ^= 1 << chance.randrange(8)
        (tmp_path / "broken").mkdir()
        (tmp_path / "broken" / f"{NAME}-wal").write_bytes(broken)
        (tmp_path / "broken" / NAME).write_bytes(whole)
        with Journal(tmp_path / "broken", ENDPOINT, pytest.fail) as journal:
            believed(journal)
            still_works(journal, [])
        shutil.rmtree(tmp_path / "broken")


def _edit(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        for statement in statements:
            database.execute(statement)


@pytest.mark.parametrize(
    ("statement", "lost"),
    [
        ("UPDATE receipts SET etag = CAST('etag-9' AS BLOB) WHERE number = 1", 4),
        ("UPDATE receipts SET number = 1000 WHERE number = 2", 4),
        ("UPDATE receipts SET size = 10.0 WHERE number = 3", 4),
        ("UPDATE receipts SET start = NULL WHERE number = 3", 4),
        ("UPDATE receipts SET checksums = '10' WHERE number = 4", 3),
        ("UPDATE receipts SET digest = NULL WHERE number = 5", 3),
        ("UPDATE uploads SET part_size = 11 WHERE upload_id = CAST('upload-a' AS BLOB)", 41),
        ("UPDATE uploads SET phase = CAST('sending' AS BLOB)", 3 + 25 + 2),
        ("UPDATE uploads SET object = CAST('z' AS BLOB) WHERE upload_id = x'75706c6f61642d65'", 61),
        ("UPDATE uploads SET id = x'00'", 5 + 40 + 3 + 25 + 60),
        ("UPDATE uploads SET digest = 5", 5 + 40 + 3 + 25 + 60),
        ("UPDATE uploads SET source = x'ff' WHERE upload_id = x'75706c6f61642d64'", 1),
    ],
)
def test_a_row_that_was_changed_is_not_there(tmp_path: Path, statement: str, lost: int) -> None:
    """A row in which anything differs is not believed; all others are, and nothing is said."""
    _edit(make(tmp_path), statement)
    with Journal(tmp_path, ENDPOINT, pytest.fail) as journal:
        found = believed(journal).values()
        whole = sum(1 + len(each.receipts) for each in TRUTH)
        assert whole - sum(1 + len(each.receipts) for each in found) == lost
        still_works(journal, [])
        for told in TRUTH:
            tell(journal, told)
        assert list(believed(journal).values()) == TRUTH


def test_a_receipt_of_another_record_is_not_taken() -> None:
    """A whole row that a damaged tree gives in the wrong place is not believed there."""
    row = receipt_row(b"id", receipt(1))
    assert read_receipt(b"id", row) == receipt(1)
    assert read_receipt(b"other", row) is None


@pytest.mark.parametrize("column", ["run", "endpoint", "digest"])
def test_a_claim_that_was_changed_leads_nowhere(tmp_path: Path, column: str) -> None:
    """What damage has made of an owner's name is not taken for a file's name."""
    uri = TRUTH[0].upload.uri
    (tmp_path / "precious.lock").write_bytes(b"precious")
    path = make(tmp_path / "state")
    with Journal(tmp_path / "state", ENDPOINT, pytest.fail) as journal, journal.claim(uri):
        _edit(path, f"UPDATE claims SET {column} = CAST('../../precious' AS BLOB)")  # noqa: S608
        _edit(path, "UPDATE runs SET run = CAST('../../precious' AS BLOB)")
        with Journal(tmp_path / "state", ENDPOINT, pytest.fail) as other, other.claim(uri):
            pass
    assert (tmp_path / "precious.lock").read_bytes() == b"precious"


def test_an_owner_without_a_name_is_an_owner(tmp_path: Path) -> None:
    """Where nothing true is known of the process that is at work, it is no less at work."""
    uri = TRUTH[0].upload.uri
    path = make(tmp_path)
    with Journal(tmp_path, ENDPOINT, pytest.fail) as journal, journal.claim(uri):
        _edit(path, "UPDATE runs SET pid = 1")
        with (
            Journal(tmp_path, ENDPOINT, pytest.fail) as other,
            pytest.raises(JournalLocked, match=r"^upload \S+: another process is at work on it$"),
            other.claim(uri),
        ):
            pass


def _old(path: Path) -> None:
    _edit(path, f"PRAGMA user_version = {VERSION - 1}")


def _no_database(path: Path) -> None:
    path.write_bytes(b"no database at all" * 100)


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _other_tables(path: Path) -> None:
    _edit(path, "DROP TABLE receipts", "CREATE TABLE receipts (a, b)")


def _malformed(path: Path) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + bytes(4096) + whole[8192:])


@pytest.mark.parametrize(
    ("spoil", "told", "suffix"),
    [
        (_old, "is of an older asyncup", "old"),
        (_no_database, "is damaged (file is not a database)", "damaged"),
        (_empty, "is damaged (it is empty)", "damaged"),
        (_other_tables, "is damaged (its tables are not a journal's)", "damaged"),
        (_malformed, "is damaged", "damaged"),
    ],
)
def test_a_journal_of_no_use_is_set_aside(
    tmp_path: Path, spoil: Callable[[Path], None], told: str, suffix: str
) -> None:
    """It is kept under another name, a new one is begun, and a warning says so; one is kept."""
    for content in ("first", "second"):
        path = make(tmp_path / "state")
        _edit(path, f"CREATE TABLE {content} (a)")
        spoil(path)
        spoilt = path.read_bytes()
        warnings: list[str] = []
        with Journal(tmp_path / "state", ENDPOINT, warnings.append) as journal:
            assert believed(journal) == {}
            still_works(journal, warnings)
            tell(journal, TRUTH[0])
            assert believed(journal) == {"a": TRUTH[0]}
        kept = path.with_name(f"{NAME}.{suffix}")
        assert warnings == [
            f"keep the journal {path}: it {told}; it is kept as {kept.name}, and a new one begun"
        ]
        assert kept.read_bytes() == spoilt
        names = sorted(each.name for each in path.parent.iterdir())
        assert names == [NAME, kept.name, "runs"]
        with Journal(tmp_path / "state", ENDPOINT, pytest.fail) as journal:
            assert believed(journal) == {"a": TRUTH[0]}
        path.unlink()


def test_the_log_is_set_aside_with_its_journal(tmp_path: Path) -> None:
    """What SQLite keeps beside the file goes with it, and is never taken for the next one's."""
    path = make(tmp_path / "state")
    path.write_bytes(b"no database at all" * 100)
    for beside in ("-wal", "-shm"):
        path.with_name(f"{NAME}{beside}").write_bytes(b"log")
    stale = path.with_name(f"{NAME}.damaged-wal")
    stale.write_bytes(b"stale")
    warnings: list[str] = []
    with Journal(tmp_path / "state", ENDPOINT, warnings.append) as journal:
        still_works(journal, warnings)
    assert len(warnings) == 1
    kept = {each.name: each.read_bytes()[:3] for each in path.parent.glob(f"{NAME}.*")}
    assert kept[f"{NAME}.damaged"] == b"no "
    assert kept.get(f"{NAME}.damaged-wal", b"log") == b"log"


def test_what_a_run_works_with_is_not_set_aside(tmp_path: Path) -> None:
    """A journal that another run uses, such as an older asyncup's, stays; this one does without."""
    path = make(tmp_path)
    with Journal(tmp_path, ENDPOINT, pytest.fail) as theirs:
        _old(path)
        warnings: list[str] = []
        with Journal(tmp_path, ENDPOINT, warnings.append) as journal:
            assert journal.uploads() == []
        assert warnings == [
            f"keep the journal {path}: it is of an older asyncup, and another run works with it"
            + NO_MORE
        ]
        assert list(believed(theirs).values()) == TRUTH


def test_a_newer_journal_is_left_alone(tmp_path: Path) -> None:
    """Not a byte of it is changed, and the run goes on without one."""
    path = make(tmp_path)
    _edit(path, f"PRAGMA user_version = {VERSION + 1}")
    before = path.read_bytes()
    warnings: list[str] = []
    with Journal(tmp_path, ENDPOINT, warnings.append) as journal:
        assert believed(journal) == {}
        still_works(journal, warnings)
    assert warnings == [f"keep the journal {path}: it is of a newer asyncup{NO_MORE}"]
    assert path.read_bytes() == before
    assert sorted(each.name for each in tmp_path.iterdir()) == ["home", NAME, "runs"]


@pytest.mark.parametrize(
    ("place", "cause"),
    [
        ("{file}", "File exists"),
        ("{file}/below", "Not a directory"),
        ("/proc/asyncup", "No such file or directory"),
        ("/proc", ""),
        ("{taken}", "unable to open database file"),
        ("nul\0", ""),  # each Python has other words for it
    ],
)
def test_a_directory_that_cannot_be_used_is_told(tmp_path: Path, place: str, cause: str) -> None:
    """Where no journal can be kept, that is told once, with the cause, and the run goes on."""
    (tmp_path / "file").touch()
    (tmp_path / "taken" / NAME).mkdir(parents=True)
    directory = Path(place.format(file=tmp_path / "file", taken=tmp_path / "taken"))
    warnings: list[str] = []
    with Journal(directory, ENDPOINT, warnings.append) as journal:
        assert believed(journal) == {}
        still_works(journal, warnings)
        with journal.claim(TRUTH[0].upload.uri), journal.claim(TRUTH[0].upload.uri):
            pass
    (told,) = warnings
    assert told.startswith(f"keep the journal {directory / NAME}: {cause}")
    assert told.endswith(NO_MORE)


def _delete(directory: Path) -> None:
    shutil.rmtree(directory)


def _delete_file(directory: Path) -> None:
    (directory / NAME).unlink()


def _replace(directory: Path) -> None:
    other = make(directory / "other")
    other.replace(directory / NAME)


def _spoil(directory: Path) -> None:
    """Damage all but the first page, and make every other journal read it again."""
    with Journal(directory, ENDPOINT, pytest.fail) as journal:
        tell(journal, TRUTH[3])
        with (directory / NAME).open("r+b") as file:
            file.seek(4096)
            file.write(b"\xff" * (os.fstat(file.fileno()).st_size - 4096))


@pytest.mark.parametrize(
    ("happens", "cause"),
    [
        (_delete, "No such file or directory"),
        (_delete_file, "No such file or directory"),
        (_replace, "it was replaced by another one"),
        (_spoil, "database disk image is malformed"),
    ],
)
def test_what_happens_to_an_open_journal_is_told(
    tmp_path: Path, happens: Callable[[Path], None], cause: str
) -> None:
    """A file that goes or breaks under a run ends its journal, with one warning, not the run."""
    path = make(tmp_path / "state")
    warnings: list[str] = []
    with (
        Journal(path.parent, ENDPOINT, warnings.append) as journal,
        journal.claim(TRUTH[0].upload.uri),
    ):
        assert list(believed(journal).values()) == TRUTH
        happens(path.parent)
        assert believed(journal) == {}
        still_works(journal, warnings)
    assert warnings == [f"keep the journal {path}: {cause}{NO_MORE}"]


def test_a_journal_that_another_process_blocks_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who waits too long for another one's writing goes on without a journal."""
    monkeypatch.setattr(journal_file, "_SECONDS_TO_WAIT", 0.0)
    path = make(tmp_path)
    warnings: list[str] = []
    with (
        Journal(tmp_path, ENDPOINT, warnings.append) as journal,
        closing(sqlite3.connect(path, isolation_level=None)) as other,
    ):
        other.execute("BEGIN IMMEDIATE")
        assert believed(journal) == {}
        other.execute("ROLLBACK")
        still_works(journal, warnings)
    assert warnings == [f"keep the journal {path}: database is locked{NO_MORE}"]


def test_a_number_that_sqlite_cannot_hold_ends_no_run(tmp_path: Path) -> None:
    """More than 63 bits of a size are nonsense; the journal is given up, not the run."""
    warnings: list[str] = []
    with Journal(tmp_path, ENDPOINT, warnings.append) as journal:
        journal.opened(replace(TRUTH[0], part_size=1 << 63))
        still_works(journal, warnings)
    assert len(warnings) == 1


@contextmanager
def tiny_disk(directory: Path, room: int) -> Iterator[None]:
    """Let a directory hold no more than `room` bytes, or, if none can be mounted, each file."""
    directory.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={room}", "tmpfs", str(directory)]
    if os.geteuid() == 0 and subprocess.run(mount, check=False).returncode == 0:
        try:
            yield
        finally:
            subprocess.run(["umount", str(directory)], check=True)
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("room", [4096 * pages for pages in (1, 2, 4, 6, 9, 12, 16, 20, 24, 32)])
def test_a_full_disk_is_told(tmp_path: Path, room: int) -> None:
    """However little fits, the run goes on, it is told once, and what was written is true."""
    directory = tmp_path / "tiny"
    warnings: list[str] = []
    with tiny_disk(directory, room):
        with Journal(directory, ENDPOINT, warnings.append) as journal:
            for told in TRUTH:
                tell(journal, told)
            believed(journal)
            still_works(journal, warnings)
        (told_once,) = warnings
        assert told_once.endswith(NO_MORE)
        with Journal(directory, ENDPOINT, warnings.append) as journal:
            believed(journal)
