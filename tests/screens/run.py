"""A run to look at: real files, a real server, a link that is slow and breaks now and then."""

import asyncio
import contextlib
import random
import tempfile
from pathlib import Path

from asyncup.core.events import Event, PartUploaded
from asyncup.core.model import ObjectURI
from asyncup.core.options import MIB, Options, S3Config
from asyncup.core.rates import RateLimit
from asyncup.embedded import serve
from asyncup.engine.jobs import Named, Selection
from asyncup.engine.uploader import Uploader
from tests.proxy import Answer, Fate, Request, proxy_to
from tests.s3 import config_of
from tests.screens.recording import Moment

_FILES = {
    "films/harbour.mov": 96 * MIB,
    "films/dunes.mov": 61 * MIB + 12_345,
    "films/海辺の町.mov": 43 * MIB,
    "films/extras/interview.wav": 22 * MIB,
    "films/extras/poster.tif": 9 * MIB,
    "films/extras/subtitles.srt": 88_000,
    "films/notes.txt": 1_200,
}
_BUCKET = "archive"
_RATE = "14MiB/s"
_SLOW_DOWN = (
    "<Error><Code>SlowDown</Code><Message>Please reduce your request rate</Message></Error>"
)
_PARTS_BEFORE = 9
"""That an earlier run had sent when it was stopped."""


def record() -> list[Moment]:
    """Upload some files, stop, and return what is told when that is gone on with."""
    with tempfile.TemporaryDirectory() as name, serve(Path(name, "s"), buckets=[_BUCKET]) as server:
        place = Path(name)
        for path, size in _FILES.items():
            (place / path).parent.mkdir(parents=True, exist_ok=True)
            (place / path).write_bytes(random.Random(path).randbytes(size))
        with proxy_to(server.endpoint_url, _Trouble()) as proxy, contextlib.chdir(place):
            options = Options(
                part_size=5 * MIB,
                limit_rate=RateLimit.parse(_RATE),
                retry_step=1.0,
                stop_grace=1.0,
                state_dir=place / "state",
                split_dir=place / "chunks",
            )
            asyncio.run(_stopped(options, config_of(server)))
            return asyncio.run(_recorded(options, config_of(server, proxy.url)))


async def _stopped(options: Options, s3: S3Config) -> None:
    """Upload until S3 has some parts."""
    uploaded = 0

    def hear(event: Event) -> None:
        nonlocal uploaded
        if isinstance(event, PartUploaded):
            uploaded += 1
            if uploaded == _PARTS_BEFORE:
                uploader.stop()

    uploader = Uploader(options=options, s3=s3, listener=hear)
    await _upload(uploader)


async def _recorded(options: Options, s3: S3Config) -> list[Moment]:
    """Upload all of it, and return what was announced."""
    told: list[Moment] = []
    loop = asyncio.get_running_loop()
    began = loop.time()

    def hear(event: Event) -> None:
        told.append(Moment(loop.time() - began, event))

    await _upload(Uploader(options=options, s3=s3, listener=hear))
    return told


async def _upload(uploader: Uploader) -> None:
    destination = ObjectURI(_BUCKET, "2026/")
    async with uploader:
        selection = Selection(sources=[Named(Path("films"))], destination=destination)
        await uploader.put_all(aiter(selection), below=destination)


class _Trouble:
    """Breaks a connection in ten, and lets S3 ask for fewer requests once."""

    def __init__(self) -> None:
        self._random = random.Random(4)
        self._parts = 0

    def __call__(self, request: Request) -> Fate | Answer:
        if request.part_number is None:
            return Fate.PASS
        self._parts += 1
        if self._parts == 12:
            return Answer(503, _SLOW_DOWN)
        return Fate.RESET if self._random.random() < 0.1 else Fate.PASS
