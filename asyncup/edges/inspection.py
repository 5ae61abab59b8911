"""What an inspection needs of S3 beside the verbs of an upload: more verbs, and the way there."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from asyncup.core.bucket import LifecycleRule
from asyncup.core.model import ObjectAttributes, ObjectHead, ObjectURI, Receipt, Upload
from asyncup.edges.gateway import Gateway


@dataclass(frozen=True, slots=True)
class CredentialsSeen:
    """Where the credentials come from, the ID of their key, and when they run out, if they do."""

    source: str
    access_key_id: str
    expires: datetime | None


@dataclass(frozen=True, slots=True)
class TLSSeen:
    """What a server shows over TLS: the version, and its certificate, if that was looked at.

    `host` is the name by which it was asked.
    """

    host: str
    version: str
    issuer: str | None
    expires: datetime | None


class InspectedGateway(Gateway, Protocol):
    """A gateway to a server that is looked at closely; of verbs, what holds of a gateway's.

    Attributes:
        region: what requests are signed for, None where nobody has said.
        bucket_region: where the bucket is, as far as an answer has told.
        ahead: how far S3's clock is ahead of this machine's, by the last answer that told it.
        waits_for_continue: whether a body waits for `100 Continue`; no longer when a server was
            silent about it.
    """

    region: str | None
    bucket_region: str | None
    ahead: timedelta | None

    @property
    def waits_for_continue(self) -> bool:
        """Whether a body waits for `100 Continue`."""

    async def credentials(self) -> CredentialsSeen:
        """Return what requests are signed with.

        Raises:
            S3Error: there are none, or they are no good.
        """

    def proxy(self) -> str | None:
        """Return the URL of the proxy in the way, without a password, None if there is none."""

    async def tls(self, bucket: str) -> TLSSeen | None:
        """Connect to where requests about a bucket go, and look at the certificate there.

        None where there is no TLS.

        Raises:
            UsageError: there is no such place.
            S3Error: it cannot be reached, or its certificate is not trusted.
        """

    async def lifecycle_rules(self, bucket: str) -> Sequence[LifecycleRule]:
        """Return the rules of a bucket."""

    async def delete_object(self, uri: ObjectURI, version_id: str | None = None) -> None:
        """Delete an object, or one version of it; fine if there is none."""

    async def complete_with_size(
        self, upload: Upload, receipts: Sequence[Receipt], size: int
    ) -> ObjectHead:
        """Complete an upload, and say that the object has this size, whatever it has."""

    async def put_with_trailer(
        self, uri: ObjectURI, data: bytes, attributes: ObjectAttributes
    ) -> None:
        """Store an object whose checksum comes after its bytes; only over TLS."""
