"""What S3 and the network say when they fail: each as one class, with what mends it, no secrets."""

from collections.abc import Mapping
from datetime import UTC, datetime
from string import Formatter

import pytest
from botocore import exceptions as boto
from botocore.parsers import RestXMLParser

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
from asyncup.edges.s3_errors import answered, retry_after, unanswered

FAULT = Fault(action="upload part 7 of s3://bucket/key", operation="UploadPart")
NOW = datetime(2024, 2, 29, 12, 0, 0, tzinfo=UTC)


def fault(operation: str) -> Fault:
    return Fault(action=f"do {operation}", operation=operation)


def answer(
    status: int, body: str = "", headers: Mapping[str, str] | None = None
) -> boto.ClientError:
    """Return what botocore makes of an HTTP answer, with its own parser."""
    raw = {"status_code": status, "headers": dict(headers or {}), "body": body.encode()}
    return boto.ClientError(RestXMLParser().parse(raw, None), "AnyOperation")


def refusal(code: str, status: int, message: str = "told") -> boto.ClientError:
    """Return an error answer as S3 sends it."""
    told = f"<Code>{code}</Code><Message>{message}</Message><Resource>/bucket/key</Resource>"
    return answer(status, f'<?xml version="1.0" encoding="UTF-8"?><Error>{told}</Error>')


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("SlowDown", 503, Throttled),
        ("SlowDown", 500, Throttled),  # what was a 200 with an error in it comes as a 500
        ("ServiceUnavailable", 503, Throttled),
        ("RequestLimitExceeded", 400, Throttled),
        ("ThrottlingException", 400, Throttled),
        ("TooManyRequests", 429, Throttled),
        ("InternalError", 500, ServerFault),
        ("OperationAborted", 409, ServerFault),
        ("RequestTimeout", 400, TimedOut),
        ("IncompleteBody", 400, ConnectionLost),
        ("BadDigest", 400, ChecksumRejected),
        ("XAmzContentChecksumMismatch", 400, ChecksumRejected),
        ("XAmzContentSHA256Mismatch", 400, ChecksumRejected),
        ("AccessDenied", 403, AccessDenied),
        ("AllAccessDisabled", 403, AccessDenied),
        ("InvalidAccessKeyId", 403, CredentialsRejected),
        ("SignatureDoesNotMatch", 403, CredentialsRejected),
        ("ExpiredToken", 400, CredentialsExpired),
        ("InvalidToken", 400, CredentialsExpired),
        ("TokenRefreshRequired", 400, CredentialsExpired),
        ("RequestTimeTooSkewed", 403, ClockSkewed),
        ("NoSuchBucket", 404, BucketMissing),
        ("PermanentRedirect", 301, WrongRegion),
        ("TemporaryRedirect", 307, WrongRegion),
        ("AuthorizationHeaderMalformed", 400, WrongRegion),
        ("SecondLevelDomainForbidden", 403, PathStyleRefused),
        ("PathStyleDomainForbidden", 403, PathStyleRefused),
        ("VirtualHostDomainRequired", 400, PathStyleRefused),
        ("NoSuchUpload", 404, UploadMissing),
        ("EntityTooLarge", 400, ObjectTooLarge),
        ("InvalidPart", 400, PartsMismatch),
        ("InvalidPartOrder", 400, PartsMismatch),
        ("EntityTooSmall", 400, PartTooSmall),
        # Codes that nobody has heard of go by their status.
        ("XNeverHeardOf", 503, Throttled),
        ("XNeverHeardOf", 429, Throttled),
        ("XNeverHeardOf", 500, ServerFault),
        ("XNeverHeardOf", 507, ServerFault),
        ("XNeverHeardOf", 599, ServerFault),
        ("XNeverHeardOf", 403, AccessDenied),
        ("XNeverHeardOf", 401, CredentialsRejected),
        ("NotImplemented", 501, S3Error),
        ("XNeverHeardOf", 400, S3Error),
        ("XNeverHeardOf", 404, S3Error),
        ("XNeverHeardOf", 409, S3Error),
        ("PreconditionFailed", 412, PreconditionFailed),
        ("ConditionalRequestConflict", 409, ConditionConflict),
        ("NoSuchKey", 404, S3Error),
    ],
)
def test_codes_become_classes(code: str, status: int, kind: type[S3Error]) -> None:
    """Every code that servers are known to send has its class, and any other goes by its status."""
    error = answered(refusal(code, status), FAULT)
    assert (type(error), error.fault.code) == (kind, code)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (301, WrongRegion),
        (307, WrongRegion),
        (400, S3Error),
        (401, CredentialsRejected),
        (403, AccessDenied),
        (404, S3Error),
        (408, ServerFault),
        (412, PreconditionFailed),
        (413, ObjectTooLarge),
        (429, Throttled),
        (500, ServerFault),
        (501, S3Error),
        (502, ServerFault),
        (503, Throttled),
        (504, ServerFault),
        (507, ServerFault),
    ],
)
def test_answers_without_an_error_in_them_go_by_their_status(
    status: int, kind: type[S3Error]
) -> None:
    """An answer to HEAD has no body: the status tells the class."""
    error = answered(answer(status), fault("HeadObject"))
    assert (type(error), error.fault.code) == (kind, str(status))


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("SlowDown", 503),
        ("TooManyRequests", 429),
        ("InternalError", 500),
        ("OperationAborted", 409),
        ("RequestTimeout", 400),
        ("IncompleteBody", 400),
        ("BadDigest", 400),
        ("XNeverHeardOf", 502),
        ("XNeverHeardOf", 599),
    ],
)
def test_what_may_pass_is_tried_again(code: str, status: int) -> None:
    """What a later attempt can overcome is transient, and stops no other file."""
    error = answered(refusal(code, status), FAULT)
    assert (error.transient, error.stops_run) == (True, False)


