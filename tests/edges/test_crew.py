"""Workers as those see them who plan: like attempts of their own, also when a worker ends."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from asyncup.core.conditions import RateChanged
from asyncup.core.errors import SourceMissing, Throttled, WorkerLost
from asyncup.core.identity import Identity, Keys
from asyncup.core.messages import OpenS3, Span, Want
from asyncup.core.model import (
    ChecksumAlgorithm,
    Checksums,
    ObjectAttributes,
    ObjectURI,
    Part,
    Upload,
)
from asyncup.core.options import S3Config
from asyncup.edges import hired
from asyncup.edges.body import PartBody, at_once, no_longer
from asyncup.edges.channel import WorkerChannel
from asyncup.edges.chunks import StagedPart
from asyncup.edges.crew import MOST_LOSSES, Crew
from asyncup.edges.hands import OwnHands
from asyncup.edges.hired import Hired
from tests.bodies import checksums_of
from tests.fakes3 import FakeS3, lost
from tests.loop import run
from tests.workers import TaskWorkers

URI = ObjectURI("test-bucket", "key")
DATA = bytes(range(250)) * 1000
OPENING = OpenS3(s3=S3Config(), concurrency=4, stall_timeout=30.0, asks_first=True, agent="test")
WHO = Identity(Keys("AKIA", "secret", None), 0.0)


class SlowS3(FakeS3):
    """A server that takes a part's slices one by one, and remembers who was taking them."""

    def __init__(self) -> None:
        super().__init__()
        self.bodies: list[PartBody] = []

    async def upload_part(
        self, upload: Upload, number: int, body: PartBody, checksums: Checksums
    ) -> str:
        self.bodies.append(body)
        return await super().upload_part(upload, number, body, checksums)


class Site:
    """A crew with a server and a file; `moved` is what it was told of every attempt."""

    def __init__(self, directory: Path) -> None:
        self.s3 = SlowS3()
        self.workers = TaskWorkers(self.s3)
        self.file = directory / "file"
        self.file.write_bytes(DATA)
        self.moved: list[int] = []

    async def identity(self) -> Identity:
        """Return who signs."""
        return WHO

    async def upload(self) -> Upload:
        """Return a new multipart upload."""
        return await self.s3.create_multipart_upload(URI, None, ObjectAttributes())

    def staged(self) -> StagedPart:
        """Return the file as the only part."""
        return StagedPart(Part(1, 0, len(DATA)), checksums_of(DATA), self.file, 0)

    def crew(
        self,
        number: int = 2,
        start: Callable[[], Awaitable[WorkerChannel]] | None = None,
        is_needed: Callable[[], bool] = lambda: True,
    ) -> Crew:
        """Return a crew."""
        workers = [Hired(start or self.workers.start, OPENING) for _ in range(number)]
        return Crew(workers, self.identity, OwnHands(self.s3), is_needed)

    async def send(
        self, crew: Crew, upload: Upload, number: int = 1, pace: Callable[[int], Any] = at_once
    ) -> str:
        """Send the part once."""
        with crew.attempt(self.staged(), self.moved.append, pace, no_longer) as attempt:
            etag = await attempt.upload_part(upload, number)
            assert attempt.sent == len(attempt) == len(DATA)
        return etag


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """Return a site with nobody at work."""
    return Site(tmp_path)


def work(site: Site, main: Callable[[Crew, Upload], Coroutine[Any, Any, None]], **how: Any) -> None:  # noqa: ANN401 - as `Site.crew` takes them
    """Do something with a crew; no task is left when it is closed."""

    async def whole() -> None:
        upload = await site.upload()
        async with site.crew(**how) as crew:
            await main(crew, upload)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run(whole())


async def until(is_so: Callable[[], bool]) -> None:
    """Let others go on until something is so."""
    while not is_so():  # noqa: ASYNC110 - what is waited for is no event
        await asyncio.sleep(0.01)


def test_parts_go_to_who_has_the_least_to_do(site: Site) -> None:
    """Two workers share four parts evenly, and none is started before there is something to do."""
    site.s3.delay = 1

    async def main(crew: Crew, upload: Upload) -> None:
        assert not site.workers.started
        sending = [asyncio.create_task(site.send(crew, upload, n)) for n in (1, 2, 3, 4)]
        await until(lambda: site.s3.in_flight == 4)
        assert [worker.flights for worker in site.workers.started] == [2, 2]
        await asyncio.gather(*sending)
        assert sum(site.moved) == 4 * len(DATA)

    work(site, main)


