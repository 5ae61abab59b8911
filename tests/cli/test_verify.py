"""`asyncup verify`, receipts, and --overwrite checksum, against a real server."""

import json
import os
from pathlib import Path

import pytest

from tests.cli.kit import asyncup, lines, tree
from tests.s3 import Bucket

LARGE = os.urandom(11 << 20)
PARTS = "--part-size=5MiB"
FILES = {"large": LARGE, "small": b"some bytes", "empty": b"", "sub/odd ünïcödé": b"odd"}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return a directory of files."""
    return tree(tmp_path / "d", FILES)


def flip(path: Path) -> None:
    """Change one bit of a file."""
    data = path.read_bytes()
    path.write_bytes(bytes([data[0] ^ 1]) + data[1:])


@pytest.mark.parametrize(
    ("checksum", "proofs"),
    [
        ("auto", {"crc64nvme", "etag"}),
        ("sha256", {"sha256"}),
        ("crc32c", {"crc32c"}),
        ("md5", {"etag"}),
    ],
)
def test_what_was_put_is_verified(
    bucket: Bucket, place: Path, checksum: str, proofs: set[str]
) -> None:
    """The same arguments as for put compare all of it, by what this server tells of each object."""
    put = asyncup("put", place, f"{bucket.place}", PARTS, f"--checksum={checksum}", env=bucket.env)
    assert put.code == 0, put.err
    ended = asyncup("verify", place, f"{bucket.place}", env=bucket.env)
    assert (ended.code, ended.err.splitlines()[-1]) == (0, "4 objects verified")
    told = dict(line.split("\t") for line in ended.out.splitlines())
    assert told.keys() == {f"{bucket.place}{name}" for name in FILES}
    assert set(told.values()) == proofs


def test_one_file_and_its_exact_key(bucket: Bucket, place: Path) -> None:
    """A key that is named is the key, as with put."""
    key = f"{bucket.place}exact.bin"
    assert asyncup("put", place / "large", key, PARTS, env=bucket.env).code == 0
    ended = asyncup("verify", place / "large", key, env=bucket.env)
    assert (ended.code, ended.out) == (0, f"{key}\tcrc64nvme\n")


def test_what_differs_is_told(bucket: Bucket, place: Path) -> None:
    """An altered file, a missing object, and what only a download can show: each by its name."""
    asyncup("put", place, f"{bucket.place}", PARTS, env=bucket.env)
    flip(place / "large")
    flip(place / "small")
    tree(place, {"new": b"new"})
    ended = asyncup("verify", place, f"{bucket.place}", env=bucket.env)
    assert ended.code == 1
    assert "2 objects verified, 3 failed" in ended.err
    (large,) = lines(ended.err, "/large")
    assert large.endswith("/large: the object's CRC64NVME is not the file's")
    (new,) = lines(ended.err, "/new")
    assert new.endswith("there is no such object")
    (small,) = lines(ended.err, "/small")
    assert "S3 tells no checksum that settles it" in small
    assert "hint: --download reads it back and compares the bytes" in ended.err
    again = asyncup("verify", place / "small", f"{bucket.place}", "--download", env=bucket.env)
    assert "the bytes that were read back are not the file's" in again.err
    assert again.code == 4


@pytest.mark.parametrize("name", ["large", "small"])
def test_download_all(bucket: Bucket, place: Path, name: str) -> None:
    """Every byte is read back if that is asked for, whatever S3 tells."""
    asyncup("put", place, f"{bucket.place}", PARTS, env=bucket.env)
    key = f"{bucket.place}{name}"
    ended = asyncup("verify", place / name, key, "--download-all", env=bucket.env)
    assert (ended.code, ended.out) == (0, f"{key}\tdownload\n")


def test_exit_status_where_nothing_is_there(bucket: Bucket, place: Path) -> None:
    """All missing at S3 is S3's status, no such file the source's, a bad command its own."""
    assert asyncup("verify", place, f"{bucket.place}", env=bucket.env).code == 4
    assert asyncup("verify", place / "none", f"{bucket.place}", env=bucket.env).code == 3
    assert asyncup("verify", place, env=bucket.env).code == 2
    assert asyncup("verify", "-", f"{bucket.place}x", env=bucket.env).code == 2
    ended = asyncup("verify", env=bucket.env)
    assert "asyncup verify SOURCE..." in ended.err
    assert ended.code == 2


def test_json(bucket: Bucket, place: Path) -> None:
    """Each object is an event with its proof or its error; the last event tells the counts."""
    asyncup("put", place / "large", place / "small", f"{bucket.place}", PARTS, env=bucket.env)
    flip(place / "large")
    ended = asyncup("verify", place, f"{bucket.place}", "--json", env=bucket.env)
    (verified,) = ended.events("object_verified")
    assert (verified["uri"], verified["proof"]) == (f"{bucket.place}small", "etag")
    failed = {each["source"]: each["error"]["name"] for each in ended.events("verify_failed")}
    assert failed[str(place / "large")] == "ObjectMismatch"
    assert failed[str(place / "empty")] == "ObjectMissing"
    (finished,) = ended.events("verify_finished")
    assert (finished["verified"], finished["failed"]) == (1, 3)
    assert finished["exit_code"] == ended.code == 1
    assert ended.events()[-2] == finished


def test_quiet(bucket: Bucket, place: Path) -> None:
    """No word about what is equal."""
    asyncup("put", place, f"{bucket.place}", PARTS, env=bucket.env)
    ended = asyncup("verify", place, f"{bucket.place}", "--quiet", env=bucket.env)
    assert (ended.code, ended.err) == (0, "")


def test_receipts(bucket: Bucket, place: Path, tmp_path: Path) -> None:
    """What put writes down, verify compares the objects with, without the files."""
    receipts = tmp_path / "receipts.jsonl"
    put = asyncup("put", place, f"{bucket.place}", PARTS, "--receipts", receipts, env=bucket.env)
    assert put.code == 0, put.err
    told = {each["source"]: each for each in map(json.loads, receipts.read_text().splitlines())}
    assert told.keys() == {str(place / name) for name in FILES}
    large = told[str(place / "large")]
    assert large["etag"] == bucket.head("large")["ETag"].strip('"')
    assert large["checksum"] == bucket.head("large")["ChecksumCRC64NVME"]
    assert (large["size"], large["parts"], large["part_size"]) == (len(LARGE), 3, 5 << 20)
    place.rename(tmp_path / "gone")
    ended = asyncup("verify", "--receipts", receipts, env=bucket.env)
    assert (ended.code, ended.err.splitlines()[-1]) == (0, "4 objects verified")
    # Others of the same size take the places of two of them.
    for name in ("large", "small"):
        flip(tmp_path / "gone" / name)
        path = tmp_path / "gone" / name
        asyncup("put", path, f"{bucket.place}", "--overwrite=always", PARTS, env=bucket.env)
    ended = asyncup("verify", "--receipts", receipts, env=bucket.env)
    assert ended.code == 1
    assert lines(ended.err, "/large: the object's CRC64NVME is not the receipt's")
    assert lines(ended.err, "/small: its size is right, and S3 tells no checksum")
    ended = asyncup("verify", "--receipts", receipts, "--download", "--json", env=bucket.env)
    errors = {each["error"]["name"] for each in ended.events("verify_failed")}
    assert errors == {"ObjectMismatch"}


def test_receipts_that_cannot_be_written(bucket: Bucket, place: Path, tmp_path: Path) -> None:
    """It is told before anything begins; a dry run does not even make the file."""
    ended = asyncup("put", place, f"{bucket.place}", "--receipts", tmp_path, env=bucket.env)
    assert (ended.code, bucket.objects()) == (2, {})
    assert f"error: write receipts to {tmp_path}: Is a directory" in ended.err
    path = tmp_path / "receipts"
    dry = asyncup("put", place, f"{bucket.place}", "--receipts", path, "-n", env=bucket.env)
    assert (dry.code, path.exists()) == (0, False)


def test_a_receipt_that_is_lost(bucket: Bucket, place: Path) -> None:
    """A full disk later is told, and the exit status says so; the uploads go on."""
    ended = asyncup("put", place, f"{bucket.place}", "--receipts", "/dev/full", env=bucket.env)
    assert ended.code == 1
    assert set(bucket.objects()) == set(FILES)
    told = "error: write a receipt to /dev/full: No space left on device"
    assert len(lines(ended.err, told)) == len(FILES)


def test_receipts_that_cannot_be_read(bucket: Bucket, tmp_path: Path) -> None:
    """A missing file is the command's mistake; a line that is torn is told, and not passed over."""
    ended = asyncup("verify", "--receipts", tmp_path / "none", env=bucket.env)
    assert (ended.code, "read receipts" in ended.err) == (2, True)
    path = tree(tmp_path, {"receipts": b'{"schema": 1, "uri"'}) / "receipts"
    ended = asyncup("verify", "--receipts", path, env=bucket.env)
    assert (ended.code, f"read receipt 1 of {path}: it is not JSON" in ended.err) == (3, True)


