"""Workers as processes: they say that they are there, why they end, and nothing else."""

import asyncio
import socket
import subprocess
import sys
from collections.abc import Coroutine
from dataclasses import replace
from pathlib import Path
from subprocess import PIPE
from typing import Any, TypeVar

import pytest

from asyncup.core.identity import Identity, Keys
from asyncup.core.messages import (
    Alive,
    OpenS3,
    ReadSpan,
    Span,
    SpanRead,
    UploadPart,
)
from asyncup.core.model import Checksums, ObjectURI, Upload
from asyncup.core.options import S3Config
from asyncup.edges.channel import LONGEST_LINE, StreamChannel, WorkerProcess, start_process

T = TypeVar("T")

NOWHERE = S3Config(endpoint_url="http://127.0.0.1:9", region="us-east-1")


def opening(s3: S3Config = NOWHERE) -> OpenS3:
    """Return what a worker is told first."""
    return OpenS3(s3=s3, concurrency=1, stall_timeout=30.0, asks_first=True, agent="test")


def environment_of(pid: int) -> list[bytes]:
    """Return what a process was given, as Linux shows it."""
    return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run something in a real loop, in which nothing may be left open."""
    return asyncio.run(main, debug=True)


def test_a_worker_works_and_ends_as_it_is_told(tmp_path: Path) -> None:
    """It answers what it is asked, says how it has ended, and leaves nothing open."""
    file = tmp_path / "file"
    file.write_bytes(b"12345")

    async def main() -> str:
        worker = await start_process()
        worker.send(opening())
        asked = ReadSpan(
            call=7, span=Span(file, 1, 3), algorithms=frozenset(), into=None, is_end=True
        )
        worker.send(asked)
        while isinstance(answer := await worker.receive(), Alive):
            pass
        assert isinstance(answer, SpanRead)
        assert (answer.call, answer.checksums.size, answer.has_more) == (7, 3, True)
        worker.kill()
        while await worker.receive() is not None:
            pass
        return await worker.ended()

    assert run(main()) == "was ended by SIGKILL"


def test_a_worker_ends_with_who_has_started_it() -> None:
    """Nobody has to end a worker: the end of its input is its own."""

    async def main() -> str:
        worker = await start_process()
        worker.send(opening())
        assert await worker.receive() == Alive()
        # It closes the way to it, and waits.
        return await worker.ended()

    assert run(main()) == "ended with status 0"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows what a process was given")
def test_a_worker_is_given_no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its environment is that of this process, without what requests are signed with."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "a secret")
    monkeypatch.setenv("AWS_CA_BUNDLE", "no secret")

    async def main() -> list[bytes]:
        worker = await start_process()
        assert isinstance(worker, WorkerProcess)
        given = environment_of(worker._process.pid)
        worker.kill()
        await worker.ended()
        return given

    given = run(main())
    assert b"AWS_CA_BUNDLE=no secret" in given
    assert [each for each in given if b"a secret" in each] == []


@pytest.mark.parametrize("asks_first", [False, True])
def test_a_worker_asks_first_if_it_is_told_to(tmp_path: Path, *, asks_first: bool) -> None:
    """Whether a body is welcome is not asked of a server that is known not to answer that."""
    size = 2 << 20
    (tmp_path / "file").write_bytes(bytes(size))

    async def main() -> bytes:
        head: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

        async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            head.set_result(await reader.readuntil(b"\r\n\r\n"))
            writer.transport.abort()

        server = await asyncio.start_server(hear, "127.0.0.1")
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        worker = await start_process()
        worker.send(replace(opening(replace(NOWHERE, endpoint_url=url)), asks_first=asks_first))
        worker.send(
            UploadPart(
                call=1,
                span=Span(tmp_path / "file", 0, size),
                checksums=Checksums(size),
                identity=Identity(Keys("AKID", "none", None), 0.0),
                is_limited=False,
                upload=Upload(ObjectURI("bucket", "key"), "id"),
                number=1,
            )
        )
        heard = await head
        worker.kill()
        await worker.ended()
        server.close()
        return heard.lower()

    assert (b"\r\nexpect: 100-continue" in run(main())) is asks_first


def test_why_a_worker_has_failed_is_told(tmp_path: Path) -> None:
    """What a worker says before it fails is part of how it ended, and goes nowhere else."""

    async def main() -> str:
        worker = await start_process()
        worker.send(opening(S3Config(ca_bundle=tmp_path / "nothing.pem")))
        assert await worker.receive() is None
        return await worker.ended()

    told = run(main())
    assert told.startswith("ended with status 1: ")
    assert "read the CA bundle" in told


@pytest.mark.parametrize(
    "line",
    [
        "a library says hello",
        "[1]",
        "{}",
        '{"type":"Nobody"}',
        '{"type":"Grant"}',
        '{"type":"UploadPart","call":1,"span":7}',
        "x" * (LONGEST_LINE + 1),
    ],
    ids=lambda line: line[:40],
)
def test_a_worker_that_says_no_message_is_ended(line: str) -> None:
    """Whatever it is that it writes, it is not waited for, and the reason is plain."""
    program = f"import time; print({line!r}, flush=True); time.sleep(1000)"

    async def main() -> str:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", "exec(input())"),
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            limit=LONGEST_LINE,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.write(f"{program}\n".encode())
        worker = WorkerProcess(process, process.stdout, process.stdin, process.stderr)
        assert await worker.receive() is None
        return await worker.ended()

    assert run(main()) == "was ended, because it wrote something else than messages"


def test_a_worker_does_not_outlive_who_has_started_it_whatever_it_does() -> None:
    """Also one whose loop stands still, or does not run yet, ends with its input."""
    program = "from asyncup.worker import end_with_input; end_with_input(); print(flush=True); "
    program += "from threading import Event; Event().wait()"
    with subprocess.Popen(
        (sys.executable, "-P", "-c", program), stdin=PIPE, stdout=PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()
        assert process.poll() is None
        process.stdin.write(b"what nobody has read")
        process.stdin.close()
        assert process.wait() == 0


@pytest.mark.parametrize("line", [b"", b'{"type":"Ration"'])
def test_half_a_message_is_none(line: bytes) -> None:
    """Who is killed in the middle of a word has not said it."""

    async def main() -> object:
        near, far = socket.socketpair()
        with far:
            far.sendall(line)
        reader, writer = await asyncio.open_connection(sock=near)
        try:
            return await StreamChannel(reader, writer).receive()
        finally:
            writer.close()
            await writer.wait_closed()

    assert run(main()) is None
