"""Run histories: `python -m tests.simulation --seeds 1000`, or one of them with `--seed 7 -v`."""

import argparse
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor

from tests.simulation.history import simulate

BATCH = 100


def failures(seeds: range) -> list[tuple[int, list[str]]]:
    """Return the seeds whose histories break promises, and which."""
    found = ((seed, simulate(seed)) for seed in seeds)
    return [(seed, broken) for seed, broken in found if broken]


def search(first: int, count: int, jobs: int) -> Iterator[tuple[int, list[str]]]:
    """Yield the same for many seeds, by several processes."""
    end = first + count
    batches = [range(start, min(start + BATCH, end)) for start in range(first, end, BATCH)]
    if jobs == 1:
        for batch in batches:
            yield from failures(batch)
        return
    with ProcessPoolExecutor(jobs) as pool:
        for found in pool.map(failures, batches):
            yield from found


def main() -> int:
    """Run what the command line asks for; the exit status says if a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, help="run this one only")
    parser.add_argument("--first", type=int, default=0, help="the first of many")
    parser.add_argument("--seeds", type=int, default=1000, help="how many")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("-v", "--verbose", action="store_true", help="print the history")
    asked = parser.parse_args()
    if asked.seed is not None:
        broken = simulate(asked.seed, print if asked.verbose else None)
        sys.stdout.write("".join(f"BROKEN: {each}\n" for each in broken) or "all promises kept\n")
        return bool(broken)
    count = 0
    for seed, broken in search(asked.first, asked.seeds, asked.jobs):
        count += 1
        sys.stdout.write(f"python -m tests.simulation --seed {seed} -v\n    {broken[0]}\n")
        sys.stdout.flush()
    sys.stdout.write(f"{asked.seeds} histories, {count} of them broken\n")
    return count > 0


if __name__ == "__main__":
    sys.exit(main())
