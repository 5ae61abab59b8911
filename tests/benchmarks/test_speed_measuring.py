"""Who measures sees what a tool has done, and what it has not done."""

import socket
import ssl
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from asyncup.core.errors import UsageError
from benchmarks.speed.libraries.asked import BUCKET
from benchmarks.speed.measuring import Ground, fault_of, launch
from benchmarks.speed.servers import Arrived, Sink, run_sink
from benchmarks.speed.tools import PREFIX, TOOLS, Job, Tool
from benchmarks.speed.works import MIB, WORKS, Work, by_name, lay, quick, resized
from tests.cli.kit import asyncup

SMALL = Work(name="small", told="", files=3, size=20 * MIB + 1)
ONE = Work(name="one", told="", size=40 * MIB)
GOING_ON = Work(name="going-on", told="", size=112 * MIB, is_pending=True)
BY_NAME = {tool.name: tool for tool in TOOLS}

PUT = """
import http.client, sys, urllib.parse
url, count = urllib.parse.urlsplit(sys.argv[1]), int(sys.argv[2])
connection = http.client.HTTPConnection(url.netloc)
connection.request("PUT", url.path, b"x" * count)
assert connection.getresponse().status == 200
"""


@pytest.fixture(scope="module")
def sink() -> Iterator[Sink]:
    """Run a sink for these tests."""
    with run_sink() as running:
        yield running


def putting(count: int) -> Tool:
    """Return a tool that sends so many bytes, whatever its source has."""

    def arguments(job: Job) -> list[str]:
        url = f"{job.target.url}/{BUCKET}/{PREFIX}{job.source.name}"
        return [sys.executable, "-c", PUT, url, str(count)]

    return Tool("putting", arguments)


def test_one_cipher_for_all(sink: Sink) -> None:
    """Whatever a tool would like best, it encrypts with what S3 takes, as all others do."""
    target = sink.target("https")
    host, _, port = target.url.removeprefix("https://").partition(":")
    trusting = ssl.create_default_context(cafile=str(target.certificate))
    with (
        socket.create_connection((host, int(port)), timeout=30) as plain,
        trusting.wrap_socket(plain, server_hostname=host) as secure,
    ):
        assert secure.cipher() == ("TLS_AES_128_GCM_SHA256", "TLSv1.3", 128)


@pytest.mark.parametrize(
    ("name", "scheme"),
    [("asyncup", "http"), ("asyncup --direct", "https"), ("aioboto3", "https")],
)
def test_all_has_arrived(sink: Sink, tmp_path: Path, name: str, scheme: str) -> None:
    """Of what a tool uploads every byte is counted once, and the run counts."""
    source = lay(SMALL, tmp_path / "sources")
    run = Ground(sink, tmp_path).measure(SMALL, BY_NAME[name], scheme, source, 1)
    assert (run.fault, run.received) == ("", SMALL.total)
    assert run.key == ("small", name, scheme, "sink", 1)
    assert run.cpu > 0
    assert run.peak > MIB


@pytest.mark.parametrize("name", ["asyncup", "asyncup --direct, no journal"])
def test_one_part_is_missing(sink: Sink, tmp_path: Path, name: str) -> None:
    """Who goes on sends the part that is missing, and nothing else; each time anew."""
    ground, source = Ground(sink, tmp_path), lay(GOING_ON, tmp_path / "sources")
    for number in (1, 2):
        run = ground.measure(GOING_ON, BY_NAME[name], "https", source, number)
        assert (run.fault, run.received) == ("", GOING_ON.part_size)


def test_what_could_not_be_prepared_is_not_measured(sink: Sink, tmp_path: Path) -> None:
    """Else a whole upload would pass for one that goes on; and it is prepared anew next time."""
    ground, source = Ground(sink, tmp_path), lay(GOING_ON, tmp_path / "sources")
    idle = Tool("idle", lambda _: ["/bin/true"])
    with pytest.raises(
        UsageError, match=r"prepare \(going-on\) with idle: exit 0, 0 objects, 0 of"
    ):
        ground.measure(GOING_ON, idle, "https", source, 1)
    run = ground.measure(GOING_ON, BY_NAME["asyncup"], "https", source, 1)
    assert (run.fault, run.received) == ("", GOING_ON.part_size)


@pytest.mark.parametrize(
    ("count", "fault"),
    [
        (ONE.total, ""),
        (ONE.total - 1, f"1 objects of {ONE.total - 1} bytes in all"),
        (ONE.total + 1, f"1 objects of {ONE.total + 1} bytes in all"),
    ],
)
def test_bytes_that_are_missing(sink: Sink, tmp_path: Path, count: int, fault: str) -> None:
    """A tool that says it is done, and has sent less or something else, does not count."""
    source = lay(ONE, tmp_path / "sources")
    run = Ground(sink, tmp_path).measure(ONE, putting(count), "http", source, 1)
    assert run.fault == fault


