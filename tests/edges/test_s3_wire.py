"""Nouns to the parameters of S3 requests and answers to nouns, as the S3 API spells them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.awsrequest import HeadersDict
from botocore.parsers import RestXMLParser
from botocore.session import Session

from asyncup.core.checksums import RunningChecksums
from asyncup.core.model import (
    ChecksumAlgorithm,
    Checksums,
    ListedPart,
    ObjectAttributes,
    ObjectHead,
    ObjectURI,
    Part,
    Receipt,
    Upload,
)
from asyncup.edges import s3_wire

A = ChecksumAlgorithm
URI = ObjectURI("bucket", "a key/ü.bin")

CHECKS = b"123456789"
"""The bytes that the catalogues give check values for (reveng.sourceforge.io/crc-catalogue)."""

CHECK_VALUES = {
    A.CRC64NVME: "rosUhgp5mIg=",
    A.CRC32: "y/Q5Jg==",
    A.CRC32C: "4waSgw==",
    A.SHA1: "98O8HYCOBHMq32eZZczDTKeuNEE=",
    A.SHA256: "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=",
}


def checksums() -> Checksums:
    """Return every checksum of the nine bytes."""
    running = RunningChecksums(A)
    running.update(CHECKS)
    return running.result()


def test_an_object_is_a_bucket_and_a_key() -> None:
    """The key goes out as it is: quoting is the HTTP client's business."""
    assert s3_wire.place(URI) == {"Bucket": "bucket", "Key": "a key/ü.bin"}


@pytest.mark.parametrize("algorithm", CHECK_VALUES)
def test_a_checksum_goes_under_its_own_name(algorithm: ChecksumAlgorithm) -> None:
    """A checksum goes as base64, and with its algorithm's name: Ceph wants both."""
    assert s3_wire.checksum_headers(algorithm, checksums()) == {
        "ChecksumAlgorithm": str(algorithm),
        f"Checksum{algorithm}": CHECK_VALUES[algorithm],
    }


def test_without_an_algorithm_it_is_the_md5() -> None:
    """Where the server told no algorithm, Content-MD5 goes and nothing else."""
    headers = s3_wire.checksum_headers(None, checksums())
    assert headers == {"ContentMD5": "JfnnlDI7RTiF9RgfG2JNCw=="}


def test_what_nobody_asked_for_is_not_said() -> None:
    """Without attributes there are no headers: S3 and the bucket have defaults of their own."""
    assert s3_wire.attribute_headers(ObjectAttributes()) == {}


def test_attributes_go_under_the_names_of_the_api() -> None:
    """All that can be said of how to store an object arrives, tags in the form of a query."""
    attributes = ObjectAttributes(
        storage_class="GLACIER",
        sse="aws:kms",
        sse_kms_key_id="alias/mine",
        acl="private",
        metadata={"who": "me"},
        tags={"a&b": "x=y z", "ü": ""},
        content_type="text/plain",
        cache_control="no-store",
        content_encoding="gzip",
    )
    assert s3_wire.attribute_headers(attributes) == {
        "StorageClass": "GLACIER",
        "ServerSideEncryption": "aws:kms",
        "SSEKMSKeyId": "alias/mine",
        "ACL": "private",
        "Metadata": {"who": "me"},
        "Tagging": "a%26b=x%3Dy+z&%C3%BC=",
        "ContentType": "text/plain",
        "CacheControl": "no-store",
        "ContentEncoding": "gzip",
    }


def parsed(operation: str, body: str, headers: Mapping[str, str]) -> dict[str, Any]:
    """Return what botocore's own parser makes of an answer that says 200."""
    shape = Session().get_service_model("s3").operation_model(operation).output_shape
    raw = {"status_code": 200, "headers": HeadersDict(headers), "body": body.encode()}
    return dict(RestXMLParser().parse(raw, shape))


