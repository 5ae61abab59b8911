"""Ctrl-C ends the command soon, however the network hangs; run again, it goes on."""

import random
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.kit import asyncup, finish, start, tree
from tests.network.link import Link
from tests.network.names import NAME, Mood, NameServer
from tests.network.upload import Running, Upload
from tests.network.weather import Weather
from tests.proxy import Fate, Request, proxy_to
from tests.s3 import Bucket

MIB = 1 << 20
BOUND = 10.0
"""Seconds: it takes about one; but on a machine that is busy with other tests, more."""

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


def test_name_never_told(upload: Upload, names: NameServer) -> None:
    """Nor is a name server that says nothing."""
    names.turn(Mood.SILENCE)
    running = upload.start(*PATIENT, "--path-style", env=upload.by_name(NAME))
    names.wait_for_question()
    check_stops(running)


def everything(_: Request) -> bool:
    """Choose every request."""
    return True


def second_part(request: Request) -> bool:
    """Choose the second part."""
    return request.part_number == 2


@pytest.mark.parametrize(
    ("fate", "chosen"),
    [(Fate.SILENCE, everything), (Fate.SILENCE, second_part), (Fate.DRIP_HEAD, second_part)],
)
def test_server_that_does_not_answer(
    bucket: Bucket, tmp_path: Path, fate: Fate, chosen: Callable[[Request], bool]
) -> None:
    """A server that accepts and is silent, or answers a byte a second, does not keep it."""
    tree(tmp_path, {"large": LARGE})
    met = threading.Event()

    def script(request: Request) -> Fate:
        if chosen(request):
            met.set()
            return fate
        return Fate.PASS

    arguments = ("put", tmp_path / "large", str(bucket.place), "--part-size=5MiB")
    with proxy_to(bucket.server.endpoint_url, script) as proxy:
        process = start(*arguments, *PATIENT, env={**bucket.env, "AWS_ENDPOINT_URL": proxy.url})
        met.wait()
        process.send_signal(signal.SIGINT)
        process.wait(BOUND)
        ended = finish(process)
    assert ended.code == 130, ended.err
    assert "Traceback" not in ended.err
    assert asyncup(*arguments, env=bucket.env).code == 0
    assert bucket.objects() == {"large": LARGE}
