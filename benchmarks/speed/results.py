"""What was measured: kept in a file after each run, so that it can be gone on with."""

import json
import os
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from asyncup.core.errors import UsageError

SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A tool that did a work once.

    Attributes:
        work, tool, scheme, server: which, by their names.
        round: the how manieth time, from 1.
        wall: seconds from its start to its end.
        cpu: seconds of user and system, of it and all processes that it waited for.
        peak: bytes resident, at most, of the largest of its processes.
        fault: what is wrong with it, so that its figures do not count; else empty.
        received: bytes of bodies that arrived at the server.
        server_cpu: seconds of CPU that the server took for it.
    """

    work: str
    tool: str
    scheme: str
    server: str
    round: int
    wall: float
    cpu: float
    peak: int
    fault: str
    received: int
    server_cpu: float

    @property
    def key(self) -> tuple[str, str, str, str, int]:
        """What it is a measurement of."""
        return self.work, self.tool, self.scheme, self.server, self.round


@dataclass(frozen=True, slots=True)
class Setting:
    """Where and with what it was measured: runs of different settings do not compare.

    Attributes:
        machine: facts about it, by their names.
        versions: of the tools, by their names.
        works: what each is, for readers, by their names.
    """

    machine: Mapping[str, str]
    versions: Mapping[str, str]
    works: Mapping[str, str]


@dataclass(slots=True)
class Results:
    """All runs in one setting; `began` is the day of the first one, as ISO 8601 writes it."""

    setting: Setting
    began: str
    runs: list[Run] = field(default_factory=list)

    def save(self, path: Path) -> None:
        """Write them into a file, which is whole at any time."""
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = ",\n".join(json.dumps(_rounded(run)) for run in self.runs)
        head = json.dumps({"schema": SCHEMA, "began": self.began, "setting": asdict(self.setting)})
        unfinished = path.with_name(path.name + ".unfinished")
        unfinished.write_text(f'{head[:-1]}, "runs": [\n{lines}\n]}}\n', encoding="utf-8")
        os.replace(unfinished, path)  # noqa: PTH105 - the same with fewer words

    @classmethod
    def load(cls, path: Path) -> "Results":
        """Read what was saved.

        Raises:
            UsageError: it is of another version.
        """
        told = json.loads(path.read_text(encoding="utf-8"))
        if told.get("schema") != SCHEMA:
            raise UsageError(f"read {path}: not of schema {SCHEMA}")
        runs = [Run(**each) for each in told["runs"]]
        return cls(Setting(**told["setting"]), told["began"], runs)


def _rounded(run: Run) -> dict[str, object]:
    told = asdict(run)
    return told | {name: round(told[name], 4) for name in ("wall", "cpu", "server_cpu")}


def go_on(path: Path, setting: Setting, today: str, *, afresh: bool) -> Results:
    """Return the runs that are in a file, to add more to them; none if there is no file.

    The versions of tools that nobody asks for are those of before.

    Raises:
        UsageError: they were measured in another setting.
    """
    if afresh or not path.exists():
        return Results(setting, today)
    results = Results.load(path)
    before = results.setting
    now = replace(setting, versions={**before.versions, **setting.versions})
    if now != replace(before, versions={**setting.versions, **before.versions}):
        raise UsageError(
            f"go on with {path}: it was measured on another machine, with other versions or sizes",
            hint="add --fresh to begin anew, or --out FILE to keep it",
        )
    results.setting = now
    return results


@dataclass(frozen=True, slots=True)
class Spread:
    """The middle of some figures, the least and the greatest."""

    median: float
    least: float
    most: float


Figure = Callable[[Run], float]


def wall(run: Run) -> float:
    """Return its seconds."""
    return run.wall


def cpu(run: Run) -> float:
    """Return its CPU seconds."""
    return run.cpu


def peak(run: Run) -> float:
    """Return its bytes in memory."""
    return float(run.peak)


def spread(runs: Iterable[Run], figure: Figure) -> Spread | None:
    """Return how a figure is spread over runs, None if there is none that counts."""
    values = [figure(run) for run in runs if not run.fault]
    if not values:
        return None
    return Spread(statistics.median(values), min(values), max(values))


@dataclass(frozen=True, slots=True)
class Table:
    """The runs of one work by one scheme on one server."""

    runs: Sequence[Run]
    work: str
    scheme: str
    server: str = "sink"

    def of(self, tool: str) -> list[Run]:
        """Return the runs of a tool."""
        which = (self.work, tool, self.scheme, self.server)
        return [run for run in self.runs if run.key[:4] == which]

    def median(self, tool: str, figure: Figure) -> float | None:
        """Return the middle figure of a tool, None if it was not measured."""
        found = spread(self.of(tool), figure)
        return found.median if found else None

    def best(self, tools: Iterable[str], figure: Figure) -> float | None:
        """Return the least middle figure of some tools, None if none of them was measured."""
        medians = [self.median(tool, figure) for tool in tools]
        return min((each for each in medians if each is not None), default=None)