def test_who_does_nothing(sink: Sink, tmp_path: Path) -> None:
    """A tool that does nothing is fast, and does not count."""
    idle = Tool("idle", lambda _: ["/bin/true"])
    run = Ground(sink, tmp_path).measure(ONE, idle, "http", lay(ONE, tmp_path / "s"), 1)
    assert run.fault == "0 objects of 0 bytes in all"


@pytest.mark.parametrize(
    ("status", "arrived", "fault"),
    [
        (0, Arrived(1, ONE.total, ONE.total), ""),
        (0, Arrived(1, ONE.total, ONE.total + 5), ""),
        (4, Arrived(1, ONE.total, ONE.total), "exit 4"),
        (0, Arrived(1, ONE.total, ONE.total, broken=2), "2 bodies did not arrive whole"),
        (0, Arrived(2, ONE.total, ONE.total), f"2 objects of {ONE.total} bytes in all"),
        (0, Arrived(1, ONE.total, 5), f"5 of {ONE.total} bytes arrived"),
    ],
)
def test_faults(status: int, arrived: Arrived, fault: str) -> None:
    """A run counts only if the tool is content, and the server has every byte of it."""
    assert fault_of(ONE, status, arrived) == fault


def test_memory_is_that_of_the_command(tmp_path: Path) -> None:
    """What the process that measures has in memory is not counted, nor that it is the command's."""
    here = bytearray(300 * MIB)
    here[:: 1 << 12] = b"x" * len(here[:: 1 << 12])
    little = launch(["/bin/true"], {}, tmp_path / "log")
    much = launch([sys.executable, "-c", f"bytearray({100 * MIB})"], {}, tmp_path / "log")
    assert (little.status, much.status) == (0, 0)
    assert little.peak < 50 * MIB
    assert 100 * MIB < much.peak < 200 * MIB


def test_processes_of_a_command_count(tmp_path: Path) -> None:
    """CPU and memory of processes that a command has waited for are its own."""
    inner = f"sum(range(3_000_000)); bytearray({100 * MIB})"
    outer = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {inner!r}])"
    direct = launch([sys.executable, "-c", "pass"], {}, tmp_path / "log")
    through = launch([sys.executable, "-c", outer], {}, tmp_path / "log")
    assert through.peak > 100 * MIB > direct.peak
    assert through.cpu > direct.cpu


def test_a_command_that_is_not_there(tmp_path: Path) -> None:
    """What can't be run has failed."""
    assert launch(["/nothing/here"], {}, tmp_path / "log").status == 127


def test_files(tmp_path: Path) -> None:
    """The files of a work have its sizes, are made once, and no two blocks are the same."""
    work = Work(name="files", told="", files=11, size=2 * MIB + 5)
    source = lay(work, tmp_path)
    assert [path.name for path in sorted(source.iterdir())] == [f"{n:02}" for n in range(11)]
    blocks = set()
    for path in source.iterdir():
        data = path.read_bytes()
        assert len(data) == work.size
        blocks |= {data[:MIB], data[MIB : 2 * MIB]}
    assert len(blocks) == 22
    (source / "00").write_bytes(b"mine")
    assert (lay(work, tmp_path) / "00").read_bytes() == b"mine"


def test_sparse_file(tmp_path: Path) -> None:
    """A file of holes is as long as it has to be, and takes no disk."""
    work = by_name(WORKS)["f"]
    file = lay(work, tmp_path)
    assert file.stat().st_size == work.total
    assert file.stat().st_blocks == 0


def test_other_sizes() -> None:
    """Another size changes what is gigabytes, and says so."""
    made = by_name(resized(WORKS, 512 * MIB))
    assert made["a"].total == made["b"].total == made["e"].total == 512 * MIB
    assert made["a"].told == "one file of 512 MiB"
    assert made["b"].told == "16 files of 32 MiB"
    assert made["d"] == by_name(WORKS)["d"]
    assert {work.told for work in quick(WORKS)} >= {"200 files of 256 KiB", "one file of 512 MiB"}


def test_a_tool_that_is_not_there() -> None:
    """Who is not there is named before anything is measured."""
    missing = Tool("missing", lambda _: [], ("/nothing/here", "--version"))
    with pytest.raises(UsageError, match="missing: it is not installed"):
        assert missing.version


def test_commands_are_shown_as_they_are() -> None:
    """Readers see the command of each tool with all its flags, and nothing of this machine."""
    work = by_name(WORKS)["a"]
    for tool in TOOLS:
        shown = tool.shown(work)
        assert str(Path.home()) not in shown
        assert ".venv" not in shown
    assert BY_NAME["s5cmd"].shown(work).startswith("AWS_CA_BUNDLE=CERTIFICATE s5cmd ")
    assert not any("no-verify" in tool.shown(work) for tool in TOOLS)
    assert "--part-size 16MiB --concurrency 8 --direct" in BY_NAME["asyncup --direct"].shown(work)
    assert asyncup("--version").out.startswith(BY_NAME["asyncup"].version)
