"""Whole uploads to each server: the object is the file, by what the server shows; and resumed."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from asyncup.core import events
from asyncup.core.errors import PartTooSmall, PreconditionFailed
from asyncup.core.events import Event
from asyncup.core.model import ObjectURI, Proof
from asyncup.core.options import MIB, ChecksumPolicy, Limits, Options, Overwrite
from asyncup.engine.uploader import Uploader
from tests.conftest import servers_of
from tests.contract.expected import EXPECTED, Expected
from tests.engine.kit import Ears, Stream, make_file
from tests.s3 import Bucket, S3Server, config_of

OPTIONS = Options(
    part_size=5 * MIB, concurrency=2, retry_step=0, stall_timeout=5, overwrite=Overwrite.ALWAYS
)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each upload to each real server."""
    names = [name for name in servers_of(metafunc.config) if name != "fake"]
    metafunc.parametrize("place", names, indirect=True)


class Place:
    """A server, a place in its bucket, and what to expect of it."""

    def __init__(self, server: S3Server, prefix: ObjectURI, expected: Expected) -> None:
        self.server = server
        self.bucket = Bucket(server, prefix)
        self.uri = prefix / "object"
        self.expected = expected

    def put(
        self,
        source: Path | bytes,
        directory: Path,
        options: Options = OPTIONS,
        act: Callable[[asyncio.Task[object], Event], None] = lambda *_: None,
    ) -> Ears:
        """Upload a file, or a stream of bytes, while something may act at events."""
        ears = Ears()

        async def main() -> None:
            task = asyncio.current_task()
            assert task is not None
            ears.act = lambda _, event: act(task, event)
            chosen = replace(options, split_dir=directory / "chunks")
            config = config_of(self.server)
            async with Uploader(s3=config, options=chosen, listener=ears) as up:
                stream = Stream(source, most=MIB) if isinstance(source, bytes) else source
                await up.put(stream, self.uri)

        asyncio.run(main())
        return ears


@pytest.fixture
def place(request: pytest.FixtureRequest, prefix: ObjectURI) -> Place:
    """Return where to upload to."""
    name: str = request.param
    return Place(request.getfixturevalue(name), prefix, EXPECTED[name])


def proof_of(ears: Ears) -> Proof:
    """Return what the one object was shown by."""
    (done,) = ears.of(events.UploadCompleted)
    return done.result.proof


@pytest.mark.parametrize("direct", [False, True], ids=["chunk files", "direct"])
def test_a_file(place: Place, tmp_path: Path, *, direct: bool) -> None:
    """The object is the file, shown by a checksum or by MD5s, on every server."""
    file = make_file(tmp_path, 11 * MIB)
    ears = place.put(file, tmp_path, replace(OPTIONS, direct=direct))
    proof = Proof.CRC64NVME if place.expected.echoes_crc64nvme else Proof.ETAG
    assert proof_of(ears) is proof
    assert place.bucket.objects() == {"object": file.read_bytes()}


def test_a_stream(place: Place, tmp_path: Path) -> None:
    """So is a stream; where the server renames what it has made, the object is read back."""
    data = make_file(tmp_path, 6 * MIB).read_bytes()
    ears = place.put(data, tmp_path)
    proof = Proof.CRC64NVME
    if not place.expected.echoes_crc64nvme:
        proof = Proof.ETAG if place.expected.keeps_etag else Proof.DOWNLOAD
    assert proof_of(ears) is proof
    assert place.bucket.objects() == {"object": data}


@pytest.mark.parametrize("journal", [False, True], ids=["no journal", "journal"])
def test_a_file_is_resumed(place: Place, tmp_path: Path, *, journal: bool) -> None:
    """What arrived before the end of a run is not sent again, with a journal or without."""
    file = make_file(tmp_path, 16 * MIB)
    options = replace(OPTIONS, concurrency=1, state_dir=tmp_path / "state" if journal else None)
    acknowledged: set[int] = set()

    def stop(task: asyncio.Task[object], event: Event) -> None:
        if isinstance(event, events.PartUploaded):
            acknowledged.add(event.part_number)
            if len(acknowledged) == 2:
                task.cancel()

    with pytest.raises(asyncio.CancelledError):
        place.put(file, tmp_path, options, stop)
    ears = place.put(file, tmp_path, options)
    kept = {each.part_number for each in ears.of(events.PartKept)}
    sent = [each.part_number for each in ears.of(events.PartUploaded)]
    # One more may have been on its way.
    assert acknowledged <= kept
    assert sorted([*kept, *sent]) == [1, 2, 3, 4]
    assert place.bucket.objects() == {"object": file.read_bytes()}
    assert place.bucket.pending() == []


@pytest.mark.parametrize("size", [10, 6 * MIB], ids=["one request", "parts"])
def test_what_is_not_to_be_replaced(place: Place, tmp_path: Path, size: int) -> None:
    """An object that another one puts there on the way stays, on servers that can be told so."""
    file, other = make_file(tmp_path, size), make_file(tmp_path, size, "other", seed=1)
    checked = place.expected.checks_absence_on_put
    if size > 5 * MIB:
        checked = place.expected.checks_absence_on_complete
    options = replace(OPTIONS, overwrite=Overwrite.NEVER)

    def intrude(_: object, event: Event) -> None:
        if isinstance(event, events.PartStarted) and event.part_number == 1:
            place.bucket.put("object", other.read_bytes())

    if checked:
        with pytest.raises(PreconditionFailed, match="PreconditionFailed") as caught:
            place.put(file, tmp_path, options, intrude)
        assert "it was not replaced" in (caught.value.hint or "")
    else:
        place.put(file, tmp_path, options, intrude)
    kept = other if checked else file
    assert place.bucket.objects() == {"object": kept.read_bytes()}


def test_parts_that_are_too_small_for_the_server(place: Place, tmp_path: Path) -> None:
    """A server that wants larger parts is asked once, and how to go on is said."""
    file, ears = make_file(tmp_path, 3 * MIB), Ears()
    options = replace(OPTIONS, part_size=MIB, limits=Limits(min_part_size=MIB))
    if not place.expected.refuses_small_parts:
        place.put(file, tmp_path, options)
        assert place.bucket.objects() == {"object": file.read_bytes()}
        return
    with pytest.raises(PartTooSmall, match="EntityTooSmall") as caught:
        place.put(file, tmp_path, options, lambda _, event: ears(event))
    assert "larger parts than 1 MiB" in (caught.value.hint or "")
    assert len(ears.of(events.UploadCompleting)) == 1
    assert place.bucket.objects() == {}


@pytest.mark.parametrize(
    "policy",
    [ChecksumPolicy.MD5, ChecksumPolicy.NONE, ChecksumPolicy.SHA256, ChecksumPolicy.CRC32C],
)
def test_other_checksums(place: Place, tmp_path: Path, policy: ChecksumPolicy) -> None:
    """Whatever parts are checked by, the object is the file; what the server knows, it shows."""
    if policy.algorithm is not None and not place.expected.echoes_crc64nvme:
        policy = ChecksumPolicy.AUTO
    file = make_file(tmp_path, 6 * MIB)
    ears = place.put(file, tmp_path, replace(OPTIONS, checksum=policy))
    if policy.algorithm is not None:
        assert proof_of(ears) is Proof(policy.value)
    assert place.bucket.objects() == {"object": file.read_bytes()}
