"""The S3 verbs of a sink: requests whose bodies are gone, and their answers."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import parse_qsl, unquote, urlsplit
from xml.sax.saxutils import escape

from benchmarks.sink.bodies import CHECKSUM as _CHECKSUM
from benchmarks.sink.bodies import Headers
from benchmarks.sink.ledger import Checksums, Held, Ledger, Pending, Refused

_PAGE = 1000
_BEGUN = "2026-01-01T00:00:00.000Z"
_STATUS = {
    "AccessDenied": HTTPStatus.FORBIDDEN,
    "InvalidPart": HTTPStatus.BAD_REQUEST,
    "NoSuchKey": HTTPStatus.NOT_FOUND,
    "NoSuchUpload": HTTPStatus.NOT_FOUND,
    "NotImplemented": HTTPStatus.NOT_IMPLEMENTED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request whose body has arrived.

    Attributes:
        method: of HTTP.
        bucket: its name, empty if there is none in the path.
        key: of an object, empty if it is about the bucket.
        query: its parameters.
        headers: those before and after the body.
        size: of the body, in bytes.
        text: the body itself, if it was to be read.
    """

    method: str
    bucket: str
    key: str
    query: Mapping[str, str]
    headers: Headers
    size: int = 0
    text: bytes = b""

    @property
    def name(self) -> str:
        """Bucket and key."""
        return f"{self.bucket}/{self.key}"

    @property
    def checksums(self) -> Checksums:
        """The checksums that its headers tell, by algorithm."""
        return {
            algorithm.upper(): value
            for name, value in self.headers.items()
            if name.startswith(_CHECKSUM)
            and (algorithm := name.removeprefix(_CHECKSUM)) not in {"algorithm", "type"}
        }


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer: XML, or none."""

    status: HTTPStatus = HTTPStatus.OK
    headers: Headers = field(default_factory=dict)
    xml: str = ""


def parse_target(target: str) -> tuple[str, str, dict[str, str]]:
    """Return the bucket, key and parameters of a request's target."""
    parts = urlsplit(target)
    bucket, _, key = unquote(parts.path).lstrip("/").partition("/")
    return bucket, key, dict(parse_qsl(parts.query, keep_blank_values=True))


def answer(request: Request, ledger: Ledger) -> Answer:
    """Do what a request asks for."""
    operation, do = _find(request)
    try:
        ledger.count_request(operation)
        return do(request, ledger)
    except Refused as refused:
        code = str(refused)
        xml = "" if request.method == "HEAD" else _element("Error", _element("Code", escape(code)))
        return Answer(_STATUS[code], xml=xml)


_Verb = Callable[[Request, Ledger], Answer]


def _find(request: Request) -> tuple[str, _Verb]:
    """Return the name of what is asked for, and who does it."""
    for method, has_key, parameter, operation, verb in _VERBS:
        if (
            request.method == method
            and bool(request.key) == has_key
            and (not parameter or parameter in request.query)
        ):
            return operation, verb
    return "Unknown", _refuse


def _put_object(request: Request, ledger: Ledger) -> Answer:
    held = ledger.put(request.name, request.size, request.checksums, _type(request))
    return Answer(headers=_headers_of(held))


def _create(request: Request, ledger: Ledger) -> Answer:
    algorithm = request.headers.get(_CHECKSUM + "algorithm", "")
    kind = request.headers.get(_CHECKSUM + "type", "")
    upload_id = ledger.create(Pending(request.name, algorithm, kind, _type(request)))
    told = {_CHECKSUM + "algorithm": algorithm, _CHECKSUM + "type": kind}
    return Answer(
        headers={name: value for name, value in told.items() if value},
        xml=_element(
            "InitiateMultipartUploadResult",
            _element("Bucket", escape(request.bucket))
            + _element("Key", escape(request.key))
            + _element("UploadId", upload_id),
        ),
    )


def _upload_part(request: Request, ledger: Ledger) -> Answer:
    number = int(request.query["partNumber"])
    held = ledger.put_part(request.query["uploadId"], number, request.size, request.checksums)
    return Answer(headers=_headers_of(held))


def _complete(request: Request, ledger: Ledger) -> Answer:
    numbers = [int(each) for each in re.findall(rb"<PartNumber>(\d+)</PartNumber>", request.text)]
    held = ledger.complete(request.query["uploadId"], numbers, request.checksums)
    return Answer(
        xml=_element(
            "CompleteMultipartUploadResult",
            _element("Bucket", escape(request.bucket))
            + _element("Key", escape(request.key))
            + _told(held),
        )
    )


def _abort(request: Request, ledger: Ledger) -> Answer:
    ledger.abort(request.query["uploadId"])
    return Answer(HTTPStatus.NO_CONTENT)


def _delete(request: Request, ledger: Ledger) -> Answer:
    ledger.delete(request.name)
    return Answer(HTTPStatus.NO_CONTENT)


