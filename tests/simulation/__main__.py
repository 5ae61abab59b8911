"""Run histories: `python -m tests.simulation --seeds 1000`, or one of them with `--seed 7 -v`."""

import argparse
import sys
from contextlib import nullcontext

from tests.simulation.history import simulate
from tests.simulation.mutants import MUTANTS
from tests.simulation.search import catch_all, search


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, help="run this one only")
    parser.add_argument("--first", type=int, default=0, help="the first of many")
    parser.add_argument("--seeds", type=int, default=1000, help="how many")
    parser.add_argument("--jobs", type=int, help="processes (as many as there are processors)")
    parser.add_argument("--mutant", help="break the engine on purpose in this way; with --seed")
    parser.add_argument("--mutants", action="store_true", help="catch everything in mutants.py")
    parser.add_argument("-v", "--verbose", action="store_true", help="print the history")
    return parser


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def _one(seed: int, mutant: str | None, *, verbose: bool) -> int:
    swapped = [each.at_work() for each in MUTANTS if each.name == mutant]
    with swapped[0] if swapped else nullcontext():
        broken = simulate(seed, _tell if verbose else None)
    sys.stdout.write("".join(f"BROKEN: {each}\n" for each in broken) or "all promises are kept\n")
    return bool(broken)


def _mutants(jobs: int | None) -> int:
    caught = catch_all([each.name for each in MUTANTS], jobs)
    for mutant in MUTANTS:
        found = caught[mutant.name]
        told = f"not in {mutant.within} histories" if found is None else f"seed {found.seed}"
        what = "" if found is None else found.broken[0].splitlines()[0]
        sys.stdout.write(f"{told:>24}  {mutant.name}: {mutant.breaks}\n{'':26}{what}\n")
    return None in caught.values()


def _many(first: int, seeds: int, jobs: int | None) -> int:
    count = 0
    for found in search(first, seeds, jobs):
        count += 1
        sys.stdout.write(f"{found}\n")
        sys.stdout.flush()
    sys.stdout.write(f"{seeds} histories, {count} of them broken\n")
    return count > 0


def main() -> int:
    """Do what the command line asks for; the exit status says if a promise was broken."""
    asked = _parser().parse_args()
    if asked.seed is not None:
        return _one(asked.seed, asked.mutant, verbose=asked.verbose)
    if asked.mutants:
        return _mutants(asked.jobs)
    return _many(asked.first, asked.seeds, asked.jobs)


if __name__ == "__main__":
    sys.exit(main())
