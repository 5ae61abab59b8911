"""Whose an answer is: that of S3, of whatever make, or that of a proxy or a captive portal."""

from collections.abc import Mapping

import pytest

from asyncup.core.errors import Fault
from asyncup.edges.s3_foreign import NotOfS3, check, foreign_answer

HTML = {"content-type": "text/html; charset=utf-8"}
PLAIN = {"content-type": "text/plain"}
XML = {"content-type": "application/xml"}
PAGE = b"<!doctype html><title>Log in</title>"
REFUSAL = b"<?xml version='1.0'?><Error><Code>NoSuchKey</Code></Error>"
SWIFTS_REFUSAL = b"<s3:Error xmlns:s3='x'><s3:Code>NoSuchKey</s3:Code></s3:Error>"
FAULT = Fault(action="list s3://bucket/", operation="ListObjectsV2")


def is_of_s3(operation: str, status: int, headers: Mapping[str, str], body: object = b"") -> bool:
    """Return what is said of an answer."""
    try:
        check(operation, {"status_code": status, "headers": headers, "body": body})
    except NotOfS3:
        return False
    return True


@pytest.mark.parametrize("status", [200, 302, 400, 401, 403, 404, 407, 500, 502, 503, 511])
@pytest.mark.parametrize(
    "operation", ["HeadObject", "GetObject", "ListParts", "UploadPart", "AbortMultipartUpload"]
)
def test_a_page_is_not_of_s3(operation: str, status: int) -> None:
    """HTML is nothing that S3 answers, with any status, and whether its body is seen or not."""
    body = b"" if operation == "HeadObject" else PAGE
    assert not is_of_s3(operation, status, HTML, body)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 407, 511])
@pytest.mark.parametrize("operation", ["HeadObject", "UploadPart"])
def test_what_leads_elsewhere_is_not_of_s3(operation: str, status: int) -> None:
    """A redirect without a word of S3 is a portal's, and what asks for a log-in is one's, too."""
    assert not is_of_s3(operation, status, {"location": "http://portal.example/"})


@pytest.mark.parametrize("status", [400, 403, 404, 501])
def test_a_refusal_without_a_code_is_not_of_s3(status: int) -> None:
    """What S3 refuses it explains, except for HEAD."""
    assert not is_of_s3("UploadPart", status, PLAIN, b"Forbidden by policy")
    assert not is_of_s3("UploadPart", status, {}, b"")
    assert not is_of_s3("UploadPart", status, {}, b'{"error": "log in"}')


@pytest.mark.parametrize("status", [301, 307, 400, 403, 404, 409, 412, 501, 503])
@pytest.mark.parametrize("body", [REFUSAL, SWIFTS_REFUSAL])
def test_a_refusal_with_a_code_is_of_s3(status: int, body: bytes) -> None:
    """Servers that leave out the request ID (rclone, for a wrong key) are believed by the body."""
    assert is_of_s3("UploadPart", status, XML, body)
    assert is_of_s3("UploadPart", status, {}, body)


@pytest.mark.parametrize("name", ["x-amz-request-id", "x-amz-id-2", "x-oss-request-id"])
@pytest.mark.parametrize("status", [200, 301, 307, 403, 404, 503])
def test_a_request_id_is_of_s3(name: str, status: int) -> None:
    """Whatever else it is, an answer with a request ID is one of S3, also where it is a page."""
    assert is_of_s3("HeadObject", status, {name: "1"})
    assert is_of_s3("GetObject", status, {name: "1", **HTML}, PAGE)


@pytest.mark.parametrize(
    "name", ["x-amz-cf-id", "x-amz-apigw-id", "x-request-id", "x-ms-request-id"]
)
def test_not_all_on_aws_is_s3(name: str) -> None:
    """A portal may live on AWS or elsewhere in a cloud, and be no S3 all the same."""
    assert not is_of_s3("HeadObject", 403, {name: "1", **HTML})


@pytest.mark.parametrize("status", [400, 403, 404, 412, 500, 503])
@pytest.mark.parametrize("headers", [{}, XML, {"content-type": "text/xml; charset=utf-8"}])
def test_what_answers_head_goes_by_its_status(status: int, headers: Mapping[str, str]) -> None:
    """An answer to HEAD has no body: where nothing speaks against it, it is S3's."""
    assert is_of_s3("HeadObject", status, headers)


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_what_passes_needs_no_word(status: int) -> None:
    """A load balancer before S3 may say that S3 is busy, and no more."""
    assert is_of_s3("UploadPart", status, {})


@pytest.mark.parametrize("operation", ["UploadPart", "PutObject", "CompleteMultipartUpload"])
def test_too_large_is_too_large_for_whom_ever(operation: str) -> None:
    """A server before S3 that takes no such body will not take it the next time."""
    assert is_of_s3(operation, 413, HTML, PAGE)


@pytest.mark.parametrize("operation", ["HeadObject", "GetObject"])
@pytest.mark.parametrize("headers", [{}, PLAIN, {"content-type": "application/octet-stream"}])
def test_objects_are_of_any_type(operation: str, headers: Mapping[str, str]) -> None:
    """What is read of an object has the object's own type, with which it was stored."""
    assert is_of_s3(operation, 200, headers, object())
    assert is_of_s3(operation, 200, {**HTML, "x-amz-meta-project": "web"}, object())


def test_an_answer_without_a_type_is_looked_at_later() -> None:
    """What answers a PUT has neither body nor type; whether it has an ETag is seen later."""
    assert is_of_s3("UploadPart", 200, {"etag": '"1"'})
    assert not is_of_s3("UploadPart", 200, {"etag": 'W/"1"', **PLAIN}, b"welcome")


@pytest.mark.parametrize(
    ("found", "told", "word"),
    [
        (None, "", "--endpoint-url"),
        (NotOfS3(502, "text/html", ""), ": 502 text/html", "--endpoint-url"),
        (NotOfS3(407, "", ""), ": 407", "HTTPS_PROXY="),
        (NotOfS3(511, "text/html", ""), ": 511 text/html", "captive portal wants a log-in"),
        (NotOfS3(302, "", "https://me:secret@portal.example/x?secret"), ": 302", "portal.example"),
    ],
)
def test_what_is_foreign_says_what_to_do(found: NotOfS3 | None, told: str, word: str) -> None:
    """It is tried again, has no code of S3 that could be acted on, and tells no secret of a URL."""
    error = foreign_answer(FAULT, found)
    assert str(error) == f"list s3://bucket/: the answer is not one of S3{told}"
    assert (error.transient, error.stops_run, error.fault.code) == (True, False, "")
    assert error.hint is not None
    assert word in error.hint
    assert "secret" not in error.hint
