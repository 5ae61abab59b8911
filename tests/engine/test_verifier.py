"""Objects against their files, later: what is equal is proven, and nothing else is."""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from asyncup.core import aftercare, events
from asyncup.core.checksums import from_base64
from asyncup.core.conditions import CredentialsRenewed, WentOffline
from asyncup.core.errors import (
    AccessDenied,
    AsyncupError,
    BucketMissing,
    CredentialsExpired,
    Fault,
    ObjectMismatch,
    ObjectMissing,
    ObjectUnproven,
    S3Error,
    SourceChanged,
    SourceMissing,
)
from asyncup.core.events import Event
from asyncup.core.model import ChecksumAlgorithm, ObjectAttributes, ObjectHead, ObjectURI, Proof
from asyncup.core.options import ChecksumPolicy, OnChange, Overwrite
from asyncup.core.outcome import RunResult
from asyncup.core.receipts import ObjectReceipt
from asyncup.core.verification import Download
from asyncup.engine.jobs import Job
from asyncup.engine.verifier import Selection, Verifier
from tests.engine.kit import OPTIONS, URI, Ears, make_file, no_task_is_left, uploader
from tests.fakes3 import FakeS3, Request, StoredObject
from tests.loop import run

NEVER, NEEDED, ALWAYS = Download.NEVER, Download.NEEDED, Download.ALWAYS
SIZES = pytest.mark.parametrize("size", [0, 1, 100, 101, 1050])


def put(s3: FakeS3, file: Path, checksum: ChecksumPolicy = ChecksumPolicy.AUTO) -> ObjectReceipt:
    """Upload a file in parts of 100 bytes, forget what was asked, and return its receipt."""

    async def main() -> ObjectReceipt:
        options = replace(OPTIONS, checksum=checksum)
        async with uploader(s3, file.parent, options=options) as up:
            result = await up.put(file, URI)
        known = from_base64(result.checksum)
        return ObjectReceipt(
            URI, str(file), result.size, result.etag, known, result.part_size, result.proof
        )

    receipt = run(main())
    s3.requests.clear()
    return receipt


def verify(
    s3: FakeS3,
    *tasks: Selection | Path,
    download: Download = NEVER,
    act: Callable[[int, Event], None] | None = None,
    part_size: int = 100,
    known: int | None = None,
) -> tuple[Ears, RunResult]:
    """Compare files (with the one object) or receipts; return what was heard."""
    ears = Ears(act)

    async def main() -> RunResult:
        part_sizes = {} if known is None else {str(URI): known}
        async with Verifier(
            options=replace(OPTIONS, part_size=part_size),
            download=download,
            part_sizes=part_sizes,
            listener=ears,
            gateway=s3,
        ) as verifier:
            result = await verifier.verify_all(selected(tasks))
        assert no_task_is_left()
        return result

    return ears, run(main())


async def selected(tasks: Iterable[Selection | Path]) -> AsyncIterator[Selection]:
    for each in tasks:
        if isinstance(each, Path):
            yield Job(each, str(each), URI, each.stat().st_size if each.exists() else 0)
        else:
            yield each


def proof_of(s3: FakeS3, task: Path | ObjectReceipt, **more: object) -> Proof:
    """Return by what the one task was proven."""
    ears, result = verify(s3, task, **more)  # type: ignore[arg-type]
    assert [str(error) for error in result.failures] == []
    (verified,) = ears.of(aftercare.ObjectVerified)
    return verified.proof


def error_of(s3: FakeS3, task: Path | ObjectReceipt, **more: object) -> AsyncupError:
    """Return why the one task was not proven."""
    ears, result = verify(s3, task, **more)  # type: ignore[arg-type]
    assert ears.of(aftercare.ObjectVerified) == []
    (error,) = result.failures
    assert [event.error for event in ears.of(aftercare.VerifyFailed)] == [error]
    return error


def flip(data: bytes) -> bytes:
    """Return bytes of the same number, one bit of them other."""
    return bytes([data[0] ^ 1]) + data[1:]


