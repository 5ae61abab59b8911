"""What was probably meant by what is none: words, and S3 URIs."""

import pytest

from asyncup.core.errors import UsageError
from asyncup.core.model import ObjectURI
from asyncup.core.spelling import (
    did_you_mean,
    meant_uri,
    nearest,
    told_without_secrets,
    without_secrets,
)


def test_nearest_word() -> None:
    """The word that is most like it, or none."""
    assert nearest("part-siz", ["max-size", "part-size", "path-style"]) == "part-size"
    assert nearest("zzz", ["put", "verify"]) is None
    assert did_you_mean("putt", ["put", "verify"]) == "did you mean put?"
    assert did_you_mean("zzz", ["put"]) is None


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("s3:/bucket/key", "s3://bucket/key"),
        ("S3://bucket/Key", "s3://bucket/Key"),
        ("s3:bucket/key", "s3://bucket/key"),
        ("s3:///bucket/key", "s3://bucket/key"),
        ("s3//bucket/", "s3://bucket/"),
        ("s3a://bucket/key", "s3://bucket/key"),
        ("arn:aws:s3:::bucket/a/b", "s3://bucket/a/b"),
        ("arn:aws-cn:s3:::bucket", "s3://bucket"),
        ("https://bucket.s3.amazonaws.com/key", "s3://bucket/key"),
        ("https://bucket.s3.amazonaws.com", "s3://bucket/"),
        ("https://my.bucket.s3.eu-west-1.amazonaws.com/a/b%20c", "s3://my.bucket/a/b c"),
        ("https://bucket.s3-eu-west-1.amazonaws.com/key", "s3://bucket/key"),
        ("https://bucket.s3.dualstack.us-east-1.amazonaws.com/key", "s3://bucket/key"),
        ("https://bucket.s3.cn-north-1.amazonaws.com.cn/key", "s3://bucket/key"),
        ("https://bucket.s3-accelerate.amazonaws.com/key", "s3://bucket/key"),
        ("https://s3.amazonaws.com/bucket/key", "s3://bucket/key"),
        ("http://s3.eu-west-1.amazonaws.com/bucket/", "s3://bucket/"),
        ("HTTPS://Bucket.S3.amazonaws.com/Key?versionId=1#x", "s3://bucket/Key"),
        (
            "https://eu-west-1.console.aws.amazon.com/s3/buckets/films?region=x&prefix=a/b/",
            "s3://films/a/b/",
        ),
        ("https://s3.console.aws.amazon.com/s3/object/films?prefix=a.mov", "s3://films/a.mov"),
        ("https://host:9000/bucket/a/b", "s3://bucket/a/b --endpoint-url https://host:9000"),
        ("http://u:secret@host/bucket", "s3://bucket/ --endpoint-url http://host"),
        ("https://s3.amazonaws.com/", None),
        ("https://console.aws.amazon.com/ec2/", None),
        ("https://[bad/bucket", None),
        ("s3:", None),
        ("s3", None),
        ("s3.txt", None),
        ("s3-backup/film.mov", None),
        ("/home/me/s3:/x", None),
        ("ftp://host/bucket", None),
        ("bucket/key", None),
    ],
)
def test_uri_that_was_meant(text: str, meant: str | None) -> None:
    """URLs of S3 and of its console, ARNs, and slips; a name of a file is none of them."""
    assert meant_uri(text) == meant
    if meant is not None:
        assert ObjectURI.parse(meant.split(" --")[0])


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://u:secret@b.s3.amazonaws.com/k?X=secret", "https://b.s3.amazonaws.com/k"),
        ("https://host?secret", "https://host"),
        ("http://host/a#secret", "http://host/a"),
        ("s3:/bucket/a?b", "s3:/bucket/a?b"),
    ],
)
def test_what_is_shown_of_it(text: str, shown: str) -> None:
    """The query of a presigned URL and a password are not shown."""
    assert without_secrets(text) == shown
    with pytest.raises(UsageError) as raised:
        ObjectURI.parse(text)
    assert "secret" not in f"{raised.value}{raised.value.hint}"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https:/h/k?X-Amz-Signature=s: no such file", "https:/h/k: no such file"),
        ("read 'http://u:p@h:9000/k#s', s3://b/k@?x", "read 'http://h:9000/k', s3://b/k@?x"),
        ("HTTPS://u@h?s", "HTTPS://h"),
        ("https://h/k: no answer", "https://h/k: no answer"),
        ("what is 5 % of https", "what is 5 % of https"),
    ],
)
def test_no_secret_of_a_url_is_told(text: str, shown: str) -> None:
    """Wherever a URL stands in a text, its user, password and query are left out."""
    assert told_without_secrets(text) == shown
