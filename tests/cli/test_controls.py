"""What keys do, where there is nothing to change, and where somebody presses them again."""

import asyncio
import io
from collections.abc import Iterator

import pytest
from rich.console import Console

from asyncup.cli.keys import Controls, terminal_for
from asyncup.cli.signals import Signals, caught_signals
from asyncup.ui.live import LivePanels
from asyncup.ui.panels import View
from asyncup.ui.renderer import Quiet


@pytest.fixture
def signals() -> Iterator[Signals]:
    """Return those of a run."""
    with caught_signals() as caught:
        yield caught


def panels() -> LivePanels:
    """Return panels that are drawn nowhere."""
    return LivePanels(Console(file=io.StringIO(), width=80, height=24), lambda: 0.0)


def test_keys_of_what_cannot_be_changed(signals: Signals) -> None:
    """Without an uploader, as while objects are verified: a stop, and what the panels do."""
    shown = panels()
    controls = Controls(shown, signals, None)
    assert [hint.key for hint in controls.hints] == ["q", "?", "enter", "j k"]
    for key in "p+-a[]":
        controls.press(key)
    controls.press("?")
    assert shown._scene.view is View.HELP


def test_q_is_the_first_signal_and_no_other(signals: Signals) -> None:
    """Pressed twice, it still lets what is in flight arrive; Ctrl-C is more urgent then."""
    happened: list[str] = []

    async def main() -> None:
        signals.attend()
        signals.stop = lambda: happened.append("stopping")
        controls = Controls(panels(), signals, None)
        for _ in range(2):
            controls.press("q")
            await asyncio.sleep(0.001)
        happened.append("still there")
        signals.receive()
        await asyncio.sleep(1)

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(main())
    assert happened == ["stopping", "still there"]


def test_what_is_no_screen_needs_no_terminal(signals: Signals) -> None:
    """Lines and errors are written wherever they go."""
    assert terminal_for(Quiet(io.StringIO()), signals, None, reads_keys=True) is None


def test_no_keys_where_standard_input_is_the_source(signals: Signals) -> None:
    """Then none are shown, and none are read; the screen is shared all the same."""
    shown = panels()
    terminal = terminal_for(shown, signals, None, reads_keys=False)
    assert terminal is not None
    assert terminal._keyboard is None
    assert list(shown._scene.keys) == []
