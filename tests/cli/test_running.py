"""A command's coroutine is run to its end, with the garbage looked after."""

import gc
from collections.abc import Iterator

import pytest

from asyncup.cli.running import run_attended
from asyncup.cli.signals import Signals


@pytest.fixture
def without_collector() -> Iterator[None]:
    """Begin as a command does, and leave all as it was."""
    gc.disable()
    yield
    gc.unfreeze()
    gc.enable()


@pytest.mark.usefixtures("without_collector")
def test_garbage_is_collected() -> None:
    """While a command starts, nobody looks for garbage; a run of days is another matter."""

    async def main(_: Signals) -> int:
        return int(gc.isenabled())

    assert run_attended(main) == 1
