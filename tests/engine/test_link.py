"""The way to S3, lost and found: who looks for it, who waits, and for how long."""

import asyncio
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from asyncup.core import events, outage
from asyncup.core.backoff import RetryPolicy
from asyncup.core.conditions import CredentialsRenewed, SlotsChanged, WentOffline, WentOnline
from asyncup.core.errors import (
    AccessDenied,
    AsyncupError,
    CertificateRejected,
    CredentialsExpired,
    CredentialsRejected,
    Fault,
    ForeignAnswer,
    GaveUp,
    Interrupted,
    RetriesExhausted,
    S3Error,
    Throttled,
    Unreachable,
)
from asyncup.core.model import ObjectURI
from asyncup.core.options import Options
from asyncup.engine.link import NAP, Link
from asyncup.engine.retry import Retrier
from tests.engine.kit import OPTIONS, URI, Ears, jobs, make_file, no_task_is_left, uploader
from tests.fakes3 import FakeS3, Request, lost
from tests.loop import run

pytestmark = pytest.mark.usefixtures("alone_and_in_a_crew")

FEW = replace(OPTIONS, max_retry=2, retry_step=5.0, retry_cap=60.0)
ONE_BY_ONE = replace(FEW, concurrency=1)
"""No other part is acknowledged while one fails, which would be a sign of life."""

ALWAYS = 1 << 30
TAKES = 5.0
"""Seconds that a probe takes to fail which is not answered."""


def expired() -> CredentialsExpired:
    """Return what S3 says to keys that have run out."""
    return CredentialsExpired(Fault(action="upload", code="ExpiredToken"))


def acknowledged(ears: Ears) -> list[int]:
    """Return the numbers of the parts that S3 took, one that it took twice twice."""
    return sorted(event.part_number for event in ears.of(events.PartUploaded))


def now() -> float:
    """Return the virtual time."""
    return asyncio.get_running_loop().time()


class Outage:
    """From the nth part that arrives on, nothing gets through, until so many seconds are over."""

    def __init__(self, s3: FakeS3, part: int, seconds: float, error: S3Error | None = None) -> None:
        self._s3 = s3
        self._part = part
        self._seconds = seconds
        self._error = error or lost()
        self._began: float | None = None
        self.probed: list[float] = []
        s3.watch = self._watch

    def _watch(self, request: Request) -> None:
        if self._began is None and len(self._s3.sent_parts()) == self._part:
            self._began = now()
        if self._began is None or now() >= self._began + self._seconds:
            return
        if request.verb == "probe":
            self.probed.append(now() - self._began)
        raise self._error


def upload(
    s3: FakeS3,
    tmp_path: Path,
    ears: Ears,
    *,
    expected: type[AsyncupError] | None = None,
    options: Options = FEW,
) -> float:
    """Upload a file of eleven parts, compare, and return the virtual seconds that it took."""
    file = make_file(tmp_path, 1050)

    async def main() -> float:
        async with uploader(s3, tmp_path, options=options, listener=ears) as up:
            if expected is None:
                await up.put(file, URI)
            else:
                with pytest.raises(expected):
                    await up.put(file, URI)
        assert no_task_is_left()
        return now()

    took = run(main())
    if expected is None:
        assert s3.objects[URI.key].data == file.read_bytes()
    return took


def test_an_outage_costs_no_attempts(tmp_path: Path) -> None:
    """Ten minutes without S3 are waited out by parts that may fail once; none goes twice."""
    s3, ears = FakeS3(), Ears()
    Outage(s3, part=5, seconds=600)
    upload(s3, tmp_path, ears, options=ONE_BY_ONE)
    assert acknowledged(ears) == list(range(1, 12))
    (online,) = ears.of(WentOnline)
    assert online.seconds >= 600 - 5
    assert len({event.probes for event in ears.of(WentOffline)}) > 1


def test_its_end_is_found_within_a_twentieth(tmp_path: Path) -> None:
    """Probes are never further apart than a twentieth of the outage so far, or a second."""
    s3, ears = FakeS3(), Ears()
    outage = Outage(s3, part=5, seconds=300)
    took = upload(s3, tmp_path, ears)
    gaps = [(b - a, a) for a, b in zip(outage.probed, outage.probed[1:], strict=False)]
    assert all(gap <= max(1.0, at / 20) + 0.01 for gap, at in gaps)
    assert len(gaps) > 10
    assert took < 300 * 1.05 + 5


