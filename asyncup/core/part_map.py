"""What has become of each part of a file, and all of it in as many cells as there is room for."""

from enum import IntEnum
from itertools import pairwise


class PartState(IntEnum):
    """What has become of a part; of several, the largest tells what is still to be done."""

    STORED = 0
    """S3 held it before this run."""
    ACKNOWLEDGED = 1
    """S3 has acknowledged it in this run."""
    TO_COME = 2
    IN_FLIGHT = 3
    WAITING = 4
    """An attempt has failed, and another one will be made."""


_MOST_TO_DO_FIRST = sorted(PartState, reverse=True)


class PartMap:
    """The states of a file's parts, numbered from 1; all are to come at first.

    Of a stream, nobody knows how many there are: it has those that were heard of.
    """

    def __init__(self, parts: int | None) -> None:
        self._states = bytearray([PartState.TO_COME]) * (parts or 0)

    def __len__(self) -> int:
        return len(self._states)

    def __getitem__(self, number: int) -> PartState:
        return PartState(self._states[number - 1])

    def __setitem__(self, number: int, state: PartState) -> None:
        if (missing := number - len(self._states)) > 0:
            self._states += bytearray([PartState.TO_COME]) * missing
        self._states[number - 1] = state

    def count(self, state: PartState) -> int:
        """Return how many parts are in a state."""
        return self._states.count(state)

    def cells(self, width: int) -> list[PartState]:
        """Return the map in `width` cells, from the first part to the last.

        Where there are more parts than cells, each part is in one of them, and a cell tells of
        its parts what is most to be done: it is done when all of them are, and none that waits or
        is in flight is ever hidden. Where there are fewer, each takes as many cells as another,
        give or take one.
        """
        count = len(self._states)
        if not count:
            return [PartState.TO_COME] * width
        bounds = [cell * count // width for cell in range(width + 1)]
        return [self._most_to_do(begin, max(end, begin + 1)) for begin, end in pairwise(bounds)]

    def _most_to_do(self, begin: int, end: int) -> PartState:
        """Return the largest state of some parts; it is looked for ten times a second."""
        return next(
            state for state in _MOST_TO_DO_FIRST if self._states.find(state, begin, end) >= 0
        )