def alter_object(s3: FakeS3) -> None:
    """Replace the object, as another client would: all that the server tells of it is true."""
    stored = s3.objects[URI.key]
    data, sizes = flip(stored.data), stored.part_sizes
    starts = [sum(sizes[:number]) for number in range(len(sizes))]
    pieces = [data[start : start + size] for start, size in zip(starts, sizes, strict=True)]
    md5s = [_md5(piece).digest() for piece in pieces]
    etag = md5s[0].hex()
    if "-" in stored.head.etag:
        etag = f"{_md5(b''.join(md5s)).hexdigest()}-{len(pieces)}"
    kept = {**stored.head.checksums, **stored.head.composite}
    s3._store(URI.key, ObjectAttributes(), s3._etag(etag), pieces, dict.fromkeys(kept, b"other"))
    if stored.head.checksums:
        head = replace(s3.objects[URI.key].head, checksums=dict.fromkeys(kept, b"other"))
        s3.objects[URI.key].head = replace(head, composite={})


KINDS = pytest.mark.parametrize(
    ("policy", "proof"),
    [
        (ChecksumPolicy.AUTO, Proof.CRC64NVME),
        (ChecksumPolicy.CRC64NVME, Proof.CRC64NVME),
        (ChecksumPolicy.CRC32C, Proof.CRC32C),
        (ChecksumPolicy.SHA256, Proof.SHA256),
        (ChecksumPolicy.MD5, Proof.ETAG),
        (ChecksumPolicy.NONE, Proof.ETAG),
    ],
    ids=str,
)


@KINDS
@SIZES
def test_what_was_uploaded_is_proven(
    tmp_path: Path, policy: ChecksumPolicy, proof: Proof, size: int
) -> None:
    """By the checksum that the object has, full or of its parts, or by its ETag; no download."""
    s3, file = FakeS3(), make_file(tmp_path, size)
    put(s3, file, policy)
    # AWS adds a CRC64NVME to an object of one request; this server does not.
    expected = Proof.ETAG if size <= 100 and policy is ChecksumPolicy.AUTO else proof
    assert proof_of(s3, file, part_size=1000) is expected
    assert s3.count("get_object") == 0


@KINDS
@pytest.mark.parametrize("size", [1, 100, 101, 1050])
def test_an_altered_object_is_never_proven(
    tmp_path: Path, policy: ChecksumPolicy, proof: Proof, size: int
) -> None:
    """Another object of the same size is a mismatch by checksum, and unproven by ETag."""
    del proof
    s3, file = FakeS3(), make_file(tmp_path, size)
    put(s3, file, policy)
    is_by_etag = not s3.objects[URI.key].head.checksums and not s3.objects[URI.key].head.composite
    alter_object(s3)
    error = error_of(s3, file)
    assert type(error) is (ObjectUnproven if is_by_etag else ObjectMismatch)
    assert isinstance(error_of(s3, file, download=NEEDED), ObjectMismatch)
    assert isinstance(error_of(s3, file, download=ALWAYS), ObjectMismatch)


@KINDS
def test_an_altered_file_is_never_proven(
    tmp_path: Path, policy: ChecksumPolicy, proof: Proof
) -> None:
    """So is a file that has changed since; neither of them is taken for right."""
    s3, file = FakeS3(), make_file(tmp_path, 1050)
    put(s3, file, policy)
    file.write_bytes(flip(file.read_bytes()))
    error = error_of(s3, file)
    assert type(error) is (ObjectUnproven if proof is Proof.ETAG else ObjectMismatch)
    assert error.exit_code == 4
    file.write_bytes(file.read_bytes() + b"more")
    error = error_of(s3, file)
    assert str(error) == f"verify {URI}: the object has 1050 bytes, the file 1054"


def test_no_object(tmp_path: Path) -> None:
    """An object that is not there is told as missing, with a hint."""
    error = error_of(FakeS3(), make_file(tmp_path, 10))
    assert isinstance(error, ObjectMissing)
    assert str(error) == f"verify {URI}: there is no such object"
    assert error.hint is not None


