"""Ctrl-C ends the command soon, however the network hangs; run again, it goes on."""

import os
import random
import signal
import socket
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import pytest

from tests.cli.kit import asyncup, tree
from tests.network.link import Link
from tests.network.names import NAME, Mood, NameServer
from tests.network.upload import Running, Upload
from tests.network.weather import Weather
from tests.proxy import Answer, Crawl, Fate, Request, error_answer, proxy_to
from tests.s3 import Bucket

MIB = 1 << 20
BOUND = 60.0
"""Seconds: it takes about one, more on a machine that is busy, and for ever where it hangs."""

LARGE = random.Random("stopping").randbytes(11 * MIB)
BROADBAND = Weather(delay=0.005, rate=100_000_000)
PATIENT = ("--concurrency=2", "--stop-grace=0.5s", "--stall-timeout=10m")
IMPATIENT = ("--concurrency=2", "--stop-grace=0.5s", "--stall-timeout=1s")


@pytest.fixture
def upload(link: Link, upload: Upload) -> Upload:
    """Make a file of some parts."""
    upload.make(11 * MIB)
    link.set(BROADBAND)
    return upload


def check_stops(running: Running) -> None:
    """Check that a first Ctrl-C is enough, as long as the network does not mend."""
    running.process.send_signal(signal.SIGINT)
    ended = running.finish(within=BOUND)
    assert ended.code == 130, ended.out[-1000:] + ended.err
    assert "Traceback" not in ended.err


def check_goes_on(link: Link, upload: Upload) -> None:
    """Check that the same command then ends well."""
    link.clear()
    upload.check(upload.run())


@pytest.mark.parametrize("every", [True, False], ids=["all", "one"])
def test_black_holed_in_mid_part(link: Link, upload: Upload, *, every: bool) -> None:
    """A connection that is dead and not yet known to be does not keep it."""
    link.cut(after=4 * MIB, every=every)
    running = upload.start(*PATIENT)
    link.wait()
    check_stops(running)
    check_goes_on(link, upload)


def test_link_down_and_not_yet_known(link: Link, upload: Upload) -> None:
    """Parts whose bytes have just stopped to move are not waited for."""
    link.set(Weather(outages=((0, 1e9),)), after=4 * MIB)
    running = upload.start(*PATIENT)
    link.wait()
    check_stops(running)
    check_goes_on(link, upload)


def test_link_down_and_known(link: Link, upload: Upload) -> None:
    """Nor is the next probe, once the link is known to be down."""
    link.set(Weather(outages=((0, 1e9),)), after=4 * MIB)
    running = upload.start(*IMPATIENT)
    running.wait_for("went_offline")
    check_stops(running)
    check_goes_on(link, upload)


def test_link_down_from_the_beginning(link: Link, upload: Upload) -> None:
    """Nor is the first connection, while it is still being made."""
    link.set(Weather(outages=((0, 1e9),)))
    running = upload.start(*PATIENT)
    running.wait_for("file_found")
    check_stops(running)


def test_connection_lost_in_sleep(link: Link, upload: Upload) -> None:
    """Nor is a connection that was lost while the machine slept, of which nobody has told it."""
    running = upload.start(*PATIENT)
    running.wait_for("part_started")
    running.process.send_signal(signal.SIGSTOP)
    link.cut(every=True)
    running.process.send_signal(signal.SIGCONT)
    check_stops(running)
    check_goes_on(link, upload)


def test_name_never_told(upload: Upload, names: NameServer) -> None:
    """Nor is a name server that says nothing."""
    names.turn(Mood.SILENCE)
    running = upload.start(*PATIENT, "--addressing-style=path", env=upload.by_name(NAME))
    names.wait_for_question()
    check_stops(running)


def everything(_: Request) -> bool:
    """Choose every request."""
    return True


def second_part(request: Request) -> bool:
    """Choose the second part."""
    return request.part_number == 2


def completing(request: Request) -> bool:
    """Choose the completion."""
    return request.is_complete


