"""A real server behind a network that misbehaves: the object is the file all the same.

Delays between attempts are none here; that they are right is shown on a virtual clock.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from asyncup.core import events
from asyncup.core.errors import (
    AsyncupError,
    ChecksumRejected,
    ConnectionLost,
    ForeignAnswer,
    ObjectMissing,
    RetriesExhausted,
    ServerFault,
    Stalled,
    Throttled,
    TimedOut,
)
from asyncup.core.model import ObjectURI, Proof, UploadResult
from asyncup.core.options import MIB, Options, Overwrite, S3Config
from asyncup.edges.s3 import open_s3
from asyncup.embedded import EmbeddedServer
from asyncup.engine.uploader import Uploader
from tests.engine.kit import Ears, make_file
from tests.proxy import Answer, Fate, Request, Script, error_answer, proxy_to

SIZE = 12 * MIB + 1
OPTIONS = Options(
    part_size=5 * MIB,
    concurrency=2,
    retry_step=0,
    max_retry=4,
    overwrite=Overwrite.ALWAYS,
)
IMPATIENT = replace(OPTIONS, stall_timeout=0.7)
"""For what hangs. On a machine that is busy, more than that can be late."""

LATE = {Stalled, TimedOut}
PORTAL = "<html><body>Please log in to the network</body></html>"
PAGE = ("Content-Type: text/html; charset=utf-8",)
LOG_IN = Answer(302, PORTAL, (*PAGE, "Location: http://portal.invalid/log-in"))


def first(count: int, chosen: Callable[[Request], bool], fate: Fate | Answer) -> Script:
    """Return a script in which the first such requests meet a fate."""
    left = count

    def script(request: Request) -> Fate | Answer:
        nonlocal left
        if left and chosen(request):
            left -= 1
            return fate
        return Fate.PASS

    return script


def part_two(request: Request) -> bool:
    """Choose the second part."""
    return request.part_number == 2


def completing(request: Request) -> bool:
    """Choose the completion."""
    return request.is_complete


def looking(request: Request) -> bool:
    """Choose the look at an object."""
    return request.method == "HEAD"


def anything(_: Request) -> bool:
    """Choose every request."""
    return True


class Upload:
    """A file on its way to a real server through a proxy with a script."""

    def __init__(self, weed: EmbeddedServer, tmp_path: Path, uri: ObjectURI) -> None:
        self._weed = weed
        self._directory = tmp_path
        self._uri = uri
        self.file = make_file(tmp_path, SIZE)
        self.ears = Ears()

    def config(self, url: str) -> S3Config:
        """Return how to reach the server at a URL."""
        return S3Config(
            endpoint_url=url,
            region="us-east-1",
            access_key_id=self._weed.access_key,
            secret_access_key=self._weed.secret_key,
        )

    def through(self, script: Script, options: Options = OPTIONS) -> UploadResult:
        """Upload the file and return the result."""
        options = replace(options, split_dir=self._directory / "chunks")

        async def main(url: str) -> UploadResult:
            async with Uploader(s3=self.config(url), options=options, listener=self.ears) as up:
                return await up.put(self.file, self._uri)

        with proxy_to(self._weed.endpoint_url, script) as proxy:
            return asyncio.run(main(proxy.url))

    def read_back(self, script: Script | None = None) -> bytes:
        """Return what the server holds, straight from it or through a proxy with a script."""
        if script is None:
            return self._read(self._weed.endpoint_url)
        with proxy_to(self._weed.endpoint_url, script) as proxy:
            return self._read(proxy.url)

    def _read(self, url: str) -> bytes:
        async def main() -> bytes:
            config = self.config(url)
            async with open_s3(config, OPTIONS, agent="test") as s3, s3.get_object(self._uri) as it:
                return b"".join([block async for block in it])

        return asyncio.run(main())

    def errors(self) -> set[type[AsyncupError]]:
        """Return what kinds of errors were met on the way."""
        return {type(event.error) for event in self.ears.of(events.RetryScheduled)}


@pytest.fixture
def upload(weed: EmbeddedServer, tmp_path: Path, prefix: ObjectURI) -> Upload:
    """Return a file that is ready to go."""
    return Upload(weed, tmp_path, prefix / "file")


FAULTS: dict[str, tuple[Script, type[AsyncupError]]] = {
    "reset in a part": (first(2, part_two, Fate.RESET), ConnectionLost),
    "answer to a part lost": (first(2, part_two, Fate.LOSE_ANSWER), ConnectionLost),
    "answer to a part cut": (first(1, part_two, Fate.TRUNCATE), ConnectionLost),
    "a part black-holed": (first(1, part_two, Fate.SILENCE), Stalled),
    "a part corrupted": (first(1, part_two, Fate.CORRUPT), ChecksumRejected),
    "the first request black-holed": (first(1, anything, Fate.SILENCE), TimedOut),
    "503 SlowDown": (
        first(2, part_two, error_answer("SlowDown", 503, "Retry-After: 0")),
        Throttled,
    ),
    "503 before the body": (
        first(1, part_two, error_answer("SlowDown", 503, early=True)),
        Throttled,
    ),
    "503 without a word": (first(1, part_two, Answer(503)), Throttled),
    "500": (first(1, part_two, error_answer("InternalError", 500)), ServerFault),
    "502 of a proxy": (first(1, anything, Answer(502, PORTAL)), ForeignAnswer),
    "302 of a captive portal": (first(2, part_two, LOG_IN), ForeignAnswer),
    "302 of a captive portal on the list": (first(1, anything, LOG_IN), ForeignAnswer),
    "403 of a captive portal on completing": (
        first(1, completing, Answer(403, PORTAL, PAGE)),
        ForeignAnswer,
    ),
    "404 of a captive portal on the finished object": (
        first(1, looking, Answer(404, PORTAL, PAGE)),
        ForeignAnswer,
    ),
    "200 of a captive portal on the finished object": (
        first(1, looking, Answer(200, PORTAL, (*PAGE, 'ETag: W/"7"'))),
        ForeignAnswer,
    ),
    "RequestTimeout": (first(1, part_two, error_answer("RequestTimeout", 400)), TimedOut),
    "captive portal on a part": (first(1, part_two, Answer(200, PORTAL)), ForeignAnswer),
    "captive portal on the list": (first(1, anything, Answer(200, PORTAL)), ForeignAnswer),
    "captive portal on completing": (first(1, completing, Answer(200, PORTAL)), ForeignAnswer),
    "200 with an error inside": (
        first(1, completing, replace(error_answer("InternalError", 200))),
        ServerFault,
    ),
    "answer to complete lost": (first(1, completing, Fate.LOSE_ANSWER), ConnectionLost),
    "completing reset": (first(1, completing, Fate.TRUNCATE), ConnectionLost),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_is_overcome(upload: Upload, fault: str) -> None:
    """After the fault, which is seen as what it is, the object is the file."""
    script, kind = FAULTS[fault]
    result = upload.through(script, IMPATIENT if kind in LATE else OPTIONS)
    assert result.proof is Proof.CRC64NVME
    assert kind in upload.errors()
    assert upload.errors() <= (LATE if kind in LATE else {kind})
    assert upload.read_back() == upload.file.read_bytes()


def test_a_download_that_breaks_off(upload: Upload) -> None:
    """It is a lost connection, which is worth another attempt, and not a shorter object."""
    upload.through(lambda _: Fate.PASS)
    with pytest.raises(ConnectionLost, match=r"read s3://.*/file: .*response stream"):
        upload.read_back(first(1, anything, Fate.TRUNCATE))
    assert upload.read_back(lambda _: Fate.PASS) == upload.file.read_bytes()


def test_a_refused_download_that_breaks_off(upload: Upload) -> None:
    """So it is where the answer is an error of S3 that cannot be read to its end."""
    with pytest.raises(ConnectionLost, match=r"read s3://.*/file: .*response stream"):
        upload.read_back(first(1, anything, Fate.TRUNCATE))
    with pytest.raises(ObjectMissing):
        upload.read_back()


def test_retry_after_of_the_server_is_read(upload: Upload) -> None:
    """A Retry-After header becomes the delay."""
    upload.through(first(1, part_two, error_answer("SlowDown", 503, "Retry-After: 1")))
    (event,) = upload.ears.of(events.RetryScheduled)
    assert event.delay == 1


def test_server_that_does_not_know_expect(upload: Upload) -> None:
    """A server that never says `100 Continue` is sent the bodies without asking."""
    seen: list[Request] = []

    def script(request: Request) -> Fate:
        seen.append(request)
        return Fate.NO_CONTINUE

    result = upload.through(script, IMPATIENT)
    assert upload.read_back() == upload.file.read_bytes()
    assert Stalled in upload.errors()
    assert upload.errors() <= LATE
    # Only the parts that were in flight when it showed had to begin again.
    assert result.attempts <= 3 + OPTIONS.slots.most
    assert result.resent == 0


def test_connections_that_close_after_every_answer(upload: Upload) -> None:
    """A server that closes connections unasked may cost retries, never the object."""
    # As many attempts as there may be connections that are closed and not known to be.
    upload.through(lambda _: Fate.CLOSE)
    assert upload.read_back() == upload.file.read_bytes()
    assert upload.errors() <= {ConnectionLost}


def test_fault_that_stays(upload: Upload) -> None:
    """A part that never gets through ends in an error that says so; the rest stays at S3."""
    script = first(99, part_two, Fate.RESET)
    with pytest.raises(RetriesExhausted, match=r"part 2 of .* 4 attempts"):
        upload.through(script)
    result = upload.through(lambda _: Fate.PASS)
    assert result.parts_kept >= 1
    assert upload.read_back() == upload.file.read_bytes()


def test_nobody_listens(upload: Upload, weed: EmbeddedServer) -> None:
    """A refused connection is transient, and told with the host but without the URL's rest."""
    del weed
    with proxy_to("http://127.0.0.1:1") as proxy:
        url = proxy.url

    async def main() -> None:
        async with Uploader(s3=upload.config(url), options=OPTIONS) as up:
            await up.put(upload.file, "s3://bucket/key")

    with pytest.raises(RetriesExhausted, match="Could not connect") as caught:
        asyncio.run(main())
    assert isinstance(caught.value.last, ConnectionLost)
    assert "?" not in str(caught.value)
