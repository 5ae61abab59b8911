"""Rows that a terminal has wrapped or scrolled away: all are erased that can be, and no others."""

from hypothesis import given
from hypothesis import strategies as st

from asyncup.ui.traces import Traces

SIZES = st.tuples(st.integers(20, 200), st.integers(4, 60))


class ReflowingTerminal:
    """A terminal that wraps rows anew when its size changes, and has a history, as tmux.

    `lines` are those before the cursor: what others wrote, and the widths of rows of panels.
    """

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.lines: list[int | str] = ["of somebody else"] * 5

    def _pieces(self, line: int | str) -> int:
        return 1 if isinstance(line, str) else -(-line // self.width)

    def erase(self, rows: int) -> None:
        """Erase so many rows above the cursor, as far as the top of the screen."""
        reach = min(rows, self.height - 1)
        while reach > 0 and self.lines:
            reach -= self._pieces(self.lines[-1])
            if reach < 0:
                # The first pieces of it are out of reach.
                self.lines[-1] = self.width * -reach
                break
            self.lines.pop()

    def draw(self, rows: int) -> None:
        """Draw rows that are as wide as the screen."""
        self.lines += [self.width] * rows


@given(st.lists(st.tuples(SIZES, st.integers(0, 58)), min_size=1, max_size=8))
def test_nothing_is_left_and_nothing_of_others_is_lost(
    steps: list[tuple[tuple[int, int], int]],
) -> None:
    """Whatever the sizes: what has come back into reach is erased."""
    traces = Traces()
    terminal = ReflowingTerminal(*steps[0][0])
    for (width, height), rows in [*steps, ((200, 10_000), 3)]:
        terminal.width, terminal.height = width, height
        terminal.erase(traces.resize(width, height) + traces.rows)
        drawn = min(rows, height - 1)
        terminal.draw(drawn)
        traces.draw(width, drawn)
        assert terminal.lines[:5] == ["of somebody else"] * 5
    assert terminal.lines[5:] == [200] * 3


def test_what_is_not_next_to_the_panels_is_left_alone() -> None:
    """Lines that were written in between are not erased for what is above them."""
    traces = Traces()
    traces.draw(80, 20)
    assert traces.resize(40, 11) == 20
    traces.draw(40, 5)
    traces.forget()
    assert traces.resize(80, 40) == 0
