"""S3 in memory that can be looked at closely, for tests of an inspection."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from asyncup.core.bucket import LifecycleRule
from asyncup.core.errors import Fault, PartsMismatch, S3Error
from asyncup.core.model import (
    ChecksumAlgorithm,
    Checksums,
    ObjectAttributes,
    ObjectHead,
    ObjectURI,
    Receipt,
    Upload,
)
from asyncup.edges.body import PartBody
from asyncup.edges.inspection import CredentialsSeen, TLSSeen
from asyncup.edges.noise import Noise
from tests.fakes3 import FakeS3

CREDENTIALS = CredentialsSeen("environment variables", "AKID", None)
TLS = TLSSeen("s3.example", "TLSv1.3", "Some Issuer", datetime(2999, 1, 1, tzinfo=UTC))


class InspectedFake(FakeS3):
    """A fake whose way, too, is what a test makes of it.

    `checks_size` is whether it compares MpuObjectSize, `checks_bytes` what arrives,
    `checks_conditions` If-None-Match; `most_parts` is the highest number of a part, `is_even`
    whether parts have to be of one size, `takes_trailers` whether it knows those.
    """

    def __init__(self) -> None:
        super().__init__()
        self.region: str | None = "eu-west-1"
        self.bucket_region: str | None = "eu-west-1"
        self.ahead: timedelta | None = timedelta(seconds=1)
        self.waits_for_continue = True
        self.credentials_seen: CredentialsSeen | S3Error = CREDENTIALS
        self.proxy_seen: str | None = None
        self.tls_seen: TLSSeen | S3Error | None = TLS
        self.rules: list[LifecycleRule] = [LifecycleRule("", 14)]
        self.checks_size = True
        self.checks_bytes = True
        self.checks_conditions = True
        self.most_parts = 10_000
        self.is_even = False
        self.takes_trailers = True

    async def credentials(self) -> CredentialsSeen:
        if isinstance(self.credentials_seen, S3Error):
            raise self.credentials_seen
        return self.credentials_seen

    def proxy(self) -> str | None:
        return self.proxy_seen

    async def tls(self, bucket: str) -> TLSSeen | None:
        if isinstance(self.tls_seen, S3Error):
            raise self.tls_seen
        return self.tls_seen and replace(self.tls_seen, host=f"{bucket}.s3.example")

    async def lifecycle_rules(self, bucket: str) -> Sequence[LifecycleRule]:
        self._arrive("lifecycle_rules")
        assert bucket == self.bucket
        self._answer("lifecycle_rules")
        return self.rules

    async def delete_object(self, uri: ObjectURI, version_id: str | None = None) -> None:
        self._arrive("delete_object")
        assert version_id == self.version_id
        self.objects.pop(uri.key, None)
        self._answer("delete_object")

    async def complete_with_size(
        self, upload: Upload, receipts: Sequence[Receipt], size: int
    ) -> ObjectHead:
        if self.checks_size and size != sum(each.checksums.size for each in receipts):
            raise S3Error(Fault(action="complete", code="InvalidRequest"))
        return await self.complete_multipart_upload(upload, receipts)

    async def put_with_trailer(
        self, uri: ObjectURI, data: bytes, attributes: ObjectAttributes
    ) -> None:
        if not self.takes_trailers:
            raise S3Error(Fault(action="upload", code="NotImplemented"))
        noise = await Noise.of(len(data))
        await super().put_object(uri, noise.body(), noise.checksums, attributes)

    async def put_object(
        self,
        uri: ObjectURI,
        body: PartBody,
        checksums: Checksums,
        attributes: ObjectAttributes,
        *,
        algorithm: ChecksumAlgorithm | None = None,
        only_if_absent: bool = False,
    ) -> ObjectHead:
        return await super().put_object(
            uri,
            body,
            checksums,
            attributes,
            algorithm=algorithm,
            only_if_absent=only_if_absent and self.checks_conditions,
        )

    async def upload_part(
        self, upload: Upload, number: int, body: PartBody, checksums: Checksums
    ) -> str:
        if number > self.most_parts:
            raise S3Error(Fault(action="upload", code="InvalidArgument"))
        if not self.checks_bytes:
            checksums = (await Noise.of(checksums.size)).checksums
        return await super().upload_part(upload, number, body, checksums)

    async def complete_multipart_upload(
        self, upload: Upload, receipts: Sequence[Receipt], *, only_if_absent: bool = False
    ) -> ObjectHead:
        if self.is_even and len({each.checksums.size for each in receipts[:-1]}) > 1:
            raise PartsMismatch(Fault(action="complete", code="InvalidPart"))
        return await super().complete_multipart_upload(
            upload, receipts, only_if_absent=only_if_absent
        )
