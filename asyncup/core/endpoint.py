"""URLs of S3 servers: whether one can be, and how it is shown without a password in it."""

from urllib.parse import urlsplit

from asyncup.core.errors import UsageError

HINT = "write http://host:port or https://host"


def redacted(url: str) -> str:
    """Return a URL, or what was meant for one, without user and password."""
    before, separator, rest = url.rpartition("://")
    if "@" not in rest:
        # Without a scheme, or with a password that has :// in it.
        before, separator, rest = "", "", url
    _, at, host = rest.rpartition("@")
    return f"{before}{separator}***@{host}" if at else url


def check_endpoint(url: str) -> None:
    """Look at a URL that is to lead to an S3 server.

    Raises:
        UsageError: it cannot.
    """
    if not _is_http(url):
        raise UsageError(f"{redacted(url)!r} is not an endpoint URL", hint=HINT)
    if "@" in urlsplit(url).netloc:
        raise UsageError(
            f"{redacted(url)!r} has a user in it, which S3 does not know",
            hint="give keys as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a --profile",
        )


def _is_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
        # To read the port is to check it.
        return bool(parts.hostname) and parts.port != 0 and parts.scheme in {"http", "https"}
    except ValueError:
        return False
