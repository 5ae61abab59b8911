"""A command's coroutine is run to its end, with the garbage looked after."""

import gc
import logging
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


@pytest.mark.usefixtures("without_collector")
@pytest.mark.parametrize("name", ["asyncio", "botocore.credentials", "aiobotocore.credentials"])
def test_what_others_log_is_not_on_the_terminal(name: str) -> None:
    """What they warn of, a write that is lost, keys that are not refreshed, is told by us."""

    async def main(_: Signals) -> int:
        return int(logging.getLogger(name).isEnabledFor(logging.WARNING))

    assert run_attended(main) == 0