@pytest.mark.parametrize(
    ("operation", "body", "headers"),
    [
        ("HeadObject", "", {"etag": '"abc"', "content-length": "0"}),
        ("PutObject", "", {"etag": '"abc"'}),
        ("UploadPart", "", {"etag": '"abc"'}),
        ("CreateMultipartUpload", "<R><UploadId>id</UploadId></R>", {}),
        ("CompleteMultipartUpload", "<R><ETag>abc-2</ETag></R>", {}),
        ("CompleteMultipartUpload", "<R><Key>k</Key><ETag></ETag></R>", {}),
        ("ListObjectsV2", "<R><IsTruncated>false</IsTruncated></R>", {}),
        ("ListObjectsV2", "<R><Contents><Key>k</Key></Contents></R>", {}),
        ("ListMultipartUploads", "<R><IsTruncated>false</IsTruncated></R>", {}),
        ("ListMultipartUploads", "<R><Bucket>bucket</Bucket></R>", {}),
        ("ListParts", "<R><IsTruncated>false</IsTruncated></R>", {}),
        ("ListParts", "<R><UploadId>id</UploadId></R>", {}),
        ("ListParts", "<R><Part><PartNumber>1</PartNumber></Part></R>", {}),
        ("AbortMultipartUpload", "", {}),
    ],
)
def test_what_s3_answers_is_taken(operation: str, body: str, headers: dict[str, str]) -> None:
    """The least that any server answers is taken for an answer, empty lists among them."""
    assert s3_wire.is_answer_of_s3(operation, parsed(operation, body, headers))


@pytest.mark.parametrize(
    "operation",
    [
        "HeadObject",
        "PutObject",
        "UploadPart",
        "CreateMultipartUpload",
        "CompleteMultipartUpload",
        "ListObjectsV2",
        "ListMultipartUploads",
        "ListParts",
    ],
)
@pytest.mark.parametrize("page", ["<html/>", "<html><body>Log in to go on</body></html>"])
def test_a_page_in_between_is_not_taken(operation: str, page: str) -> None:
    """A hotel's log-in page is a 200, too: it is neither an object nor an empty list of parts."""
    headers = {"content-type": "text/html", "content-length": str(len(page))}
    assert not s3_wire.is_answer_of_s3(operation, parsed(operation, page, headers))


def _members(operation: str) -> set[str]:
    """Return the parameters that botocore knows for an operation."""
    model = Session().get_service_model("s3").operation_model(operation)
    return set(model.input_shape.members)


@pytest.mark.parametrize("operation", ["PutObject", "CreateMultipartUpload"])
def test_botocore_knows_all_attributes(operation: str) -> None:
    """Both ways to make an object take all the attributes."""
    attributes = ObjectAttributes(
        storage_class="x",
        sse="x",
        sse_kms_key_id="x",
        acl="x",
        metadata={"x": "x"},
        tags={"x": "x"},
        content_type="x",
        cache_control="x",
        content_encoding="x",
    )
    headers = s3_wire.attribute_headers(attributes)
    assert len(headers) == 9
    assert set(headers) <= _members(operation)


@pytest.mark.parametrize("algorithm", [None, *CHECK_VALUES])
@pytest.mark.parametrize("operation", ["PutObject", "UploadPart"])
def test_botocore_knows_all_checksums(operation: str, algorithm: ChecksumAlgorithm | None) -> None:
    """What says how to check a body are parameters that both requests with a body have."""
    assert set(s3_wire.checksum_headers(algorithm, checksums())) <= _members(operation)


@pytest.mark.parametrize("algorithm", CHECK_VALUES)
def test_a_completed_part_names_its_checksum(algorithm: ChecksumAlgorithm) -> None:
    """Where the upload has an algorithm, every part is completed with its own checksum of it."""
    upload = Upload(URI, "id", algorithm)
    receipt = Receipt(Part(3, 18, 9), "abc", checksums())
    assert s3_wire.completed_part(upload, receipt) == {
        "PartNumber": 3,
        "ETag": '"abc"',
        f"Checksum{algorithm}": CHECK_VALUES[algorithm],
    }


def test_a_completed_part_without_an_algorithm_has_its_etag_only() -> None:
    """Where the server told no algorithm, it is told none."""
    receipt = Receipt(Part(3, 18, 9), "abc", checksums())
    expected = {"PartNumber": 3, "ETag": '"abc"'}
    assert s3_wire.completed_part(Upload(URI, "id"), receipt) == expected