def test_no_file(tmp_path: Path) -> None:
    """A file that is gone is an error of the source."""
    s3, file = FakeS3(), make_file(tmp_path, 10)
    put(s3, file)
    file.unlink()
    assert isinstance(error_of(s3, file), SourceMissing)


@pytest.mark.parametrize("size", [1, 1050])
def test_opaque_etags_need_a_download(tmp_path: Path, size: int) -> None:
    """As with KMS: unproven, with a hint at --download, which then settles it both ways."""
    s3, file = FakeS3(algorithms=(), opaque_etags=True), make_file(tmp_path, size)
    put(s3, file)
    error = error_of(s3, file)
    assert isinstance(error, ObjectUnproven)
    assert error.hint == "--download reads it back and compares the bytes"
    assert proof_of(s3, file, download=NEEDED) is Proof.DOWNLOAD
    s3.objects[URI.key].data = flip(s3.objects[URI.key].data)
    assert isinstance(error_of(s3, file, download=NEEDED), ObjectMismatch)


def test_an_etag_that_only_looks_like_an_md5_is_no_mismatch(tmp_path: Path) -> None:
    """KMS gives ETags of the form of MD5s: they differ from the file's, and tell nothing."""
    s3, file = FakeS3(algorithms=()), make_file(tmp_path, 1050)
    put(s3, file)
    s3.objects[URI.key].head = ObjectHead(1050, f"{'0' * 32}-11")
    assert isinstance(error_of(s3, file), ObjectUnproven)
    assert proof_of(s3, file, download=NEEDED) is Proof.DOWNLOAD


def test_download_is_made_where_it_is_needed_or_always(tmp_path: Path) -> None:
    """What S3 tells enough of is not downloaded, unless that is asked for."""
    s3, file = FakeS3(), make_file(tmp_path, 1050)
    put(s3, file)
    assert proof_of(s3, file, download=NEEDED) is Proof.CRC64NVME
    assert s3.count("get_object") == 0
    assert proof_of(s3, file, download=ALWAYS) is Proof.DOWNLOAD
    assert s3.count("get_object") == 1
    # What is at rest may rot without the checksum that S3 has noted.
    s3.objects[URI.key].data = flip(s3.objects[URI.key].data)
    assert proof_of(s3, file, download=NEEDED) is Proof.CRC64NVME
    assert isinstance(error_of(s3, file, download=ALWAYS), ObjectMismatch)


def of_pieces(
    file: Path, sizes: Sequence[int], algorithm: ChecksumAlgorithm | None
) -> tuple[FakeS3, StoredObject]:
    """Return a server that holds a file as another client sent it, in parts of these sizes."""
    s3, data = FakeS3(), file.read_bytes()
    starts = [sum(sizes[:number]) for number in range(len(sizes))]
    pieces = [data[start : start + size] for start, size in zip(starts, sizes, strict=True)]
    md5s = b"".join(_md5(piece).digest() for piece in pieces)
    known = {}
    if algorithm is not None:
        known = {algorithm: hashlib.sha256(b"".join(map(_sha256, pieces))).digest()}
    etag = f"{_md5(md5s).hexdigest()}-{len(pieces)}"
    s3._store(URI.key, ObjectAttributes(), etag, pieces, known)
    return s3, s3.objects[URI.key]


def _md5(data: bytes) -> "hashlib._Hash":
    return hashlib.md5(data, usedforsecurity=False)


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


UNEVEN = pytest.mark.parametrize(
    "sizes", [[100, 200, 50], [100, 50, 100], [50, 100, 100], [10] * 25]
)


@UNEVEN
@pytest.mark.parametrize("algorithm", [None, ChecksumAlgorithm.SHA256], ids=["etag", "sha256"])
def test_parts_of_any_sizes(
    tmp_path: Path, sizes: list[int], algorithm: ChecksumAlgorithm | None
) -> None:
    """Another client may have cut the object otherwise, also unevenly: S3 is asked how."""
    file = make_file(tmp_path, sum(sizes))
    s3, _ = of_pieces(file, sizes, algorithm)
    assert proof_of(s3, file) is (Proof.ETAG if algorithm is None else Proof.SHA256)
    file.write_bytes(flip(file.read_bytes()))
    expected = ObjectUnproven if algorithm is None else ObjectMismatch
    assert type(error_of(s3, file)) is expected


