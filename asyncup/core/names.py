r"""Names of files, which on most systems are bytes, and need not be UTF-8.

To Python such a name is a text in which each odd byte is a surrogate (PEP 383). There is no UTF-8
for that, so it is shown with `\xff`, which leads to no file, and told beside that as bytes.
"""


def printable(name: str) -> str:
    r"""Return a name that any terminal and JSON reader can take: odd bytes as `\xff`."""
    try:
        raw = name.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # Windows has names that are no UTF-16
        raw = name.encode("utf-8", "backslashreplace")
    return raw.decode("utf-8", "backslashreplace")


def odd_bytes(name: str) -> bytes | None:
    """Return the bytes of a name that is not UTF-8, None of one that is.

    `os.fsdecode` makes the name of them again, as far as file names here are UTF-8 by rule.
    """
    try:
        name.encode()
    except UnicodeEncodeError:
        pass
    else:
        return None
    try:
        return name.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # see above
        return name.encode("utf-8", "surrogatepass")


def from_odd_bytes(raw: bytes) -> str:
    """Return the name that has these bytes."""
    return raw.decode("utf-8", "surrogateescape")
