"""What was measured, as Markdown."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.speed import plot
from benchmarks.speed.goals import Goal, evaluate
from benchmarks.speed.results import Figure, Results, Spread, Table, cpu, peak, spread, wall
from benchmarks.speed.tools import PEER_NAMES, TOOLS
from benchmarks.speed.works import GIB, MIB, Work

BEGIN = "<!-- measured: make bench -->"
END = "<!-- end of what was measured -->"

_SCHEMES = ("https", "http")
_SERVERS = {"sink": "the sink", "weed": "SeaweedFS"}


def write(page: Path, told: str) -> None:
    """Put what was measured into a page, between its marks."""
    text = page.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{BEGIN}\n\n{told}\n{END}{after}", encoding="utf-8")


def tell(results: Results, works: Sequence[Work]) -> str:
    """Return how it was measured, the goals and the tables."""
    return "\n".join(
        [*_how(results), *_commands(results, works), *_goals(results, works)]
        + [line for work in works for line in _tables(results, work)]
    )


def _how(results: Results) -> Iterator[str]:
    machine = results.setting.machine
    rounds = max((run.round for run in results.runs), default=0)
    told = "one round" if rounds == 1 else f"{rounds} rounds: median (least to most)"
    yield (
        f"{results.began}, {machine['system']}, {machine['cores']} cores ({machine['processor']}), "
        f"{machine['memory']}, Python {machine['python']}; {told}. "
        "Everything runs on this one machine."
    )
    yield ""


def _commands(results: Results, works: Sequence[Work]) -> Iterator[str]:
    if commit := results.setting.machine["asyncup"]:
        yield f"asyncup is that of commit {commit}."
        yield ""
    if any(run.server == "weed" for run in results.runs):
        version = results.setting.machine["seaweedfs"]
        yield f"SeaweedFS is {version}; it keeps its objects on the disk that the files are on."
        yield ""
    versions = results.setting.versions
    yield "| tool | version | command |"
    yield "|---|---|---|"
    for tool in TOOLS:
        done = {run.work for run in results.runs if run.tool == tool.name}
        if first := next((work for work in works if work.name in done), None):
            yield f"| {tool.name} | {versions[tool.name]} | `{tool.shown(first)}` |"
    yield ""


def _goals(results: Results, works: Sequence[Work]) -> Iterator[str]:
    goals = evaluate(results.runs, {work.name: work.total for work in works})
    yield "| goal | at most | measured | |"
    yield "|---|---|---|---|"
    for goal in goals:
        if goal.figure is not None:
            figures = goal.form.format(goal.most), goal.form.format(goal.figure)
            yield f"| {goal.told} | {' | '.join(figures)} | {_verdict(goal)} |"
    yield ""


def _verdict(goal: Goal) -> str:
    return "reached" if goal.is_reached else "**not reached**"


def _tables(results: Results, work: Work) -> Iterator[str]:
    for server in _SERVERS:
        for scheme in _SCHEMES:
            table = Table(results.runs, work.name, scheme, server)
            if any(table.of(tool.name) for tool in TOOLS):
                yield from _table(table, work)


def _table(table: Table, work: Work) -> Iterator[str]:
    of = f", {table.scheme.upper()} to {_SERVERS[table.server]}" if work.files else ""
    yield f"**({work.name}) {work.told}{of}**"
    yield ""
    if (name := plot.name_of(table)) is not None:
        yield f"![{work.told}: seconds, CPU seconds and memory of each tool]({name})"
        yield ""
    yield "| tool | seconds | of best peer | CPU seconds | of best peer | CPU s/GiB | MiB |"
    yield "|---|---|---|---|---|---|---|"
    faults: dict[str, None] = {}
    for tool in TOOLS:
        if runs := table.of(tool.name):
            yield f"| {tool.name} | {' | '.join(_cells(table, tool.name, work))} |"
            faults |= {
                f"{tool.name}, round {run.round}: {run.fault}": None for run in runs if run.fault
            }
    yield ""
    if faults:
        yield f"Not counted: {'; '.join(faults)}."
        yield ""
    yield from _server(table, work)


def _server(table: Table, work: Work) -> Iterator[str]:
    """Tell what the server has taken for it, which is at work on the same cores."""
    every = [run for tool in TOOLS for run in table.of(tool.name)]
    taken = spread(every, lambda run: run.server_cpu)
    if table.server == "sink" and work.to_send and taken is not None:
        yield f"The sink took {_written(taken, GIB / work.to_send, '.2f')} CPU seconds a GiB."
        yield ""


def _cells(table: Table, tool: str, work: Work) -> Iterator[str]:
    runs = table.of(tool)
    yield _spread(spread(runs, wall), ".2f")
    yield _ratio(table, tool, wall)
    yield _spread(spread(runs, cpu), ".2f")
    yield _ratio(table, tool, cpu)
    taken = table.median(tool, cpu)
    yield "-" if taken is None or not work.total else f"{taken * GIB / work.total:.2f}"
    found = spread(runs, peak)
    yield "-" if found is None else _written(found, 1 / MIB, ".0f")


def _ratio(table: Table, tool: str, figure: Figure) -> str:
    ours, best = table.median(tool, figure), table.best(PEER_NAMES, figure)
    return "-" if ours is None or not best else f"{ours / best:.2f}"


def _spread(found: Spread | None, form: str) -> str:
    return "-" if found is None else _written(found, 1, form)


def _written(found: Spread, scale: float, form: str) -> str:
    median, least, most = (
        f"{each * scale:{form}}" for each in (found.median, found.least, found.most)
    )
    return median if least == most else f"{median} ({least} to {most})"
