"""Showing that an object equals a file, without download as far as S3 tells enough."""

from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing, contextmanager
from pathlib import Path

from asyncup.core.checksums import combine_crc64nvme
from asyncup.core.errors import (
    Fault,
    ObjectMismatch,
    ObjectMissing,
    ObjectUnproven,
    S3Error,
    SourceChanged,
    SourceUnsuitable,
)
from asyncup.core.model import (
    ChecksumAlgorithm,
    Checksums,
    Fingerprint,
    ObjectHead,
    ObjectURI,
    Part,
    Proof,
)
from asyncup.core.names import printable
from asyncup.core.receipts import ObjectReceipt
from asyncup.core.verification import (
    Download,
    Layout,
    Means,
    compare_with_receipt,
    depends_on_parts,
    judge,
    likely_layouts,
    means_of_parts,
    means_of_whole,
    of_sizes,
    uniform,
)
from asyncup.edges.chunks import Giver, compute
from asyncup.edges.ranges import RangeReader, Take
from asyncup.engine.readback import read_back
from asyncup.engine.runtime import Runtime
from asyncup.engine.source import FileSource

Moved = Callable[[int], None]
"""Is told how many bytes were read; a negative number takes them back."""


_NOT_TOLD = {"400", "416", "501"}
"""What servers answer that know of objects and not of parts; the answer to a HEAD has no words."""


class FileComparison:
    """Compares one object with one file.

    Args:
        path: the file, which must not change meanwhile.
        uri: the object.
        likely: part sizes to try, in bytes, where S3 does not tell the object's.
        moved: is told of the bytes that are read of the file.
    """

    def __init__(
        self,
        runtime: Runtime,
        path: Path,
        uri: ObjectURI,
        *,
        likely: Sequence[int] = (),
        moved: Moved = lambda _: None,
    ) -> None:
        self._runtime = runtime
        self._path = path
        self._uri = uri
        self._likely = likely
        self._moved = moved
        self._file = FileSource(path, None)
        self._read = 0
        self._known: tuple[Means, list[Checksums]] | None = None

    @property
    def fingerprint(self) -> Fingerprint:
        """What the file is known by that is compared."""
        return self._file.fingerprint

    async def prove(self, download: Download = Download.NEVER) -> Proof:
        """Return by what they are shown to be equal.

        Raises:
            ObjectMissing: there is no such object.
            ObjectMismatch: they differ.
            ObjectUnproven: S3 tells nothing that shows it, and nothing was to be downloaded.
            SourceError: the file cannot be read, or changed meanwhile.
        """
        head = await head_of(self._runtime, self._uri)
        size = self.fingerprint.size
        if head.size != size:
            raise mismatch(self._uri, f"the object has {head.size} bytes, the file {size}")
        # One file, one slot: memory and open files stay within what uploads take.
        async with self._runtime.slots:
            if download is not Download.ALWAYS and (proof := await self._by_checksums(head)):
                return proof
            if download is Download.NEVER:
                raise unproven(self._uri, head)
            return await self._by_download(head)

    async def _by_checksums(self, head: ObjectHead) -> Proof | None:
        """Compare by all that S3 tells; None if that does not settle it."""
        async with aclosing(self._means(head)) as all_means:
            async for means in all_means:
                verdict = judge(head, means, await self._checksums(means))
                if isinstance(verdict, Proof):
                    return verdict
                if verdict is not None:
                    raise mismatch(self._uri, verdict)
        return None

    async def _means(self, head: ObjectHead) -> AsyncGenerator[Means, None]:
        """Yield what may show it, the cheapest first."""
        if not depends_on_parts(head):
            if (means := means_of_whole(head)) is not None:
                yield means
            return
        first = await self._head_of_part(head, 1)
        if first is None or first.parts is None:
            for layout in likely_layouts(head, self._likely):
                yield means_of_parts(head, layout, is_certain=False)
            return
        count, few = first.parts, 2
        even = uniform(head.size, first.size, count)
        if even is not None:
            # If there are more, those in the middle may be of other sizes.
            yield means_of_parts(head, even, is_certain=count <= few)
        if (even is None or count > few) and (
            exact := await self._ask_all(head, first.size, count)
        ):
            yield means_of_parts(head, exact, is_certain=True)

    async def _ask_all(self, head: ObjectHead, first: int, count: int) -> Layout | None:
        """Ask for the size of every part; None if S3 does not tell all of them."""
        sizes = [first]
        for number in range(2, count + 1):
            part = await self._head_of_part(head, number)
            if part is None:
                return None
            sizes.append(part.size)
        return of_sizes(sizes, head.size)

    async def _head_of_part(self, head: ObjectHead, number: int) -> ObjectHead | None:
        """Return what S3 tells of one part; None if nothing, or of another object by now."""
        try:
            part = await self._runtime.retry(
                lambda _: self._runtime.gateway.head_object(self._uri, part_number=number),
                self._uri,
            )
        except S3Error as error:
            if error.fault.code in _NOT_TOLD:
                return None
            raise
        return None if part is None or part.etag != head.etag else part

    async def _checksums(self, means: Means) -> list[Checksums]:
        """Read the file, unless what it is asked for was computed just before."""
        if self._known is not None and means.layout == self._known[0].layout:
            return self._known[1]
        if self._read:
            self._moved(-self._read)
            self._read = 0
        parts = [await self._part(part, means.algorithms) for part in means.layout]
        with self._changes_told():
            self._file.check_unchanged()
        self._known = (means, parts)
        return parts

    async def _part(self, part: Part, algorithms: frozenset[ChecksumAlgorithm]) -> Checksums:
        with (
            self._changes_told(),
            RangeReader(self._path, part.offset, part.size) as reader,
        ):
            found = await compute(_Counted(reader, self._count), algorithms)
            if reader.end == self._file.fingerprint.size and await reader.has_more():
                self._file.check_unchanged()
                raise SourceUnsuitable(
                    f"verify {printable(self._file.name)}: "
                    "it has more bytes than the system says it has"
                )
        return found

    def _count(self, count: int) -> None:
        self._read += count
        self._moved(count)

    @contextmanager
    def _changes_told(self) -> Iterator[None]:
        """Say of a file that changes what it means here."""
        try:
            yield
        except SourceChanged as error:
            raise SourceChanged(
                f"verify {printable(self._file.name)}: the file changed while it was read",
                hint="run again when nothing writes to it any more",
            ) from error

    async def _by_download(self, head: ObjectHead) -> Proof:
        """Read the object back and compare its bytes, by their CRC64NVME, with the file's."""
        if self._known is None:
            whole = (Part(1, 0, head.size),)
            await self._checksums(Means(frozenset(), whole, is_decisive=True))
        parts = [] if self._known is None else self._known[1]
        if await read_back(self._runtime, self._uri) != combine_crc64nvme(parts):
            raise mismatch(self._uri, "the bytes that were read back are not the file's")
        return Proof.DOWNLOAD


