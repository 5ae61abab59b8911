"""The nouns: what a URI is, and that values stay what they are."""

from dataclasses import FrozenInstanceError
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncup.core.errors import UsageError
from asyncup.core.model import (
    ChecksumAlgorithm,
    Checksums,
    Fingerprint,
    ListedPart,
    ObjectHead,
    ObjectURI,
    Part,
    Proof,
    Receipt,
    Upload,
    UploadResult,
)

URI = ObjectURI("bucket", "key")


@pytest.mark.parametrize(
    ("text", "bucket", "key"),
    [
        ("s3://bucket", "bucket", ""),
        ("s3://bucket/", "bucket", ""),
        ("s3://bucket/key", "bucket", "key"),
        ("s3://bucket/a/b/c.bin", "bucket", "a/b/c.bin"),
        ("s3://bucket/prefix/", "bucket", "prefix/"),
        ("s3://bucket//key", "bucket", "/key"),
        ("s3://bucket/a//b", "bucket", "a//b"),
        ("s3://bucket/with space", "bucket", "with space"),
        ("s3://bucket/what?#%20@:x", "bucket", "what?#%20@:x"),
        ("s3://bucket/s3://other/key", "bucket", "s3://other/key"),
        ("s3://bucket/grüße/日本", "bucket", "grüße/日本"),
        ("s3://abc/k", "abc", "k"),
        ("s3://my.bucket-1_x/k", "my.bucket-1_x", "k"),
        (f"s3://{'b' * 63}/k", "b" * 63, "k"),
    ],
)
def test_a_uri_is_read(text: str, bucket: str, key: str) -> None:
    """Up to the first slash it is the bucket; all after it is the key, as it is, unquoted."""
    assert ObjectURI.parse(text) == ObjectURI(bucket, key)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "bucket/key",
        "/home/me/file",
        "s3:/bucket/key",
        "s3:bucket",
        "s3://",
        "s3:///key",
        "S3://bucket/key",
        " s3://bucket/key",
        "gs://bucket/key",
        "http://bucket/key",
        "://bucket/key",
    ],
)
def test_what_is_no_uri_is_refused(text: str) -> None:
    """What is no S3 URI is refused with its own text, and a hint says what one looks like."""
    with pytest.raises(UsageError) as caught:
        ObjectURI.parse(text)
    assert str(caught.value) == f"{text!r} is not an S3 URI"
    assert "s3://" in (caught.value.hint or "")


@pytest.mark.parametrize(
    "bucket",
    ["ab", "b" * 64, "my bucket", "user@bucket", "bucket:9000", "bucket?x", "bucket#x", "b\\ucket"],
)
def test_what_is_no_bucket_is_refused(bucket: str) -> None:
    """What no server takes for a bucket is refused by name, and a hint says what one looks like."""
    with pytest.raises(UsageError) as caught:
        ObjectURI.parse(f"s3://{bucket}/key")
    assert str(caught.value) == f"{bucket!r} is not a bucket name"
    assert caught.value.hint is not None
    assert "3 to 63" in caught.value.hint


BUCKETS = st.text("abcdefghijklmnopqrstuvwxyz0123456789.-", min_size=3, max_size=63)


@given(BUCKETS, st.text())
def test_a_written_uri_reads_as_the_same(bucket: str, key: str) -> None:
    """Any key at all survives being written into a URI and read back."""
    uri = ObjectURI(bucket, key)

    assert ObjectURI.parse(str(uri)) == uri


@pytest.mark.parametrize(
    ("text", "is_prefix", "prefix"),
    [
        ("s3://bucket", True, "s3://bucket/"),
        ("s3://bucket/", True, "s3://bucket/"),
        ("s3://bucket/a/", True, "s3://bucket/a/"),
        ("s3://bucket/a", False, "s3://bucket/a/"),
        ("s3://bucket/a/b.bin", False, "s3://bucket/a/b.bin/"),
    ],
)
def test_a_prefix_ends_in_a_slash(text: str, prefix: str, *, is_prefix: bool) -> None:
    """No key, or one that ends in `/`, names a place for objects; any key can be made one."""
    uri = ObjectURI.parse(text)

    assert uri.is_prefix is is_prefix
    assert str(uri.as_prefix()) == prefix


