"""Compare tools on one machine: `python -m benchmarks.speed --rounds 5`.

What is measured is kept after each run. Begun again, it goes on with what is missing.
"""

import argparse
import compileall
import os
import random
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import date
from pathlib import Path

from asyncup.core.errors import AsyncupError
from asyncup.core.sizes import parse_size
from benchmarks.speed import machine, plot, report, works
from benchmarks.speed.measuring import Ground
from benchmarks.speed.results import Results, Run, Setting, Table, go_on
from benchmarks.speed.servers import Weed, run_sink
from benchmarks.speed.tools import TOOLS, Tool
from benchmarks.speed.works import WORKS, Work
from tests.servers import ROOT

PAGE = ROOT / "docs" / "performance.md"
RESULTS = ROOT / "benchmarks" / "results" / "speed.json"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed", description=__doc__)
    add = parser.add_argument
    add("--rounds", type=int, default=5, help="how often; 0 only tells (default: %(default)s)")
    add("--only", action="append", choices=[work.name for work in WORKS], help="only this work")
    add("--scheme", choices=["https", "http"], help="only by this one")
    add("--tool", action="append", choices=[tool.name for tool in TOOLS], help="only this one")
    add("--server", choices=["sink", "weed"], default="sink", help="(default: %(default)s)")
    add("--size", type=parse_size, help="instead of 4GiB for (a), (b) and (e)")
    add("--quick", action="store_true", help="little of everything")
    add("--work-dir", type=Path, help="keep files there, for the next time, too")
    add("--out", type=Path, default=RESULTS, help="where to keep what is measured")
    add("--fresh", action="store_true", help="forget what was measured before")
    add("--force", action="store_true", help="also where others are at work")
    add("--write", action="store_true", help=f"into {PAGE.relative_to(ROOT)}, with pictures")
    return parser


def main() -> int:
    """Do what the command line asks for."""
    asked = _parser().parse_args()
    known = works.quick(WORKS) if asked.quick else WORKS
    if asked.size:
        known = works.resized(known, asked.size)
    try:
        results = _measure_all(asked, known) if asked.rounds else Results.load(asked.out)
    except AsyncupError as error:
        sys.stderr.write(f"error: {error}\n" + (f"hint: {error.hint}\n" if error.hint else ""))
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write(f"stopped; what was measured is in {asked.out}, and can be gone on with\n")
        return 130
    told = report.tell(results, known)
    sys.stdout.write(told)
    if asked.write:
        report.write(PAGE, told)
        _draw(results, known)
    return 0


def _measure_all(asked: argparse.Namespace, known: Sequence[Work]) -> Results:
    if not asked.force:
        machine.check_quiet(os.getloadavg()[0], os.cpu_count() or 1)
    chosen = [work for work in known if work.name in _names(asked)]
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="asyncup-speed-")))
        sources = asked.work_dir or directory
        machine.check_disk(chosen, sources)
        plan = list(_plan(asked, chosen))
        # Of those that are measured only: the others need not be there.
        versions = {tool.name: tool.version for tool in {tool for _, tool, _, _ in plan}}
        setting = Setting(machine.facts(), versions, {work.name: work.told for work in known})
        results = go_on(asked.out, setting, date.today().isoformat(), afresh=asked.fresh)  # noqa: DTZ011 - the day here
        # As pip does where it installs: the first round is to be like the others.
        compileall.compile_dir(ROOT / "asyncup", quiet=1)
        server = Weed(directory) if asked.server == "weed" else stack.enter_context(run_sink())
        ground = Ground(server, directory)
        done = {run.key for run in results.runs}
        last: Path | None = None
        for work, tool, scheme, number in plan:
            if (work.name, tool.name, scheme, server.name, number) in done:
                continue
            if (source := works.lay(work, sources)) != last:
                works.warm(source)
            run = ground.measure(work, tool, scheme, source, number)
            last = source
            sys.stderr.write(_line(run))
            results.runs.append(run)
            results.save(asked.out)
    return results


def _names(asked: argparse.Namespace) -> Sequence[str]:
    """Return the names of the works that are asked for."""
    all_names = ["a", "b"] if asked.server == "weed" else [work.name for work in WORKS]
    return asked.only or all_names


def _plan(
    asked: argparse.Namespace, chosen: Sequence[Work]
) -> Iterator[tuple[Work, Tool, str, int]]:
    """Yield what is measured, in order: each round all, so that any end leaves whole rounds."""
    for number in range(1, asked.rounds + 1):
        for work in chosen:
            for scheme in work.schemes:
                if number <= work.most_rounds and asked.scheme in {None, scheme}:
                    tools = [tool for tool in TOOLS if _is_asked(asked, work, scheme, tool)]
                    # Another order each time: what the machine does beside falls on all.
                    order = random.Random(f"{number} {work.name} {scheme}")
                    for tool in order.sample(tools, len(tools)):
                        yield work, tool, scheme, number


def _is_asked(asked: argparse.Namespace, work: Work, scheme: str, tool: Tool) -> bool:
    if tool.name not in work.tools or (asked.server, tool.name) == ("weed", "curl"):
        return False  # curl does not sign, and a real store wants that
    if asked.tool:
        return tool.name in asked.tool
    return scheme == "https" or tool.name not in works.SECURE_ONLY


def _line(run: Run) -> str:
    fault = f" NOT COUNTED: {run.fault}" if run.fault else ""
    return (
        f"{run.round} ({run.work}) {run.scheme} {run.tool}: {run.wall:.2f} s, {run.cpu:.2f} CPU s, "
        f"{run.peak / works.MIB:.0f} MiB{fault}\n"
    )


def _draw(results: Results, chosen: Sequence[Work]) -> None:
    for work in chosen:
        table = Table(results.runs, work.name, "https")
        if (name := plot.name_of(table)) is not None:
            PAGE.with_name(name).write_text(plot.draw(table, work), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
