"""A close look at one S3: the verbs that only an inspection needs, and how it is reached."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError
from botocore.utils import get_environ_proxies

from asyncup.core.bucket import LifecycleRule
from asyncup.core.endpoint import redacted
from asyncup.core.errors import Fault, S3Error
from asyncup.core.model import ObjectAttributes, ObjectHead, ObjectURI, Receipt, Upload
from asyncup.core.options import Options, S3Config
from asyncup.edges import s3_wire
from asyncup.edges.aws_settings import inherited
from asyncup.edges.inspection import CredentialsSeen, TLSSeen
from asyncup.edges.s3 import S3, connections_for
from asyncup.edges.s3_client import CONNECT_TIMEOUT, open_client
from asyncup.edges.s3_clock import SigningClock
from asyncup.edges.s3_credentials import CredentialChain
from asyncup.edges.s3_errors import unanswered
from asyncup.edges.s3_request import readable
from asyncup.edges.s3_tls import look_at_tls

_NO_RULES = "NoSuchLifecycleConfiguration"


@asynccontextmanager
async def open_inspected(
    config: S3Config, options: Options, *, agent: str
) -> AsyncIterator["InspectedS3"]:
    """Open the gateway to an S3 that is to be looked at closely.

    Raises:
        UsageError: the configuration names things that are not there.
        S3Error: the credentials are no good, or not to be had.
    """
    chain, connections = CredentialChain(config), connections_for(options)
    async with open_client(config, connections=connections, agent=agent, chain=chain) as client:
        yield InspectedS3(client, options, chain, config)


class InspectedS3(S3):
    """The gateway (`asyncup.edges.inspection.InspectedGateway`) to a real S3."""

    def __init__(
        self,
        client: Any,  # noqa: ANN401 - made at run time
        options: Options,
        chain: CredentialChain,
        config: S3Config,
        clock: SigningClock | None = None,
    ) -> None:
        self._signs_by = clock or SigningClock()
        super().__init__(client, options, chain=chain, clock=self._signs_by)
        self._client = client
        self._credentials = chain
        self._config = config
        self.region: str | None = client.meta.region_name
        self.bucket_region: str | None = None
        self.ahead: timedelta | None = None
        client.meta.events.register("before-parse.s3", self._before_parse)

    def _before_parse(self, response_dict: Mapping[str, Any], **_: object) -> None:
        """Note what the head of an answer tells, of refusals as well."""
        headers = response_dict["headers"]
        ahead = self._signs_by.ahead_by(headers.get("date"))
        self.ahead = self.ahead if ahead is None else ahead
        self.bucket_region = headers.get("x-amz-bucket-region") or self.bucket_region

    @property
    def waits_for_continue(self) -> bool:
        """Whether a body waits for `100 Continue`."""
        return self._requests.waits_for_continue

    async def credentials(self) -> CredentialsSeen:
        """Return what requests are signed with.

        Raises:
            S3Error: there are none, or they are no good.
        """
        return await self._credentials.seen()

    def proxy(self) -> str | None:
        """Return the URL of the proxy in the way, without a password, None if there is none."""
        proxies = get_environ_proxies(self.endpoint)
        url = proxies.get(urlsplit(self.endpoint).scheme) or proxies.get("all")
        return None if url is None else redacted(url)

    async def tls(self, bucket: str) -> TLSSeen | None:
        """Connect to where requests about a bucket go, and look at the certificate there.

        None where there is no TLS.

        Raises:
            UsageError: there is no such place.
            S3Error: it cannot be reached, or its certificate is not trusted.
        """
        if urlsplit(self.endpoint).scheme != "https":
            return None
        url = await self._url_of(bucket)
        bundle = self._config.ca_bundle or getattr(
            inherited(self._config).get("ca_bundle"), "value", None
        )
        is_checked = self._config.verify_ssl
        return await look_at_tls(url, CONNECT_TIMEOUT, bundle, is_checked=is_checked)

    async def _url_of(self, bucket: str) -> str:
        """Return the URL of a bucket, whose name is part of the host's, or of the path."""
        # What botocore calls before each request; a presigned URL would want credentials.
        resolve = self._client._resolve_endpoint_ruleset  # noqa: SLF001 - it shows it nowhere else
        meta = self._client.meta
        model = meta.service_model.operation_model("ListObjectsV2")
        try:
            url, *_ = await resolve(model, {"Bucket": bucket}, {"client_config": meta.config})
        except BotoCoreError as error:
            raise unanswered(error, Fault(action=f"find where {bucket} is")) from error
        return str(url)

    async def lifecycle_rules(self, bucket: str) -> Sequence[LifecycleRule]:
        """Return the rules of a bucket."""
        fault = Fault(
            action=f"read the lifecycle rules of {bucket}",
            operation="GetBucketLifecycleConfiguration",
        )
        try:
            answer = await self._requests.ask(fault, Bucket=bucket)
        except S3Error as error:
            if error.fault.code == _NO_RULES:
                return []
            raise
        with readable(fault):
            return list(_read_rules(answer))

    async def delete_object(self, uri: ObjectURI, version_id: str | None = None) -> None:
        """Delete an object, or one version of it; fine if there is none."""
        fault = Fault(action=f"delete {uri}", operation="DeleteObject")
        which = {} if version_id is None else {"VersionId": version_id}
        await self._requests.ask(fault, **s3_wire.place(uri), **which)

    async def complete_with_size(
        self, upload: Upload, receipts: Sequence[Receipt], size: int
    ) -> ObjectHead:
        """Complete an upload, and say that the object has this size, whatever it has."""
        answer = await self._requests.ask(
            Fault(action=f"complete {upload.uri}", operation="CompleteMultipartUpload"),
            **s3_wire.place(upload.uri),
            UploadId=upload.upload_id,
            MultipartUpload={"Parts": [s3_wire.completed_part(upload, each) for each in receipts]},
            MpuObjectSize=size,
            **s3_wire.whole_checksum(upload, receipts),
        )
        return s3_wire.read_head(answer, size=size)

    async def put_with_trailer(
        self, uri: ObjectURI, data: bytes, attributes: ObjectAttributes
    ) -> None:
        """Store an object whose checksum comes after its bytes; only over TLS.

        So does botocore where an algorithm is named and no value: `aws-chunked`.
        """
        fault = Fault(action=f"upload {uri} with a trailing checksum", operation="PutObject")
        await self._requests.ask(
            fault,
            **s3_wire.place(uri),
            **s3_wire.attribute_headers(attributes),
            Body=data,
            ChecksumAlgorithm="CRC32",
        )


def _read_rules(answer: s3_wire.Answer) -> Iterator[LifecycleRule]:
    for rule in answer.get("Rules", ()):
        asked: Mapping[str, Any] = rule.get("Filter") or {}
        both: Mapping[str, Any] = asked.get("And") or {}
        prefix = asked.get("Prefix") or both.get("Prefix") or rule.get("Prefix") or ""
        aborts: Mapping[str, Any] = rule.get("AbortIncompleteMultipartUpload") or {}
        days = aborts.get("DaysAfterInitiation") if rule.get("Status") == "Enabled" else None
        is_narrow = bool((asked.keys() | both.keys()) - {"Prefix", "And"})
        yield LifecycleRule(str(prefix), None if days is None else int(days), is_narrow)
