"""Many histories at once, by several processes; with the engine as it is, or broken on purpose."""

import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from tests.simulation.history import simulate
from tests.simulation.mutants import MUTANTS

BATCH = 50


@dataclass(frozen=True, slots=True)
class Found:
    """A seed whose history breaks promises."""

    seed: int
    broken: Sequence[str]

    def __str__(self) -> str:
        return f"{self.replay}\n    {self.broken[0]}"

    @property
    def replay(self) -> str:
        """The command that shows the history."""
        return f"python -m tests.simulation --seed {self.seed} -v"


def _pool(jobs: int | None) -> ProcessPoolExecutor:
    # Not forked: this process may have threads.
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(jobs or os.cpu_count(), mp_context=context)


def _in_batch(seeds: range) -> list[Found]:
    return [found for seed in seeds if (found := _in_one(seed)).broken]


def _in_one(seed: int) -> Found:
    try:
        return Found(seed, simulate(seed))
    except BaseException as error:
        error.add_note(Found(seed, ()).replay)
        raise


def search(first: int, count: int, jobs: int | None = None) -> Iterator[Found]:
    """Yield what breaks promises among `count` seeds from `first` on."""
    end = first + count
    batches = [range(start, min(start + BATCH, end)) for start in range(first, end, BATCH)]
    with _pool(jobs) as pool:
        for found in pool.map(_in_batch, batches):
            yield from found


def catch(name: str) -> Found | None:
    """Return the first seed that shows a mutant for what it is, None if none does in time."""
    (mutant,) = [each for each in MUTANTS if each.name == name]
    with mutant.at_work():
        for seed in range(mutant.within):
            if broken := simulate(seed):
                return Found(seed, broken)
    return None


def catch_all(names: Sequence[str], jobs: int | None = None) -> dict[str, Found | None]:
    """Return the same for several mutants."""
    with _pool(jobs) as pool:
        return dict(zip(names, pool.map(catch, names), strict=True))