@pytest.mark.parametrize("algorithm", [None, ChecksumAlgorithm.SHA256], ids=["etag", "sha256"])
def test_a_server_that_does_not_tell_of_parts(
    tmp_path: Path, algorithm: ChecksumAlgorithm | None
) -> None:
    """There the receipt's part size is tried, then the one that asyncup would choose."""
    file = make_file(tmp_path, 1050)
    s3, _ = of_pieces(file, [100] * 10 + [50], algorithm)
    s3.tells_parts = False
    proof = Proof.ETAG if algorithm is None else Proof.SHA256
    assert proof_of(s3, file, part_size=100) is proof
    assert proof_of(s3, file, part_size=300, known=100) is proof
    # A guess that is wrong shows nothing.
    assert isinstance(error_of(s3, file, part_size=300), ObjectUnproven)
    assert isinstance(error_of(s3, file, part_size=99, known=98), ObjectUnproven)


@pytest.mark.parametrize("code", ["400", "416", "501"])
def test_a_server_that_refuses_to_tell_of_parts(tmp_path: Path, code: str) -> None:
    """It does not tell: as above, likely sizes are tried. Another refusal is what it is."""
    file = make_file(tmp_path, 1050)
    s3, _ = of_pieces(file, [100] * 10 + [50], ChecksumAlgorithm.SHA256)

    def refuse(_: Request) -> None:
        if s3.count("head_object") % 2 == 0:
            raise S3Error(Fault(action="look", code=code))

    s3.watch = refuse
    assert proof_of(s3, file, part_size=100) is Proof.SHA256
    assert isinstance(error_of(s3, file, part_size=300), ObjectUnproven)
    code = "405"
    assert type(error_of(s3, file, part_size=100)) is S3Error


def test_an_object_that_is_replaced_meanwhile_is_not_cut_by_the_new_one(tmp_path: Path) -> None:
    """What S3 tells of a part counts only if it is a part of the object that was looked at."""
    file = make_file(tmp_path, 350)
    s3, stored = of_pieces(file, [100, 100, 100, 50], ChecksumAlgorithm.SHA256)

    def replace_it(_: Request) -> None:
        if s3.count("head_object") == 2:
            stored.head = replace(stored.head, etag="another")

    s3.watch = replace_it
    assert isinstance(error_of(s3, file, part_size=300), ObjectUnproven)


@pytest.mark.parametrize("more", [b"", b"more"], ids=["same-size", "longer"])
def test_a_file_that_changes_while_it_is_read(tmp_path: Path, more: bytes) -> None:
    """Two states of a file are not put together to one checksum."""
    s3, file = FakeS3(), make_file(tmp_path, 1050)
    put(s3, file)
    data = file.read_bytes()

    def write(_: int, event: Event) -> None:
        if isinstance(event, aftercare.BytesRead):
            file.write_bytes(data + more)
            os.utime(file, (1, 1))

    error = error_of(s3, file, act=write)
    assert isinstance(error, SourceChanged)
    assert str(error) == f"verify {file}: the file changed while it was read"


@pytest.mark.parametrize("download", Download)
def test_a_receipt_needs_no_file(tmp_path: Path, download: Download) -> None:
    """The object is compared with what was written down when it was uploaded."""
    s3, file = FakeS3(), make_file(tmp_path, 1050)
    receipt = put(s3, file)
    file.unlink()
    expected = Proof.DOWNLOAD if download is ALWAYS else Proof.CRC64NVME
    assert proof_of(s3, receipt, download=download) is expected
    alter_object(s3)
    assert isinstance(error_of(s3, receipt, download=download), ObjectMismatch)
    del s3.objects[URI.key]
    assert isinstance(error_of(s3, receipt, download=download), ObjectMissing)


