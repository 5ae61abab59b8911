"""Who has answered: S3, or a proxy or a captive portal in its place.

A request that is intercepted can be answered by anything: 200 with a page, 302 to a log-in, 403,
404, 511 (RFC 6585, 6). Taken for S3's, such an answer is a success that never was, or a refusal
that ends a run. What S3's answers have is a request ID in a header and, where they are refusals,
an `<Error>` with a code; but some servers leave out the header (rclone, for a wrong key), and what
answers HEAD has no body. So what has neither, and is a page or leads elsewhere, is not S3's.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from asyncup.core.errors import Fault, ForeignAnswer

_SIGN = re.compile(
    r"x-amz-(id-2|bucket-region|version-id|expiration|server-side-encryption.*|checksum-.*|meta-.*)"
    # What AWS, Alibaba, Tencent, Huawei, Volcano, Netease, Kingsoft and Baidu call it, and Google.
    r"|x-(amz|oss|cos|obs|tos|nos|kss|bce)-request-id"
    r"|x-guploader-uploadid"
)
"""Headers of S3; not of everything that is on AWS, which has `x-amz-cf-id` and its like."""

_ERROR_BODY = re.compile(rb"<(\w+:)?Code\b")
_TOO_LARGE = 413
_PROXY_WANTS_CREDENTIALS = 407
_NETWORK_WANTS_CREDENTIALS = 511
_TEMPORARY = {429, 500, 502, 503, 504}
"""Also a load balancer may say these of the S3 behind it, without a word more."""

_MIXED = {"GetObject", "HeadObject"}
"""What they answer is of the type of the object, which can be a page."""


class NotOfS3(Exception):
    """An answer is not one of S3; `fault_of` makes the error of it."""

    def __init__(self, status: int, kind: str, location: str) -> None:
        super().__init__(status)
        self.status = status
        self.kind = kind
        self.location = location


def check(operation: str, response: Mapping[str, Any]) -> None:
    """Look at an answer as it came: `status_code`, `headers` in lower case and `body`.

    Raises:
        NotOfS3: it is that of somebody else.
    """
    status, headers = int(response["status_code"]), response["headers"]
    if any(_SIGN.fullmatch(name) for name in headers):
        return
    kind = str(headers.get("content-type", "")).partition(";")[0].strip().lower()
    if _is_foreign(operation, status, kind, response["body"]):
        raise NotOfS3(status, kind, str(headers.get("location", "")))


def _is_foreign(operation: str, status: int, kind: str, body: object) -> bool:
    """Judge an answer that has no header of S3."""
    is_page = kind.startswith("text/") and kind != "text/xml"
    if status < 300:  # noqa: PLR2004 - a success, by its first digit
        # Whether a success that is no page tells what it should is seen when it is read.
        return kind == "text/html" or (is_page and operation not in _MIXED)
    if isinstance(body, bytes) and _ERROR_BODY.search(body):
        return False
    if status == _TOO_LARGE:
        return False  # whoever says so, it stays so
    if is_page or status < 400 or status in {_PROXY_WANTS_CREDENTIALS, _NETWORK_WANTS_CREDENTIALS}:  # noqa: PLR2004
        return True
    has_no_body = operation in {"HeadObject", "HeadBucket"} or (not body and status in _TEMPORARY)
    return not has_no_body


def foreign_answer(fault: Fault, found: NotOfS3 | None = None) -> ForeignAnswer:
    """Return the error for an answer that is not one of S3, or cannot be read."""
    told, hint = "", "a proxy, a captive portal or a wrong --endpoint-url may be in the way"
    if found is not None:
        told = f": {found.status} {found.kind}".rstrip()
        if found.status == _PROXY_WANTS_CREDENTIALS:
            hint = "the proxy wants a user: HTTPS_PROXY=http://user:password@host:port"
        elif host := urlsplit(found.location).hostname:
            hint = f"a captive portal may want a log-in: open {host} in a browser"
        elif found.status == _NETWORK_WANTS_CREDENTIALS:
            hint = "a captive portal wants a log-in: open any page in a browser"
    return ForeignAnswer(replace(fault, message=f"the answer is not one of S3{told}"), hint=hint)
