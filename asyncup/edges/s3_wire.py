"""asyncup's nouns to the parameters of S3 requests, and answers of S3 to nouns.

The dictionaries are botocore's, which follow the S3 API's own names.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import unquote_plus, urlencode

from asyncup.core.checksums import combine, from_base64, to_base64
from asyncup.core.model import (
    ChecksumAlgorithm,
    Checksums,
    ListedPart,
    ObjectAttributes,
    ObjectHead,
    ObjectListing,
    ObjectURI,
    Receipt,
    Upload,
)

Answer = Mapping[str, Any]

_IN_HEADERS = [each for each in ChecksumAlgorithm if each is not ChecksumAlgorithm.MD5]


_ALWAYS_TOLD: dict[str, tuple[str, ...]] = {
    "HeadObject": ("ETag",),
    "PutObject": ("ETag",),
    "UploadPart": ("ETag",),
    "CreateMultipartUpload": ("UploadId",),
    # Ceph 16 leaves the ETag empty.
    "CompleteMultipartUpload": ("ETag", "Key", "Location"),
    "ListObjectsV2": ("IsTruncated", "Contents"),
    # Of an empty list, rclone tells no more than whose it is.
    "ListMultipartUploads": ("IsTruncated", "Uploads", "Bucket"),
    "ListParts": ("IsTruncated", "Parts", "UploadId"),
}


def is_answer_of_s3(operation: str, answer: Answer) -> bool:
    """Return whether an answer tells at least one thing that S3 would tell.

    The log-in page of a hotel's network is a 200, too, and can even be read as XML.
    """
    told = _ALWAYS_TOLD.get(operation)
    return told is None or any(answer.get(name) not in (None, "") for name in told)


def place(uri: ObjectURI) -> dict[str, object]:
    """Name an object."""
    return {"Bucket": uri.bucket, "Key": uri.key}


def checksum_headers(
    algorithm: ChecksumAlgorithm | None, checksums: Checksums
) -> dict[str, object]:
    """Say what S3 is to check a body by: without an algorithm, by MD5 if it is known."""
    if algorithm is None:
        md5 = checksums.values.get(ChecksumAlgorithm.MD5)
        return {} if md5 is None else {"ContentMD5": to_base64(md5)}
    # Ceph ignores a checksum that is not announced by its algorithm as well.
    return {
        "ChecksumAlgorithm": algorithm.value,
        f"Checksum{algorithm}": to_base64(checksums[algorithm]),
    }


def attribute_headers(attributes: ObjectAttributes) -> dict[str, object]:
    """Say how an object is to be stored, for what the user wants said."""
    given = {
        "StorageClass": attributes.storage_class,
        "ServerSideEncryption": attributes.sse,
        "SSEKMSKeyId": attributes.sse_kms_key_id,
        "ACL": attributes.acl,
        "Metadata": dict(attributes.metadata),
        "Tagging": urlencode(attributes.tags),
        "ContentType": attributes.content_type,
        "CacheControl": attributes.cache_control,
        "ContentEncoding": attributes.content_encoding,
    }
    return {name: value for name, value in given.items() if value}


def condition(*, only_if_absent: bool) -> dict[str, object]:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html."""
    return {"IfNoneMatch": "*"} if only_if_absent else {}


def completed_part(upload: Upload, receipt: Receipt) -> dict[str, object]:
    """Name a part for CompleteMultipartUpload; its checksum is required where S3 has one."""
    named: dict[str, object] = {"PartNumber": receipt.part.number, "ETag": f'"{receipt.etag}"'}
    if upload.algorithm is not None:
        value = receipt.checksums[upload.algorithm]
        named[f"Checksum{upload.algorithm}"] = to_base64(value)
    return named


def read_upload(uri: ObjectURI, item: Answer) -> Upload:
    """Read a pending upload, as it is created or listed."""
    algorithm = item.get("ChecksumAlgorithm")
    is_known = algorithm in (None, "", *_IN_HEADERS)
    return Upload(
        uri,
        item["UploadId"],
        ChecksumAlgorithm(algorithm) if algorithm in _IN_HEADERS else None,
        whole=item.get("ChecksumType") == "FULL_OBJECT",
        initiated=item.get("Initiated"),
        abort_date=item.get("AbortDate"),
        is_foreign=not is_known,
    )


def read_uploads(answer: Answer, uri: ObjectURI, *, below: bool) -> Iterator[Upload]:
    """Read a page of pending uploads: those for exactly this key, or all whose keys begin so."""
    for item in answer.get("Uploads", ()):
        if below:
            yield read_upload(ObjectURI(uri.bucket, _read_key(answer, item["Key"])), item)
        elif is_key(answer, item["Key"], uri.key):
            yield read_upload(uri, item)


def read_listed_part(item: Answer) -> ListedPart:
    """Read a part of ListParts."""
    return ListedPart(
        number=int(item["PartNumber"]),
        size=int(item["Size"]),
        etag=read_etag(item),
        checksums=_read_checksums(_told_checksums(item)),
    )