class Mute(FakeS3):
    """S3 on a link that swallows all: a probe takes its time to fail."""

    async def probe(self, uri: ObjectURI) -> None:
        try:
            await super().probe(uri)
        except S3Error:
            await asyncio.sleep(TAKES)
            raise


def test_its_end_is_found_as_soon_where_nothing_is_answered(tmp_path: Path) -> None:
    """A probe that is not answered has waited already: the next one begins soon after it."""
    s3, ears = Mute(), Ears()
    outage = Outage(s3, part=5, seconds=90)
    took = upload(s3, tmp_path, ears, options=ONE_BY_ONE)
    assert len(outage.probed) > 10
    assert all(later - begin <= TAKES + 0.01 for begin, later in pairwise(outage.probed))
    assert took < 90 + TAKES + 3


def test_one_asks_for_all(tmp_path: Path) -> None:
    """Whatever the number of parts that fail together, one probe at a time is under way."""
    s3, ears = FakeS3(), Ears()
    outage = Outage(s3, part=1, seconds=60)
    upload(s3, tmp_path, ears, options=replace(FEW, concurrency=8))
    assert outage.probed == sorted(set(outage.probed))


def test_nothing_is_begun_while_it_is_lost(tmp_path: Path) -> None:
    """Not one request but probes is made after the first probe that failed and before the last."""
    s3, ears = FakeS3(), Ears()
    Outage(s3, part=5, seconds=120)
    upload(s3, tmp_path, ears)
    verbs = [request.verb for request in s3.requests]
    # What was under way at the first one may fail after it.
    first = verbs.index("probe", verbs.index("probe") + 1)
    last = len(verbs) - 1 - verbs[::-1].index("probe")
    assert set(verbs[first : last + 1]) == {"probe"}


def test_those_who_waited_do_not_come_all_at_once(tmp_path: Path) -> None:
    """After an outage, one part begins, and then at most twice as many each time."""
    s3, ears = FakeS3(), Ears()
    Outage(s3, part=1, seconds=60)
    begun: list[float] = []
    inner = s3.watch

    def watch(request: Request) -> None:
        inner(request)
        if request.verb == "upload_part":
            begun.append(now())

    s3.watch, s3.delay = watch, 5.0
    upload(s3, tmp_path, ears, options=replace(FEW, concurrency=8))
    together = [begun.count(moment) for moment in sorted(set(begun))]
    assert together[0] == 1
    assert all(b <= 2 * a for a, b in pairwise(together))


def test_a_failure_that_is_only_its_own(tmp_path: Path) -> None:
    """If the probe is answered, the attempt counts, and nobody else has to wait."""
    s3, ears = FakeS3(), Ears()
    s3.fail("upload_part", number=4, times=ALWAYS)
    upload(s3, tmp_path, ears, expected=RetriesExhausted)
    assert not ears.of(WentOffline)
    assert s3.count("probe") == 2
    assert [event.attempt for event in ears.of(events.RetryScheduled)] == [1]


def test_gives_up_after_its_time(tmp_path: Path) -> None:
    """An outage beyond the budget ends the run with status 75; the next one sends the rest."""
    s3, ears = FakeS3(), Ears()
    Outage(s3, part=5, seconds=7200)
    took = upload(s3, tmp_path, ears, expected=GaveUp, options=replace(FEW, give_up_after=3600))
    assert 3600 <= took <= 3610
    assert GaveUp.exit_code == 75
    s3.watch, again = lambda _: None, Ears()
    upload(s3, tmp_path, again)
    assert acknowledged(ears)
    assert sorted(acknowledged(ears) + acknowledged(again)) == list(range(1, 12))


def test_one_file_gives_up_for_all(tmp_path: Path) -> None:
    """The others are not begun, and the run's status is 75."""
    s3, ears = FakeS3(), Ears()
    Outage(s3, part=5, seconds=7200)
    files = [
        (make_file(tmp_path, 1050, f"{number}"), ObjectURI(URI.bucket, f"{number}"))
        for number in range(5)
    ]

    async def main() -> None:
        options = replace(FEW, give_up_after=60, concurrency=1)
        async with uploader(s3, tmp_path, options=options, listener=ears) as up:
            result = await up.put_all(jobs(files))
        assert result.exit_code == 75
        assert now() < 100

    run(main())