def test_a_small_file_goes_the_same_way(site: Site) -> None:
    """An object in one request arrives with what was asked of it, and its head comes back."""

    async def main(crew: Crew, _: Upload) -> None:
        with crew.attempt(site.staged(), site.moved.append, at_once, no_longer) as attempt:
            head = await attempt.put_object(
                URI,
                ObjectAttributes(metadata={"a": "b"}),
                algorithm=ChecksumAlgorithm.SHA256,
                only_if_absent=True,
            )
        assert head.checksums == {
            ChecksumAlgorithm.SHA256: checksums_of(DATA)[ChecksumAlgorithm.SHA256]
        }

    work(site, main)
    stored = site.s3.objects["key"]
    assert (stored.data, stored.attributes.metadata) == (DATA, {"a": "b"})


def test_errors_are_those_of_s3(site: Site) -> None:
    """What S3 says to a worker is what is raised here, bytes that were sent included."""
    error = Throttled(lost().fault, hint="slower")
    site.s3.fail("upload_part", error, after=True)

    async def main(crew: Crew, upload: Upload) -> None:
        with crew.attempt(site.staged(), site.moved.append, at_once, no_longer) as attempt:
            with pytest.raises(Throttled) as raised:
                await attempt.upload_part(upload, 1)
            assert attempt.sent == sum(site.moved) == len(DATA)
        assert (raised.value.fault, raised.value.hint) == (error.fault, "slower")

    work(site, main)


def test_a_worker_that_ends_fails_its_attempts_alone(site: Site) -> None:
    """Its parts are told to be lost, by their names; those of others arrive, and it comes back."""
    site.s3.delay = 1

    async def main(crew: Crew, upload: Upload) -> None:
        sending = [asyncio.create_task(site.send(crew, upload, n)) for n in (1, 2)]
        await until(lambda: site.s3.in_flight == 2)
        site.workers.started[0].kill()
        first, second = await asyncio.gather(*sending, return_exceptions=True)
        assert isinstance(first, WorkerLost)
        assert str(first).startswith(f"upload part 1 of {URI}: ")
        assert "SIGKILL" in str(first)
        assert isinstance(second, str)
        await asyncio.gather(*(site.send(crew, upload, n) for n in (1, 3)))
        assert len(site.workers.started) == 3

    work(site, main)
    (stored,) = site.s3.uploads.values()
    assert {number: part.data for number, part in stored.parts.items()} == dict.fromkeys(
        (1, 2, 3), DATA
    )


def test_when_no_worker_is_left_the_work_goes_on(site: Site) -> None:
    """Workers that end again and again are not started for ever: this process does it all."""
    started = 0

    async def start() -> WorkerChannel:
        nonlocal started
        started += 1
        channel = await site.workers.start()
        channel.kill()
        return channel

    async def main(crew: Crew, upload: Upload) -> None:
        for _ in range(2 * MOST_LOSSES):
            with pytest.raises(WorkerLost):
                await site.send(crew, upload)
        await site.send(crew, upload)
        found = await crew.read(Span(site.file, 0, 10), (), into=None, is_end=False)
        assert found.checksums.size == 10

    work(site, main, start=start)
    assert started == 2 * MOST_LOSSES
    assert sum(site.moved) == len(DATA)


def test_a_worker_that_cannot_be_started_is_as_one_that_ends(site: Site) -> None:
    """A system without room for another process is no reason to fail."""

    async def start() -> WorkerChannel:
        raise OSError(11, "Resource temporarily unavailable")

    async def main(crew: Crew, upload: Upload) -> None:
        for _ in range(MOST_LOSSES):
            with pytest.raises(WorkerLost, match="could not be started: Resource temporarily"):
                await site.send(crew, upload)
        await site.send(crew, upload)

    work(site, main, start=start, number=1)


def test_what_a_lost_worker_has_written_is_written_again(site: Site, tmp_path: Path) -> None:
    """A chunk file that was begun by a worker which ended is whole when it is told to be there."""
    into = tmp_path / "chunk"

    async def start() -> WorkerChannel:
        channel = await site.workers.start()
        if len(site.workers.started) == 1:
            into.write_bytes(b"what it came to")
            channel.kill()
        return channel

    async def main(crew: Crew, _: Upload) -> None:
        found = await crew.read(
            Span(site.file, 100, 1000), {ChecksumAlgorithm.MD5}, into=into, is_end=True
        )
        assert into.read_bytes() == DATA[100:1100]
        assert found.has_more
        expected = checksums_of(DATA[100:1100]).values
        assert found.checksums.values == {name: expected[name] for name in found.checksums.values}
        assert ChecksumAlgorithm.MD5 in found.checksums.values

    work(site, main, start=start)


def test_a_span_that_ends_every_worker_is_read_here(site: Site) -> None:
    """It is not tried for ever, also where those who come next have been of use meanwhile."""

    async def start() -> WorkerChannel:
        channel = await site.workers.start()
        channel.kill()
        return channel

    async def main(crew: Crew, _: Upload) -> None:
        found = await crew.read(Span(site.file, 0, 10), (), into=None, is_end=False)
        assert found.checksums.size == 10
        assert len(site.workers.started) == MOST_LOSSES

    work(site, main, start=start, number=2 * MOST_LOSSES)