def test_overwrite_checksum(bucket: Bucket, place: Path) -> None:
    """What is proven to be equal is skipped, and by what; what only has the size goes up again."""
    asyncup("put", place, f"{bucket.place}", PARTS, env=bucket.env)
    flip(place / "large")
    flip(place / "small")
    ended = asyncup("put", place, f"{bucket.place}", PARTS, "--overwrite=checksum", env=bucket.env)
    assert ended.code == 0
    assert bucket.objects() == {name: (place / name).read_bytes() for name in FILES}
    assert "2 files uploaded" in ended.err
    assert lines(ended.err, "skipped")[0].endswith("S3 already holds it, proven by etag")
    again = asyncup("put", place, f"{bucket.place}", PARTS, "--overwrite=checksum", env=bucket.env)
    assert "4 skipped" in again.err
    assert len(lines(again.err, "proven by crc64nvme")) == 1


def test_the_configuration_of_put_serves_verify(bucket: Bucket, place: Path) -> None:
    """Sources, destination and filters are taken from it; what only put knows is no mistake."""
    config = f"""
source = ["."]
destination = "{bucket.place}"
exclude = ["sub/", "asyncup.toml"]
part-size = "5MiB"
storage-class = "STANDARD"
overwrite = "always"
metadata = {{ project = "archive" }}
"""
    (place / "asyncup.toml").write_text(config, encoding="utf-8")
    assert asyncup("put", env=bucket.env, cwd=place).code == 0
    ended = asyncup("verify", env=bucket.env, cwd=place)
    assert (ended.code, ended.err.splitlines()[-1]) == (0, "3 objects verified, 2 skipped")
    for command in ("verify", "pending"):
        arguments = [f"{bucket.place}"] if command == "pending" else []
        (place / "asyncup.toml").write_text("no-such-key = 1", encoding="utf-8")
        ended = asyncup(command, *arguments, env=bucket.env, cwd=place)
        assert (ended.code, "unknown key 'no-such-key'" in ended.err) == (2, True)
