"""What was measured, as Markdown."""

import os
import platform
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.network.measuring import Measured
from benchmarks.network.results import Results
from benchmarks.network.scenarios import SCENARIOS, Scenario
from benchmarks.network.tools import TOOLS, Tool
from benchmarks.speed.machine import processor

BEGIN = "<!-- measured: make network-report -->"
END = "<!-- end of what was measured -->"


def write(page: Path, told: str) -> None:
    """Put what was measured into a page, between its marks."""
    text = page.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{BEGIN}\n\n{told}\n{END}{after}", encoding="utf-8")


def machine() -> str:
    """Say what this machine is."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    system = f"Linux {platform.release()}"
    return f"{system}, {os.cpu_count()} processors ({processor()}), {memory:.0f} GiB"


def tell(results: Results) -> str:
    """Return the tables, and how they came about."""
    names = {each.tool for each in results}
    tools = [tool for tool in TOOLS if tool.name in names]
    sizes = sorted({(each.scenario, each.size) for each in results})
    scenarios = [
        replace(scenario, size=size)
        for scenario in SCENARIOS
        for name, size in sizes
        if name == scenario.name
    ]
    return "\n".join([*_how(results, tools), *_tables(results, scenarios, tools)])


def _how(results: Results, tools: Sequence[Tool]) -> Iterator[str]:
    days = _range({each.day for each in results}, " to ")
    machines = "; ".join(sorted({each.machine for each in results}))
    yield (
        f"{days}, {machines}; {_commits(results)}TCP with cubic at both ends. Everything runs "
        "on this one machine. Of several runs, the median (least to most) is told. A tool that "
        "did not end in the time that is told was ended, and not tried again."
    )
    yield ""
    yield "| tool | version | command |"
    yield "|---|---|---|"
    for tool in tools:
        versions = ", ".join(sorted({each.version for each in results if each.tool == tool.name}))
        yield f"| {tool.name} | {versions} | `{tool.shown}` |"
    yield ""


def _commits(results: Results) -> str:
    commits = " and ".join(sorted({each.commit for each in results if each.commit}))
    return f"asyncup is that of commit {commits}; " if commits else ""


def _range(values: set[str], between: str) -> str:
    """Return the first and the last of some values, or the one that there is."""
    return between.join(sorted({min(values), max(values)}))


def _tables(
    results: Results, scenarios: Sequence[Scenario], tools: Sequence[Tool]
) -> Iterator[str]:
    for scenario in scenarios:
        yield f"**{scenario.title}** (the bytes alone: {scenario.ideal:.0f} s)"
        yield ""
        yield "| tool | object equal | seconds | Mbit/s | bytes sent | on the wire | connections |"
        yield "|---|---|---|---|---|---|---|"
        for tool in tools:
            if rounds := [each.measured for each in results.of(scenario, tool.name)]:
                yield f"| {tool.name} | {' | '.join(_cells(scenario, rounds))} |"
        yield ""


def _cells(scenario: Scenario, rounds: Sequence[Measured]) -> Iterator[str]:
    done = [each for each in rounds if each.is_done]
    failed = sorted({_told(each) for each in rounds if not each.is_done})
    yield ", ".join([f"{len(done)} of {len(rounds)}", *failed])
    # Those that failed count as well: how long it took to know, and what it cost.
    yield _spread(rounds, lambda each: each.seconds, "{:.1f}")
    yield _spread(done, lambda each: scenario.size * 8 / each.seconds / 1e6, "{:.1f}")
    yield _spread(rounds, lambda each: each.payload, "{:.3f}")
    yield _spread(rounds, lambda each: each.wire, "{:.3f}")
    yield _spread(rounds, lambda each: each.connections, "{:.0f}")


def _told(run: Measured) -> str:
    return f"exit {run.ended}" if run.is_over else f"not in {run.seconds:.0f} s"


def _spread(rounds: Sequence[Measured], what: Callable[[Measured], float], form: str) -> str:
    if not rounds:
        return "-"
    values = [what(each) for each in rounds]
    middle = form.format(statistics.median(values))
    if len(values) == 1:
        return middle
    return f"{middle} ({form.format(min(values))} to {form.format(max(values))})"
