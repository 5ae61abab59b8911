"""What S3 and the network say when they fail, as errors of ours, by tables.

Codes: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html, and those that other
servers were seen to send.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from botocore import exceptions as boto

from asyncup.core.errors import (
    AccessDenied,
    AsyncupError,
    BucketMissing,
    CertificateRejected,
    ChecksumRejected,
    ClockSkewed,
    ConditionConflict,
    ConnectionLost,
    CredentialsExpired,
    CredentialsMissing,
    CredentialsRejected,
    Fault,
    ObjectTooLarge,
    PartsMismatch,
    PartTooSmall,
    PathStyleRefused,
    PreconditionFailed,
    S3Error,
    ServerFault,
    Throttled,
    TimedOut,
    UploadMissing,
    UsageError,
    WrongRegion,
)
from asyncup.core.permissions import hint_for, read_denial

_CODES: dict[type[S3Error], tuple[str, ...]] = {
    Throttled: (
        "SlowDown",
        "ServiceUnavailable",
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestThrottled",
        "RequestLimitExceeded",
        "BandwidthLimitExceeded",
        "TooManyRequests",
        "429",
        "503",
    ),
    # The last one is STS's, for whoever knows the user.
    ServerFault: (
        "InternalError",
        "OperationAborted",
        "500",
        "502",
        "504",
        "408",
        "IDPCommunicationError",
    ),
    TimedOut: ("RequestTimeout",),
    ConnectionLost: ("IncompleteBody", "MissingContentLength"),
    ChecksumRejected: ("BadDigest", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch"),
    AccessDenied: ("AccessDenied", "AllAccessDisabled", "AccountProblem", "403", "Forbidden"),
    CredentialsRejected: (
        "InvalidAccessKeyId",
        "SignatureDoesNotMatch",
        "InvalidSecurity",
        "NotSignedUp",
        "AuthFailure",
        "401",
    ),
    CredentialsExpired: (
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidToken",
        "TokenRefreshRequired",
    ),
    ClockSkewed: ("RequestTimeTooSkewed", "RequestExpired"),
    BucketMissing: ("NoSuchBucket", "InvalidBucketName"),
    WrongRegion: (
        "PermanentRedirect",
        "TemporaryRedirect",
        "Redirect",
        "AuthorizationHeaderMalformed",
        "IllegalLocationConstraintException",
        "301",
        "307",
    ),
    # Of Alibaba OSS, Tencent COS and Huawei OBS.
    PathStyleRefused: (
        "SecondLevelDomainForbidden",
        "PathStyleDomainForbidden",
        "VirtualHostDomainRequired",
    ),
    UploadMissing: ("NoSuchUpload",),
    PreconditionFailed: ("PreconditionFailed", "412"),
    ConditionConflict: ("ConditionalRequestConflict",),
    ObjectTooLarge: ("EntityTooLarge", "413"),
    PartTooSmall: ("EntityTooSmall",),
    PartsMismatch: ("InvalidPart", "InvalidPartOrder"),
}
_BY_CODE = {code: kind for kind, codes in _CODES.items() for code in codes}

_HINTS: dict[type[S3Error], str] = {
    CredentialsMissing: "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, name a --profile, "
    "or write ~/.aws/credentials",
    CredentialsRejected: "check the access key and the secret, the --profile, and that they "
    "belong to this endpoint",
    CredentialsExpired: "get new temporary credentials (for SSO: aws sso login); a run that waits "
    "for them goes on by itself",
    ClockSkewed: "set this machine's clock, for example with NTP",
    BucketMissing: "check the bucket's name and the --endpoint-url, or create the bucket first",
    WrongRegion: "name the bucket's own --region",
    PathStyleRefused: "let the bucket stand in the host name: --addressing-style virtual; over "
    "TLS, one with dots in its name cannot",
    ObjectTooLarge: "this server, or a proxy before it, takes less than AWS: a smaller "
    "--part-size may do",
    PreconditionFailed: "another upload was faster; it was not replaced. To replace it, run with "
    "--overwrite always",
    ConditionConflict: "another upload to the same key is under way",
    Throttled: "S3 asks for fewer requests: a lower --concurrency helps",
}


def answered(error: boto.ClientError, fault: Fault) -> S3Error:
    """Turn an error answer of S3 into ours; `fault` says what was being done."""
    response: Mapping[str, Any] = error.response
    metadata: Mapping[str, Any] = response.get("ResponseMetadata", {})
    told: Mapping[str, Any] = response.get("Error", {})
    status = int(metadata.get("HTTPStatusCode", 0))
    code = str(told.get("Code") or status)
    full = replace(
        fault,
        code=code,
        message=str(told.get("Message") or ""),
        request_id=metadata.get("RequestId") or None,
        retry_after=retry_after(metadata.get("HTTPHeaders", {}).get("retry-after")),
    )
    kind = _kind(code, status, full)
    region = metadata.get("HTTPHeaders", {}).get("x-amz-bucket-region")
    if kind is WrongRegion and region:
        return kind(full, hint=f"the bucket is in another region: --region {region}")
    return kind(full, hint=_hint(kind, full))


def region_untold(fault: Fault) -> WrongRegion:
    """Return the error for a bucket that is elsewhere, where S3 does not say where."""
    told = "the bucket is in another region, and S3 does not say in which"
    return WrongRegion(replace(fault, message=told), hint=_HINTS[WrongRegion])


def _kind(code: str, status: int, fault: Fault) -> type[S3Error]:
    if fault.operation == "ListParts" and code == "NoSuchKey":
        return UploadMissing  # Ceph's word for it
    if code in _BY_CODE:
        return _BY_CODE[code]
    if "throttl" in code.lower():
        return Throttled  # KMS and others put their own names before it
    if str(status) in _BY_CODE:
        return _BY_CODE[str(status)]
    not_implemented = 501
    if status >= 500 and status != not_implemented:  # noqa: PLR2004
        return ServerFault
    return S3Error


def _hint(kind: type[S3Error], fault: Fault) -> str | None:
    if kind is AccessDenied:
        return hint_for(fault.operation, read_denial(fault.message))
    return _HINTS.get(kind)


def unanswered(error: Exception, fault: Fault) -> AsyncupError:
    """Turn what botocore raises when there is no answer from S3 into ours."""
    if isinstance(error, boto.SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(error):
        return certificate_rejected(fault, str(error))
    if isinstance(error, boto.SSLError) and "WRONG_VERSION_NUMBER" in str(error):
        return UsageError(
            f"{fault.action}: the server does not speak TLS at this port",
            hint="write http:// instead of https:// in --endpoint-url, or name the port for https; "
            "or a captive portal is in the way",
        )
    if _is_of_process(error):
        return CredentialsExpired(
            replace(fault, message=_cause(error)),
            hint="run the credential_process of the profile by hand",
        )
    for kinds, ours in _WITHOUT_ANSWER:
        if isinstance(error, kinds):
            return ours(replace(fault, message=_cause(error)), hint=_HINTS.get(ours))
    return UsageError(f"{fault.action}: {_cause(error)}")


def certificate_rejected(fault: Fault, why: str = "") -> CertificateRejected:
    """Return the error for a certificate that is not trusted, by what OpenSSL says of it."""
    if (other := _OTHER_NAME.search(why)) is not None:
        return CertificateRejected(
            replace(fault, message=f"the server's TLS certificate is not one for {other[1]}"),
            hint="check the --endpoint-url; with --addressing-style path, the bucket is no part of "
            "the name",
        )
    return CertificateRejected(
        replace(fault, message="the server's TLS certificate is not trusted"),
        hint="name the certificate of its issuer with --ca-bundle",
    )


def _is_of_process(error: Exception) -> bool:
    """Whether the user's own program gave no credentials: what it asks may have run out."""
    kwargs = getattr(error, "kwargs", {})
    return kwargs.get("provider") == "custom-process" and isinstance(
        error, boto.CredentialRetrievalError
    )


