"""What kind of content the name of a file promises."""

import mimetypes

_ENCODED = {
    "gzip": "application/gzip",
    "bzip2": "application/x-bzip2",
    "xz": "application/x-xz",
    "br": "application/x-brotli",
    "compress": "application/x-compress",
}


def content_type(name: str) -> str:
    """Guess the media type of a name.

    A compressed file is what it is, not what it would be unpacked: declaring its encoding would
    make clients unpack it on the way.
    """
    # A name is no URL, and is not to be read as one.
    kind, encoding = mimetypes.guess_type(f"./{name.rpartition('/')[2]}")
    if encoding is not None:
        return _ENCODED.get(encoding, "application/octet-stream")
    return kind or "application/octet-stream"