def test_what_is_wrong_with_a_file_is_told(site: Site, tmp_path: Path) -> None:
    """A file that a worker cannot read is the same error as here."""

    async def main(crew: Crew, _: Upload) -> None:
        with pytest.raises(SourceMissing, match="no such file"):
            await crew.read(Span(tmp_path / "nothing", 0, 1), (), into=None, is_end=False)

    work(site, main)


@pytest.mark.parametrize("turns", [0, 1, 2, 3, 5, 20])
def test_what_is_cancelled_is_left_off(site: Site, turns: int) -> None:
    """However early an attempt is cancelled, nothing of it goes out any more when that is over."""
    site.s3.pace = lambda _: 0.01

    async def main(crew: Crew, upload: Upload) -> None:
        await site.send(crew, upload, 2)  # they are started
        sending = asyncio.create_task(site.send(crew, upload))
        for _ in range(turns):
            await asyncio.sleep(0)
        began = asyncio.get_running_loop().time()
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        assert asyncio.get_running_loop().time() - began < 1
        assert site.s3.in_flight == 0
        sent = [body.sent for body in site.s3.bodies]
        await asyncio.sleep(60)
        assert [body.sent for body in site.s3.bodies] == sent
        assert [worker.flights for worker in site.workers.started] == [0]

    work(site, main, number=1)
    assert len(site.workers.started) == 1


def test_a_worker_that_does_not_leave_off_is_ended(site: Site) -> None:
    """Who drops an attempt is not kept waiting by a worker that hangs."""
    site.s3.delay = 1000

    async def main(crew: Crew, upload: Upload) -> None:
        sending = asyncio.create_task(site.send(crew, upload))
        await until(lambda: site.s3.in_flight == 1)
        site.workers.started[0].hang()
        began = asyncio.get_running_loop().time()
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        took = asyncio.get_running_loop().time() - began
        assert took == pytest.approx(hired.PATIENCE, abs=0.1)
        site.s3.delay = 0
        await site.send(crew, upload)
        assert len(site.workers.started) == 2

    work(site, main, number=1)


def test_a_worker_that_says_nothing_is_ended(site: Site) -> None:
    """A worker that has come to a stop does not stop the run: its parts go again, by another."""
    site.s3.delay = 1000

    async def main(crew: Crew, upload: Upload) -> None:
        sending = asyncio.create_task(site.send(crew, upload))
        await until(lambda: site.s3.in_flight == 1)
        site.workers.started[0].hang()
        with pytest.raises(WorkerLost):
            await sending
        assert asyncio.get_running_loop().time() < 100

    work(site, main, number=1)


def test_a_slow_server_is_no_reason_to_end_a_worker(site: Site) -> None:
    """A worker that waits for S3, for however long, is alive."""
    site.s3.delay = 10_000

    async def main(crew: Crew, upload: Upload) -> None:
        await site.send(crew, upload)
        assert len(site.workers.started) == 1

    work(site, main, number=1)


class Purse:
    """A pace that gives what it has, and lets others wait until it is filled."""

    def __init__(self, filled: int) -> None:
        self.left = filled
        self.asked: list[int] = []
        self._filled = asyncio.Event()

    def pace(self, most: int) -> int | Awaitable[int]:
        """Give, or promise."""
        self.asked.append(most)
        return self._give(most) if self.left else self._wait(most)

    def _give(self, most: int) -> int:
        given = min(most, self.left)
        self.left -= given
        return given

    async def _wait(self, most: int) -> int:
        while not self.left:
            self._filled.clear()
            await self._filled.wait()
        return self._give(most)

    def fill(self, count: int) -> None:
        """Give to those who wait."""
        self.left += count
        self._filled.set()


def test_under_a_limit_no_byte_goes_that_was_not_given(site: Site) -> None:
    """A worker sends what it was granted and waits for more; a limit may come in the middle."""
    site.s3.pace = lambda _: 1.0

    async def main(crew: Crew, upload: Upload) -> None:
        purse = Purse(1 << 40)
        sending = asyncio.create_task(site.send(crew, upload, pace=purse.pace))
        await until(lambda: bool(site.moved))
        crew.hear(RateChanged(1 << 20, "as asked for"))
        purse.left = 0
        await asyncio.sleep(100)
        before = sum(site.moved)
        assert 0 < before < len(DATA)
        for _ in range(3):
            purse.fill(1000)
            await asyncio.sleep(100)
        # What the network has taken is told when it asks for more.
        assert sum(site.moved) <= before + (32 << 10) + 3000
        crew.hear(RateChanged(None, "off"))
        purse.fill(1 << 40)
        await sending

    work(site, main, number=1)
    assert sum(site.moved) == len(DATA)


