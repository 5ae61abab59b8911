"""The nouns of an upload, in the words of the S3 API. All are immutable values."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import StrEnum
from hashlib import blake2b
from typing import Self

from asyncup.core.errors import UsageError
from asyncup.core.spelling import meant_uri, without_secrets


@dataclass(frozen=True, slots=True)
class ObjectURI:
    """Where an object is, or will be: `s3://bucket/key`.

    A key that ends in `/`, or an empty one, names a prefix: a place for objects, not an object.
    """

    bucket: str
    key: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `s3://bucket/key`.

        Raises:
            UsageError: it is no such URI.
        """
        scheme, separator, rest = text.partition("://")
        bucket, _, key = rest.partition("/")
        if scheme != "s3" or not separator or not bucket:
            raise not_a_uri(text)
        # Three to 63 characters is AWS's rule and nearly every server's; other characters differ.
        odd = set(bucket) & set(" ?#@:\\")
        if not 3 <= len(bucket) <= 63 or odd or not bucket.isprintable():  # noqa: PLR2004
            raise UsageError(
                f"{bucket!r} is not a bucket name",
                hint="3 to 63 lower-case letters, digits, dots and hyphens",
            )
        return cls(bucket, key)

    @property
    def is_prefix(self) -> bool:
        """Whether it names a place for objects rather than one object."""
        return not self.key or self.key.endswith("/")

    def as_prefix(self) -> "ObjectURI":
        """Return the same place, with the `/` that makes it a prefix."""
        return self if self.is_prefix else ObjectURI(self.bucket, f"{self.key}/")

    def __truediv__(self, relative: str) -> "ObjectURI":
        return ObjectURI(self.bucket, self.key + relative)

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


def not_a_uri(text: str) -> UsageError:
    """Return the error for what should be `s3://bucket/key` and is not, with what was meant."""
    meant = meant_uri(text)
    hint = f"did you mean {meant}?" if meant else "write s3://bucket/key or s3://bucket/prefix/"
    return UsageError(f"{without_secrets(text)!r} is not an S3 URI", hint=hint)


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """A file's identity: if it is the same, the bytes are taken to be the same."""

    size: int
    mtime_ns: int
    device: int
    inode: int


@dataclass(frozen=True, slots=True)
class Part:
    """A numbered piece of a file; `offset` and `size` in bytes, numbers from 1."""

    number: int
    offset: int
    size: int


class ChecksumAlgorithm(StrEnum):
    """Algorithms as `x-amz-checksum-algorithm` names them, and MD5, which goes as Content-MD5."""

    CRC64NVME = "CRC64NVME"
    CRC32 = "CRC32"
    CRC32C = "CRC32C"
    SHA1 = "SHA1"
    SHA256 = "SHA256"
    MD5 = "MD5"


@dataclass(frozen=True, slots=True)
class Checksums:
    """What asyncup itself computed over a range of bytes; `size` in bytes, values raw."""

    size: int
    values: Mapping[ChecksumAlgorithm, bytes] = field(default_factory=dict)

    def __getitem__(self, algorithm: ChecksumAlgorithm) -> bytes:
        return self.values[algorithm]


