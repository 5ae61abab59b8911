"""What was measured so far, kept in a file: what was broken off goes on where it was."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from benchmarks.network.measuring import Measured
from benchmarks.network.scenarios import Scenario
from benchmarks.network.tools import Tool


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One run of one tool, with all that is told of it.

    Attributes:
        scenario: its name.
        size: of the file, in bytes.
        tool: its name.
        version: what the tool told of itself.
        commit: of asyncup; of a peer, its version tells.
        patience: seconds that it had.
        day: as in ISO 8601.
        machine: where it ran.
        measured: what came out.
    """

    scenario: str
    size: int
    tool: str
    version: str
    commit: str
    patience: float
    day: str
    machine: str
    measured: Measured


class Results:
    """The runs in a file, which is written anew after each: whole, or as it was before.

    A tool that did not end in time is not tried again in that scenario.
    """

    def __init__(self, path: Path, runs: Sequence[Result] = ()) -> None:
        self._path = path
        self._runs = list(runs)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Return what a file holds; nothing if there is none."""
        if not path.exists():
            return cls(path)
        told = json.loads(path.read_text(encoding="utf-8"))
        # There were files that did not tell what had made them.
        unknown = {"commit": "", "patience": 0.0}
        runs = [unknown | each | {"measured": Measured(**each["measured"])} for each in told]
        return cls(path, [Result(**each) for each in runs])

    def __iter__(self) -> Iterator[Result]:
        return iter(self._runs)

    def add(self, result: Result) -> None:
        """Keep a run."""
        self._runs.append(result)
        text = json.dumps([asdict(each) for each in self._runs], indent=1)
        beside = self._path.with_suffix(".new")
        beside.write_text(f"{text}\n", encoding="utf-8")
        beside.replace(self._path)

    def forget(
        self, scenarios: Sequence[Scenario], commits: Mapping[str, str], patience: float
    ) -> None:
        """Forget runs of these scenarios that do not compare with what is measured now.

        They are those that another commit has made, told by the tools' names, or that had another
        patience.
        """
        sizes = {(each.name, each.size) for each in scenarios}
        self._runs = [
            each
            for each in self
            if (each.scenario, each.size) not in sizes
            or each.tool not in commits
            or (each.commit, each.patience) == (commits[each.tool], patience)
        ]

    def of(self, scenario: Scenario, tool: str) -> list[Result]:
        """Return the runs of a tool through a scenario, with a file of that size."""
        wanted = scenario.name, scenario.size, tool
        return [each for each in self if (each.scenario, each.size, each.tool) == wanted]

    def due(self, scenario: Scenario, tools: Sequence[Tool], rounds: int) -> list[Tool]:
        """Return the tools of which any is to be tried next, so that all come to `rounds` runs.

        They are those that have been tried least: each round is over before the next one begins.
        """
        tried = {tool.name: self.of(scenario, tool.name) for tool in tools}
        counts = {
            name: len(runs)
            for name, runs in tried.items()
            if len(runs) < rounds and all(each.measured.is_over for each in runs)
        }
        least = min(counts.values(), default=0)
        return [tool for tool in tools if counts.get(tool.name) == least]
