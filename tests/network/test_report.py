"""The comparison with peers: what was measured is kept, told as it was, and not measured twice."""

import json
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.network import report
from benchmarks.network.measuring import Measured
from benchmarks.network.results import Result, Results
from benchmarks.network.scenarios import SCENARIOS, Scenario
from benchmarks.network.tools import TOOLS
from tests.servers import ROOT

DONE = Measured(0, equal=True, seconds=20.0, wire=1.05, payload=1.001, connections=8)
SLOWER = replace(DONE, seconds=40.0)
WRONG = Measured(0, equal=False, seconds=10.0, wire=1.0, payload=1.0, connections=8)
FAILED = replace(WRONG, ended=1)
LATE = Measured(None, equal=False, seconds=170.02, wire=0.5, payload=0.5, connections=1)
CLEAN, LOSSY = SCENARIOS[:2]
ASYNCUP, PEER = (tool.name for tool in TOOLS[:2])


def result(measured: Measured, scenario: Scenario = CLEAN, tool: str = ASYNCUP) -> Result:
    """Return what is kept of a run."""
    return Result(
        scenario=scenario.name,
        size=scenario.size,
        tool=tool,
        version="1.0",
        commit="abc1234",
        patience=170.0,
        day="2026-11-27",
        machine="a machine",
        measured=measured,
    )


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """Return where results are kept."""
    return tmp_path / "measured.json"


def row(path: Path, *rounds: Measured) -> str:
    """Return what is told of some rounds of 200 MB."""
    told = report.tell(Results(path, [result(each) for each in rounds]))
    assert told.count(f"**{CLEAN.title}**") == 1
    (last,) = [line for line in told.splitlines() if line.startswith("| asyncup |")][1:]
    return last


def test_one_round(kept: Path) -> None:
    """One round is told as it was."""
    assert row(kept, DONE) == "| asyncup | 1 of 1 | 20.0 | 80.0 | 1.001 | 1.050 | 8 |"


def test_spread(kept: Path) -> None:
    """Of several, the middle, the least and the most are told."""
    assert "| 30.0 (20.0 to 40.0) | 60.0 (40.0 to 80.0) |" in row(kept, DONE, SLOWER)


def test_failures_are_told(kept: Path) -> None:
    """A tool that says it is done, and is not, has failed, as one that says so or never ends."""
    told = row(kept, DONE, WRONG, FAILED, LATE)
    assert "| 1 of 4, exit 0, exit 1, not in 170 s | 15.0 (10.0 to 170.0) | 80.0 |" in told


def test_what_was_not_measured_is_not_told(kept: Path) -> None:
    """Neither tools nor scenarios that were left out, or not come to yet; the rest in its order."""
    results = Results(kept, [result(DONE, LOSSY, PEER), result(DONE)])
    told = report.tell(results)
    assert [line for line in told.splitlines() if line.startswith("**")] == [
        f"**{each.title}** (the bytes alone: {each.ideal:.0f} s)" for each in (CLEAN, LOSSY)
    ]
    assert {line.split(" | ")[0] for line in told.splitlines() if line.startswith("| ")} == {
        "| tool",
        f"| {ASYNCUP}",
        f"| {PEER}",
    }


def test_runs_are_kept(kept: Path) -> None:
    """Each is in the file as soon as it is over; the next begin finds them all."""
    first = Results.read(kept)
    for measured in (DONE, LATE):
        first.add(result(measured))
        assert list(Results.read(kept)) == list(first)
    assert list(kept.parent.glob("measured*")) == [kept]


def due(kept: Path, *runs: Result, rounds: int = 2, scenario: Scenario = CLEAN) -> list[str]:
    """Return the names of the tools that are to be tried next."""
    return [tool.name for tool in Results(kept, runs).due(scenario, TOOLS[:2], rounds)]


def test_what_is_missing_is_measured(kept: Path) -> None:
    """Round by round, until there are enough of them, in each scenario and with each size."""
    one, other = result(DONE), result(FAILED, tool=PEER)
    assert due(kept) == [ASYNCUP, PEER]
    assert due(kept, one) == [PEER]
    assert due(kept, one, other) == [ASYNCUP, PEER]
    assert due(kept, one, other, other) == [ASYNCUP]
    assert due(kept, one, other, other, one) == []
    assert due(kept, one, other, rounds=1) == []
    assert due(kept, one, scenario=LOSSY) == [ASYNCUP, PEER]
    assert due(kept, one, scenario=replace(CLEAN, size=1)) == [ASYNCUP, PEER]


def test_who_did_not_end_is_not_tried_again(kept: Path) -> None:
    """It would take as long again, of every round; elsewhere it may do better."""
    late = result(LATE, tool=PEER)
    assert due(kept, late) == [ASYNCUP]
    assert due(kept, late, result(DONE)) == [ASYNCUP]
    assert due(kept, late, result(DONE), result(DONE)) == []
    assert due(kept, late, scenario=LOSSY) == [ASYNCUP, PEER]


@pytest.mark.parametrize(
    ("changed", "is_kept"),
    [
        ({}, True),
        ({"commit": "def5678"}, False),
        ({"commit": "abc1234 and changes 1234567"}, False),
        ({"patience": 60.0}, False),
        ({"commit": "def5678", "scenario": LOSSY.name}, True),
        ({"commit": "def5678", "size": 1}, True),
        ({"commit": "def5678", "tool": PEER}, True),
    ],
)
def test_what_other_code_has_made_is_measured_again(
    kept: Path, changed: dict[str, Any], *, is_kept: bool
) -> None:
    """It does not count as what is asked for now; what is not asked for stays as it is."""
    old = replace(result(DONE), **changed)
    results = Results(kept, [old])
    results.forget([CLEAN], {ASYNCUP: "abc1234"}, 170.0)
    assert list(results) == ([old] if is_kept else [])


def test_of_older_files_nobody_knows_what_made_them(kept: Path) -> None:
    """They are told, and count no more."""
    told = asdict(result(DONE))
    del told["commit"], told["patience"]
    kept.write_text(json.dumps([told]), encoding="utf-8")
    results = Results.read(kept)
    assert report.tell(results)
    results.forget([CLEAN], {ASYNCUP: "abc1234"}, 170.0)
    assert list(results) == []


def tell(kept: Path) -> "subprocess.CompletedProcess[str]":
    """Ask for the report of what was kept, and nothing more."""
    command = [sys.executable, "-m", "benchmarks.network", "--rounds=0", f"--kept={kept}"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_file_alone_is_enough(kept: Path) -> None:
    """Without a link, a server or a peer, and as anybody, what was kept is told."""
    Results(kept).add(result(DONE))
    done = tell(kept)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == report.tell(Results.read(kept))
    assert "2026-11-27, a machine; asyncup is that of commit abc1234; TCP" in done.stdout
    assert json.loads(kept.read_text(encoding="utf-8"))[0]["version"] == "1.0"


def test_nothing_to_tell(kept: Path) -> None:
    """That is an error, and no empty table."""
    done = tell(kept)
    assert (done.returncode, done.stdout) == (2, "")
    assert str(kept) in done.stderr


def test_page(tmp_path: Path) -> None:
    """What is written by hand stays; what was measured before goes."""
    page = tmp_path / "page.md"
    page.write_text((ROOT / "docs" / "networks.md").read_text(encoding="utf-8"), encoding="utf-8")
    report.write(page, "first\n")
    once = page.read_text(encoding="utf-8")
    report.write(page, "second\n")
    assert page.read_text(encoding="utf-8") == once.replace("first", "second")
    assert once.startswith("# Networks that cannot be trusted")
