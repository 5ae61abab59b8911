"""The rate with so many parts in flight: of the time in which there are so many."""

from itertools import count

import pytest

from asyncup.core.errors import Throttled
from asyncup.core.model import ObjectAttributes
from asyncup.edges.noise import Noise
from asyncup.engine import speed
from asyncup.engine.speed import SpeedTest
from tests.engine.kit import URI, no_task_is_left
from tests.fakes3 import FakeS3, lost
from tests.loop import run

SIZE = 4096
SLOW = 3.0
"""Seconds that each part takes."""


async def rate(s3: FakeS3, slots: int) -> float:
    """Measure with parts of 4 KiB."""
    upload = await s3.create_multipart_upload(URI, None, ObjectAttributes())
    test = SpeedTest(s3, upload, await Noise.of(SIZE), count(1))
    measured = await test.rate(slots)
    assert no_task_is_left()
    return measured


@pytest.fixture
def s3() -> FakeS3:
    """Return a server to which each part takes so long."""
    fake = FakeS3()
    fake.pace = lambda _: SLOW
    return fake


def test_it_ends_with_the_bytes(s3: FakeS3, monkeypatch: pytest.MonkeyPatch) -> None:
    """When a slot finds no more to send, for from then on there are fewer parts in flight."""
    monkeypatch.setattr(speed, "RATE_BYTES", 3 * SIZE)
    monkeypatch.setattr(speed, "RATE_SECONDS", 100.0)
    assert run(rate(s3, 2)) == 2 * SIZE / SLOW
    assert s3.sent_parts() == [1, 2, 3]


def test_it_ends_with_the_time(s3: FakeS3, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is on its way then is dropped, and what has gone of it counts."""
    monkeypatch.setattr(speed, "RATE_SECONDS", 4.0)
    assert run(rate(s3, 5)) == 5 * SIZE / 4.0
    assert s3.count("upload_part") == 10


@pytest.mark.parametrize("error", [lost(), Throttled(lost().fault)])
def test_an_error_ends_it(s3: FakeS3, error: Throttled) -> None:
    """It is for who asks to say what that means; no part goes on."""
    s3.fail("upload_part", error, number=2)
    with pytest.raises(type(error)):
        run(rate(s3, 3))
