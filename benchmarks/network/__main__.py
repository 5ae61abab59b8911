"""Compare tools on a bad link: `python -m benchmarks.network --rounds 3`, as root."""

import argparse
import random
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from benchmarks.network import report
from benchmarks.network.measuring import Ground, Measured, measure
from benchmarks.network.scenarios import QUICK, QUICK_SIZE, SCENARIOS
from benchmarks.network.tools import TOOLS
from tests.network.link import open_link
from tests.network.namespaces import missing
from tests.network.store import open_store
from tests.servers import ROOT

PAGE = ROOT / "docs" / "networks.md"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.network", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how often (default: %(default)s)")
    parser.add_argument(
        "--patience", type=float, default=900, help="seconds for each (default: %(default)s)"
    )
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
    if (what := missing()) is not None:
        sys.stderr.write(f"error: this needs {what}\n")
        return 2
    names = asked.scenario or (QUICK if asked.quick else [each.name for each in SCENARIOS])
    scenarios = [each for each in SCENARIOS if each.name in names]
    if asked.quick:
        scenarios = [replace(each, size=QUICK_SIZE) for each in scenarios]
    tools = [each for each in TOOLS if not asked.tool or each.name in asked.tool]
    results: dict[tuple[str, str], list[Measured]] = {}
    with ExitStack() as stack:
        link = stack.enter_context(open_link())
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="asyncup-")))
        for scenario in scenarios:
            with open_store(link, place / scenario.name) as store:
                ground = Ground(link, store, place, asked.patience)
                for _ in range(asked.rounds):
                    # Each round in another order: what the machine does beside falls on all.
                    for tool in random.sample(tools, len(tools)):
                        measured = measure(ground, scenario, tool)
                        results.setdefault((scenario.name, tool.name), []).append(measured)
                        sys.stderr.write(f"{scenario.name}, {tool.name}: {measured}\n")
    told = report.tell(scenarios, tools, results, asked.patience)
    sys.stdout.write(told)
    if asked.write:
        report.write(PAGE, told)
    return 0


if __name__ == "__main__":
    sys.exit(main())