async def prove_receipt(
    runtime: Runtime,
    receipt: ObjectReceipt,
    *,
    download: Download = Download.NEVER,
    moved: Moved = lambda _: None,
) -> Proof:
    """Return by what an object is shown to be the one of a receipt; errors as of `prove`."""
    uri = receipt.uri
    head = await head_of(runtime, uri)
    verdict = compare_with_receipt(head, receipt)
    if isinstance(verdict, str) and not isinstance(verdict, Proof):
        raise mismatch(uri, verdict)
    if isinstance(verdict, Proof) and download is not Download.ALWAYS:
        return verdict
    if download is Download.NEVER or receipt.checksum is None:
        raise unproven(uri, head)
    async with runtime.slots:
        found = await read_back(runtime, uri)
    if found != receipt.checksum:
        raise mismatch(uri, "the bytes that were read back are not the receipt's")
    moved(head.size)
    return Proof.DOWNLOAD


async def head_of(runtime: Runtime, uri: ObjectURI) -> ObjectHead:
    """Return what S3 tells of an object.

    Raises:
        ObjectMissing: there is none.
    """
    head = await runtime.retry(lambda _: runtime.gateway.head_object(uri), uri)
    if head is None:
        raise ObjectMissing(
            Fault(action=f"verify {uri}", message="there is no such object"),
            hint="upload it; or check the key, and whether somebody has deleted it",
        )
    return head


def mismatch(uri: ObjectURI, problem: str) -> ObjectMismatch:
    """Return the error for an object that is shown to be another one."""
    return ObjectMismatch(
        Fault(action=f"verify {uri}", message=problem),
        hint="one of them has changed since; if the file is right, upload it again with "
        "--overwrite always",
    )


def unproven(uri: ObjectURI, head: ObjectHead) -> ObjectUnproven:
    """Return the error for an object of which S3 does not tell enough."""
    told = f"its size is right, and S3 tells no checksum that settles it (ETag {head.etag})"
    return ObjectUnproven(
        Fault(action=f"verify {uri}", message=told),
        hint="--download reads it back and compares the bytes",
    )


class _Counted:
    """Gives what another one gives, and tells how much it was."""

    def __init__(self, giver: Giver, moved: Moved) -> None:
        self._giver = giver
        self._moved = moved

    async def give(self, take: Take, *, is_quick: bool = False) -> int:
        count = await self._giver.give(take, is_quick=is_quick)
        self._moved(count)
        return count
