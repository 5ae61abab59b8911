"""`asyncup demo`: the main job on a server of its own, broken and resumed, and compared.

The uploads are made by the command itself, in a process of their own, so that what is seen is
what a user gets.
"""

import asyncio
import os
import secrets
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractAsyncContextManager, ExitStack
from pathlib import Path

from asyncup.cli.settings import Params
from asyncup.core.errors import AsyncupError, Interrupted, SourceMissing
from asyncup.core.model import ObjectURI
from asyncup.core.options import MIB, Options, S3Config
from asyncup.core.sizes import format_size
from asyncup.edges.s3 import S3, open_s3
from asyncup.embedded import EmbeddedServer, own_environment, start, stop

BUCKET = "demo"
_PART_SIZE = 5 * MIB
_CONCURRENCY = 4
_POLL_SECONDS = 0.05
_BLOCK = MIB
_IN_THE_WAY = (
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_SESSION_TOKEN",
    "AWS_ENDPOINT_URL_S3",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
)
"""Variables that count more than those that lead to the server, or do not fit them."""

_SMALL_SAMPLES = {
    "notes.txt": 1_200,
    "empty file": 0,
    "nested/deeper/données.bin": 3 * MIB + 17,
    "nested/7 parts.bin": 31 * MIB + 1,
}


def demo(params: Params) -> int:
    """Show it all and return the exit status.

    Raises:
        AsyncupError: something did not go as it should.
    """
    # All that follows is about the demo's own server, never about the user's.
    with own_environment(), ExitStack() as stack:
        directory = params["data_dir"]
        if directory is None:
            directory = Path(tempfile.mkdtemp(prefix="asyncup-demo-"))
            stack.callback(shutil.rmtree, directory, ignore_errors=True)
        directory = directory.absolute()
        files = params["files"] or [_make_samples(directory / "samples", params["size"])]
        for file in files:
            if not file.exists():
                raise SourceMissing(f"no such file: {file}")
        place = _place(directory)
        _say("starting SeaweedFS, an S3 server, on this machine")
        server = start(directory / "server", buckets=[BUCKET])
        stack.callback(stop, server)
        _say(f"it serves {server.endpoint_url}, its data is in {server.directory}")
        Demo(server, directory, place, files).run()
        if params["keep"]:
            _say_how_to_go_on(server, directory if params["data_dir"] is None else None)
            stack.pop_all()
    return 0


class Demo:
    """Uploads files to a server, breaks off, goes on, and compares."""

    def __init__(
        self, server: EmbeddedServer, directory: Path, place: ObjectURI, files: Sequence[Path]
    ) -> None:
        self._server = server
        self._files = dict(_with_keys(place, files))
        self._split_dir = directory / "chunks"
        no_settings = directory / "no-settings.toml"
        no_settings.write_text("", encoding="utf-8")
        self._command = [
            *(sys.executable, "-m", "asyncup", "put"),
            *map(str, files),
            str(place),
            f"--state-dir={directory / 'state'}",
            f"--split-dir={self._split_dir}",
            f"--part-size={_PART_SIZE}",
            f"--concurrency={_CONCURRENCY}",
            "--stop-grace=1s",
            # An asyncup.toml that lies about may name another server.
            f"--config={no_settings}",
        ]

    def run(self) -> None:
        """Show it.

        Raises:
            AsyncupError: an object does not equal its file, or a command did not do its work.
        """
        _say("uploading, and breaking off midway")
        self._interrupted_upload()
        _say("running the same command again: it asks S3 what arrived and sends the rest")
        if code := self._start().wait():
            raise AsyncupError(f"the upload ended with status {code}")
        compared = asyncio.run(self._compare())
        self._check_nothing_is_left()
        _say(
            f"{len(self._files)} objects read back, {format_size(compared)}: "
            "every byte equals the files"
        )

    def _start(self) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(  # noqa: S603 - our own command line
            self._command, env={**os.environ, **self._server.environment}
        )

    def _interrupted_upload(self) -> None:
        process = self._start()
        parts = asyncio.run(self._wait_for_midway(process))
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        if process.wait() != Interrupted.exit_code:
            _say("the files were uploaded before there was a midway: nothing is left to resume")
            return
        _say(f"stopped when S3 held {parts} parts of the largest file")

    async def _wait_for_midway(self, process: "subprocess.Popen[bytes]") -> int:
        """Wait until S3 holds a third of the largest file; return how many parts."""
        largest = max(self._files, key=lambda file: file.stat().st_size)
        enough = largest.stat().st_size // _PART_SIZE // 3
        async with self._open_s3() as s3:
            while process.poll() is None:
                for upload in await s3.list_multipart_uploads(self._files[largest]):
                    parts = len((await s3.list_parts(upload)).parts)
                    if parts > enough:
                        return parts
                await asyncio.sleep(_POLL_SECONDS)
        return 0

    async def _compare(self) -> int:
        """Read every object back and compare it with its file; return the bytes compared."""
        compared = 0
        async with self._open_s3() as s3:
            for file, uri in self._files.items():
                compared += await _compare(s3, file, uri)
                if pending := await s3.list_multipart_uploads(uri):
                    raise AsyncupError(f"{len(pending)} uploads of {uri} are left")
        return compared

    def _check_nothing_is_left(self) -> None:
        if left := [path for path in self._split_dir.rglob("*") if path.is_file()]:
            raise AsyncupError(f"{len(left)} chunk files are left in {self._split_dir}")

    def _open_s3(self) -> AbstractAsyncContextManager[S3]:
        config = S3Config(
            endpoint_url=self._server.endpoint_url,
            region="us-east-1",
            access_key_id=self._server.access_key,
            secret_access_key=self._server.secret_key,
        )
        return open_s3(config, Options(), agent="asyncup")