@pytest.mark.parametrize(
    ("code", "status", "stops_run"),
    [
        ("AccessDenied", 403, False),
        ("EntityTooLarge", 400, False),
        ("InvalidPart", 400, False),
        ("MethodNotAllowed", 405, False),
        ("NoSuchUpload", 404, False),
        ("NotImplemented", 501, False),
        ("XNeverHeardOf", 400, False),
        ("ExpiredToken", 400, True),
        ("InvalidAccessKeyId", 403, True),
        ("NoSuchBucket", 404, True),
        ("PermanentRedirect", 301, True),
        ("RequestTimeTooSkewed", 403, True),
    ],
)
def test_what_will_not_pass_is_not_tried_again(code: str, status: int, stops_run: bool) -> None:
    """What stays as it is, is not transient; what every file would meet stops the run."""
    error = answered(refusal(code, status), FAULT)
    assert (error.transient, error.stops_run) == (False, stops_run)


@pytest.mark.parametrize(
    ("operation", "kind"),
    [("ListParts", UploadMissing), ("UploadPart", S3Error), ("HeadObject", S3Error)],
)
def test_ceph_calls_a_missing_upload_a_missing_key(operation: str, kind: type[S3Error]) -> None:
    """NoSuchKey for ListParts says that the upload is gone; elsewhere it says what it says."""
    assert type(answered(refusal("NoSuchKey", 404), fault(operation))) is kind


@pytest.mark.parametrize(
    ("operation", "action"),
    [
        ("HeadObject", "s3:GetObject and s3:ListBucket"),
        ("ListObjectsV2", "s3:ListBucket"),
        ("ListMultipartUploads", "s3:ListBucketMultipartUploads"),
        ("ListParts", "s3:ListMultipartUploadParts"),
        ("AbortMultipartUpload", "s3:AbortMultipartUpload"),
        ("PutObject", "s3:PutObject"),
        ("CreateMultipartUpload", "s3:PutObject"),
        ("UploadPart", "s3:PutObject"),
        ("CompleteMultipartUpload", "s3:PutObject"),
    ],
)
def test_a_denial_names_the_permission(operation: str, action: str) -> None:
    """When access is denied, the hint names what a policy has to allow for just this request."""
    error = answered(answer(403), fault(operation))
    assert error.hint == (f"the policy of these credentials has to allow {action}: see docs/iam.md")