def _list_parts(request: Request, ledger: Ledger) -> Answer:
    parts = ledger.find_parts(request.query["uploadId"])
    after = int(request.query.get("part-number-marker") or 0)
    left = [number for number in parts if number > after]
    page = left[: int(request.query.get("max-parts") or _PAGE)]
    told = "".join(
        _element("Part", _element("PartNumber", number) + _sized(parts[number])) for number in page
    )
    marker = page[-1] if page else after
    return Answer(
        xml=_element(
            "ListPartsResult",
            _element("NextPartNumberMarker", marker) + _truncated(len(page) < len(left)) + told,
        )
    )


def _list_uploads(request: Request, ledger: Ledger) -> Answer:
    found = ledger.find_pending(f"{request.bucket}/{request.query.get('prefix', '')}")
    told = "".join(
        _element(
            "Upload",
            _element("Key", escape(upload.name.partition("/")[2]))
            + _element("UploadId", upload_id)
            + _element("Initiated", _BEGUN)
            + (_element("ChecksumAlgorithm", upload.algorithm) if upload.algorithm else "")
            + (_element("ChecksumType", upload.kind) if upload.kind else ""),
        )
        for upload_id, upload in found.items()
    )
    return Answer(xml=_element("ListMultipartUploadsResult", _truncated(False) + told))


def _list_objects(request: Request, ledger: Ledger) -> Answer:
    found = ledger.find_objects(f"{request.bucket}/{request.query.get('prefix', '')}")
    query = request.query
    after = query.get("continuation-token") or query.get("start-after") or query.get("marker", "")
    left = [name for name in found if name > f"{request.bucket}/{after}"]
    page = left[: int(query.get("max-keys") or _PAGE)]
    told = "".join(
        _element(
            "Contents",
            _element("Key", escape(name.partition("/")[2]))
            + _element("LastModified", _BEGUN)
            + _sized(found[name]),
        )
        for name in page
    )
    token = escape(page[-1].partition("/")[2]) if page else ""
    return Answer(
        xml=_element(
            "ListBucketResult",
            _element("KeyCount", len(page))
            + _element("NextContinuationToken", token)
            + _truncated(len(page) < len(left))
            + told,
        )
    )


def _head_object(request: Request, ledger: Ledger) -> Answer:
    held = ledger.find(request.name)
    return Answer(
        headers={
            **_headers_of(held),
            "content-length": str(held.size),
            "content-type": held.content_type,
            "last-modified": "Thu, 01 Jan 2026 00:00:00 GMT",
        }
    )


def _locate(_request: Request, _ledger: Ledger) -> Answer:
    return Answer(xml="<LocationConstraint/>")


def _agree(_request: Request, _ledger: Ledger) -> Answer:
    return Answer()


def _refuse(_request: Request, _ledger: Ledger) -> Answer:
    raise Refused("NotImplemented")


_VERBS: tuple[tuple[str, bool, str, str, _Verb], ...] = (
    ("PUT", True, "uploadId", "UploadPart", _upload_part),
    ("PUT", True, "", "PutObject", _put_object),
    ("PUT", False, "", "CreateBucket", _agree),
    ("POST", True, "uploads", "CreateMultipartUpload", _create),
    ("POST", True, "uploadId", "CompleteMultipartUpload", _complete),
    ("DELETE", True, "uploadId", "AbortMultipartUpload", _abort),
    ("DELETE", True, "", "DeleteObject", _delete),
    ("GET", True, "uploadId", "ListParts", _list_parts),
    ("GET", False, "uploads", "ListMultipartUploads", _list_uploads),
    ("GET", False, "location", "GetBucketLocation", _locate),
    ("GET", False, "list-type", "ListObjectsV2", _list_objects),
    ("GET", False, "prefix", "ListObjects", _list_objects),
    ("HEAD", True, "", "HeadObject", _head_object),
    ("HEAD", False, "", "HeadBucket", _agree),
)
"""By method, whether there is a key, and a parameter; the first one that fits counts."""


def _type(request: Request) -> str:
    return request.headers.get("content-type", "binary/octet-stream")


def _headers_of(held: Held) -> dict[str, str]:
    told = {_CHECKSUM + name.lower(): value for name, value in held.checksums.items()}
    kind = {_CHECKSUM + "type": "FULL_OBJECT"} if told else {}
    return {"etag": f'"{held.etag}"', **told, **kind}


def _sized(held: Held) -> str:
    return _element("Size", held.size) + _told(held)


def _told(held: Held) -> str:
    return _element("ETag", f'"{held.etag}"') + "".join(_checksum_elements(held))


def _checksum_elements(held: Held) -> Iterator[str]:
    for algorithm, value in held.checksums.items():
        yield _element(f"Checksum{algorithm}", escape(value))


def _truncated(is_truncated: bool) -> str:
    return _element("IsTruncated", str(is_truncated).lower())


def _element(name: str, content: object) -> str:
    return f"<{name}>{content}</{name}>"
