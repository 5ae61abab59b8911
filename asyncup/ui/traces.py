"""What a terminal makes of rows that were drawn, when its size changes."""

from math import ceil


class Traces:
    """Counts the rows that have to be erased, of those that were drawn last and before.

    A terminal that is made narrower wraps each row, and lets those scroll away for which it has no
    room; one that is made larger brings them back (as tmux does, and most others today).
    """

    def __init__(self) -> None:
        self._gone: list[tuple[int, int]] = []
        self._shown = (1, 0)

    @property
    def rows(self) -> int:
        """How many rows were drawn last."""
        return self._shown[1]

    def draw(self, width: int, rows: int) -> None:
        """Take note of rows of this width, drawn where those before were."""
        self._shown = (width, rows)

    def forget(self) -> None:
        """Take note that what has scrolled away is no longer next to what is shown."""
        self._gone = []

    def resize(self, width: int, height: int) -> int:
        """Return how many rows there are now beside those that were drawn last.

        Those that have scrolled away are out of reach, and are remembered.
        """
        drawn = [*self._gone, self._shown]
        total = sum(rows * ceil(wide / width) for wide, rows in drawn)
        beyond, self._gone = total - (height - 1), []
        for wide, rows in drawn:
            times = ceil(wide / width)
            whole, pieces = divmod(min(rows * times, max(0, beyond)), times)
            self._gone += [(wide, whole)] if whole else []
            # Of one row, the first pieces may be out of reach.
            self._gone += [(pieces * width, 1)] if pieces else []
            beyond -= rows * times
        return total - self.rows