def test_a_limit_holds_for_workers_that_are_not_there_yet(site: Site) -> None:
    """A limit that is set while a worker is being started is not missed by it."""
    ready = asyncio.Event()

    async def start() -> WorkerChannel:
        await ready.wait()
        return await site.workers.start()

    async def main(crew: Crew, upload: Upload) -> None:
        purse = Purse(0)
        sending = asyncio.create_task(site.send(crew, upload, pace=purse.pace))
        await asyncio.sleep(1)
        crew.hear(RateChanged(1 << 20, "as asked for"))
        ready.set()
        await asyncio.sleep(100)
        assert not sum(site.moved)
        purse.fill(len(DATA))
        await sending

    work(site, main, number=1, start=start)


def test_without_a_limit_nobody_asks_and_all_is_measured(site: Site) -> None:
    """As fast as it goes is without a message for it, and told to who measures the rate."""

    async def main(crew: Crew, upload: Upload) -> None:
        await site.send(crew, upload)  # it is started
        worker, purse = site.workers.started[0], Purse(1 << 40)
        before = len(worker.told())
        await site.send(crew, upload, pace=purse.pace)
        assert not [each for each in worker.told()[before:] if isinstance(each, Want)]
        assert sum(purse.asked) == len(DATA)

    work(site, main, number=1)


def test_a_lease_that_nobody_needs_any_more_is_given_back(site: Site) -> None:
    """A part that is dropped while it waits for bytes does not take those of others."""
    was_cancelled = False

    async def wait() -> int:
        nonlocal was_cancelled
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            was_cancelled = True
            raise
        return 0

    async def main(crew: Crew, upload: Upload) -> None:
        crew.hear(RateChanged(1 << 20, "as asked for"))
        sending = asyncio.create_task(site.send(crew, upload, pace=lambda _: wait()))
        await asyncio.sleep(10)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        await asyncio.sleep(0)
        assert was_cancelled

    work(site, main, number=1)


def test_each_request_says_what_it_is_signed_with(site: Site) -> None:
    """Keys that are renewed here are those of the next request, in whichever process."""

    async def main(crew: Crew, upload: Upload) -> None:
        await site.send(crew, upload)
        newer = Identity(Keys("AKIA2", "secret", "token"), 3600.0)

        async def identity() -> Identity:
            return newer

        crew.identity = identity
        await site.send(crew, upload)
        assert list(site.workers.started[0].adopted) == [WHO, newer]

    work(site, main, number=1)


def test_nobody_is_started_who_is_not_needed(site: Site) -> None:
    """As long as one process is enough, it does all itself."""
    needed = False

    async def main(crew: Crew, upload: Upload) -> None:
        nonlocal needed
        await site.send(crew, upload)
        assert not site.workers.started
        needed = True
        await site.send(crew, upload)
        assert len(site.workers.started) == 1

    work(site, main, is_needed=lambda: needed)


def test_nobody_is_asked_for_keys_without_a_worker(site: Site) -> None:
    """What is sent from here is signed here; and keys that take a while are for all workers."""
    asked = 0

    async def identity() -> Identity:
        nonlocal asked
        asked += 1
        await asyncio.sleep(1)
        return WHO

    needed = False

    async def main(crew: Crew, upload: Upload) -> None:
        nonlocal needed
        crew.identity = identity
        await site.send(crew, upload)
        with crew.attempt(site.staged(), site.moved.append, at_once, no_longer) as attempt:
            await attempt.put_object(URI, ObjectAttributes())
        assert asked == 0
        needed, site.s3.delay = True, 1
        sending = [asyncio.create_task(site.send(crew, upload, n)) for n in (1, 2, 3, 4)]
        await until(lambda: site.s3.in_flight == 4)
        assert [worker.flights for worker in site.workers.started] == [2, 2]
        await asyncio.gather(*sending)

    work(site, main, is_needed=lambda: needed)


def test_the_network_is_told_from_the_disk(site: Site) -> None:
    """The time in which a worker's body waits for bytes is known here: it is no lag."""

    async def main(crew: Crew, upload: Upload) -> None:
        crew.hear(RateChanged(1 << 20, "as asked for"))
        purse, loop = Purse(0), asyncio.get_running_loop()
        with crew.attempt(site.staged(), site.moved.append, purse.pace, no_longer) as attempt:
            sending = asyncio.create_task(attempt.upload_part(upload, 1))
            await asyncio.sleep(30)
            assert attempt.held(loop.time()) == pytest.approx(30, abs=0.2)
            purse.fill(len(DATA))
            await sending
            assert attempt.held(loop.time()) == pytest.approx(30, abs=0.2)

    work(site, main, number=1)
