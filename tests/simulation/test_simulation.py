"""Hundreds of histories, each from a seed: what is promised holds in every one of them."""

import pytest

from tests.simulation.history import simulate
from tests.simulation.mutants import MUTANTS, Mutant
from tests.simulation.search import catch_all, search

SEEDS = 600
"""`make simulate SEEDS=100000` runs more."""

QUICK = 300
"""Mutants that are caught within so few histories are caught by each run of the tests."""


@pytest.mark.timeout(300)
def test_every_history_keeps_the_promises() -> None:
    """Whatever happens in a history, in the end the object is the file and nothing is left over.

    No run says that something is done which is not, sends again what S3 has acknowledged without
    a reason, or leaves a task, a handle or a chunk file behind. Who compares says of objects what
    is so, or that nobody can tell; who looks for pending uploads is told all of them and no other;
    what is aborted is gone, and what another run is at work on is not aborted.
    """
    assert [str(found) for found in search(0, SEEDS)] == []


def test_a_seed_is_a_history() -> None:
    """The same seed tells the same history again, word by word."""

    def told(seed: int) -> list[str]:
        lines: list[str] = []
        simulate(seed, lines.append)
        # The place on the disk has another name each time.
        return [line for line in lines if "/asyncup-simulation-" not in line]

    for seed in range(20):
        first = told(seed)
        assert len(first) > 5
        assert first == told(seed)


def caught_early() -> list[Mutant]:
    """Return the mutants that a few histories are enough for."""
    return [mutant for mutant in MUTANTS if mutant.within <= QUICK]


@pytest.mark.timeout(300)
def test_a_broken_engine_is_noticed() -> None:
    """Broken on purpose, in each of many ways, the engine is caught within a known number of seeds.

    `make mutants` catches the others, too.
    """
    mutants = caught_early()
    assert len(mutants) >= 20
    caught = catch_all([mutant.name for mutant in mutants])
    assert [name for name, found in caught.items() if found is None] == []
