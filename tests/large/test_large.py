"""Gigabytes through the real command to a real server: identical, resumable, in little memory."""

import asyncio
import os
import random
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from asyncup.core.model import ObjectURI
from asyncup.core.options import MIB, Options, S3Config
from asyncup.edges.s3 import open_s3
from asyncup.embedded import Certificate, EmbeddedServer, serve
from tests.certificates import make_certificate
from tests.cli.kit import COMMAND, Ended, asyncup, finish, start
from tests.conftest import BUCKET
from tests.proxy import let_pass, proxy_to
from tests.s3 import Bucket, config_of

pytestmark = pytest.mark.large

SIZE = 2 << 30
PARTS = 128


@pytest.fixture(scope="module")
def big_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a file of 2 GiB of noise."""
    path = tmp_path_factory.mktemp("big") / "big.bin"
    with path.open("wb") as file:
        for _ in range(SIZE // (32 * MIB)):
            file.write(os.urandom(32 * MIB))
    return path


@pytest.fixture(scope="module")
def mixed_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make 200 files of 0 bytes to 64 MiB: nested, unicode, spaces."""
    place = tmp_path_factory.mktemp("mixed")
    chance = random.Random(2026)
    sizes = [0, 1, 5 * MIB, 16 * MIB, 16 * MIB + 1, 64 * MIB]
    sizes += [chance.randrange(1 << chance.randrange(10, 25)) for _ in range(194)]
    folders = ["", "plain/", "with space/", "ünïcödé/名前/", "a/b/c/d/e/f/", ".hidden/"]
    for number, size in enumerate(sizes):
        path = place / f"{chance.choice(folders)}file {number} é.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(chance.randbytes(size))
    return place


@pytest.fixture(scope="module", params=["http", "https"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[EmbeddedServer, Certificate | None]]:
    """Run SeaweedFS, without and with TLS."""
    certificate = None
    if request.param == "https":
        certificate = make_certificate(tmp_path_factory.mktemp("certificate"))
    place = tmp_path_factory.mktemp("weed-large")
    with serve(place, buckets=[BUCKET], certificate=certificate) as running:
        yield running, certificate


class Place:
    """A place on a server, and how to reach it."""

    def __init__(
        self, server: tuple[EmbeddedServer, Certificate | None], uri: ObjectURI, directory: Path
    ) -> None:
        self.server, self._certificate = server
        self.uri = uri
        self.split_dir = directory / "split"

    @property
    def options(self) -> list[str]:
        """The options that every command here takes."""
        options = [f"--split-dir={self.split_dir}"]
        if self._certificate is not None:
            options.append(f"--ca-bundle={self._certificate.issuer}")
        return options

    def put(self, source: Path, *more: str) -> Ended:
        """Upload a file or directory."""
        arguments = ["put", str(source), str(self.uri), "--json", *self.options, *more]
        return asyncup(*arguments, env=self.server.environment)

    def check_equal(self, files: dict[str, Path]) -> None:
        """Read every object back and compare it with its file, byte for byte."""
        config = config_of(self.server)
        if self._certificate is not None:
            config = S3Config(
                endpoint_url=config.endpoint_url,
                region=config.region,
                ca_bundle=self._certificate.issuer,
                access_key_id=config.access_key_id,
                secret_access_key=config.secret_access_key,
            )

        async def main() -> None:
            async with open_s3(config, Options(), agent="test") as s3:
                for name, path in files.items():
                    with path.open("rb") as local:
                        async with s3.get_object(self.uri / name) as blocks:
                            async for block in blocks:
                                assert local.read(len(block)) == block
                        assert local.read() == b""
                    assert await s3.list_multipart_uploads(self.uri / name) == []

        asyncio.run(main())
        assert list(self.split_dir.iterdir()) == []


@pytest.fixture
def place(
    server: tuple[EmbeddedServer, Certificate | None], prefix: ObjectURI, tmp_path: Path
) -> Place:
    """Return a place of this test's own."""
    return Place(server, prefix, tmp_path)


def test_two_gib(place: Place, big_file: Path) -> None:
    """A 2 GiB file arrives identical and proven, and leaves nothing behind."""
    ended = place.put(big_file)
    assert ended.code == 0
    (completed,) = ended.events("upload_completed")
    assert (completed["result"]["parts"], completed["result"]["proof"]) == (PARTS, "crc64nvme")
    place.check_equal({"big.bin": big_file})


def test_two_hundred_files(place: Place, mixed_files: Path) -> None:
    """A folder of 200 mixed files arrives identical."""
    ended = place.put(mixed_files)
    assert ended.code == 0
    files = {
        path.relative_to(mixed_files).as_posix(): path
        for path in mixed_files.rglob("*")
        if path.is_file()
    }
    assert len(ended.events("upload_completed")) == len(files) == 200
    place.check_equal(files)


def test_kill_in_the_middle(
    weed: EmbeddedServer, prefix: ObjectURI, tmp_path: Path, big_file: Path
) -> None:
    """Killed in the middle of 2 GiB, the second run sends only what S3 does not hold."""
    place = Place((weed, None), prefix, tmp_path)
    command = ["put", str(big_file), str(prefix), *place.options]
    with proxy_to(weed.endpoint_url, let_pass(PARTS // 2)) as proxy:
        process = start(*command, env={**weed.environment, "AWS_ENDPOINT_URL": proxy.url})
        proxy.wait_until(lambda seen: len(seen.parts()) == PARTS // 2)
        process.kill()
        finish(process)
    held = set(proxy.parts())
    ended = place.put(big_file)
    assert ended.code == 0
    kept = {event["part_number"] for event in ended.events("part_kept")}
    sent = {event["part_number"] for event in ended.events("part_uploaded")}
    assert (kept, sent) == (held, set(range(1, PARTS + 1)) - held)
    place.check_equal({"big.bin": big_file})
    assert Bucket(weed, prefix).pending() == []


@pytest.mark.parametrize("options", [[], ["--direct"]], ids=["chunk files", "direct"])
def test_memory(
    weed: EmbeddedServer, prefix: ObjectURI, tmp_path: Path, big_file: Path, options: list[str]
) -> None:
    """With 8 parts of 256 MiB in flight, resident memory stays below 200 MiB."""
    place = Place((weed, None), prefix, tmp_path)
    process = subprocess.Popen(
        [
            *(COMMAND, "put", str(big_file), str(prefix), *place.options, *options),
            *("--part-size=256MiB", "--concurrency=8", "--quiet"),
        ],
        env={**os.environ, **weed.environment},
        stdout=subprocess.DEVNULL,
    )
    peak = 0
    while process.poll() is None:
        peak = max(peak, peak_memory(process.pid))
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.1)
    assert process.returncode == 0
    assert 0 < peak < 200 * MIB


def peak_memory(pid: int) -> int:
    """Return the most memory that a process has had resident, in bytes; 0 if it is gone.

    Not from its rusage: that of a child begins with what its parent had when it was forked.
    """
    with suppress(OSError, ProcessLookupError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0