def test_a_denial_that_says_what_it_is_of_is_believed() -> None:
    """A tag, or a key, may be what is denied of a request that wants more than one permission."""
    told = "not authorized to perform: s3:PutObjectTagging on resource: arn:aws:s3:::b/a"
    error = answered(refusal("AccessDenied", 403, told), fault("CreateMultipartUpload"))
    assert error.hint is not None
    assert "has to allow s3:PutObjectTagging: " in error.hint


@pytest.mark.parametrize(
    ("code", "status", "word"),
    [
        ("SlowDown", 503, "--concurrency"),
        ("SignatureDoesNotMatch", 403, "secret"),
        ("ExpiredToken", 400, "aws sso login"),
        ("RequestTimeTooSkewed", 403, "clock"),
        ("NoSuchBucket", 404, "--endpoint-url"),
        ("PermanentRedirect", 301, "--region"),
        ("SecondLevelDomainForbidden", 403, "--addressing-style virtual"),
        ("EntityTooLarge", 400, "--part-size"),
    ],
)
def test_a_hint_says_what_mends_it(code: str, status: int, word: str) -> None:
    """What the user can mend has a hint with the option or the place where to do so."""
    hint = answered(refusal(code, status), FAULT).hint
    assert hint is not None
    assert word in hint


def test_the_text_is_verb_identity_and_cause() -> None:
    """The text says what was being done to what, the code, the server's words, the request ID."""
    body = "<Error><Code>SlowDown</Code><Message>Reduce your rate.</Message></Error>"
    error = answered(answer(503, body, {"x-amz-request-id": "TX123", "retry-after": "7"}), FAULT)
    assert str(error) == (
        "upload part 7 of s3://bucket/key: SlowDown: Reduce your rate. (request ID TX123)"
    )
    assert error.fault == Fault(
        action="upload part 7 of s3://bucket/key",
        operation="UploadPart",
        code="SlowDown",
        message="Reduce your rate.",
        request_id="TX123",
        retry_after=7.0,
    )


