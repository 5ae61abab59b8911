"""Receipts of objects: one JSON line for each, which can be compared with the object years later.

Sizes are in bytes, times ISO 8601 in UTC, the checksum is in base64 as S3 writes it.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from asyncup.core.checksums import from_base64, to_base64
from asyncup.core.errors import UsageError
from asyncup.core.model import ChecksumAlgorithm, ObjectURI, Proof, UploadResult
from asyncup.core.names import from_odd_bytes, odd_bytes, printable

SCHEMA = 1
"""Grows when a field changes its meaning or goes away; new fields may come any time."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ObjectReceipt:
    """What a receipt says of an object.

    `checksum` is the CRC64NVME of the file's bytes, if it is told; `proof` is by what the object
    was shown to have them, SIZE if that is nothing that is known here.
    """

    uri: ObjectURI
    source: str
    size: int
    etag: str
    checksum: bytes | None
    part_size: int
    proof: Proof


def receipt_line(
    source: str, result: UploadResult, started: datetime | None, completed: datetime
) -> str:
    """Write the receipt of an object that was compared with its file, without a line's end."""
    told = {
        "schema": SCHEMA,
        "uri": str(result.uri),
        "source": printable(source),
        "size": result.size,
        "mtime": None if result.mtime_ns is None else _mtime(result.mtime_ns),
        "mtime_ns": result.mtime_ns,
        "checksum_algorithm": ChecksumAlgorithm.CRC64NVME,
        "checksum": result.checksum,
        "etag": result.etag,
        "version_id": result.version_id,
        "part_size": result.part_size,
        "parts": result.parts,
        "attempts": result.attempts,
        "bytes_resent": result.resent,
        "started": None if started is None else _time(started),
        "completed": _time(completed),
        "proof": result.proof,
    }
    if (raw := odd_bytes(source)) is not None:
        told["source_bytes"] = to_base64(raw)
    return json.dumps(told)


def _mtime(mtime_ns: int) -> str | None:
    try:
        return _time(_EPOCH + timedelta(microseconds=mtime_ns // 1000), "microseconds")
    except OverflowError:  # some files are older than years are counted
        return None


def _time(moment: datetime, precision: str = "milliseconds") -> str:
    return moment.astimezone(UTC).isoformat(timespec=precision).replace("+00:00", "Z")


def read_receipt(line: bytes | str) -> ObjectReceipt:
    """Read a line of a file of receipts.

    Raises:
        ValueError: it is none, or not all of one, or one of a later schema.
    """
    try:
        told = json.loads(line)
    except (ValueError, RecursionError):  # the latter of brackets without end
        raise ValueError("it is not JSON") from None
    if not isinstance(told, dict) or told.get("schema") != SCHEMA:
        raise ValueError(f"it is no receipt of schema {SCHEMA}")
    uri = _field(told, "uri", str)
    try:
        where = ObjectURI.parse(uri)
    except UsageError as error:
        raise ValueError(str(error)) from error
    is_ours = told.get("checksum_algorithm") == ChecksumAlgorithm.CRC64NVME
    return ObjectReceipt(
        where,
        _source(told),
        _field(told, "size", int),
        _field(told, "etag", str),
        from_base64(_field(told, "checksum", str)) if is_ours else None,
        _field(told, "part_size", int),
        _proof(_field(told, "proof", str)),
    )


def _source(told: dict[str, Any]) -> str:
    source: str = _field(told, "source", str)
    if told.get("source_bytes") is None:
        return source
    raw = from_base64(_field(told, "source_bytes", str))
    return source if raw is None else from_odd_bytes(raw)


def _proof(told: str) -> Proof:
    """Return by what an object was proven; what a later version may say there counts for least."""
    return Proof(told) if told in set(Proof) else Proof.SIZE


def _field(told: dict[str, Any], name: str, kind: type) -> Any:  # noqa: ANN401 - of this kind
    value = told.get(name)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise ValueError(f"it tells no {name}")  # noqa: TRY004 - it is the line that is wrong
    return value
