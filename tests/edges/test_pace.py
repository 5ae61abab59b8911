"""A body that is held back on purpose: small slices, and a clock for stalls that stands still."""

import asyncio
import struct
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from asyncup.core.errors import Fault, Stalled
from asyncup.edges.body import FIRST_SLICE, Pace, PartBody, Persist, no_longer
from asyncup.edges.ranges import RangeReader
from asyncup.edges.s3_clock import SigningClock
from asyncup.edges.s3_request import Requests
from asyncup.edges.tcp import Acknowledgements
from tests.loop import run

SIZE = 75_000
STALL_TIMEOUT = 30.0


def body_at(pace: Pace, directory: Path, persist: Persist = no_longer) -> PartBody:
    """Return a body of SIZE bytes at a pace, as patient as it is told."""
    path = directory / "file"
    path.write_bytes(bytes(range(250)) * (SIZE // 250))
    return PartBody(RangeReader(path, 0, SIZE), SIZE, lambda _: None, pace, persist)


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
    assert set(asked[:-1]) == {FIRST_SLICE}
    assert 0 < asked[-1] < FIRST_SLICE
    assert [len(piece) for piece in pieces] == [25_000] * 3
    assert b"".join(pieces) == (tmp_path / "file").read_bytes()


def test_a_body_that_holds_back_is_not_still(tmp_path: Path) -> None:
    """While it waits for its turn it counts as moving; from when it goes on, time counts."""
    seen: list[float] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        with body_at(by(25_000, 50), tmp_path) as body:
            loop.call_later(40, lambda: seen.append(body.moved_at(40)))
            await anext(body)
            await asyncio.sleep(7)
            seen.append(body.moved_at(loop.time()))

    run(main())
    assert seen == [40, 50]


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
    """After the last byte, the clock runs as it does without a limit: a store may have to write."""
    assert run(until_given_up(tmp_path, Wire())) == pytest.approx(200 + 2 * STALL_TIMEOUT, abs=1)


def test_the_last_bytes_that_do_not_arrive_stall_as_the_others(tmp_path: Path) -> None:
    """What the network has swallowed, no store is writing: there is no more to wait for."""
    ends = run(until_given_up(tmp_path, Wire(210, due=3)))
    assert ends == pytest.approx(210 + STALL_TIMEOUT, abs=1)


async def until_given_up(directory: Path, wire: "Wire") -> float:
    """Send a body, all of it by second 200, to who never answers; return when that was noticed."""

    class Mute(Client):
        async def upload_part(self, **params: Any) -> dict[str, object]:  # noqa: ANN401 - botocore's
            await super().upload_part(**params)
            await asyncio.Event().wait()
            return {}

    requests = Requests(Mute(at_once), STALL_TIMEOUT, 1, SigningClock())
    stalled = pytest.raises(Stalled, match="after 75000 of 75000")
    with body_at(by(25_000, 66.6), directory) as body, stalled:
        body.acknowledgements = Acknowledgements(wire, 0)
        await requests.send(Fault(action="upload", operation="UploadPart"), body)
    return asyncio.get_running_loop().time()


class Wire:
    """A connection whose peer acknowledges some bytes at given times, in seconds.

    `due` segments are not acknowledged by then.
    """

    def __init__(self, *times: float, words: float = float("inf"), due: int = 0) -> None:
        self._times = times
        self._words = words
        self._due = due

    def getsockopt(self, *_: object) -> bytes:
        """Return what Linux would tell; without news, it says the same again every `words` s."""
        now = asyncio.get_running_loop().time()
        past = [each for each in self._times if each <= now]
        age = min(now - max(past, default=0.0), self._words)
        return struct.pack("=24xI28xI60xQ24x", self._due, int(age * 1000), len(past))


@pytest.mark.parametrize(
    ("wire", "ends"),
    [
        (Wire(), 30),
        (Wire(10, 35, 60, 85), 115),
        # A peer that takes nothing more says so again and again: it is found out a time later.
        (Wire(10, words=5), 25 + 30),
        (None, 30),
    ],
    ids=["silent", "slow", "full", "unknown"],
)
def test_a_peer_that_acknowledges_is_no_stall(
    tmp_path: Path, wire: Wire | None, ends: float
) -> None:
    """A slice may take longer than the stall time, as long as its bytes arrive one by one."""

    async def main() -> float:
        with body_at(lambda most: most, tmp_path) as body:
            if wire is not None:
                body.acknowledgements = Acknowledgements(wire, 0)
            with pytest.raises(Stalled):
                await send(body, asyncio.Event().wait)
        return asyncio.get_running_loop().time()

    assert run(main()) == pytest.approx(ends)


class Patience:
    """Persists for so many seconds each time it is asked, and then no longer."""

    def __init__(self, *more: float) -> None:
        self.asked: list[tuple[float, float]] = []
        self._more = list(more)

    def __call__(self, stood_for: float) -> float:
        """Take note of when it was asked, and of what it was told."""
        self.asked.append((asyncio.get_running_loop().time(), stood_for))
        return self._more.pop(0) if self._more else 0.0


def test_what_stands_still_is_waited_for_as_long_as_that_is_worth_it(tmp_path: Path) -> None:
    """Somebody may know that it is not this connection alone; when nobody does, it ends."""
    patience = Patience(1.0, 50.0)

    async def network() -> None:
        if asyncio.get_running_loop().time() >= 2.0:
            await asyncio.Event().wait()

    async def main() -> float:
        with body_at(by(25_000, 1.0), tmp_path, patience) as body, pytest.raises(Stalled):
            await send(body, network)
        return asyncio.get_running_loop().time()

    # What moved last is the slice that was handed over at second 2, after its turn.
    assert run(main()) == pytest.approx(2 + STALL_TIMEOUT + 51)
    assert [then for then, _ in patience.asked] == pytest.approx([32.0, 33.0, 83.0])
    assert [stood_for for _, stood_for in patience.asked] == pytest.approx([30.0, 31.0, 81.0])


def test_what_moves_again_goes_on_as_if_nothing_had_been(tmp_path: Path) -> None:
    """A connection that has outlived an outage is not asked for any more."""
    patience = Patience(60.0)
    pauses = iter([0.0, 80.0, 0.0])

    async def main() -> None:
        with body_at(by(25_000, 1.0), tmp_path, patience) as body:
            await send(body, lambda: asyncio.sleep(next(pauses, 0.0)))
            assert body.sent == SIZE

    run(main())
    assert len(patience.asked) == 1


def test_what_has_not_moved_at_all_has_no_connection_to_keep(tmp_path: Path) -> None:
    """Where the first byte was never taken, nobody is asked."""
    patience = Patience(60.0)

    async def main() -> float:
        with body_at(lambda most: most, tmp_path, patience) as body, pytest.raises(Stalled):
            await send(body, asyncio.Event().wait)
        return asyncio.get_running_loop().time()

    assert run(main()) == pytest.approx(STALL_TIMEOUT)
    assert patience.asked == []


def test_slices_that_are_taken_are_no_stall(tmp_path: Path) -> None:
    """Where the system tells nothing of what arrives, what is taken counts."""

    async def main() -> None:
        with body_at(by(25_000, 0), tmp_path) as body:
            body.acknowledgements = Acknowledgements(Wire(), 0)
            await send(body, lambda: asyncio.sleep(29))
            assert body.sent == SIZE

    run(main())