@pytest.mark.parametrize("algorithm", CHECK_VALUES)
@pytest.mark.parametrize(("told", "whole"), [("FULL_OBJECT", True), ("COMPOSITE", False)])
def test_an_upload_is_read_with_its_algorithm(
    algorithm: ChecksumAlgorithm, told: str, whole: bool
) -> None:
    """A created or listed upload tells the checksum that its parts need, and of what kind."""
    begun = datetime(2024, 2, 29, 12, tzinfo=UTC)
    item = {
        "UploadId": "id",
        "ChecksumAlgorithm": str(algorithm),
        "ChecksumType": told,
        "Initiated": begun,
    }
    expected = Upload(URI, "id", algorithm, whole=whole, initiated=begun)
    assert s3_wire.read_upload(URI, item) == expected


@pytest.mark.parametrize("algorithm", [None, "", "MD5", "CRC128", "crc64nvme"])
def test_an_algorithm_that_nobody_here_knows(algorithm: str | None) -> None:
    """A server that tells no algorithm gets parts with an MD5; what else it wants is foreign."""
    item = {"UploadId": "id", "ChecksumAlgorithm": algorithm}
    expected = Upload(URI, "id", is_foreign=bool(algorithm))
    assert s3_wire.read_upload(URI, item) == expected


def test_a_listed_part_is_read_with_its_checksums() -> None:
    """Number, size, ETag without quotes, and every checksum that the server lists."""
    item = {"PartNumber": 3, "Size": 9, "ETag": '"abc"', "LastModified": None}
    item |= {f"Checksum{algorithm}": value for algorithm, value in CHECK_VALUES.items()}
    expected = {algorithm: checksums()[algorithm] for algorithm in CHECK_VALUES}
    assert s3_wire.read_listed_part(item) == ListedPart(3, 9, "abc", expected)


def test_a_part_without_checksums_has_none() -> None:
    """Most servers list no checksums; an empty or a broken one is none either."""
    item = {"PartNumber": 1, "Size": 9, "ETag": "abc", "ChecksumSHA1": "", "ChecksumCRC32": "?"}
    assert s3_wire.read_listed_part(item) == ListedPart(1, 9, "abc", {})


def test_an_object_is_read_with_the_checksum_of_its_whole() -> None:
    """ETag, version and full-object checksum are told; the size is the one given."""
    item = {
        "ETag": '"abc-2"',
        "VersionId": "v1",
        "ChecksumType": "FULL_OBJECT",
        "ChecksumCRC64NVME": CHECK_VALUES[A.CRC64NVME],
    }
    expected = ObjectHead(9, "abc-2", "v1", {A.CRC64NVME: checksums()[A.CRC64NVME]})
    assert s3_wire.read_head(item, size=9) == expected


@pytest.mark.parametrize(
    "item",
    [
        {"ChecksumType": "COMPOSITE", "ChecksumSHA256": CHECK_VALUES[A.SHA256]},
        {"ChecksumType": "COMPOSITE", "ChecksumSHA256": f"{CHECK_VALUES[A.SHA256]}-3"},
        {"ChecksumSHA256": f"{CHECK_VALUES[A.SHA256]}-3"},
    ],
)
def test_a_checksum_of_checksums_is_told_apart(item: dict[str, str]) -> None:
    """A COMPOSITE checksum, told as such or by its `-3`, is not one of the object's bytes."""
    head = s3_wire.read_head(item, size=9)

    assert head.checksums == {}
    assert head.composite == {A.SHA256: checksums()[A.SHA256]}


def test_an_object_without_checksums() -> None:
    """What S3 does not tell is not there."""
    assert s3_wire.read_head({}, size=9) == ObjectHead(9, "")


@pytest.mark.parametrize(
    ("told", "expected"), [('"abc"', "abc"), ("abc-3", "abc-3"), ('""', ""), (None, "")]
)
def test_an_etag_has_no_quotes(told: str | None, expected: str) -> None:
    """ETags are kept without the quotes that they travel in; none is the empty one."""
    assert s3_wire.read_etag({"ETag": told}) == expected
    assert s3_wire.read_etag({}) == ""


@pytest.mark.parametrize("key", ["plain", "a b", "a+b", "100%", "ü/日本", "a%20b", "&=?#"])
def test_only_control_characters_need_encoded_lists(key: str) -> None:
    """Keys that XML can carry are asked for as they are: some servers lie about encoding."""
    assert s3_wire.encoding_for(key) == {}
    assert s3_wire.encoding_for(f"{key}\x01") == {"EncodingType": "url"}