def test_who_was_never_there_is_not_waited_for(tmp_path: Path) -> None:
    """An endpoint that has never answered may be wrong: as many probes as attempts."""
    s3, ears = FakeS3(), Ears()
    for verb in ("probe", "list_objects", "list_multipart_uploads"):
        s3.fail(verb, times=ALWAYS)
    upload(s3, tmp_path, ears, expected=Unreachable, options=replace(FEW, max_retry=4))
    assert [event.next_probe for event in ears.of(WentOffline)] == [
        pytest.approx(5, rel=0.25),
        pytest.approx(10, rel=0.25),
        pytest.approx(15, rel=0.25),
    ]


def test_a_sign_of_life_ends_the_waiting() -> None:
    """A part whose connection has survived shows that S3 is there, before any probe does."""
    s3, ears = FakeS3(), Ears()
    s3.fail("probe", times=2)

    async def main() -> None:
        link = _link(s3, ears)
        asking = asyncio.ensure_future(link.examine(lost(), URI))
        await asyncio.sleep(0.5)
        assert ears.of(WentOffline)
        link.answered(acknowledged=True)
        assert await asking
        assert now() <= 1.0

    run(main())


def _link(
    s3: FakeS3,
    ears: Ears | None = None,
    stopping: asyncio.Event | None = None,
    *,
    known: bool = True,
) -> Link:
    """Return a way to S3; `known` says that S3 has taken bytes before."""
    policy = RetryPolicy(max_attempts=3, step=5, cap=60, give_up_after=1000)
    stopping = stopping or asyncio.Event()
    link = Link(s3, ears or Ears(), stopping, policy=policy, chance=lambda: 0.0)
    if known:
        link.answered(acknowledged=True)
    return link


def test_a_connection_that_stands_still_beside_others_is_given_up() -> None:
    """S3 has answered somebody since: it is this one that is lost."""

    async def main() -> None:
        link = _link(FakeS3())
        await asyncio.sleep(60)
        link.answered(acknowledged=True)
        await asyncio.sleep(10)
        assert link.persist(30.0) == 0.0
        assert link.persist(30.0) == 0.0

    run(main())


def test_the_first_that_stands_still_finds_out_for_all() -> None:
    """Where nobody was answered, one gives up its connection; the others wait what it finds."""
    s3 = FakeS3()
    s3.fail("probe", times=4)

    async def main() -> None:
        link = _link(s3)
        await asyncio.sleep(60)
        assert link.persist(30.0) == 0.0
        assert link.persist(30.0) == NAP
        asking = asyncio.ensure_future(link.examine(lost(), URI))
        await asyncio.sleep(0)
        while not asking.done():
            assert link.persist(30.0) > 0
            await asyncio.sleep(0.5)
        # It was the way, and has been found: connections may have outlived that.
        assert await asking
        found = now()
        while (more := link.persist(100.0)) > 0:
            assert more <= outage.REVIVAL
            await asyncio.sleep(more)
        assert now() == pytest.approx(found + outage.REVIVAL, abs=0.5)

    run(main())


def test_an_outage_that_ends_as_it_is_doubted_costs_one_connection() -> None:
    """No probe has failed, but what stood still has a moment to go on; after that, it is lost."""

    async def main() -> None:
        link = _link(FakeS3())
        await asyncio.sleep(60)
        assert link.persist(30.0) == 0.0
        assert await link.examine(lost(), URI) is False
        assert link.persist(30.0) == outage.REVIVAL
        # Probes for others do not make it longer.
        await asyncio.sleep(outage.REVIVAL / 2)
        assert await link.examine(lost(), URI) is False
        assert link.persist(30.0) == outage.REVIVAL / 2
        await asyncio.sleep(outage.REVIVAL / 2)
        assert link.persist(30.0) == 0.0

    run(main())


def test_nobody_is_kept_while_nobody_looks() -> None:
    """If the one who looks is cancelled, another one gives up its connection, and looks."""
    s3 = FakeS3()
    s3.fail("probe", times=ALWAYS)

    async def main() -> None:
        link = _link(s3)
        asking = asyncio.ensure_future(link.examine(lost(), URI))
        await asyncio.sleep(60)
        assert link.persist(90.0) == NAP
        asking.cancel()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert link.persist(90.0) == 0.0
        assert link.persist(90.0) == NAP

    run(main())


