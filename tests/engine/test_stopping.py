"""A stop ends a run within a second, whatever that waits for; run again, it goes on."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from asyncup.core import events
from asyncup.core.conditions import WentOffline
from asyncup.core.errors import CredentialsExpired, Fault, Throttled
from asyncup.core.events import Event
from asyncup.core.model import ObjectURI
from asyncup.engine.link import NAP
from tests.engine.kit import OPTIONS, jobs, make_file, no_task_is_left, uploader
from tests.fakes3 import FakeS3, lost
from tests.loop import run

BUCKET = ObjectURI("test-bucket", "")
ITS_END = 0.2
"""Seconds of the second that are left to the process for its end."""

TAKES = 0.1
"""Seconds that a probe takes to fail, where that is not at once."""

ALWAYS = 1 << 30
EXPIRED = CredentialsExpired(Fault(action="upload", code="ExpiredToken"))
BUSY = Throttled(Fault(action="upload", code="SlowDown", retry_after=3600))

Arrange = Callable[[FakeS3], None]


def nothing(_: FakeS3) -> None:
    """Let all else be well."""


def parts_fail(s3: FakeS3) -> None:
    """Let no part arrive, so that S3 is looked for."""
    s3.fail("upload_part", lost("upload_part"), times=ALWAYS)


def keys_run_out(s3: FakeS3) -> None:
    """Let the keys be no good any more from the first part on."""
    s3.fail("upload_part", EXPIRED, times=ALWAYS)


def nothing_gets_through(s3: FakeS3) -> None:
    """Let no part arrive, and no probe."""
    parts_fail(s3)
    s3.fail("probe", lost("probe"), times=ALWAYS)


def keys_stay_away(s3: FakeS3) -> None:
    """Let no others be there either."""
    keys_run_out(s3)
    s3.fail("probe", EXPIRED, times=ALWAYS)


def be_busy(s3: FakeS3) -> None:
    """Ask for a pause of an hour."""
    s3.fail("upload_part", BUSY, times=ALWAYS)


SILENT_VERBS: dict[str, Arrange] = {
    "list_objects": nothing,
    "list_multipart_uploads": nothing,
    "create_multipart_upload": nothing,
    "upload_part": nothing,
    "list_parts": nothing,
    "complete_multipart_upload": nothing,
    "head_object": nothing,
    "put_object": nothing,
    "probe": parts_fail,
    "renew_credentials": keys_run_out,
}


def ends_soon(
    s3: FakeS3,
    directory: Path,
    met: asyncio.Event,
    has_come: Callable[[Event], bool] = lambda _: False,
) -> None:
    """Stop a run as soon as `met` is set, or it has come to an event, and see when it ends."""
    sizes = {"large": 250, "small": 10}
    files = [(make_file(directory, size, name), BUCKET / name) for name, size in sizes.items()]

    def listen(event: Event, /) -> None:
        if has_come(event):
            met.set()

    async def main() -> None:
        async with uploader(s3, directory, listener=listen) as up:
            running = asyncio.create_task(up.put_all(jobs(files), below=BUCKET))
            await met.wait()
            before = asyncio.get_running_loop().time()
            up.stop()
            result = await running
            assert (result.exit_code, list(result.failures)) == (130, [])
            assert asyncio.get_running_loop().time() - before <= 1 - ITS_END
        assert no_task_is_left()

    run(main())


def goes_on(s3: FakeS3, directory: Path) -> None:
    """Check that the same files then go up."""
    files = [(directory / name, BUCKET / name) for name in ("large", "small")]

    async def main() -> None:
        async with uploader(s3, directory) as up:
            assert (await up.put_all(jobs(files), below=BUCKET)).exit_code == 0

    run(main())
    assert {key: stored.data for key, stored in s3.objects.items()} == {
        path.name: path.read_bytes() for path, _ in files
    }


@pytest.mark.parametrize("verb", SILENT_VERBS)
def test_no_answer(tmp_path: Path, verb: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it was that S3 was asked, and does not answer, and keeps the connection."""
    s3, met = FakeS3(), asyncio.Event()

    async def never(*_: object, **__: object) -> None:
        met.set()
        await asyncio.Event().wait()

    SILENT_VERBS[verb](s3)
    with monkeypatch.context() as patched:
        patched.setattr(s3, verb, never)
        ends_soon(s3, tmp_path, met)
    s3.troubles.clear()
    goes_on(s3, tmp_path)


@pytest.mark.parametrize(
    ("arrange", "kind"),
    [
        (nothing_gets_through, WentOffline),
        (keys_stay_away, WentOffline),
        (be_busy, events.RetryScheduled),
    ],
)
def test_a_pause(tmp_path: Path, arrange: Arrange, kind: type[Event]) -> None:
    """Nor is the next probe waited for, or new keys, or the end of an hour that S3 asks for."""
    s3 = FakeS3()
    arrange(s3)
    ends_soon(s3, tmp_path, asyncio.Event(), lambda event: isinstance(event, kind))
    s3.troubles.clear()
    goes_on(s3, tmp_path)


@pytest.mark.parametrize("after", [NAP / 2, NAP + TAKES / 2], ids=["at-rest", "in-a-probe"])
def test_nobody_looks_for_s3_after_a_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: float
) -> None:
    """However many wait for it: one by one, each would ask once more, to begin nothing."""
    s3, offline, probed = FakeS3(), asyncio.Event(), list[float]()
    parts_fail(s3)

    def listen(event: Event, /) -> None:
        if isinstance(event, WentOffline):
            offline.set()

    async def main() -> None:
        loop = asyncio.get_running_loop()

        async def fail_slowly(_: ObjectURI) -> None:
            probed.append(loop.time())
            await asyncio.sleep(TAKES)
            raise lost("probe")

        monkeypatch.setattr(s3, "probe", fail_slowly)
        options = replace(OPTIONS, concurrency=16)
        async with uploader(s3, tmp_path, options=options, listener=listen) as up:
            large = [(make_file(tmp_path, 2000), BUCKET / "large")]
            running = asyncio.create_task(up.put_all(jobs(large)))
            await offline.wait()
            await asyncio.sleep(after)
            before = loop.time()
            up.stop()
            assert (await running).exit_code == 130
            assert loop.time() - before <= TAKES
        assert max(probed) <= before

    run(main())