def test_a_receipt_where_s3_tells_no_checksum(tmp_path: Path) -> None:
    """The same ETag and size prove it; another ETag is unproven until the object is read back."""
    s3, file = FakeS3(algorithms=()), make_file(tmp_path, 1050)
    receipt = put(s3, file)
    assert proof_of(s3, receipt) is Proof.ETAG
    s3.objects[URI.key].head = replace(s3.objects[URI.key].head, etag="another")
    assert isinstance(error_of(s3, receipt), ObjectUnproven)
    assert proof_of(s3, receipt, download=NEEDED) is Proof.DOWNLOAD
    s3.objects[URI.key].data = flip(s3.objects[URI.key].data)
    assert isinstance(error_of(s3, receipt, download=NEEDED), ObjectMismatch)
    bare = replace(receipt, checksum=None)
    assert isinstance(error_of(s3, bare, download=NEEDED), ObjectUnproven)


def test_a_receipt_of_what_was_proven_by_nothing(tmp_path: Path) -> None:
    """It does not become a proof by being compared with itself; reading the object back is one."""
    s3, file = FakeS3(algorithms=(), opaque_etags=True), make_file(tmp_path, 1050)
    receipt = put(s3, file)
    assert receipt.proof is Proof.SIZE
    assert isinstance(error_of(s3, receipt), ObjectUnproven)
    assert proof_of(s3, receipt, download=NEEDED) is Proof.DOWNLOAD
    s3.objects[URI.key].data = flip(s3.objects[URI.key].data)
    assert isinstance(error_of(s3, receipt, download=NEEDED), ObjectMismatch)


def test_every_file_is_told_and_counted(tmp_path: Path) -> None:
    """Those that are equal, left out, and not equal; one that is not stops none of the others."""
    s3, file = FakeS3(), make_file(tmp_path, 1050)
    put(s3, file)
    other = Job(file, "other", ObjectURI(URI.bucket, "no/such"), 1050)
    left = events.FileSkipped("left", "excluded by pattern", filtered=True)
    unread = events.UploadFailed("unread", None, SourceMissing("read unread: no such file"))
    ears, result = verify(s3, other, left, unread, file)
    (finished,) = ears.of(aftercare.VerifyFinished)
    assert finished == aftercare.VerifyFinished(1, 1, 2, 0, 1)
    assert result.exit_code == 1
    assert {event.source for event in ears.of(aftercare.VerifyFailed)} == {"other", "unread"}
    assert ears.of(events.UploadFailed) == []


@pytest.mark.parametrize(
    ("error", "code"), [(AccessDenied, 4), (BucketMissing, 4)], ids=["denied", "stops-the-run"]
)
def test_all_failed_by_s3(tmp_path: Path, error: type[AccessDenied], code: int) -> None:
    """The exit status is S3's where S3 is why nothing was proven."""
    s3, file = FakeS3(), make_file(tmp_path, 1050)
    s3.fail("head_object", error(Fault(action="look")), times=100)
    _, result = verify(s3, *[file] * 5)
    assert result.exit_code == code
    assert len(result.failures) + result.interrupted == 5


def test_a_broken_connection_is_tried_again(tmp_path: Path) -> None:
    """Requests and downloads are made again, as those of uploads are."""
    s3, file = FakeS3(), make_file(tmp_path, 1050)
    put(s3, file)
    s3.fail("head_object", times=2)
    s3.fail("get_object", after=True, times=2)
    ears, _ = verify(s3, file, download=ALWAYS)
    assert len(ears.of(events.RetryScheduled)) == 4
    assert len(ears.of(aftercare.ObjectVerified)) == 1


def test_keys_that_run_out_meanwhile(tmp_path: Path) -> None:
    """A long comparison outlives its keys: they are read again, and it goes on."""
    s3, file = FakeS3(), make_file(tmp_path, 1050)
    put(s3, file)
    have_run_out = False

    def watch(request: Request) -> None:
        nonlocal have_run_out
        # All that is asked from the second download on, the probe as well.
        have_run_out = have_run_out or (not s3.renewals and s3.count("get_object") == 2)
        if have_run_out:
            raise CredentialsExpired(Fault(action=request.verb, code="ExpiredToken"))

    def renew() -> bool:
        nonlocal have_run_out
        have_run_out = s3.renewals < 3
        return not have_run_out

    s3.watch, s3.renews = watch, renew
    ears, result = verify(s3, *[file] * 3, download=ALWAYS)
    assert (result.done, list(result.failures)) == (3, [])
    assert len(ears.of(aftercare.ObjectVerified)) == 3
    # Nobody had other keys at first: it waited for them.
    assert ears.of(WentOffline)
    assert len(ears.of(CredentialsRenewed)) == 1


