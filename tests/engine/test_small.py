"""Small files: one request each, from memory, checked by what this server computes."""

from dataclasses import replace
from pathlib import Path

import pytest

from asyncup.core import events
from asyncup.core.errors import ChecksumUnsupported, SourceChanged, SourceUnsuitable
from asyncup.core.events import Event
from asyncup.core.model import (
    ChecksumAlgorithm,
    Checksums,
    ObjectAttributes,
    ObjectHead,
    ObjectURI,
    Proof,
)
from asyncup.core.options import Options, Overwrite
from asyncup.edges.body import PartBody
from tests.engine.kit import OPTIONS, URI, Ears, chunk_files, make_file, uploader
from tests.fakes3 import FakeS3, lost
from tests.loop import run

CRC64, MD5 = ChecksumAlgorithm.CRC64NVME, ChecksumAlgorithm.MD5
DIRECT = replace(OPTIONS, direct=True)


class Computing(FakeS3):
    """Tells the CRC64NVME of what arrives, as AWS does, until it is to be silent."""

    def __init__(self) -> None:
        super().__init__()
        self.computes = True
        self.is_silent = False
        self.told: list[tuple[ChecksumAlgorithm | None, bool]] = []

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
        """Note by what it is to check, and whether an MD5 was computed for it."""
        self.told.append((algorithm, MD5 in checksums.values))
        head = await super().put_object(
            uri, body, checksums, attributes, algorithm=algorithm, only_if_absent=only_if_absent
        )
        return replace(head, checksums={}, etag="opaque") if self.is_silent else head


async def put_three(s3: Computing, directory: Path, options: Options = OPTIONS) -> None:
    """Put three files, before the last of which the server falls silent."""
    file = make_file(directory, 100)
    async with uploader(s3, directory, options=options) as up:
        for number in range(3):
            s3.is_silent = number == 2
            result = await up.put(file, URI.as_prefix() / f"{number}")
            assert s3.is_silent or result.proof is Proof.CRC64NVME
    assert {each.data for each in s3.objects.values()} == {file.read_bytes()}


def test_checked_by_what_is_computed(tmp_path: Path) -> None:
    """No MD5 is computed for who computes a CRC64NVME; who does not any more gets one again."""
    s3 = Computing()
    run(put_three(s3, tmp_path))
    assert s3.told == [(None, True), (CRC64, False), (CRC64, False), (None, True)]


def test_not_sent_twice_where_nothing_may_be_replaced(tmp_path: Path) -> None:
    """What was not checked, and must not be sent once more, is no success."""
    s3 = Computing()
    with pytest.raises(ChecksumUnsupported):
        run(put_three(s3, tmp_path, replace(OPTIONS, overwrite=Overwrite.NEVER)))
    assert len(s3.told) == 3


@pytest.mark.parametrize("options", [OPTIONS, DIRECT], ids=["chunk files", "direct"])
def test_from_memory(tmp_path: Path, options: Options) -> None:
    """What is sent, and sent again, is what was read first: there is no chunk file to write."""
    s3, file = FakeS3(), make_file(tmp_path, 100)
    before = file.read_bytes()
    s3.fail("put_object", lost("put_object"))

    def act(_: int, event: Event) -> None:
        if isinstance(event, events.PartStarted):
            assert not chunk_files(tmp_path)
            file.write_bytes(b"?" * 100)

    async def main() -> None:
        async with uploader(s3, tmp_path, options=options, listener=Ears(act)) as up:
            await up.put(file, URI)

    run(main())
    assert s3.objects[URI.key].data == before
    assert len(s3.requests) == 3


def test_changed_while_it_is_read(tmp_path: Path) -> None:
    """A file that is written to while it is read is not sent."""
    s3, file = FakeS3(), make_file(tmp_path, 100)

    def act(_: int, event: Event) -> None:
        if isinstance(event, events.FileStarted):
            file.write_bytes(b"?" * 100)

    async def main() -> None:
        async with uploader(s3, tmp_path, listener=Ears(act)) as up:
            await up.put(file, URI)

    with pytest.raises(SourceChanged):
        run(main())
    assert not s3.objects


def test_more_than_its_size_says(tmp_path: Path) -> None:
    """What gives more bytes than its size says is refused, as where it is not small."""

    async def main() -> None:
        async with uploader(FakeS3(), tmp_path) as up:
            await up.put("/proc/self/status", URI)

    with pytest.raises(SourceUnsuitable, match="more bytes"):
        run(main())