def test_what_was_kept_in_vain_is_told_so() -> None:
    """When S3 is no longer looked for, nothing is kept, and nobody looks for it once more."""
    s3 = FakeS3()
    s3.fail("probe", times=ALWAYS)

    async def main() -> None:
        link = _link(s3)
        begun = link.outages
        with pytest.raises(GaveUp):
            await link.examine(lost(), URI)
        given_up = now()
        assert link.persist(1000.0) == 0.0
        with pytest.raises(GaveUp):
            await link.examine(lost(), URI, begun)
        assert now() == given_up

    run(main())


def test_who_asks_may_be_stopped() -> None:
    """If the one who looks is cancelled, the next one goes on looking; nobody waits for ever."""
    s3, ears = FakeS3(), Ears()
    s3.fail("probe", times=12)

    async def main() -> None:
        link = _link(s3, ears)
        first = asyncio.ensure_future(link.examine(lost(), URI))
        await asyncio.sleep(0)
        second = asyncio.ensure_future(link.examine(lost(), URI))
        third = asyncio.ensure_future(link.ready(URI))
        await asyncio.sleep(5)
        first.cancel()
        await asyncio.wait([first])
        assert first.cancelled()
        assert await second
        await third
        assert no_task_is_left()

    run(main())
    probes = [event.probes for event in ears.of(WentOffline)]
    assert probes == list(range(1, 13))
    assert len(ears.of(WentOnline)) == 1


@pytest.mark.parametrize("waits_in", ["examine", "ready"])
def test_nobody_waits_to_be_stopped(waits_in: str) -> None:
    """A stop ends the looking and the waiting at the same moment."""
    s3, stopping = FakeS3(), asyncio.Event()
    s3.fail("probe", times=ALWAYS)

    async def main() -> None:
        link = _link(s3, stopping=stopping)
        looking = asyncio.ensure_future(link.examine(lost(), URI))
        await asyncio.sleep(100)
        waiting: asyncio.Future[object] = asyncio.ensure_future(
            link.examine(lost(), URI) if waits_in == "examine" else link.ready(URI)
        )
        await asyncio.sleep(1)
        stopping.set()
        for each in (looking, waiting):
            with pytest.raises(Interrupted):
                await each
        assert now() == 101

    run(main())


def test_a_run_that_is_stopped_offline(tmp_path: Path) -> None:
    """Ctrl-C while S3 is out of reach ends the run at once, resumable."""
    s3 = FakeS3()
    Outage(s3, part=5, seconds=7200)
    file = make_file(tmp_path, 1050)
    stopped: list[float] = []

    async def main() -> None:
        async with uploader(s3, tmp_path, options=FEW, listener=lambda _: None) as up:

            def stop() -> None:
                stopped.append(now())
                up.stop()

            asyncio.get_running_loop().call_later(600, stop)
            with pytest.raises(Interrupted):
                await up.put(file, URI)
        assert now() - stopped[0] <= 1.0

    run(main())


def test_keys_that_are_renewed(tmp_path: Path) -> None:
    """Keys that run out in the middle are read again, and no part is lost by it."""
    s3, ears = FakeS3(), Ears()
    valid = True

    def watch(request: Request) -> None:
        nonlocal valid
        valid = valid and request.number != 5
        if not valid:
            raise expired()

    def renew() -> bool:
        nonlocal valid
        was_valid, valid = valid, True
        s3.watch = lambda _: None
        return not was_valid

    s3.watch, s3.renews = watch, renew
    upload(s3, tmp_path, ears)
    assert len(ears.of(CredentialsRenewed)) == 1
    assert not ears.of(WentOffline)
    assert acknowledged(ears) == list(range(1, 12))


def test_keys_that_stay_expired_are_waited_for(tmp_path: Path) -> None:
    """Until somebody gets new ones, everything waits, and an event says why and what to run."""
    s3, ears = FakeS3(), Ears()
    outage = Outage(s3, part=5, seconds=1800, error=expired())
    s3.renews = lambda: bool(outage.probed) and outage.probed[-1] > 1700
    upload(s3, tmp_path, ears)
    assert {type(event.error) for event in ears.of(WentOffline)} == {CredentialsExpired}
    assert s3.renewals > 5
    assert ears.of(CredentialsRenewed)