def test_stop(tmp_path: Path) -> None:
    """A stop drops what is under way at once and begins nothing more; all of it is counted."""
    s3, file = FakeS3(), make_file(tmp_path, 1050)
    put(s3, file)
    heard = Ears()

    async def main() -> RunResult:
        def stop(_: int, event: Event) -> None:
            if isinstance(event, aftercare.BytesRead) and not heard.of(events.Stopping):
                verifier.stop()

        heard.act = stop
        async with Verifier(options=OPTIONS, listener=heard, gateway=s3) as verifier:
            return await verifier.verify_all(selected([file] * 7))

    result = run(main())
    assert (result.exit_code, result.done, result.interrupted) == (130, 0, 7)
    assert heard.of(aftercare.VerifyInterrupted)


@pytest.mark.parametrize("ends", [True, False], ids=["between-files", "slow-list"])
def test_stop_before_all_is_found(tmp_path: Path, ends: bool) -> None:
    """What was not found when it was time to stop is not done, and is not waited for."""
    s3, file = FakeS3(), make_file(tmp_path, 1050)
    put(s3, file)
    heard = Ears()

    async def main() -> RunResult:
        verified = asyncio.Event()

        def note(_: int, event: Event) -> None:
            if isinstance(event, aftercare.ObjectVerified):
                verified.set()

        async def listed() -> AsyncIterator[Selection]:
            yield Job(file, "first", URI, 1050)
            await verified.wait()
            verifier.stop()
            await asyncio.to_thread(file.stat) if ends else await asyncio.Event().wait()
            yield Job(file, "second", URI, 1050)

        heard.act = note
        async with Verifier(options=OPTIONS, listener=heard, gateway=s3) as verifier:
            return await verifier.verify_all(listed())

    result = run(main())
    assert (result.exit_code, result.done, result.interrupted) == (130, 1, 1)
    assert heard.of(aftercare.VerifyFinished) == [aftercare.VerifyFinished(1, 0, 0, 1, 130)]
    assert len(heard.of(events.ScanFinished)) == 1


def test_as_many_at_once_as_asked(tmp_path: Path) -> None:
    """No more files are open, and no more blocks in memory, than there are slots."""
    s3, file = FakeS3(), make_file(tmp_path, 1050)
    put(s3, file)
    at_once, most = set[str](), 0

    def count(_: int, event: Event) -> None:
        nonlocal most
        if isinstance(event, events.FileStarted):
            at_once.add(event.source)
        if isinstance(event, aftercare.ObjectVerified):
            at_once.discard(event.source)
        most = max(most, len(at_once))

    tasks = [Job(file, f"file {number}", URI, 1050) for number in range(20)]
    _, result = verify(s3, *tasks, act=count)
    assert (result.done, most) == (20, OPTIONS.concurrency)


def test_one_call(tmp_path: Path) -> None:
    """The library compares one object with one file, and says by what, or raises."""
    s3, file = FakeS3(), make_file(tmp_path, 1050)
    put(s3, file)

    async def main() -> None:
        async with Verifier(options=OPTIONS, gateway=s3) as verifier:
            assert await verifier.verify(str(file), str(URI)) is Proof.CRC64NVME
            with pytest.raises(ObjectMissing):
                await verifier.verify(file, ObjectURI(URI.bucket, "other"))

    run(main())


def put_again(
    s3: FakeS3,
    file: Path,
    act: Callable[[int, Event], None] | None = None,
    on_change: OnChange = OnChange.FAIL,
) -> Ears:
    """Upload a file where an object may be, unless that is shown to be the file."""
    ears = Ears(act)

    async def main() -> None:
        options = replace(OPTIONS, overwrite=Overwrite.CHECKSUM, on_change=on_change)
        async with uploader(s3, file.parent, options=options, listener=ears) as up:
            await up.put(file, URI)

    run(main())
    return ears