@pytest.mark.parametrize(
    ("prefix", "key"),
    [("s3://bucket", "a/b.bin"), ("s3://bucket/", "a/b.bin"), ("s3://bucket/x/", "x/a/b.bin")],
)
def test_a_relative_path_goes_below_a_prefix(prefix: str, key: str) -> None:
    """A relative path is put behind the prefix without another slash."""
    assert ObjectURI.parse(prefix) / "a/b.bin" == ObjectURI("bucket", key)


def test_checksums_are_found_by_their_algorithm() -> None:
    """A checksum that was computed is there under its algorithm; any other is missing loudly."""
    checksums = Checksums(3, {ChecksumAlgorithm.MD5: b"md5"})

    assert checksums[ChecksumAlgorithm.MD5] == b"md5"
    with pytest.raises(KeyError):
        _ = checksums[ChecksumAlgorithm.CRC32]


@pytest.mark.parametrize("algorithm", list(ChecksumAlgorithm))
def test_algorithms_are_written_as_s3_names_them(algorithm: ChecksumAlgorithm) -> None:
    """Headers and messages are made of these names, so each has to be written as S3 has it."""
    assert f"Checksum{algorithm}" == f"Checksum{algorithm.name}"


def test_proofs_are_listed_from_the_strongest() -> None:
    """A checksum of all bytes proves more than an ETag, and that more than a size."""
    assert [each.value for each in Proof] == [
        *("crc64nvme", "sha256", "sha1", "crc32c", "crc32"),
        *("download", "etag", "size"),
    ]
    assert [each for each in Proof if not each.is_by_content] == [Proof.SIZE]


def test_a_result_of_which_nothing_more_is_told() -> None:
    """What is not told of a result is zero: nothing kept, no attempt, no byte sent again."""
    result = UploadResult(uri=URI, size=5, etag="etag", proof=Proof.SIZE, part_size=10, parts=1)

    assert (result.parts_kept, result.attempts, result.resent) == (0, 0, 0)
    assert (result.skipped, result.version_id) == (None, None)


def test_an_upload_has_no_checksum_of_the_whole_unless_told() -> None:
    """Nothing is expected of S3 that it did not say."""
    upload = Upload(URI, "id")

    assert (upload.algorithm, upload.whole) == (None, False)


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (URI, "key"),
        (Fingerprint(1, 2, 3, 4), "size"),
        (Part(1, 0, 5), "offset"),
        (Checksums(0), "size"),
        (ListedPart(1, 5, "etag"), "etag"),
        (Receipt(Part(1, 0, 5), "etag", Checksums(5)), "etag"),
        (Upload(URI, "id"), "upload_id"),
        (ObjectHead(5, "etag"), "etag"),
    ],
    ids=lambda each: each if isinstance(each, str) else type(each).__name__,
)
def test_values_cannot_be_changed(value: Any, name: str) -> None:  # noqa: ANN401 - any of them
    """Nothing that was told about an upload can be made something else afterwards."""
    with pytest.raises(FrozenInstanceError):
        setattr(value, name, None)


@pytest.mark.parametrize("changed", range(4))
def test_fingerprints_differ_in_any_of_their_values(changed: int) -> None:
    """A file of another size, time, device or inode is another file."""
    values = [1, 2, 3, 4]
    values[changed] += 1

    assert Fingerprint(1, 2, 3, 4) == Fingerprint(1, 2, 3, 4)
    assert Fingerprint(*values) != Fingerprint(1, 2, 3, 4)


def test_a_bucket_has_no_line_break() -> None:
    """What cannot be printed is no part of a bucket's name."""
    with pytest.raises(UsageError):
        ObjectURI.parse("s3://my\nbucket/key")