def test_keys_that_never_worked_end_the_run(tmp_path: Path) -> None:
    """Nobody waits a day for keys that have never been good."""
    s3, ears = FakeS3(), Ears()
    for verb in ("list_objects", "list_multipart_uploads"):
        s3.fail(verb, expired(), times=ALWAYS)
    took = upload(s3, tmp_path, ears, expected=CredentialsExpired)
    assert took < 1
    assert not s3.renewals


@pytest.mark.parametrize(
    ("error", "is_waited_for"),
    [
        (CredentialsRejected(Fault(action="x", code="InvalidAccessKeyId")), True),
        (CertificateRejected(Fault(action="x")), True),
        (ForeignAnswer(Fault(action="x")), True),
        (Throttled(Fault(action="x", code="SlowDown")), True),
    ],
    ids=lambda each: type(each).__name__,
)
def test_what_else_is_waited_for(tmp_path: Path, error: S3Error, *, is_waited_for: bool) -> None:
    """Keys that are rotated, a portal's certificate or page, a server that asks for a pause."""
    s3, ears = FakeS3(), Ears()
    Outage(s3, part=5, seconds=900, error=error)
    upload(s3, tmp_path, ears)
    assert bool(ears.of(WentOnline)) is is_waited_for


def test_who_asks_for_a_pause_gets_it(tmp_path: Path) -> None:
    """Retry-After of the answer to a probe is honoured."""
    s3, ears = FakeS3(), Ears()
    slow = Throttled(Fault(action="x", code="SlowDown", retry_after=100.0))
    outage = Outage(s3, part=5, seconds=250, error=slow)
    upload(s3, tmp_path, ears, options=ONE_BY_ONE)
    assert outage.probed == [0, 100, 200]


def test_access_that_is_denied_in_the_middle(tmp_path: Path) -> None:
    """What is denied though it was not before is tried a few times, and then the file fails."""
    s3, ears = FakeS3(), Ears()
    s3.fail("upload_part", AccessDenied(Fault(action="x", code="AccessDenied")), number=9, times=3)
    upload(s3, tmp_path, ears, options=replace(FEW, max_retry=30))
    assert s3.renewals == 3

    s3, ears = FakeS3(), Ears()
    s3.fail(
        "upload_part", AccessDenied(Fault(action="x", code="AccessDenied")), number=9, times=ALWAYS
    )
    options = replace(FEW, max_retry=30)
    upload(s3, tmp_path, ears, expected=AccessDenied, options=options)
    assert s3.renewals == 5


def test_progress_goes_back_when_it_goes_offline(tmp_path: Path) -> None:
    """A part that was lost on the way is told as such before the way is looked for."""
    s3, ears = FakeS3(), Ears()
    Outage(s3, part=5, seconds=30)
    upload(s3, tmp_path, ears)
    kinds: list[type[events.Event]] = [type(event) for event in ears.heard]
    assert kinds.index(events.RetryScheduled) < kinds.index(WentOffline)


class Refusing(FakeS3):
    """Probes are always fine, or fine every second time; one request never is."""

    def __init__(self, probe: S3Error | None = None) -> None:
        super().__init__()
        self._probes = 0
        self._probe = probe

    async def probe(self, _: ObjectURI) -> None:
        self._probes += 1
        if self._probe is not None and self._probes % 2:
            raise self._probe


async def attempts_at(s3: FakeS3, error: S3Error, *, max_attempts: int = 4) -> int:
    """Return how often a request is made that always fails, in a run that has worked."""
    made = 0

    async def attempt(_: int) -> None:
        nonlocal made
        made += 1
        raise error

    policy, ears, stopping = replace_policy(max_attempts), Ears(), asyncio.Event()
    link = Link(s3, ears, stopping, policy=policy)
    link.answered(acknowledged=True)
    with pytest.raises(AsyncupError):
        await Retrier(policy, link, ears, stopping)(attempt, URI, 1)
    return made


def replace_policy(max_attempts: int) -> RetryPolicy:
    """Return a policy with so many attempts."""
    return RetryPolicy(max_attempts=max_attempts, step=5, cap=60)