@dataclass(frozen=True, slots=True)
class ListedPart:
    """A part as S3 lists it; an ETag is opaque unless proven to be an MD5."""

    number: int
    size: int
    etag: str
    checksums: Mapping[ChecksumAlgorithm, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Receipt:
    """A part that S3 has acknowledged, with what asyncup computed over its bytes."""

    part: Part
    etag: str
    checksums: Checksums


@dataclass(frozen=True, slots=True)
class Upload:
    """A multipart upload that was created and is neither completed nor aborted.

    `algorithm` is the checksum that S3 wants of every part, None where it told none;
    `whole` says that S3 will hold one checksum of the full object, not one of the parts'.
    `abort_date` is when a lifecycle rule of the bucket will delete it, None if S3 told none.
    `is_foreign` says that S3 wants a checksum of every part that asyncup cannot compute.
    """

    uri: ObjectURI
    upload_id: str
    algorithm: ChecksumAlgorithm | None = None
    whole: bool = False
    initiated: datetime | None = None
    abort_date: datetime | None = None
    is_foreign: bool = False


@dataclass(frozen=True, slots=True)
class PartListing:
    """All parts that S3 lists of a pending upload, and when a lifecycle rule will abort it."""

    parts: Sequence[ListedPart]
    abort_date: datetime | None = None


class Phase(StrEnum):
    """How far an upload is, as the journal knows it.

    One that is unproven has ended, and what it has left under its key was not shown to be the
    file: nobody may take that for done because of its size.
    """

    SENDING = "sending"
    COMPLETING = "completing"
    UNPROVEN = "unproven"


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalRecord:
    """What the journal remembers of an unfinished upload; sizes in bytes.

    `fingerprint` is the file's when its parts were read, None for a stream. `replaces` is the
    ETag of the object that the key led to when completing was asked for, empty if there was none.
    `attributes` is a digest of how the object is to be stored. `receipts` are the parts that S3
    has acknowledged, by number.
    """

    upload: Upload
    source: str
    fingerprint: Fingerprint | None
    part_size: int
    attributes: str = ""
    phase: Phase = Phase.SENDING
    replaces: str = ""
    receipts: Mapping[int, Receipt] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ObjectHead:
    """What S3 tells of an object without sending it; `size` in bytes.

    `checksums` are those of the full object, `composite` those of its parts' checksums; `parts`
    is the number of its parts where S3 was asked for one of them, whose size is then `size`.
    """

    size: int
    etag: str
    version_id: str | None = None
    checksums: Mapping[ChecksumAlgorithm, bytes] = field(default_factory=dict)
    composite: Mapping[ChecksumAlgorithm, bytes] = field(default_factory=dict)
    parts: int | None = None
    attributes: "ObjectAttributes | None" = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class ObjectListing:
    """Objects that S3 lists, by key.

    `unsure` are keys of which nobody can tell whether the server wrote them encoded; each is
    found under both of its forms. `is_whole` says that there are no other objects.
    """

    objects: Mapping[str, ObjectHead]
    unsure: AbstractSet[str] = frozenset()
    is_whole: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectAttributes:
    """How an object is to be stored, as in PutObject and CreateMultipartUpload.

    `content_type` is guessed from the name where it is None; `sse` is `AES256`, `aws:kms` or
    `aws:kms:dsse`; the rest goes to S3 as it is, and S3 judges it.
    """

    storage_class: str | None = None
    sse: str | None = None
    sse_kms_key_id: str | None = None
    acl: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    content_type: str | None = None
    cache_control: str | None = None
    content_encoding: str | None = None

    def digest(self) -> str:
        """Return what tells these attributes from others, and nothing of what they are."""
        told = [(each.name, getattr(self, each.name)) for each in fields(self)]
        plain = repr(
            [(name, sorted(v.items()) if isinstance(v, Mapping) else v) for name, v in told]
        )
        return blake2b(plain.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()

    def differing(self, wanted: "ObjectAttributes") -> list[str]:
        """Name what was asked for and is not here; a key by its ID or its ARN may be the same."""
        names = [each.name for each in fields(self) if each.name not in {"sse_kms_key_id", "tags"}]
        return [name for name in names if not _is_kept(getattr(self, name), getattr(wanted, name))]


def _is_kept(here: object, wanted: object) -> bool:
    if isinstance(here, Mapping) and isinstance(wanted, Mapping):
        # Names of metadata are headers, and those have no case.
        known = {str(name).lower(): value for name, value in here.items()}
        return all(known.get(name.lower()) == value for name, value in wanted.items())
    return wanted in (None, here)


class Proof(StrEnum):
    """By what the finished object was shown to equal the file, the strongest first."""

    CRC64NVME = "crc64nvme"
    SHA256 = "sha256"
    SHA1 = "sha1"
    CRC32C = "crc32c"
    CRC32 = "crc32"
    DOWNLOAD = "download"
    ETAG = "etag"
    SIZE = "size"

    @property
    def is_by_content(self) -> bool:
        """Whether no other object of the same size would pass."""
        return self is not Proof.SIZE


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadResult:
    """An object that S3 holds, compared with its file; sizes in bytes.

    `parts` is 1 for an object that went up in one request; of them, `parts_kept` were already
    at S3 from an earlier run. `resent` counts bytes that had to travel more than once.
    `checksum` is the CRC64NVME of the file as it was read, in base64, and `mtime_ns` its time of
    modification in nanoseconds since 1970, `device` and `inode` tell which file it was; None for a
    stream. `skipped` says why nothing was sent, None if something was.
    """

    uri: ObjectURI
    size: int
    etag: str
    proof: Proof
    version_id: str | None = None
    part_size: int
    parts: int
    parts_kept: int = 0
    attempts: int = 0
    resent: int = 0
    checksum: str = ""
    mtime_ns: int | None = None
    device: int | None = field(default=None, repr=False)
    inode: int | None = field(default=None, repr=False)
    skipped: str | None = None

    @property
    def fingerprint(self) -> Fingerprint | None:
        """What the file was known by as it was read; None for a stream, or if it was not read."""
        if self.mtime_ns is None or self.device is None or self.inode is None:
            return None
        return Fingerprint(self.size, self.mtime_ns, self.device, self.inode)
