"""What was probably meant: the nearest of the words that are known, the URI in what is none."""

import difflib
import re
from collections.abc import Iterable
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

_ALMOST = re.compile(
    r"(?:s3[an]?(?::/*|/{2,})|arn:aws[a-z-]*:s3:::)(?P<place>[^/:].+)", re.IGNORECASE
)
"""`s3:/bucket`, `S3://`, `s3//`, Hadoop's `s3a://`, and an ARN."""

_TOLD_URL = re.compile(
    r"""\b(https?:/+)(?:[^\s/?#]*@)?([^\s?#]*)(?:[?#]\S*?)?(?=[]:;,.)}'"]*(?:\s|$))""",
    re.IGNORECASE,
)

_AWS = re.compile(
    r"(?:(?P<bucket>.+)\.)?s3(?:-accelerate|-fips)?(?:[.-]dualstack)?(?:[.-][a-z]{2}-[a-z0-9-]+)?"
    r"\.amazonaws\.com(?:\.cn)?"
)
"""https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html."""

_CONSOLE = re.compile(
    r"(?:[a-z0-9.-]+\.)?console\.(?:aws\.amazon\.com|amazonaws\.cn)", re.IGNORECASE
)
_PAGE = re.compile(r"/s3/(?:buckets|object)/(?P<bucket>[^/]+)")


def nearest(word: str, words: Iterable[str]) -> str | None:
    """Return the word that is most like a misspelt one, None if none is much like it."""
    return next(iter(difflib.get_close_matches(word, list(words), n=1)), None)


def did_you_mean(word: str, words: Iterable[str]) -> str | None:
    """Return the question that helps whoever misspelt one of these words, None if there is none."""
    found = nearest(word, words)
    return f"did you mean {found}?" if found else None


def meant_uri(text: str) -> str | None:
    """Return the `s3://bucket/key` that was probably meant, None if nothing like it was.

    That of a server other than AWS is followed by the option that names the server.
    """
    if found := _ALMOST.fullmatch(text):
        return f"s3://{found['place']}"
    if text.partition("://")[0].lower() not in {"http", "https"}:
        return None
    try:
        return _of_url(urlsplit(text))
    except ValueError:
        return None


def without_secrets(text: str) -> str:
    """Return a URI as it may be shown: the query of a presigned URL is a key to the object."""
    before, separator, rest = text.partition("://")
    if not separator or before.lower() not in {"http", "https"}:
        return text
    server, slash, path = re.split(r"[?#]", rest)[0].partition("/")
    return f"{before}{separator}{server.rpartition('@')[2]}{slash}{path}"


def told_without_secrets(text: str) -> str:
    """Return what is told of something without the secrets of URLs that are in it.

    A path that was made of a URL has lost one of its slashes.
    """
    return _TOLD_URL.sub(r"\1\2", text)


def _of_url(url: SplitResult) -> str | None:
    host, path = url.hostname or "", unquote(url.path)
    if _CONSOLE.fullmatch(host):
        page = _PAGE.match(path)
        key = parse_qs(url.query).get("prefix", [""])[0]
        return f"s3://{page['bucket']}/{key}" if page else None
    server = ""
    if aws := _AWS.fullmatch(host):
        path = f"/{aws['bucket']}{path}" if aws["bucket"] else path
    else:
        server = f" --endpoint-url {url.scheme}://{url.netloc.rpartition('@')[2]}"
    bucket, _, key = path.removeprefix("/").partition("/")
    return f"s3://{bucket}/{key}{server}" if bucket else None
