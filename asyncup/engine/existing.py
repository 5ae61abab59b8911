"""What S3 already holds where files are to go."""

from asyncup.core.model import ObjectHead, ObjectListing, ObjectURI
from asyncup.engine.runtime import Runtime

INDEX_SIZE = 10_000
"""Objects listed in one go, ten requests: beyond that, asking for each key holds less memory."""


class Existing:
    """Answers whether a key is taken; one list serves all keys below a prefix if it is short."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._prefix: ObjectURI | None = None
        self._index = ObjectListing({}, is_whole=False)

    async def index(self, prefix: ObjectURI) -> None:
        """List what is below a prefix, to save a request a key."""
        self._index = await self._runtime.retry(
            lambda _: self._runtime.gateway.list_objects(prefix, INDEX_SIZE), prefix
        )
        self._prefix = prefix

    async def head(self, uri: ObjectURI, *, anew: bool = False) -> ObjectHead | None:
        """Return what S3 holds under a key, None if nothing; `anew` says that a list is too old."""
        if not anew and self._covers(uri) and uri.key not in self._index.unsure:
            if self._index.is_whole or uri.key in self._index.objects:
                return self._index.objects.get(uri.key)
            return await self._runtime.retry(lambda _: self._runtime.gateway.head_object(uri), uri)
        # Not HeadObject: its errors have no body, so they cannot say what is wrong, and without
        # s3:ListBucket it denies access to what does not exist. A key sorts before all that it
        # is a prefix of, so it is the first one if it is there.
        first = await self._runtime.retry(lambda _: self._runtime.gateway.list_objects(uri, 1), uri)
        return first.objects.get(uri.key)

    def _covers(self, uri: ObjectURI) -> bool:
        place = self._prefix
        return place is not None and uri.bucket == place.bucket and uri.key.startswith(place.key)