def test_an_answer_that_says_nothing_is_still_told() -> None:
    """An answer without code, message and status is an error of its own, not a crash."""
    error = answered(boto.ClientError({}, "UploadPart"), FAULT)
    assert (type(error), error.transient) == (S3Error, False)
    assert str(error).startswith("upload part 7 of s3://bucket/key: ")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("0", 0.0),
        ("120", 120.0),
        (" 7 ", 7.0),
        ("Thu, 29 Feb 2024 12:00:30 GMT", 30.0),
        ("Thu, 29 Feb 2024 12:00:30 -0000", 30.0),
        ("Thu, 29 Feb 2024 13:00:30 +0100", 30.0),
        ("Thursday, 29-Feb-24 12:01:00 GMT", 60.0),
        ("Thu, 29 Feb 2024 11:59:59 GMT", 0.0),
        ("Thu, 29 Feb 1999 12:00:00 GMT", None),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
        (None, None),
        ("Thu, 32 Foo 2024 99:99:99 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str | None, expected: float | None) -> None:
    """Seconds and dates (RFC 9110, 10.2.3) are read, the past is now, and nonsense is nothing."""
    assert retry_after(value, NOW) == expected


def test_retry_after_goes_by_the_clock_where_none_is_given() -> None:
    """A date that is long past means at once, whatever time it is."""
    assert retry_after("Sat, 01 Jan 2000 00:00:00 GMT") == 0.0


URL = "https://bucket.example/key?uploadId=1"


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (boto.NoCredentialsError(), CredentialsMissing),
        (boto.PartialCredentialsError(provider="env", cred_var="secret"), CredentialsRejected),
        (
            boto.CredentialRetrievalError(provider="custom-process", error_msg="exit 1"),
            CredentialsExpired,
        ),
        (boto.CredentialRetrievalError(provider="iam-role", error_msg="none"), ConnectionLost),
        (boto.MetadataRetrievalError(error_msg="no answer"), ConnectionLost),
        (boto.InvalidConfigError(error_msg="no source_profile"), CredentialsRejected),
        (
            boto.InfiniteLoopConfigError(source_profile="a", visited_profiles="a, b"),
            CredentialsRejected,
        ),
        (boto.SSOTokenLoadError(error_msg="gone"), CredentialsExpired),
        (boto.UnauthorizedSSOTokenError(), CredentialsExpired),
        (boto.TokenRetrievalError(provider="sso", error_msg="old"), CredentialsExpired),
        (boto.ReadTimeoutError(endpoint_url=URL), TimedOut),
        (boto.ConnectTimeoutError(endpoint_url=URL), ConnectionLost),
        (boto.EndpointConnectionError(endpoint_url=URL), ConnectionLost),
        (boto.ConnectionClosedError(endpoint_url=URL), ConnectionLost),
        (boto.ProxyConnectionError(proxy_url="http://proxy:8080"), ConnectionLost),
        (boto.HTTPClientError(error="reset by peer"), ConnectionLost),
        (boto.ResponseStreamingError(error="broke off"), ConnectionLost),
        (boto.IncompleteReadError(actual_bytes=1, expected_bytes=2), ConnectionLost),
        (boto.SSLError(endpoint_url=URL, error="handshake failure"), ConnectionLost),
        (
            boto.SSLError(endpoint_url=URL, error="[SSL: CERTIFICATE_VERIFY_FAILED] unable"),
            CertificateRejected,
        ),
        (boto.ParamValidationError(report="Invalid length"), UsageError),
        (boto.EndpointProviderError(msg="no rule"), UsageError),
        (boto.NoRegionError(), UsageError),
        (boto.UnsupportedS3ArnError(arn="arn:x"), UsageError),
    ],
)
def test_what_botocore_raises_becomes_a_class(
    error: boto.BotoCoreError, kind: type[AsyncupError]
) -> None:
    """Without an answer of S3, the reason has its class, and the text says what was being done."""
    ours = unanswered(error, FAULT)
    assert type(ours) is kind
    assert str(ours).startswith("upload part 7 of s3://bucket/key: ")


def _fields(kind: type[boto.BotoCoreError]) -> dict[str, str]:
    """Return a value for everything that the text of a botocore exception names."""
    named = {name: f"<{name}>" for _, name, _, _ in Formatter().parse(kind.fmt) if name}
    return named | ({"last_response": ""} if kind is boto.WaiterError else {})


EVERY = sorted(
    (each for each in vars(boto).values() if isinstance(each, type)), key=lambda each: each.__name__
)


@pytest.mark.parametrize(
    "kind",
    [each for each in EVERY if issubclass(each, boto.BotoCoreError)],
    ids=lambda k: k.__name__,
)
def test_every_exception_of_botocore_becomes_ours(kind: type[boto.BotoCoreError]) -> None:
    """There is no exception of botocore that asyncup has no error for."""
    ours = unanswered(kind(**_fields(kind)), FAULT)
    assert isinstance(ours, AsyncupError)
    assert str(ours).startswith("upload part 7 of s3://bucket/key: ")
    lost = issubclass(
        kind,
        boto.HTTPClientError
        | boto.ConnectionError
        | boto.IncompleteReadError
        | boto.CredentialRetrievalError
        | boto.MetadataRetrievalError,
    )
    assert ours.transient is lost


