"""What was measured, as Markdown."""

import os
import platform
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path

from benchmarks.network.measuring import Measured
from benchmarks.network.scenarios import Scenario
from benchmarks.network.tools import Tool

BEGIN = "<!-- measured: make network-report -->"
END = "<!-- end of what was measured -->"

Results = Mapping[tuple[str, str], Sequence[Measured]]
"""By scenario and tool: a measurement for each round."""


def write(page: Path, told: str) -> None:
    """Put what was measured into a page, between its marks."""
    text = page.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{BEGIN}\n\n{told}\n{END}{after}", encoding="utf-8")


def tell(
    scenarios: Sequence[Scenario], tools: Sequence[Tool], results: Results, patience: float
) -> str:
    """Return the tables, and how they came about."""
    rounds = min(len(each) for each in results.values())
    return "\n".join([*_how(tools, rounds, patience), *_tables(scenarios, tools, results)])


def _how(tools: Sequence[Tool], rounds: int, patience: float) -> Iterator[str]:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    rounds_told = "one round" if rounds == 1 else f"{rounds} rounds: median (least to most)"
    yield (
        f"{date.today().isoformat()}, Linux {platform.release()}, {os.cpu_count()} processors "  # noqa: DTZ011 - the day here
        f"({_processor()}), {memory:.0f} GiB; TCP with cubic at both ends; {rounds_told}. "
        f"Everything runs on this one machine; a tool is ended after {patience:g} s."
    )
    yield ""
    yield "| tool | version | command |"
    yield "|---|---|---|"
    for tool in tools:
        yield f"| {tool.name} | {tool.version} | `{tool.shown}` |"
    yield ""


def _processor() -> str:
    told = Path("/proc/cpuinfo")
    for line in told.read_text(encoding="utf-8").splitlines() if told.exists() else ():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _tables(
    scenarios: Sequence[Scenario], tools: Sequence[Tool], results: Results
) -> Iterator[str]:
    for scenario in scenarios:
        yield f"**{scenario.title}** (the bytes alone: {scenario.ideal:.0f} s)"
        yield ""
        yield "| tool | object equal | seconds | Mbit/s | bytes sent | on the wire | connections |"
        yield "|---|---|---|---|---|---|---|"
        for tool in tools:
            rounds = results[scenario.name, tool.name]
            yield f"| {tool.name} | {' | '.join(_cells(scenario, rounds))} |"
        yield ""


def _cells(scenario: Scenario, rounds: Sequence[Measured]) -> Iterator[str]:
    done = [each for each in rounds if each.is_done]
    failed = sorted({each.ended for each in rounds if not each.is_done})
    yield f"{len(done)} of {len(rounds)}" + "".join(f", {_told(each)}" for each in failed)
    # Those that failed count as well: how long it took to know, and what it cost.
    yield _spread(rounds, lambda each: each.seconds, "{:.1f}")
    yield _spread(done, lambda each: scenario.size * 8 / each.seconds / 1e6, "{:.1f}")
    yield _spread(rounds, lambda each: each.payload, "{:.3f}")
    yield _spread(rounds, lambda each: each.wire, "{:.3f}")
    yield _spread(rounds, lambda each: each.connections, "{:.0f}")


def _told(ended: str) -> str:
    return f"exit {ended}" if ended.lstrip("-").isdigit() else ended


def _spread(rounds: Sequence[Measured], what: Callable[[Measured], float], form: str) -> str:
    if not rounds:
        return "-"
    values = [what(each) for each in rounds]
    middle = form.format(statistics.median(values))
    if len(values) == 1:
        return middle
    return f"{middle} ({form.format(min(values))} to {form.format(max(values))})"
