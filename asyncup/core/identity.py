"""What requests are signed with."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Keys:
    """Credentials as they are at a moment."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Identity:
    """What requests are signed with; `keys` None: there are none.

    `ahead` is by how many seconds S3's clock is found to be ahead of this machine's.
    """

    keys: Keys | None
    ahead: float
