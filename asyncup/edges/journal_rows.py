"""The journal's rows: values to columns and back, each row sealed by a digest over all of it.

SQLite does not notice every flipped bit, and a receipt that nobody gave would lose data. So a row
whose digest does not fit is treated as if it were not there; S3 is asked again, that is all.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

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

VERSION = 1
"""Of the tables and of what is in them; a journal of another version is not touched."""

# A table without rowid is one tree: there is no index that could disagree with it. Columns have no
# type, so that every value comes back as it went in.
TABLES = [
    f"CREATE TABLE {table}, digest, PRIMARY KEY ({key})) WITHOUT ROWID"
    for table, key in {
        "uploads (endpoint, bucket, object, upload_id, id, position, algorithm, whole, initiated,"
        " source, fingerprint, part_size, attributes, phase,"
        " replaces": "endpoint, bucket, object, upload_id",
        "receipts (id, number, start, size, etag, checksums": "id, number",
        "claims (endpoint, bucket, object, run": "endpoint, bucket, object",
        "runs (run, pid, host, started": "run",
    }.items()
]

Value = bytes | int | None


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of an upload; its record comes without receipts.

    `id` is random and names the record to its receipts: those of one that was replaced can never
    be taken for its own. The newest of a destination has the highest `position`.
    """

    endpoint: bytes
    id: bytes
    position: int
    record: JournalRecord


def to_bytes(text: str) -> bytes:
    """Return any text as bytes: names that are no UTF-8 have surrogates, some have NULs."""
    return text.encode("utf-8", "surrogatepass")


def from_bytes(value: object) -> str:
    """Return the text that became these bytes.

    Raises:
        ValueError: none did.
    """
    return _raw(value).decode("utf-8", "surrogatepass")


def _raw(value: object) -> bytes:
    if not isinstance(value, bytes):
        raise ValueError("not bytes")  # noqa: TRY004 - it is the value of a row that is wrong
    return value


def _number(value: object) -> int:
    if not isinstance(value, int):
        raise ValueError("not an integer")  # noqa: TRY004 - see above
    return value


def seal(table: str, *values: Value) -> tuple[Value, ...]:
    """Return the values of a row with their digest behind them."""
    return (*values, _digest(table, values))


def unseal(table: str, row: tuple[object, ...]) -> tuple[object, ...] | None:
    """Return the values of a row, None if they are not those that were sealed."""
    *values, digest = row
    return tuple(values) if digest == _digest(table, tuple(values)) else None


def _digest(table: str, values: tuple[object, ...]) -> bytes:
    return hashlib.blake2b(repr((table, *values)).encode(), digest_size=8).digest()


def destination(endpoint: bytes, uri: ObjectURI) -> tuple[bytes, bytes, bytes]:
    """Return the columns that name where an object goes."""
    return endpoint, to_bytes(uri.bucket), to_bytes(uri.key)


def upload_row(entry: Entry) -> tuple[Value, ...]:
    """Return the row of an upload."""
    record, upload = entry.record, entry.record.upload
    mark = record.fingerprint
    return seal(
        "uploads",
        *destination(entry.endpoint, upload.uri),
        to_bytes(upload.upload_id),
        entry.id,
        entry.position,
        None if upload.algorithm is None else to_bytes(upload.algorithm),
        int(upload.whole),
        None if upload.initiated is None else to_bytes(upload.initiated.isoformat()),
        to_bytes(record.source),
        # An inode may be more than the 63 bits that SQLite takes.
        None
        if mark is None
        else b"%d %d %d %d" % (mark.size, mark.mtime_ns, mark.device, mark.inode),
        record.part_size,
        to_bytes(record.attributes),
        to_bytes(record.phase),
        to_bytes(record.replaces),
    )


def read_upload(row: tuple[object, ...]) -> Entry | None:
    """Return what a row says, None if it cannot be trusted."""
    values = unseal("uploads", row)
    try:
        return None if values is None else _entry(values)
    except ValueError:
        return None


def _entry(values: tuple[object, ...]) -> Entry:
    endpoint, bucket, key, upload_id, identity, position, *of_upload = values
    algorithm, whole, initiated, source, fingerprint, part_size, *rest = of_upload
    attributes, phase, replaces = map(from_bytes, rest)
    upload = Upload(
        ObjectURI(from_bytes(bucket), from_bytes(key)),
        from_bytes(upload_id),
        None if algorithm is None else ChecksumAlgorithm(from_bytes(algorithm)),
        bool(whole),
        None if initiated is None else datetime.fromisoformat(from_bytes(initiated)),
    )
    record = JournalRecord(
        upload=upload,
        source=from_bytes(source),
        fingerprint=None if fingerprint is None else _fingerprint(from_bytes(fingerprint)),
        part_size=_number(part_size),
        attributes=attributes,
        phase=Phase(phase),
        replaces=replaces,
    )
    return Entry(_raw(endpoint), _raw(identity), _number(position), record)


def _fingerprint(text: str) -> Fingerprint:
    size, mtime_ns, device, inode = map(int, text.split(" "))
    return Fingerprint(size, mtime_ns, device, inode)


def receipt_row(identity: bytes, receipt: Receipt) -> tuple[Value, ...]:
    """Return the row of a receipt for the record of this id."""
    part, checksums = receipt.part, receipt.checksums
    told = [f"{name}={value.hex()}" for name, value in checksums.values.items()]
    return seal(
        "receipts",
        identity,
        part.number,
        part.offset,
        part.size,
        to_bytes(receipt.etag),
        to_bytes(" ".join([str(checksums.size), *told])),
    )


def read_receipt(identity: bytes, row: tuple[object, ...]) -> Receipt | None:
    """Return what a row says, None if it cannot be trusted or is not for the record of this id."""
    values = unseal("receipts", row)
    if values is None or values[0] != identity:
        return None
    try:
        _, number, offset, size, etag, checksums = values
        part = Part(_number(number), _number(offset), _number(size))
        return Receipt(part, from_bytes(etag), _checksums(from_bytes(checksums)))
    except ValueError:
        return None


def _checksums(text: str) -> Checksums:
    size, *told = text.split(" ")
    pairs = (each.split("=") for each in told)
    values: Mapping[ChecksumAlgorithm, bytes] = {
        ChecksumAlgorithm(name): bytes.fromhex(value) for name, value in pairs
    }
    return Checksums(int(size), values)