_WITHOUT_ANSWER: tuple[tuple[tuple[type[Exception], ...], type[S3Error]], ...] = (
    ((boto.NoCredentialsError,), CredentialsMissing),
    ((boto.PartialCredentialsError, boto.InvalidConfigError), CredentialsRejected),
    # Those who give credentials to machines, on EC2 and ECS, can be asked again.
    ((boto.CredentialRetrievalError, boto.MetadataRetrievalError), ConnectionLost),
    ((boto.SSOError, boto.TokenRetrievalError), CredentialsExpired),
    ((boto.ReadTimeoutError,), TimedOut),
    ((boto.SSLError, boto.HTTPClientError, boto.ConnectionError), ConnectionLost),
    ((boto.ResponseStreamingError, boto.IncompleteReadError), ConnectionLost),
)

_OTHER_NAME = re.compile(r"mismatch, certificate is not valid for '([^']+)'")

_URL = re.compile(r"(?i)[a-z][a-z0-9+.-]*://(?:[^\s\"']*@)?([^/?#@\s\"']+)[^\s\"']*")

LONGEST_RETRY_AFTER = 3600.0
"""Seconds. A server that asks for more is asked again all the same."""


def _cause(error: Exception) -> str:
    """Return what an error says, without the parts of URLs that may hold secrets."""
    told = _URL.sub(r"\1", " ".join(str(error).split()))
    # botocore does not tell what the system has said: refused, no such name, no route.
    within = getattr(getattr(error, "kwargs", {}).get("error"), "os_error", None)
    reason = getattr(within, "strerror", None)
    return f"{told}: {reason}" if reason else told


def retry_after(value: str | None, now: datetime | None = None) -> float | None:
    """Read a Retry-After header (RFC 9110, 10.2.3): seconds, or a date; None for anything else."""
    if not value:
        return None
    if re.fullmatch(r"[0-9]{1,9}", value.strip()):
        seconds = float(value)
    elif (date := read_date(value)) is not None:
        seconds = (date - (now or datetime.now(UTC))).total_seconds()
    else:
        return None
    return min(max(0.0, seconds), LONGEST_RETRY_AFTER)


def read_date(value: str | None) -> datetime | None:
    """Read a date of HTTP (RFC 9110, 5.6.7); one without a zone is in UTC; None for nonsense."""
    try:
        date = parsedate_to_datetime(value or "")
        # Not every zone that can be written is one.
        return date.astimezone(UTC) if date.tzinfo else date.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