def test_keys_that_are_others_each_time_they_are_read() -> None:
    """A role gives other keys whenever it is asked: that alone makes no request good."""
    s3 = Refusing()
    s3.renews = lambda: True
    error = CredentialsRejected(Fault(action="x", code="SignatureDoesNotMatch"))
    assert run(attempts_at(s3, error)) <= 4 * (4 + 1)


@pytest.mark.parametrize("error", [lost(), Throttled(Fault(action="x", retry_after=30.0))])
def test_a_request_that_brings_the_way_down(error: S3Error) -> None:
    """It is not made for ever, though each time the way was lost and found again."""

    async def main() -> None:
        assert await attempts_at(Refusing(error), error) <= 4 * (4 + 1)
        # And not as fast as it goes: what asks for a pause gets it.
        assert now() > (30 if isinstance(error, Throttled) else 10)

    run(main())


def test_giving_up_is_not_for_ever() -> None:
    """Whoever comes when S3 is there again finds it."""
    s3 = FakeS3()
    s3.fail("probe", times=ALWAYS)

    async def main() -> None:
        link = _link(s3)
        waiting = [asyncio.ensure_future(link.examine(lost(), URI)) for _ in range(3)]
        for each in waiting:
            with pytest.raises(GaveUp):
                await each
        s3.troubles.clear()
        await link.ready(URI)
        assert await link.examine(lost(), URI) is False

    run(main())


def test_what_comes_after_giving_up_is_as_fast_as_before(tmp_path: Path) -> None:
    """The first answer after that tells everybody that S3 is there again: slots, and the panel."""
    s3, ears = FakeS3(), Ears()
    Outage(s3, part=5, seconds=7200)
    first, second = (make_file(tmp_path, 1050, name, seed) for seed, name in enumerate("ab"))

    async def main() -> None:
        options = replace(FEW, give_up_after=60, concurrency=3)
        async with uploader(s3, tmp_path, options=options, listener=ears) as up:
            with pytest.raises(GaveUp):
                await up.put(first, URI)
            # An answer that was on its way when the others were lost may have come after them.
            before = ears.of(WentOnline)
            s3.watch, s3.delay = lambda _: None, 1.0
            await up.put(second, ObjectURI(URI.bucket, "b"))
        (online,) = ears.of(WentOnline)[len(before) :]
        assert online.seconds >= 60
        assert ears.of(SlotsChanged)[-1].slots == 3

    run(main())


def test_an_attempt_that_an_outage_fell_upon_does_not_count() -> None:
    """Its connection may be found dead only after S3 is there again: that is not its own fault."""
    s3, ears, stopping = FakeS3(), Ears(), asyncio.Event()

    async def main() -> None:
        link = _link(s3, ears)
        retrier = Retrier(replace_policy(1), link, ears, stopping)

        async def attempt(number: int) -> int:
            if number == 1:
                s3.fail("probe", times=3)
                await asyncio.sleep(5)
                assert await link.examine(lost(), URI)
                await asyncio.sleep(25)
                raise lost()
            return number

        assert await retrier(attempt, URI, 1) == 2

    run(main())


def test_who_finds_it_tells_all() -> None:
    """Also where the one who looked first is gone, and one who had not failed yet finds it."""
    s3 = FakeS3()
    s3.fail("probe", times=10)

    async def main() -> None:
        link = _link(s3)
        first = asyncio.ensure_future(link.examine(lost(), URI))
        await asyncio.sleep(0.5)
        second = asyncio.ensure_future(link.ready(URI))
        await asyncio.sleep(0)
        third = asyncio.ensure_future(link.examine(lost(), URI))
        await asyncio.sleep(0)
        first.cancel()
        await second
        assert await third

    run(main())


def test_an_answered_probe_is_an_answer() -> None:
    """S3 that has answered a probe exists: from then on it is waited for."""
    s3 = FakeS3()

    async def main() -> None:
        link = _link(s3, known=False)
        assert await link.examine(lost(), URI) is False
        s3.fail("probe", times=20)
        assert await link.examine(lost(), URI) is True

    run(main())


def test_keys_that_run_out_before_the_first_part(tmp_path: Path) -> None:
    """Hours may have gone into reading what S3 holds: they are renewed as later."""
    s3, ears = FakeS3(), Ears()
    s3.fail("upload_part", expired(), times=3)
    s3.renews = lambda: True
    upload(s3, tmp_path, ears)
    assert ears.of(CredentialsRenewed)
