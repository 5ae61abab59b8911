"""The figures to reach: ratios to what peers need for the same on the same machine."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.speed.results import Figure, Run, Table, cpu, peak, wall
from benchmarks.speed.tools import COMMAND_NAMES, PEER_NAMES
from benchmarks.speed.works import GIB, MIB, OURS, RESUMING

CHUNKS, DIRECT = OURS

_START, _IMPORT = "asyncup --version", "import aioboto3"
_IMPORT_SECONDS = 0.35
"""What `import aioboto3` takes where the goals for starting are given in seconds."""

_MEMORY = 110 * MIB
_FLAT = 1.15
"""As often as much memory for what is much larger counts as the same."""


@dataclass(frozen=True, slots=True)
class Goal:
    """A goal, and how near it is.

    Attributes:
        told: what it is about, for readers.
        most: the most that the figure may be.
        figure: what was measured, or None.
        form: how both are written.
    """

    told: str
    most: float
    figure: float | None
    form: str = "{:.2f}"

    @property
    def is_reached(self) -> bool | None:
        """Whether it is, None if that was not measured."""
        return None if self.figure is None else self.figure <= self.most


def evaluate(runs: Sequence[Run], sizes: dict[str, int]) -> list[Goal]:
    """Return all goals, in order; `sizes` are the bytes of works, by their names."""
    goals: list[Goal] = []
    for scheme in ("https", "http"):
        for work in ("a", "b"):
            goals += _large(Table(runs, work, scheme))
        goals += _small(Table(runs, "c", scheme))
    goals += _starting(runs)
    goals += _resuming(Table(runs, "e", "https"), sizes.get("e", 0))
    goals += _memory(runs)
    return goals


def _large(table: Table) -> Iterator[Goal]:
    yield _ratio(table, DIRECT, "wall time", wall, ("the best command-line peer", 0.65))
    yield _ratio(table, DIRECT, "wall time", wall, ("obstore", 0.95))
    yield _ratio(table, DIRECT, "CPU", cpu, ("the best command-line peer", 0.5))
    yield _ratio(table, DIRECT, "CPU", cpu, ("obstore", 0.85))
    yield _ratio(table, DIRECT, "CPU", cpu, ("curl", 1.25))
    yield _ratio(table, CHUNKS, "wall time", wall, ("the best command-line peer", 0.9))
    yield _ratio(table, CHUNKS, "CPU", cpu, ("the best command-line peer", 0.9))


def _small(table: Table) -> Iterator[Goal]:
    yield _ratio(table, CHUNKS, "wall time", wall, ("the best peer", 1.0))


_RIVALS = {"the best command-line peer": COMMAND_NAMES, "the best peer": PEER_NAMES}


def _ratio(table: Table, tool: str, word: str, figure: Figure, rival: tuple[str, float]) -> Goal:
    name, most = rival
    ours = table.median(tool, figure)
    theirs = table.best(_RIVALS.get(name, [name]), figure)
    told = f"({table.work}) {table.scheme.upper()}, {tool}: {word} / that of {name}"
    return Goal(told, most, _divided(ours, theirs))


def _starting(runs: Sequence[Run]) -> Iterator[Goal]:
    start = Table(runs, "start", "http")
    imported = start.median(_IMPORT, wall)
    once = Table(runs, "d", "https").median(CHUNKS, wall)
    told = "/ that of `import aioboto3`"
    yield Goal(f"(d) start to done {told}", 0.7 / _IMPORT_SECONDS, _divided(once, imported))
    version = start.median(_START, wall)
    yield Goal(f"`{_START}` {told}", 0.15 / _IMPORT_SECONDS, _divided(version, imported))


def _resuming(table: Table, size: int) -> Iterator[Goal]:
    for tools, word, most, scale in (
        (OURS, "seconds", 1.5, 1.0),
        ([f"{tool}, no journal" for tool in OURS], "seconds for each GiB", 1.0, size / GIB),
    ):
        # Of the two ways one has to be fast enough, and readers are told which one it is.
        figures = {tool: table.median(tool, wall) for tool in tools}
        found = {tool: figure for tool, figure in figures.items() if figure is not None}
        best = min(found, key=found.__getitem__, default=tools[0])
        yield Goal(f"(e) {best}: {word}", most, _divided(found.get(best), scale))


def _memory(runs: Sequence[Run]) -> Iterator[Goal]:
    ours = [run for run in runs if run.tool in RESUMING and not run.fault]
    most = max((run.peak for run in ours), default=None)
    yield Goal("peak memory of all works, MiB", _MEMORY / MIB, _divided(most, MIB), "{:.0f}")
    pairs = (
        ("file size: (a) / (d)", DIRECT, "https", "a", "d"),
        ("part size: (f) / (a)", DIRECT, "https", "f", "a"),
        ("part size, with chunk files: (f) / (a)", CHUNKS, "https", "f", "a"),
        ("number of files: (many) / (c)", CHUNKS, "http", "many", "c"),
    )
    for told, tool, scheme, large, small in pairs:
        figures = [Table(runs, work, scheme).median(tool, peak) for work in (large, small)]
        yield Goal(f"peak memory, flat in {told}", _FLAT, _divided(*figures))


def _divided(ours: float | None, theirs: float | None) -> float | None:
    return ours / theirs if ours is not None and theirs else None