def read_head(item: Answer, *, size: int) -> ObjectHead:
    """Read what an answer tells of an object, except its size, which goes by many names."""
    told, is_composite = _told_checksums(item), item.get("ChecksumType") == "COMPOSITE"
    return ObjectHead(
        size=size,
        etag=read_etag(item),
        version_id=item.get("VersionId"),
        checksums={} if is_composite else _read_checksums(told),
        composite=_read_composites(told, is_composite=is_composite),
        parts=item.get("PartsCount"),
        attributes=_read_attributes(item),
    )


def _read_attributes(item: Answer) -> ObjectAttributes:
    """Read how an object is stored, as far as HeadObject tells: not its access rules and tags."""
    return ObjectAttributes(
        # The standard class is not named.
        storage_class=item.get("StorageClass") or "STANDARD",
        sse=item.get("ServerSideEncryption"),
        metadata=item.get("Metadata") or {},
        content_type=item.get("ContentType"),
        cache_control=item.get("CacheControl"),
        content_encoding=item.get("ContentEncoding"),
    )


def read_etag(item: Answer) -> str:
    """Read an ETag, without its quotes; empty if there is none."""
    return str(item.get("ETag") or "").strip('"')


def _told_checksums(item: Answer) -> dict[ChecksumAlgorithm, str]:
    """Return what is told of checksums, as it is written."""
    told = {each: str(item.get(f"Checksum{each}") or "") for each in _IN_HEADERS}
    return {algorithm: text for algorithm, text in told.items() if text}


def _read_checksums(told: Mapping[ChecksumAlgorithm, str]) -> dict[ChecksumAlgorithm, bytes]:
    values = {algorithm: from_base64(text) for algorithm, text in told.items()}
    return {algorithm: value for algorithm, value in values.items() if value}


def _read_composites(
    told: Mapping[ChecksumAlgorithm, str], *, is_composite: bool
) -> dict[ChecksumAlgorithm, bytes]:
    """Read the checksums of parts' checksums: `...-3`, or told to be such."""
    found: dict[ChecksumAlgorithm, bytes] = {}
    for algorithm, written in told.items():
        text, hyphen, _ = written.partition("-")
        value = from_base64(text) if hyphen or is_composite else None
        if value is not None:
            found[algorithm] = value
    return found


def whole_checksum(upload: Upload, receipts: Sequence[Receipt]) -> dict[str, object]:
    """Say what the whole object is to be checked by, where the upload has such a checksum."""
    if upload.algorithm is None or not upload.whole:
        return {}
    whole = combine(upload.algorithm, [receipt.checksums for receipt in receipts])
    if whole is None:
        return {}
    return {"ChecksumType": "FULL_OBJECT", f"Checksum{upload.algorithm}": to_base64(whole)}


def encoding_for(key: str) -> dict[str, str]:
    """Ask for URL-encoded keys where XML could not carry them (control characters).

    Not always: some servers say that they encoded, and did not.
    """
    return {} if key.isprintable() else {"EncodingType": "url"}


def is_key(answer: Answer, listed: str, key: str) -> bool:
    """Return whether a listed key is this one, whether it was encoded as asked for or not.

    The mistake that leaves room for is harmless: an upload ID is of no use with another key.
    """
    return key in {listed, _read_key(answer, listed)}


def read_listing(
    answer: Answer, prefix: str, heads: Sequence[tuple[str, ObjectHead]], *, is_whole: bool
) -> ObjectListing:
    """Read objects by their keys as they were listed below a prefix; `answer` is the last one."""
    are_encoded = _are_encoded(answer, prefix, [listed for listed, _ in heads])
    objects: dict[str, ObjectHead] = {}
    unsure: set[str] = set()
    for listed, head in heads:
        forms = {listed, unquote_plus(listed)}
        if are_encoded is not None:
            forms = {unquote_plus(listed) if are_encoded else listed}
        objects.update(dict.fromkeys(sorted(forms), head))
        unsure.update(forms if len(forms) > 1 else ())
    return ObjectListing(objects, frozenset(unsure), is_whole=is_whole)


def _are_encoded(answer: Answer, prefix: str, listed: Sequence[str]) -> bool | None:
    """Return whether keys are written as they were asked for: encoded; None if nobody can tell.

    Some servers say that they encoded, and did not. What tells is a key that begins with the
    prefix only in one form, or has characters that no encoded key has, or only an encoded one.
    """
    if answer.get("EncodingType") != "url":
        return False
    for key in listed:
        plain = unquote_plus(key)
        never_encoded = not key.isascii() or not key.isprintable() or " " in key
        if never_encoded or not plain.startswith(prefix):
            return False
        if not key.startswith(prefix) or not plain.isascii():
            return True
    return None


def _read_key(answer: Answer, listed: str) -> str:
    return unquote_plus(listed) if answer.get("EncodingType") == "url" else listed


def next_markers(answer: Answer) -> dict[str, str]:
    """Say where the next page of ListMultipartUploads begins: by what the answer gives for it.

    That is a key and an upload ID, since one key can have more uploads than a page holds; and on
    SeaweedFS the upload ID alone, which finds less with any key beside it.
    """
    key, upload_id = answer.get("NextKeyMarker"), answer.get("NextUploadIdMarker")
    markers = {"KeyMarker": _read_key(answer, key)} if key else {}
    return markers | ({"UploadIdMarker": str(upload_id)} if upload_id else {})