def test_a_certificate_that_is_not_trusted_stops_the_run() -> None:
    """To try again does not make a certificate good; the hint names what does."""
    told = "certificate verify failed: self-signed certificate"
    error = boto.SSLError(endpoint_url=URL, error=f"[SSL: CERTIFICATE_VERIFY_FAILED] {told}")
    ours = unanswered(error, FAULT)
    assert (ours.transient, ours.stops_run) == (False, True)
    assert str(ours) == (
        "upload part 7 of s3://bucket/key: the server's TLS certificate is not trusted"
    )
    assert ours.hint == "name the certificate of its issuer with --ca-bundle"


def test_missing_credentials_say_where_to_put_them() -> None:
    """Without credentials anywhere, the hint names the places, and no other file is tried."""
    ours = unanswered(boto.NoCredentialsError(), FAULT)
    assert ours.stops_run
    assert ours.hint is not None
    for place in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "--profile", "~/.aws/credentials"):
        assert place in ours.hint


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://s3.example/bucket/key", "s3.example"),
        ("https://s3.example/bucket/key?X-Amz-Signature=secret&uploadId=secret", "s3.example"),
        ("http://127.0.0.1:9000/bucket/secret", "127.0.0.1:9000"),
        ("http://user:secret@s3.example:9000/bucket", "s3.example:9000"),
        ("https://secret@s3.example", "s3.example"),
        ("socks5://user:secret@s3.example:1080", "s3.example:1080"),
        ("http://[::1]:9000/bucket", "[::1]:9000"),
    ],
)
def test_urls_lose_what_may_be_secret(url: str, shown: str) -> None:
    """Of a URL in a message only host and port are told: no userinfo, no path, no query."""
    ours = unanswered(boto.EndpointConnectionError(endpoint_url=url), FAULT)
    expected = f'upload part 7 of s3://bucket/key: Could not connect to the endpoint URL: "{shown}"'
    assert str(ours) == expected


def test_several_urls_lose_it_too() -> None:
    """Every URL in a message is shortened, and what stands between them stays, on one line."""
    told = (
        "via http://me:secret@proxy:3128/\n  to https://s3.example/?X-Amz-Credential=secret failed"
    )
    ours = unanswered(boto.HTTPClientError(error=told), FAULT)
    assert str(ours).endswith(": via proxy:3128 to s3.example failed")
    assert "secret" not in str(ours)


@pytest.mark.parametrize(
    "value",
    [
        "²",
        "9" * 400,
        "Mon, 01 Jan 99999999999999 00:00:00 GMT",
        f"Mon, 01 Jan 2024 0:0 +{'9' * 17}",
    ],
)
def test_no_retry_after_is_too_odd(value: str) -> None:
    """Nonsense from a server is nothing."""
    assert retry_after(value, datetime(2024, 1, 1, tzinfo=UTC)) is None


@pytest.mark.parametrize("value", ["999999999", "Mon, 01 Jan 2030 00:00:00 GMT"])
def test_nobody_waits_for_years(value: str) -> None:
    """However long a server wants to be left alone, it is asked again within the hour."""
    assert retry_after(value, datetime(2024, 1, 1, tzinfo=UTC)) == 3600


@pytest.mark.parametrize(
    "url",
    [
        "https://s3.example?X-Amz-Signature=secret",
        "http://user:s@secret@s3.example/x",
        "http://user:sec/ret@s3.example/x",
        "HTTPS://user:secret@s3.example/key?secret",
    ],
)
def test_no_url_tells_a_secret(url: str) -> None:
    """However a URL is written, only host and port are told."""
    told = str(unanswered(boto.EndpointConnectionError(endpoint_url=url), FAULT))
    assert "s3.example" in told
    assert "sec" not in told


def test_the_right_region_is_told() -> None:
    """Where S3 tells the bucket's region, the hint does as well."""
    response = {
        "Error": {"Code": "PermanentRedirect"},
        "ResponseMetadata": {
            "HTTPStatusCode": 301,
            "HTTPHeaders": {"x-amz-bucket-region": "eu-west-3"},
        },
    }
    error = answered(boto.ClientError(response, "ListParts"), FAULT)
    assert error.hint == "the bucket is in another region: --region eu-west-3"
