"""Parts that this process sends: what one has taken tells how the next one begins."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from asyncup.core.errors import ConnectionLost
from asyncup.core.model import ObjectAttributes, ObjectURI, Part
from asyncup.edges.body import FIRST_SLICE, SLICE
from asyncup.edges.chunks import StagedPart
from asyncup.edges.hands import OwnHands
from tests.bodies import checksums_of
from tests.fakes3 import FakeS3, lost
from tests.loop import run

URI = ObjectURI("test-bucket", "key")
SIZE = 2 * SLICE


def sender(s3: FakeS3, directory: Path) -> Callable[[], Awaitable[int]]:
    """Return what sends a part, and gives how large its first slice was."""
    path = directory / "file"
    path.write_bytes(bytes(SIZE))
    staged = StagedPart(Part(1, 0, SIZE), checksums_of(bytes(SIZE)), path, 0, owned=False)
    hands = OwnHands(s3)

    async def send() -> int:
        told: list[int] = []
        with hands.attempt(staged, told.append, lambda most: most) as attempt:
            await attempt.put_object(URI, ObjectAttributes())
        return told[0]

    return send


def test_quick_after_quick(tmp_path: Path) -> None:
    """After a part that was answered at once, the next begins with a large slice."""

    async def main() -> list[int]:
        s3 = FakeS3()
        send = sender(s3, tmp_path)
        found = [await send(), await send()]
        s3.pace = lambda _: 1.0
        return [*found, await send(), await send()]

    assert run(main()) == [FIRST_SLICE, SLICE, SLICE, FIRST_SLICE]


def test_small_after_a_loss(tmp_path: Path) -> None:
    """After a part that did not go out, nothing is known of the network any more."""

    async def main() -> int:
        s3 = FakeS3()
        send = sender(s3, tmp_path)
        await send()
        s3.fail("put_object", lost())
        with pytest.raises(ConnectionLost):
            await send()
        return await send()

    assert run(main()) == FIRST_SLICE
