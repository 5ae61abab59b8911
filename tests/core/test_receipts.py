"""Receipts: what is written can be read, and nothing else is taken for one."""

import base64
import json
from datetime import UTC, datetime, timedelta, timezone

import pytest

from asyncup.core.model import ObjectURI, Proof, UploadResult
from asyncup.core.receipts import ObjectReceipt, read_receipt, receipt_line

CRC = bytes(range(8))
RESULT = UploadResult(
    uri=ObjectURI("bucket", "some/kéy"),
    size=25,
    etag="abc-3",
    proof=Proof.CRC64NVME,
    version_id="v1",
    part_size=10,
    parts=3,
    attempts=4,
    resent=7,
    checksum=base64.b64encode(CRC).decode(),
    mtime_ns=1_700_000_000_123_456_789,
)
STARTED = datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=timezone(timedelta(hours=1)))
COMPLETED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_a_receipt_to_the_letter() -> None:
    """The line has what was asked of it, sizes as integers and times in UTC."""
    assert json.loads(receipt_line("a/file", RESULT, STARTED, COMPLETED)) == {
        "schema": 1,
        "uri": "s3://bucket/some/kéy",
        "source": "a/file",
        "size": 25,
        "mtime": "2023-11-14T22:13:20.123456Z",
        "mtime_ns": 1_700_000_000_123_456_789,
        "checksum_algorithm": "CRC64NVME",
        "checksum": "AAECAwQFBgc=",
        "etag": "abc-3",
        "version_id": "v1",
        "part_size": 10,
        "parts": 3,
        "attempts": 4,
        "bytes_resent": 7,
        "started": "2026-01-02T02:04:05.678Z",
        "completed": "2026-01-02T03:04:05.000Z",
        "proof": "crc64nvme",
    }


def test_what_is_written_can_be_read() -> None:
    """A line, with or without its end, as text or bytes, is the receipt that was written."""
    line = receipt_line("a\nfile", RESULT, None, COMPLETED)
    assert "\n" not in line
    receipt = ObjectReceipt(RESULT.uri, "a\nfile", 25, "abc-3", CRC, 10, Proof.CRC64NVME)
    assert read_receipt(line) == read_receipt(f"{line}\n".encode()) == receipt


def test_a_path_that_is_not_utf8_comes_back() -> None:
    """It is shown, and its bytes stand beside it; a receipt without them is as it was."""
    odd = "caf\udce9.bin"
    line = receipt_line(odd, RESULT, None, COMPLETED)
    told = json.loads(line)
    assert (told["source"], told["source_bytes"]) == (r"caf\xe9.bin", "Y2Fm6S5iaW4=")
    assert read_receipt(line).source == odd
    assert "source_bytes" not in json.loads(receipt_line("café.bin", RESULT, None, COMPLETED))


def test_a_time_before_all_calendars_is_left_out() -> None:
    """A file system may give any number for a time; the receipt is written all the same."""
    odd = UploadResult(
        uri=RESULT.uri, size=0, etag="", proof=Proof.SIZE, part_size=1, parts=1, mtime_ns=-(10**23)
    )
    told = json.loads(receipt_line("file", odd, None, COMPLETED))
    assert (told["mtime"], told["mtime_ns"]) == (None, -(10**23))


def changed(**fields: object) -> str:
    told = json.loads(receipt_line("file", RESULT, STARTED, COMPLETED))
    return json.dumps({**told, **fields})


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("", "it is not JSON"),
        (receipt_line("file", RESULT, STARTED, COMPLETED)[:-9], "it is not JSON"),
        (b"\xff\xfe", "it is not JSON"),
        ("[" * 100_000, "it is not JSON"),
        ("[]", "it is no receipt of schema 1"),
        ("{}", "it is no receipt of schema 1"),
        (changed(schema=2), "it is no receipt of schema 1"),
        (changed(uri="http://bucket/key"), "'http://bucket/key' is not an S3 URI"),
        (changed(uri=None), "it tells no uri"),
        (changed(size="25"), "it tells no size"),
        (changed(size=True), "it tells no size"),
        (changed(etag=None), "it tells no etag"),
        (changed(part_size=None), "it tells no part_size"),
        (changed(proof=None), "it tells no proof"),
    ],
)
def test_what_is_no_receipt(line: str | bytes, problem: str) -> None:
    """A torn line, another file, a later schema: each is told for what it is."""
    with pytest.raises(ValueError, match=problem):
        read_receipt(line)


def test_a_checksum_of_another_kind_is_not_compared() -> None:
    """What a later version may write there is not taken for a CRC64NVME."""
    assert read_receipt(changed(checksum_algorithm="SHA256")).checksum is None
    assert read_receipt(changed(checksum="")).checksum is None


@pytest.mark.parametrize("proof", Proof)
def test_the_proof_is_read(proof: Proof) -> None:
    """What the object was proven by decides what can be made of the receipt."""
    assert read_receipt(changed(proof=proof)).proof is proof


def test_a_proof_of_another_kind_counts_for_least() -> None:
    """What a later version may write there is not taken for one that is known."""
    assert read_receipt(changed(proof="blake3")).proof is Proof.SIZE