async def _compare(s3: S3, file: Path, uri: ObjectURI) -> int:
    compared = 0
    with file.open("rb") as local:
        async with s3.get_object(uri) as blocks:
            async for block in blocks:
                if local.read(len(block)) != block:
                    raise AsyncupError(f"{uri} differs from {file} after {compared} bytes")
                compared += len(block)
        if local.read(1):
            raise AsyncupError(f"{uri} ends after {compared} bytes, {file} does not")
    return compared


def _place(directory: Path) -> ObjectURI:
    """Return where the objects go: not where those of an earlier demo are, of the same sizes."""
    is_first = not (directory / "server").exists()
    return ObjectURI(BUCKET, "" if is_first else time.strftime("%Y%m%d-%H%M%S/"))


def _with_keys(place: ObjectURI, files: Sequence[Path]) -> Iterator[tuple[Path, ObjectURI]]:
    """Yield every file and the object that it becomes."""
    for source in files:
        if source.is_dir():
            for file in sorted(each for each in source.rglob("*") if each.is_file()):
                yield file, place / file.relative_to(source).as_posix()
        else:
            yield source, place / source.name


def _make_samples(directory: Path, largest: int) -> Path:
    samples = {"largest.bin": largest, **_SMALL_SAMPLES}
    _say(f"making {len(samples)} sample files, {format_size(sum(samples.values()))} of noise")
    for name, size in samples.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            for begin in range(0, size, _BLOCK):
                file.write(secrets.token_bytes(min(_BLOCK, size - begin)))
    return directory


def _say_how_to_go_on(server: EmbeddedServer, temporary: Path | None) -> None:
    _say("the server goes on. To try it by hand:")
    for line in _how_to_go_on(server, temporary):
        sys.stderr.write(f"    {line}\n")


def _how_to_go_on(server: EmbeddedServer, temporary: Path | None) -> Iterator[str]:
    yield f"unset {' '.join(_IN_THE_WAY)}"
    for name, value in server.environment.items():
        yield f"export {name}={shlex.quote(value)}"
    # The flag counts more than an asyncup.toml.
    yield f"asyncup put FILE s3://{BUCKET}/ --endpoint-url={server.endpoint_url}"
    yield f"kill {server.process.pid}        # when you are done, and to remove what it leaves:"
    left = [] if temporary is None else [shlex.quote(str(temporary))]
    yield " ".join(["rm -rf", *left, *map(str, server.sockets())])


def _say(text: str) -> None:
    sys.stderr.write(f"demo: {text}\n")
    sys.stderr.flush()
