"""Signatures of requests whose bodies are not signed: AWS Signature Version 4, for S3.

https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from hashlib import sha256

from asyncup.core.identity import Keys

_ALGORITHM = "AWS4-HMAC-SHA256"
_UNSIGNED_BODY = "UNSIGNED-PAYLOAD"


@dataclass(frozen=True, slots=True)
class Scope:
    """What a signature is good for, beside its day."""

    region: str
    service: str


@dataclass(frozen=True, slots=True)
class Unsigned:
    """A request to be signed.

    Attributes:
        method: of HTTP.
        host: as its header has it.
        path: of the URL, encoded.
        query: of the URL, encoded, in order of its names.
        headers: all that are to be signed but `host` and those of the signature; values have no
            spaces at their ends, nor several in a row.
    """

    method: str
    host: str
    path: str
    query: str
    headers: Mapping[str, str]


def sign(request: Unsigned, scope: Scope, keys: Keys, now: datetime) -> dict[str, str]:
    """Return the headers of a request with those of its signature; `now` is in UTC."""
    moment = f"{now:%Y%m%dT%H%M%SZ}"
    headers = {**request.headers, "X-Amz-Date": moment, "X-Amz-Content-SHA256": _UNSIGNED_BODY}
    if keys.session_token:
        headers["X-Amz-Security-Token"] = keys.session_token
    ordered = sorted([("host", request.host)] + [(name.lower(), headers[name]) for name in headers])
    names = ";".join(name for name, _ in ordered)
    lines = "".join(f"{name}:{value}\n" for name, value in ordered)
    canonical = (
        f"{request.method}\n{request.path}\n{request.query}\n{lines}\n{names}\n{_UNSIGNED_BODY}"
    )
    day = moment[:8]
    within = f"{day}/{scope.region}/{scope.service}/aws4_request"
    digest = sha256(canonical.encode()).hexdigest()
    key = _signing_key(keys.secret_access_key, day, scope.region, scope.service)
    signature = hmac.digest(key, f"{_ALGORITHM}\n{moment}\n{within}\n{digest}".encode(), sha256)
    headers["Authorization"] = (
        f"{_ALGORITHM} Credential={keys.access_key_id}/{within}, "
        f"SignedHeaders={names}, Signature={signature.hex()}"
    )
    return headers


@lru_cache(maxsize=16)
def _signing_key(secret: str, day: str, region: str, service: str) -> bytes:
    """Return the key for all requests of a day."""
    key = f"AWS4{secret}".encode()
    for each in (day, region, service, "aws4_request"):
        key = hmac.digest(key, each.encode(), sha256)
    return key
