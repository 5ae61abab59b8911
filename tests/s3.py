"""What tests read from a real server behind asyncup's back."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from asyncup.core.model import ObjectURI
from asyncup.core.options import S3Config
from asyncup.edges.s3_client import open_client

T = TypeVar("T")


class S3Server(Protocol):
    """How to reach a server, whichever it is."""

    @property
    def endpoint_url(self) -> str: ...

    @property
    def access_key(self) -> str: ...

    @property
    def secret_key(self) -> str: ...

    @property
    def environment(self) -> dict[str, str]: ...


def config_of(server: S3Server, url: str | None = None) -> S3Config:
    """Return how to reach a server."""
    return S3Config(
        endpoint_url=url or server.endpoint_url,
        region="us-east-1",
        access_key_id=server.access_key,
        secret_access_key=server.secret_key,
    )


@dataclass(frozen=True, slots=True)
class Bucket:
    """A place in a bucket of a real server, seen through plain botocore."""

    server: S3Server
    place: ObjectURI

    @property
    def env(self) -> dict[str, str]:
        """Return the environment that reaches the server."""
        return self.server.environment

    def objects(self) -> dict[str, bytes]:
        """Return all objects here, by their keys below the place."""

        async def read(client: Any) -> dict[str, bytes]:  # noqa: ANN401 - botocore's
            found = {}
            pages = client.get_paginator("list_objects_v2")
            where = {"Bucket": self.place.bucket, "Prefix": self.place.key}
            async for page in pages.paginate(**where):
                for item in page.get("Contents", ()):
                    key = item["Key"]
                    answer = await client.get_object(Bucket=self.place.bucket, Key=key)
                    found[key.removeprefix(self.place.key)] = await answer["Body"].read()
            return found

        return self._ask(read)

    def put(self, name: str, data: bytes) -> None:
        """Store an object; also from within a running loop, whose clock then stands still."""
        where = {"Bucket": self.place.bucket, "Key": self.place.key + name}

        async def put(client: Any) -> None:  # noqa: ANN401 - botocore's
            await client.put_object(**where, Body=data)

        with ThreadPoolExecutor(1) as thread:
            thread.submit(self._ask, put).result()

    def head(self, name: str) -> dict[str, Any]:
        """Return what the server tells of an object, its tags among it."""

        async def head(client: Any) -> dict[str, Any]:  # noqa: ANN401 - botocore's
            where = {"Bucket": self.place.bucket, "Key": self.place.key + name}
            tags = await client.get_object_tagging(**where)
            told = await client.head_object(**where, ChecksumMode="ENABLED")
            return {**told, "Tags": tags["TagSet"]}

        return self._ask(head)

    def create(self, name: str) -> str:
        """Begin a multipart upload as another client would, and return its ID."""

        async def create(client: Any) -> str:  # noqa: ANN401 - botocore's
            where = {"Bucket": self.place.bucket, "Key": self.place.key + name}
            return str((await client.create_multipart_upload(**where))["UploadId"])

        return self._ask(create)

    def pending(self) -> list[str]:
        """Return the keys below the place that have pending uploads."""

        async def pending(client: Any) -> list[str]:  # noqa: ANN401 - botocore's
            answer = await client.list_multipart_uploads(Bucket=self.place.bucket)
            keys = [item["Key"] for item in answer.get("Uploads", ())]
            return [key for key in keys if key.startswith(self.place.key)]

        return self._ask(pending)

    def _ask(self, question: Callable[[Any], Awaitable[T]]) -> T:
        async def main() -> T:
            async with open_client(config_of(self.server), connections=2, agent="t") as client:
                return await question(client)

        return asyncio.run(main())
