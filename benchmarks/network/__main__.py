"""Compare tools on a bad link: `python -m benchmarks.network --rounds 3`, as root.

What was measured is kept after each run: begun again, it goes on with what is missing, and does
again what another commit of asyncup or another patience has made.
"""

import argparse
import random
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

from benchmarks.network import report
from benchmarks.network.measuring import Ground, measure
from benchmarks.network.results import Result, Results
from benchmarks.network.scenarios import QUICK, QUICK_SIZE, SCENARIOS, Scenario
from benchmarks.network.tools import TOOLS, Tool
from tests.network.link import open_link
from tests.network.namespaces import missing
from tests.network.store import open_store
from tests.servers import ROOT

PAGE = ROOT / "docs" / "networks.md"
KEPT = ROOT / "benchmarks" / "network" / "measured.json"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.network", description=__doc__)
    parser.add_argument(
        "--rounds",
        type=int,
        default=3,
        help="how often, with what was kept; 0 only tells that (default: %(default)s)",
    )
    parser.add_argument(
        "--patience", type=float, default=170, help="seconds for each (default: %(default)s)"
    )
    parser.add_argument(
        "--kept", type=Path, default=KEPT, help="where it is kept (default: %(default)s)"
    )
    parser.add_argument("--anew", action="store_true", help="forget what was kept")
    parser.add_argument("--quick", action="store_true", help="small files, some scenarios")
    parser.add_argument(
        "--scenario", action="append", choices=[each.name for each in SCENARIOS], help="only this"
    )
    parser.add_argument(
        "--tool", action="append", choices=[each.name for each in TOOLS], help="only this"
    )
    parser.add_argument("--write", action="store_true", help=f"into {PAGE.relative_to(ROOT)}")
    return parser


def main() -> int:
    """Do what the command line asks for."""
    asked = _parser().parse_args()
    names = asked.scenario or (QUICK if asked.quick else [each.name for each in SCENARIOS])
    scenarios = [each for each in SCENARIOS if each.name in names]
    if asked.quick:
        scenarios = [replace(each, size=QUICK_SIZE) for each in scenarios]
    tools = [each for each in TOOLS if not asked.tool or each.name in asked.tool]
    if asked.anew:
        asked.kept.unlink(missing_ok=True)
    results = Results.read(asked.kept)
    commits = {tool.name: tool.commit for tool in tools}
    if asked.rounds:
        results.forget(scenarios, commits, asked.patience)
    due = [each for each in scenarios if results.due(each, tools, asked.rounds)]
    if due and (what := missing()) is not None:
        sys.stderr.write(f"error: this needs {what}\n")
        return 2
    if due:
        _measure(results, due, tools, rounds=asked.rounds, patience=asked.patience)
    if not list(results):
        sys.stderr.write(f"error: nothing is kept in {asked.kept}\n")
        return 2
    told = report.tell(results)
    sys.stdout.write(told)
    if asked.write:
        report.write(PAGE, told)
    return 0


def _measure(
    results: Results,
    scenarios: Sequence[Scenario],
    tools: Sequence[Tool],
    *,
    rounds: int,
    patience: float,
) -> None:
    """Measure what is missing."""
    versions = {tool.name: tool.version for tool in tools}
    machine = report.machine()
    with open_link() as link, tempfile.TemporaryDirectory(prefix="asyncup-") as directory:
        place = Path(directory)
        for scenario in scenarios:
            with open_store(link, place / scenario.name) as store:
                ground = Ground(link, store, place, patience)
                while due := results.due(scenario, tools, rounds):
                    # Each round in another order: what the machine does beside falls on all.
                    tool = random.choice(due)
                    measured = measure(ground, scenario, tool)
                    sys.stderr.write(f"{scenario.name}, {tool.name}: {measured}\n")
                    results.add(
                        Result(
                            scenario=scenario.name,
                            size=scenario.size,
                            tool=tool.name,
                            version=versions[tool.name],
                            commit=tool.commit,
                            patience=patience,
                            day=date.today().isoformat(),  # noqa: DTZ011 - the day here
                            machine=machine,
                            measured=measured,
                        )
                    )


if __name__ == "__main__":
    sys.exit(main())
