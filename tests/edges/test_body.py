"""The body of a part: small slices, counted as they are taken, rewound for a redirect."""

import asyncio
import os
import socket
from collections.abc import Iterator
from itertools import accumulate, chain, repeat
from pathlib import Path

import pytest

from asyncup.core.errors import SourceChanged
from asyncup.edges.blocks import BLOCK
from asyncup.edges.body import FIRST_SLICE, LEAST_SLICE, RISE, SLICE, PartBody, SliceSize
from asyncup.edges.ranges import RangeReader
from asyncup.edges.tcp import UNSENT
from tests.loop import run

SIZE = 10 * SLICE + 1
DATA = bytes(range(251)) * (SIZE // 251 + 1)


class Counted:
    """A body over a file of SIZE bytes, and all that it told on its way."""

    def __init__(self, directory: Path, *, offset: int = 0, size: int = SIZE) -> None:
        self.path = directory / "file"
        self.path.write_bytes(DATA[:SIZE])
        self.told: list[int] = []
        self.body = PartBody(RangeReader(self.path, offset, size), size, self.told.append)


def test_a_body_comes_in_small_slices(tmp_path: Path) -> None:
    """The slices grow with what has gone, to 256 KiB, and put together they are the bytes."""

    async def send() -> list[bytes]:
        with Counted(tmp_path).body as body:
            return [bytes(piece) async for piece in body]

    pieces = run(send())
    sent = list(accumulate(map(len, pieces), initial=0))
    assert all(
        0 < len(piece) <= max(FIRST_SLICE, before // RISE)
        for piece, before in zip(pieces, sent, strict=False)
    )
    assert max(map(len, pieces)) == SLICE
    assert b"".join(pieces) == DATA[:SIZE]


def test_a_body_is_its_range(tmp_path: Path) -> None:
    """A body over the middle of a file begins and ends with its range."""

    async def send() -> bytes:
        with Counted(tmp_path, offset=5, size=SLICE + 3).body as body:
            return b"".join([bytes(piece) async for piece in body])

    assert run(send()) == DATA[5 : SLICE + 8]


def test_a_body_has_a_length_from_the_beginning(tmp_path: Path) -> None:
    """The length is that of the part before, during and after the way: it is Content-Length."""

    async def send() -> None:
        with Counted(tmp_path).body as body:
            lengths = {len(body)}
            async for _ in body:
                lengths.add(len(body))
            assert lengths == {SIZE}

    run(send())


def test_an_empty_body_is_empty(tmp_path: Path) -> None:
    """A part of no bytes has no slices, moves nothing, and is no error."""
    counted = Counted(tmp_path, size=0)

    async def send() -> None:
        with counted.body as body:
            assert len(body) == 0
            assert [bytes(piece) async for piece in body] == []

    run(send())
    assert counted.told == []


def test_a_slice_counts_when_the_next_one_is_asked_for(tmp_path: Path) -> None:
    """What was handed over but not taken is not counted; at the end all is, once."""
    counted = Counted(tmp_path)

    async def send() -> None:
        with counted.body as body:
            handed = 0
            async for piece in body:
                assert (sum(counted.told), body.sent) == (handed, handed)
                handed += len(piece)
                assert body.tell() == handed
            assert (sum(counted.told), body.sent) == (SIZE, SIZE)

    run(send())


def test_when_bytes_moved_last(tmp_path: Path) -> None:
    """It is the moment at which a slice was taken, and long ago before the first one was."""

    async def send() -> None:
        loop = asyncio.get_running_loop()
        with Counted(tmp_path).body as body:
            await anext(body)
            assert body.moved_at(loop.time()) == float("-inf")
            await asyncio.sleep(3)
            await anext(body)
            await asyncio.sleep(4)
            assert body.moved_at(loop.time()) == 3

    run(send())


def test_time_in_which_the_network_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What reading takes is held back from the network, what the network takes is not."""
    reading, body = RangeReader.read, Counted(tmp_path, size=2 * BLOCK).body

    async def slowly(reader: RangeReader) -> memoryview:
        await asyncio.sleep(10)
        return await reading(reader)

    monkeypatch.setattr(RangeReader, "read", slowly)

    async def send() -> None:
        loop = asyncio.get_running_loop()
        with body:
            await asyncio.sleep(1)
            assert body.held(loop.time()) == 0
            loop.call_later(4, lambda: seen.append(body.held(loop.time())))
            async for _ in body:
                await asyncio.sleep(0.5)
            assert body.held(loop.time()) == 10 + 10 + 10

    seen: list[float] = []
    run(send())
    assert seen == [4]


def test_an_attempt_that_ends_early_counts_what_was_taken(tmp_path: Path) -> None:
    """A connection that breaks in the third slice has taken two."""
    counted = Counted(tmp_path)

    async def send() -> None:
        with counted.body as body:
            for _ in range(3):
                await anext(body)
            assert body.sent == 2 * FIRST_SLICE

    run(send())
    assert counted.told == [FIRST_SLICE, FIRST_SLICE]


@pytest.mark.parametrize("taken", [1, 2, 9, None])
def test_a_rewound_body_travels_again_from_its_start(tmp_path: Path, taken: int | None) -> None:
    """After `seek(0)` all bytes come again, and what had been counted was taken back."""
    counted = Counted(tmp_path)

    async def send() -> bytes:
        with counted.body as body:
            steps = range(taken) if taken is not None else ()
            for _ in steps:
                await anext(body)
            if taken is None:
                async for _ in body:
                    pass
            assert body.seek(0) == 0
            assert (sum(counted.told), body.sent, body.tell()) == (0, 0, 0)
            return b"".join([bytes(piece) async for piece in body])

    assert run(send()) == DATA[:SIZE]
    assert sum(counted.told) == SIZE


def test_rewinding_what_has_not_begun_changes_nothing(tmp_path: Path) -> None:
    """The `tell` and `seek(0)` of a signer before the first slice cost and count nothing."""
    counted = Counted(tmp_path)

    async def send() -> None:
        with counted.body as body:
            assert (body.tell(), body.seek(0), body.seek(0, os.SEEK_SET)) == (0, 0, 0)
            assert counted.told == []
            assert len(await anext(body)) == FIRST_SLICE

    run(send())


@pytest.mark.parametrize(("offset", "whence"), [(1, os.SEEK_SET), (0, os.SEEK_END), (-1, 1)])
def test_a_body_can_only_be_rewound(tmp_path: Path, offset: int, whence: int) -> None:
    """To seek anywhere else is refused, so that nobody sends half a part."""

    async def seek() -> None:
        with Counted(tmp_path).body as body:
            body.seek(offset, whence)

    with pytest.raises(ValueError, match="can only be rewound"):
        run(seek())


def test_a_body_travels_once(tmp_path: Path) -> None:
    """To iterate again without rewinding is refused, instead of sending nothing as a part."""

    async def send() -> None:
        with Counted(tmp_path).body as body:
            async for _ in body:
                pass
            async for _ in body:
                pass

    with pytest.raises(RuntimeError, match="travels once, unless it is rewound"):
        run(send())


def test_a_body_cannot_be_read(tmp_path: Path) -> None:
    """To read a body is refused: that would hash or hold a part of gigabytes in the event loop."""

    async def read() -> None:
        with Counted(tmp_path).body as body:
            body.read(1024)

    with pytest.raises(RuntimeError, match=r"streamed, not read \(1024 bytes asked for\)"):
        run(read())


def test_a_failure_to_read_is_kept(tmp_path: Path) -> None:
    """When the file ends too soon, the error is raised and kept: the HTTP client would hide it."""
    counted = Counted(tmp_path)
    os.truncate(counted.path, BLOCK)

    async def send() -> None:
        with counted.body as body:
            async for _ in body:
                pass

    assert counted.body.failure is None
    with pytest.raises(SourceChanged) as caught:
        run(send())
    assert counted.body.failure is caught.value
    assert sum(counted.told) == BLOCK


def test_a_slow_network_gets_smaller_slices(tmp_path: Path) -> None:
    """What takes long is cut smaller, so that it is seen to move; what does not, larger again."""

    async def send(seconds: Iterator[float]) -> list[int]:
        with Counted(tmp_path).body as body:
            sizes = []
            async for piece in body:
                sizes.append(len(piece))
                await asyncio.sleep(next(seconds))
        return sizes

    slow_then_fast = chain([2.0] * 10, repeat(0.01))
    sizes = run(send(slow_then_fast))
    assert sizes[:10] == [max(LEAST_SLICE, FIRST_SLICE >> number) for number in range(10)]
    assert sizes[11:15] == [8 << 10, 16 << 10, FIRST_SLICE, FIRST_SLICE]
    assert sum(sizes) == SIZE


def test_bodies_on_a_connection_share_their_slices(tmp_path: Path) -> None:
    """What a connection has shown to take at once, it is handed from the next one's beginning."""
    shared = SliceSize()

    async def send() -> list[int]:
        counted = Counted(tmp_path)
        with counted.body as body:
            body.slice_size = shared
            return [len(piece) async for piece in body]

    first, second = run(send()), run(send())
    assert first[0] == FIRST_SLICE
    assert set(second[:-1]) == {SLICE}
    assert sum(first) == sum(second) == SIZE


def test_small_bodies_on_a_connection_come_to_go_at_once(tmp_path: Path) -> None:
    """What a connection has taken in all counts, not what one body has: small ones are slices."""
    shared, size = SliceSize(), SLICE

    async def send() -> int:
        path = tmp_path / "small"
        path.write_bytes(bytes(size))
        with PartBody(RangeReader(path, 0, size), size, lambda _: None) as body:
            body.slice_size = shared
            return len([piece async for piece in body])

    counts = [run(send()) for _ in range(2 * RISE)]
    assert counts[0] > counts[RISE // 2] > 1
    assert counts[-1] == 1


class Wire:
    """Takes note of the options that are set; reading them is none of its business."""

    def __init__(self) -> None:
        self.values: list[int] = []

    def getsockopt(self, *_: object) -> bytes:
        """Tell nothing."""
        return b""

    def setsockopt(self, _level: int, _option: int, value: int | bytes, /) -> None:
        """Take note."""
        self.values.append(int(value))


@pytest.mark.skipif(not hasattr(socket, "TCP_NOTSENT_LOWAT"), reason="the system has no such limit")
def test_the_kernel_takes_more_ahead_of_who_is_quick() -> None:
    """It holds two slices where these are large; where they become small again, as little as ever.

    Otherwise what is seen to move on a link that went bad would be the kernel's memory.
    """
    wire = Wire()
    size = SliceSize(wire)
    for sent in (1 << 20, 2 << 20, 4 << 20):
        size.took(0.01, sent)
    assert wire.values == [UNSENT, 2 * (128 << 10), 2 * SLICE]
    for _ in range(4):
        size.took(2.0, 4 << 20)
    assert wire.values[3:] == [2 * (128 << 10), UNSENT, UNSENT, UNSENT]
