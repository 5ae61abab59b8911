"""A body that is held back on purpose: small slices, and a clock for stalls that stands still."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from asyncup.core.errors import Fault, Stalled
from asyncup.edges.body import SLICE, Pace, PartBody
from asyncup.edges.files import RangeReader
from asyncup.edges.s3_clock import SigningClock
from asyncup.edges.s3_request import Requests
from tests.loop import run

SIZE = 75_000
STALL_TIMEOUT = 30.0


def body_at(pace: Pace, directory: Path) -> PartBody:
    """Return a body of SIZE bytes at a pace."""
    path = directory / "file"
    path.write_bytes(bytes(range(250)) * (SIZE // 250))
    return PartBody(RangeReader(path, 0, SIZE), SIZE, lambda _: None, pace)


def by(size: int, wait: float) -> Pace:
    """Return a pace of so many bytes at a time, each after so many seconds."""

    async def turn(most: int) -> int:
        await asyncio.sleep(wait)
        return min(size, most)

    return turn


class Client:
    """Takes the place of aiobotocore's client: takes a body's slices as the network does."""

    def __init__(self, network: Callable[[], Awaitable[object]]) -> None:
        self.meta = SimpleNamespace(events=SimpleNamespace(register=lambda *_: None))
        self._network = network

    async def upload_part(self, **params: Any) -> dict[str, object]:  # noqa: ANN401 - botocore's
        """Take all of a body."""
        async for _ in params["Body"]:
            await self._network()
        return {"ETag": '"abc"'}


async def send(body: PartBody, network: Callable[[], Awaitable[object]]) -> None:
    """Send a body as the gateway does."""
    requests = Requests(Client(network), STALL_TIMEOUT, 1, SigningClock())
    await requests.send(Fault(action="upload", operation="UploadPart"), body)


async def at_once() -> None:
    """Take a slice without delay."""


def test_slices_are_what_the_pace_lets_go(tmp_path: Path) -> None:
    """The pace is asked for no more than a slice or the rest of a block, and decides the size."""
    asked: list[int] = []

    def pace(most: int) -> int:
        asked.append(most)
        return min(most, 25_000)

    async def main() -> list[bytes]:
        with body_at(pace, tmp_path) as body:
            return [bytes(piece) async for piece in body]

    pieces = run(main())
    assert set(asked[:-1]) == {SLICE}
    assert 0 < asked[-1] < SLICE
    assert [len(piece) for piece in pieces] == [25_000] * 3
    assert b"".join(pieces) == (tmp_path / "file").read_bytes()


def test_a_body_tells_when_it_holds_back(tmp_path: Path) -> None:
    """It says so before it waits and after, and not at all where nothing is to be waited for."""
    told: list[str] = []

    async def turn(most: int) -> int:
        told.append("waits")
        return most

    async def main(pace: Pace) -> None:
        with body_at(pace, tmp_path) as body:
            body.on_pause = lambda: told.append("pause")
            body.on_progress = lambda: told.append("progress")
            await anext(body)

    run(main(turn))
    assert told == ["pause", "waits", "progress"]
    told.clear()
    run(main(lambda most: most))
    assert told == []


@pytest.mark.parametrize("wait", [29.0, 31.0, 3600.0])
def test_a_body_that_is_held_back_does_not_stall(tmp_path: Path, wait: float) -> None:
    """However long a slice waits for its turn, that is no sign of a dead connection."""

    async def main() -> float:
        with body_at(by(25_000, wait), tmp_path) as body:
            await send(body, at_once)
            assert body.sent == SIZE
        return asyncio.get_running_loop().time()

    assert run(main()) == pytest.approx(3 * wait)


def test_a_network_that_takes_nothing_stalls_all_the_same(tmp_path: Path) -> None:
    """When the slice has gone out, the clock runs again, from its beginning."""

    async def main() -> float:
        stalled = pytest.raises(Stalled, match="no byte moved for 30 s, after 0 of 75000")
        with body_at(by(25_000, 3600), tmp_path) as body, stalled:
            await send(body, asyncio.Event().wait)
        return asyncio.get_running_loop().time()

    assert run(main()) == pytest.approx(3600 + STALL_TIMEOUT)


def test_an_answer_that_does_not_come_stalls_all_the_same(tmp_path: Path) -> None:
    """After the last byte, the clock runs as it does without a limit."""

    class Mute(Client):
        async def upload_part(self, **params: Any) -> dict[str, object]:  # noqa: ANN401 - botocore's
            await super().upload_part(**params)
            await asyncio.Event().wait()
            return {}

    async def main() -> None:
        requests = Requests(Mute(at_once), STALL_TIMEOUT, 1, SigningClock())
        stalled = pytest.raises(Stalled, match="after 75000 of 75000")
        with body_at(by(25_000, 100), tmp_path) as body, stalled:
            await requests.send(Fault(action="upload", operation="UploadPart"), body)

    run(main())
