"""URLs of S3 servers: whether one can be, and how it is shown without a password in it."""

from urllib.parse import urlsplit

HINT = "write http://host:port or https://host"


def redacted(url: str) -> str:
    """Return a URL, or what was meant for one, without user and password."""
    before, separator, rest = url.rpartition("://")
    if "@" not in rest:
        # Without a scheme, or with a password that has :// in it.
        before, separator, rest = "", "", url
    _, at, host = rest.rpartition("@")
    return f"{before}{separator}***@{host}" if at else url


def endpoint_problem(url: str) -> str | None:
    """Say why a URL cannot lead to an S3 server; None if it can."""
    try:
        parts = urlsplit(url)
        has_host = bool(parts.hostname) and parts.port != 0
    except ValueError:
        has_host = False
    if not has_host or parts.scheme not in {"http", "https"}:
        return f"{redacted(url)!r} is not an endpoint URL: {HINT}"
    if "@" in parts.netloc:
        return (
            f"{redacted(url)!r} has a user in it: keys are given by AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY, or by a --profile"
        )
    return None
