"""What can be said of a bucket by its name and its rules."""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass

_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_RESERVED = ("xn--", "sthree-", "amzn-s3-demo-")
_RESERVED_ENDS = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")


def name_problem(bucket: str) -> str | None:
    """Say why AWS has no bucket of this name; None if it could.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
    """
    if not _NAME.fullmatch(bucket):
        return "AWS takes 3 to 63 lower-case letters, digits, dots and hyphens"
    if ".." in bucket or ".-" in bucket or "-." in bucket:
        return "AWS takes no dot beside another one, or beside a hyphen"
    if bucket.startswith(_RESERVED) or bucket.endswith(_RESERVED_ENDS):
        return "AWS keeps such a name for itself"
    try:
        ipaddress.IPv4Address(bucket)
    except ValueError:
        return None
    return "AWS takes no IP address"


@dataclass(frozen=True, slots=True)
class LifecycleRule:
    """A rule: `days` after their creation it aborts uploads below `prefix`.

    `days` is None if it aborts none, or is not in force. `is_narrow`: it asks for more than the
    prefix, tags or sizes, which a pending upload does not have.
    """

    prefix: str
    days: int | None
    is_narrow: bool = False


def days_to_live(rules: Sequence[LifecycleRule], key: str) -> int | None:
    """Return after how many days an unfinished upload of a key is deleted; None: never."""
    days = [
        rule.days
        for rule in rules
        if rule.days is not None and not rule.is_narrow and key.startswith(rule.prefix)
    ]
    return min(days, default=None)