class Near:
    """A file whose way to a server that is near leads past what a test puts there."""

    def __init__(self, bucket: Bucket, directory: Path) -> None:
        tree(directory, {"large": LARGE})
        self._bucket = bucket
        self._log = directory / "stderr"
        self._arguments = ("put", str(directory / "large"), str(bucket.place), "--part-size=5MiB")
        self.url = bucket.server.endpoint_url

    def start(self, *options: str, **env: str) -> Running:
        """Begin to upload it."""
        arguments = [*self._arguments, "--json", *PATIENT, *options]
        return Running.begin(arguments, {**self._bucket.env, **env}, self._log)

    def check_goes_on(self) -> None:
        """Check that the same command ends well where nothing is in the way."""
        ended = asyncup(*self._arguments, env=self._bucket.env)
        assert ended.code == 0, ended.err
        assert self._bucket.objects() == {"large": LARGE}


@pytest.fixture
def near(bucket: Bucket, tmp_path: Path) -> Near:
    """Return a file that is ready to go."""
    return Near(bucket, tmp_path)


@pytest.mark.parametrize(
    ("fate", "chosen"),
    [
        (Fate.SILENCE, everything),
        (Fate.SILENCE, second_part),
        (Fate.SILENCE, completing),
        (Fate.DRIP_HEAD, second_part),
        (Fate.DRIP_BODY, everything),
        (Fate.DRIP_BODY, completing),
        (Crawl(100), second_part),
    ],
)
def test_server_that_does_not_answer(
    near: Near, fate: Fate | Crawl, chosen: Callable[[Request], bool]
) -> None:
    """A server that accepts and is silent, or takes or answers some bytes a second."""
    met = threading.Event()

    def script(request: Request) -> Fate | Crawl:
        if chosen(request):
            met.set()
            return fate
        return Fate.PASS

    with (
        proxy_to(near.url, script) as proxy,
        closing(near.start(AWS_ENDPOINT_URL=proxy.url)) as running,
    ):
        met.wait()
        check_stops(running)
    near.check_goes_on()


PARKED = {
    "portal": Answer(511, "<html></html>", ("Content-Type: text/html",)),
    "Retry-After": error_answer("SlowDown", 503, "Retry-After: 3600"),
    "keys that have run out": error_answer("ExpiredToken", 400),
}


@pytest.mark.parametrize("answer", PARKED)
def test_parked(near: Near, answer: str) -> None:
    """A run that waits for the way to S3, or for what S3 wants, does not wait for that first."""
    gone = False

    def script(request: Request) -> Fate | Answer:
        nonlocal gone
        gone = gone or request.part_number == 2
        return PARKED[answer] if gone else Fate.PASS

    with (
        proxy_to(near.url, script) as proxy,
        closing(near.start(AWS_ENDPOINT_URL=proxy.url)) as running,
    ):
        running.wait_for("went_offline")
        check_stops(running)
    near.check_goes_on()


def test_handshake_that_hangs(near: Near) -> None:
    """A port at which nobody speaks TLS, or says that nobody does."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        with closing(near.start(AWS_ENDPOINT_URL=url)) as running:
            connection, _ = listener.accept()
            with connection:
                check_stops(running)
    near.check_goes_on()


def test_keys_that_nobody_gives(near: Near, tmp_path: Path) -> None:
    """A program of the user's that is asked for keys, and asks the network without end."""
    asked = tmp_path / "asked"
    os.mkfifo(asked)
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\necho $$ > {asked}\nexec sleep 1000\n")
    program.chmod(0o700)
    config = tmp_path / "config"
    config.write_text(f"[default]\nregion = us-east-1\ncredential_process = {program}\n")
    nobody = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
    with closing(near.start(AWS_CONFIG_FILE=str(config), **nobody)) as running:
        pid = int(asked.read_text())
        try:
            check_stops(running)
        finally:
            # Usually, it has gone with the command.
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    near.check_goes_on()


def test_machine_that_gives_no_keys(near: Near) -> None:
    """The address at which a cloud gives keys to its machines, where it is black-holed."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        cloud = {
            "AWS_EC2_METADATA_SERVICE_ENDPOINT": f"http://127.0.0.1:{listener.getsockname()[1]}/",
            "AWS_METADATA_SERVICE_TIMEOUT": "1000",
            "AWS_EC2_METADATA_DISABLED": "false",
        }
        nobody = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
        with closing(near.start(**cloud, **nobody)) as running:
            connection, _ = listener.accept()
            with connection:
                check_stops(running)
    near.check_goes_on()
