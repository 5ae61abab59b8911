"""The map of a file's parts: whatever its width, it hides nothing that is still to be done."""

from collections.abc import Sequence
from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncup.core.part_map import PartMap, PartState

STATES = st.sampled_from(PartState)


def map_of(states: Sequence[PartState]) -> PartMap:
    """Return a map of parts in these states."""
    made = PartMap(len(states))
    for number, state in enumerate(states, 1):
        made[number] = state
    return made


@given(st.lists(STATES, max_size=300), st.integers(1, 200))
def test_every_part_is_in_the_map(states: list[PartState], width: int) -> None:
    """It is as wide as asked for, and the worst of all parts is the worst of all cells."""
    cells = map_of(states).cells(width)
    assert len(cells) == width
    assert max(cells) == max(states, default=PartState.TO_COME)


@given(st.lists(STATES, min_size=1, max_size=300), st.integers(1, 200))
def test_a_cell_tells_what_is_most_to_be_done_of_its_parts(
    states: list[PartState], width: int
) -> None:
    """A part has its cell, in order; one that changes changes that cell, and no other."""
    made = map_of([PartState.STORED] * len(states))
    seen: dict[int, PartState] = {}
    for number, state in enumerate(states, 1):
        alone = map_of([PartState.STORED] * len(states))
        alone[number] = PartState.WAITING
        where = [cell for cell, each in enumerate(alone.cells(width)) if each]
        assert where == list(range(where[0], where[-1] + 1))
        assert not seen or where[0] >= max(seen)
        made[number] = state
        seen |= {cell: max(state, seen.get(cell, PartState.STORED)) for cell in where}
    assert made.cells(width) == [seen[cell] for cell in range(width)]


@given(st.integers(1, 60), st.integers(60, 200))
def test_few_parts_share_the_cells(count: int, width: int) -> None:
    """Where there is room for all, each part has the same number of cells, give or take one."""
    states = [PartState(number % 2) for number in range(count)]
    lengths = [len(list(cells)) for _, cells in groupby(map_of(states).cells(width))]
    assert len(lengths) == count
    assert max(lengths) - min(lengths) <= 1


@pytest.mark.parametrize("count", [10, 60, 61, 9_999, 10_000])
def test_it_is_done_when_all_parts_are(count: int) -> None:
    """One part of ten thousand that is missing can be seen."""
    made = map_of([PartState.ACKNOWLEDGED] * count)
    assert set(made.cells(60)) == {PartState.ACKNOWLEDGED}
    made[count] = PartState.TO_COME
    assert made.cells(60)[-1] is PartState.TO_COME


def test_a_stream_has_the_parts_that_were_heard_of() -> None:
    """Nobody knows how many there are; with none, all is to come."""
    made = PartMap(None)
    assert made.cells(3) == [PartState.TO_COME] * 3
    made[2] = PartState.IN_FLIGHT
    assert (len(made), made[1], made[2]) == (2, PartState.TO_COME, PartState.IN_FLIGHT)