@pytest.mark.parametrize(
    ("answer", "listed", "key"),
    [
        ({}, "a b", "a b"),
        ({}, "a+b", "a+b"),
        ({"EncodingType": "url"}, "a+b", "a b"),
        ({"EncodingType": "url"}, "a%20b", "a b"),
        ({"EncodingType": "url"}, "a%2Bb", "a+b"),
        ({"EncodingType": "url"}, "%C3%BC/%E6%97%A5", "ü/日"),
        ({"EncodingType": "url"}, "x%01y", "x\x01y"),
        ({"EncodingType": "url"}, "x\x01y", "x\x01y"),  # said to be encoded, and is not
    ],
)
def test_listed_keys_are_known_in_both_forms(answer: dict[str, str], listed: str, key: str) -> None:
    """A key is found in a list whether it is encoded, is not, or is only said to be."""
    assert s3_wire.is_key(answer, listed, key)


@pytest.mark.parametrize(
    ("answer", "listed", "key"),
    [
        ({}, "a%20b", "a b"),
        ({}, "ab", "a"),
        ({}, "A", "a"),
        ({"EncodingType": "url"}, "a%2Bb", "a b"),
    ],
)
def test_other_keys_are_not_taken_for_it(answer: dict[str, str], listed: str, key: str) -> None:
    """A longer key, or one that only looks encoded, is another one."""
    assert not s3_wire.is_key(answer, listed, key)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({}, {}),
        ({"NextKeyMarker": "", "NextUploadIdMarker": ""}, {}),
        ({"NextKeyMarker": "a+b"}, {"KeyMarker": "a+b"}),
        ({"NextKeyMarker": "a+b", "EncodingType": "url"}, {"KeyMarker": "a b"}),
        (
            {"NextKeyMarker": "a", "NextUploadIdMarker": "id"},
            {"KeyMarker": "a", "UploadIdMarker": "id"},
        ),
        ({"NextUploadIdMarker": "id"}, {"UploadIdMarker": "id"}),
    ],
)
def test_the_next_page_begins_where_the_answer_says(
    answer: dict[str, str], expected: dict[str, str]
) -> None:
    """The markers are handed back decoded; one key can have more uploads than a page holds."""
    assert s3_wire.next_markers(answer) == expected


HEAD = ObjectHead(1, "e")


@pytest.mark.parametrize(
    ("prefix", "listed", "objects", "unsure"),
    [
        pytest.param("", ["plain"], {"plain"}, set(), id="nothing-to-encode"),
        pytest.param("a/", ["a%2Fb%20c"], {"a/b c"}, set(), id="encoded-as-the-prefix-tells"),
        pytest.param("a+", ["a+b"], {"a+b"}, set(), id="raw-as-the-prefix-tells"),
        pytest.param("", ["%C3%BC", "a+b"], {"ü", "a b"}, set(), id="encoded-as-another-tells"),
        pytest.param("", ["ü+b"], {"ü+b"}, set(), id="raw-by-a-letter"),
        pytest.param("", ["x y", "50%41"], {"x y", "50%41"}, set(), id="raw-by-a-space"),
        pytest.param("", ["50%41"], {"50%41", "50A"}, {"50%41", "50A"}, id="nobody-knows"),
    ],
)
def test_listed_keys_are_read_as_they_were_written(
    prefix: str, listed: list[str], objects: set[str], unsure: set[str]
) -> None:
    """A server that says that it encoded keys may not have; where nobody can tell, both count."""
    heads = [(key, HEAD) for key in listed]
    found = s3_wire.read_listing({"EncodingType": "url"}, prefix, heads, is_whole=True)

    assert (set(found.objects), set(found.unsure)) == (objects, unsure)


def test_keys_that_nobody_encoded_are_read_as_they_are() -> None:
    """A server that ignores the wish for encoding says nothing of it."""
    found = s3_wire.read_listing({}, "", [("a%20b", HEAD)], is_whole=False)

    assert (found.objects, found.unsure, found.is_whole) == ({"a%20b": HEAD}, set(), False)