@KINDS
@SIZES
def test_overwrite_checksum_leaves_what_is_proven(
    tmp_path: Path, policy: ChecksumPolicy, proof: Proof, size: int
) -> None:
    """An equal object is not sent again, and what it was proven by is said."""
    s3, file = FakeS3(), make_file(tmp_path, size)
    put(s3, file, policy)
    expected = Proof.ETAG if size <= 100 and policy is ChecksumPolicy.AUTO else proof
    (skipped,) = put_again(s3, file).of(events.FileSkipped)
    assert skipped.reason == f"S3 already holds it, proven by {expected}"
    assert s3.sent_parts() == []
    assert s3.count("put_object") == 0


@KINDS
@pytest.mark.parametrize("size", [1, 1050])
def test_overwrite_checksum_replaces_what_is_not(
    tmp_path: Path, policy: ChecksumPolicy, proof: Proof, size: int
) -> None:
    """Another object of the same size is, whether it is shown to differ or only not to be equal."""
    del proof
    s3, file = FakeS3(), make_file(tmp_path, size)
    put(s3, file, policy)
    alter_object(s3)
    assert put_again(s3, file).of(events.FileSkipped) == []
    assert s3.objects[URI.key].data == file.read_bytes()


@pytest.mark.parametrize("is_equal", [True, False])
def test_overwrite_checksum_tells_what_it_reads(tmp_path: Path, *, is_equal: bool) -> None:
    """All of the file is told as read, and taken back before it is told as skipped or sent."""
    s3, file = FakeS3(), make_file(tmp_path, 1050)
    put(s3, file)
    if not is_equal:
        alter_object(s3)
    heard = put_again(s3, file).heard
    end = next(
        number
        for number, each in enumerate(heard)
        if isinstance(each, events.FileSkipped | events.UploadCreated)
    )
    read = [each for each in heard if isinstance(each, aftercare.BytesRead)]
    assert all(each.may_be_sent for each in read)
    assert [sum(each.count for each in read[:number]) for number in (-1, len(read))] == [1050, 0]
    assert [each for each in heard[end:] if isinstance(each, aftercare.BytesRead)] == []


@pytest.mark.parametrize("policy", [OnChange.FAIL, OnChange.PATCH])
def test_overwrite_checksum_of_a_file_that_changes(tmp_path: Path, policy: OnChange) -> None:
    """What is done about it is what was asked for, as if it had changed while it was sent."""
    s3, file = FakeS3(), make_file(tmp_path, 1050)
    put(s3, file)
    data = file.read_bytes()

    def write(_: int, event: Event) -> None:
        if isinstance(event, aftercare.BytesRead):
            file.write_bytes(b"?" * 1050)
            os.utime(file, (1, 1))

    failing = pytest.raises(SourceChanged, match="the file changed on the way")
    with failing if policy is OnChange.FAIL else nullcontext():
        put_again(s3, file, write, on_change=policy)
    assert s3.objects[URI.key].data == (data if policy is OnChange.FAIL else b"?" * 1050)


def test_overwrite_checksum_replaces_what_nobody_can_tell_of(tmp_path: Path) -> None:
    """Where S3 tells nothing, the file goes up again, without a download."""
    s3, file = FakeS3(algorithms=(), opaque_etags=True), make_file(tmp_path, 1050)
    put(s3, file)
    assert len(put_again(s3, file).of(events.UploadCompleted)) == 1
    assert s3.count("get_object") == 0


def test_overwrite_checksum_of_an_object_that_is_gone_meanwhile(tmp_path: Path) -> None:
    """It was listed, and is deleted before it is looked at: then it has to be uploaded."""
    s3, file = FakeS3(), make_file(tmp_path, 1050)
    put(s3, file)

    def delete(request: Request) -> None:
        if request.verb == "head_object":
            s3.objects.clear()
            s3.watch = lambda _: None

    s3.watch = delete
    assert len(put_again(s3, file).of(events.UploadCompleted)) == 1
