"""What is told of figures is what the figures say."""

import json
import random
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from asyncup.core.errors import UsageError
from benchmarks.speed import machine, plot, report
from benchmarks.speed.__main__ import main
from benchmarks.speed.goals import Goal, evaluate
from benchmarks.speed.results import Results, Run, Setting, Spread, Table, cpu, go_on, spread, wall
from benchmarks.speed.tools import TOOLS, Tool
from benchmarks.speed.works import ALL, GIB, MIB, WORKS, by_name
from tests.servers import ROOT

MACHINE = {
    "system": "Linux 6",
    "processor": "AMD <EPYC>",
    "cores": "2",
    "memory": "24 GiB",
    "python": "3.11.7",
    "asyncup": "abc1234",
    "seaweedfs": "4.48",
}
by_tool = {tool.name: tool for tool in TOOLS}
SETTING = Setting(MACHINE, {tool.name: f"{tool.name} 1" for tool in TOOLS}, {"a": "one file"})

SECONDS = {
    "asyncup": (9.0, 9.0),
    "asyncup --direct": (6.5, 4.9),
    "s5cmd": (12.0, 10.0),
    "rclone": (10.0, 12.0),
    "obstore": (6.0, 7.0),
    "curl": (5.0, 4.0),
}
"""Wall and CPU of each tool."""


def ran(  # noqa: PLR0913, PLR0917 - it is a row of a table
    tool: str,
    seconds: float,
    cpu_seconds: float = 1.0,
    number: int = 1,
    fault: str = "",
    work: str = "a",
    scheme: str = "https",
    mib: float = 100,
) -> Run:
    """Return what might have been measured."""
    return Run(
        work=work,
        tool=tool,
        scheme=scheme,
        server="sink",
        round=number,
        wall=seconds,
        cpu=cpu_seconds,
        peak=round(mib * MIB),
        fault=fault,
        received=4 * GIB,
        server_cpu=2.4,
    )


def some_runs() -> list[Run]:
    """Return three rounds of (a), in which each tool was once faster and once slower."""
    return [
        ran(tool, seconds * by, cpu_seconds * by, number)
        for tool, (seconds, cpu_seconds) in SECONDS.items()
        for number, by in enumerate((1.0, 0.9, 1.3), 1)
    ]


def goals_of(runs: Sequence[Run]) -> dict[str, Goal]:
    """Return the goals that were measured, by what they are about."""
    goals = evaluate(runs, {"e": 4 * GIB})
    return {goal.told: goal for goal in goals if goal.figure is not None}


def test_spread() -> None:
    """The middle, the least and the greatest are told of all runs that count."""
    rounds = [ran("curl", each) for each in (3.0, 1.0, 9.0, 2.0)]
    wrong = ran("curl", 0.1, fault="0 objects of 0 bytes in all")
    assert spread([*rounds, wrong], wall) == Spread(2.5, 1.0, 9.0)
    assert spread([wrong], wall) is None


def test_best_peer() -> None:
    """The best is the one with the least middle figure, of those that were measured."""
    table = Table(some_runs(), "a", "https")
    assert table.best(["s5cmd", "rclone", "aws-cli"], wall) == 10.0
    assert table.best(["s5cmd", "rclone", "aws-cli"], cpu) == 10.0
    assert table.best(["aws-cli"], cpu) is None
    assert Table(some_runs(), "a", "http").best(["s5cmd"], wall) is None


def test_goals_of_large_files() -> None:
    """Each ratio is of the middle figures, and reached at exactly its limit."""
    goals = goals_of(some_runs())
    of = "(a) HTTPS, asyncup --direct: "
    told = {name.removeprefix(of): goal for name, goal in goals.items() if name.startswith(of)}
    figures = {
        name: (f"{goal.figure:.3f}", goal.most, goal.is_reached) for name, goal in told.items()
    }
    assert figures == {
        "wall time / that of the best command-line peer": ("0.650", 0.65, True),
        "wall time / that of obstore": ("1.083", 0.95, False),
        "CPU / that of the best command-line peer": ("0.490", 0.5, True),
        "CPU / that of obstore": ("0.700", 0.85, True),
        "CPU / that of curl": ("1.225", 1.25, True),
    }
    chunks = goals["(a) HTTPS, asyncup: wall time / that of the best command-line peer"]
    assert (chunks.figure, chunks.most, chunks.is_reached) == (0.9, 0.9, True)


def test_goals_of_small_files_and_starting() -> None:
    """Small files go up at the best rate of all peers; a start is told in imports of aioboto3."""
    goals = goals_of(
        [
            ran("asyncup", 4.0, work="c", scheme="http"),
            ran("rclone", 5.0, work="c", scheme="http"),
            ran("obstore", 2.0, work="c", scheme="http"),
            ran("curl", 1.0, work="c", scheme="http"),
            ran("asyncup", 0.9, work="d"),
            ran("asyncup --version", 0.2, work="start", scheme="http"),
            ran("import aioboto3", 0.5, work="start", scheme="http"),
        ]
    )
    assert goals["(c) HTTP, asyncup: wall time / that of the best peer"].figure == 2.0
    start = goals["(d) start to done / that of `import aioboto3`"]
    assert (start.figure, start.is_reached) == (1.8, True)
    assert start.most == pytest.approx(2.0)
    version = goals["`asyncup --version` / that of `import aioboto3`"]
    assert (version.figure, version.is_reached) == (0.4, True)


def test_goals_of_resuming_and_memory() -> None:
    """Going on is told in seconds, memory as the most of all works, and as flat or not."""
    goals = goals_of(
        [
            ran("asyncup --direct", 1.6, work="e", mib=90),
            ran("asyncup", 1.4, work="e", mib=90),
            ran("asyncup --direct, no journal", 3.0, work="e", mib=111),
            ran("asyncup --direct", 6.0, mib=100),
            ran("asyncup --direct", 6.0, work="d", mib=80),
            ran("asyncup --direct", 6.0, work="f", mib=300, fault="exit 1"),
            ran("obstore", 6.0, mib=500),
        ]
    )
    assert goals["(e) asyncup: seconds"].figure == 1.4
    assert goals["(e) asyncup --direct, no journal: seconds for each GiB"].figure == 0.75
    memory = goals["peak memory of all works, MiB"]
    assert (memory.figure, memory.most, memory.is_reached) == (111, 110, False)
    flat = goals["peak memory, flat in file size: (a) / (d)"]
    assert (flat.figure, flat.is_reached) == (1.25, False)
    assert "peak memory, flat in part size: (f) / (a)" not in goals


def test_table() -> None:
    """A row has what was measured, the ratio to the best peer, and what it is for each GiB."""
    runs = [*some_runs(), ran("rclone", 0.1, number=4, fault="exit 1")]
    told = report.tell(Results(SETTING, "2026-11-27", runs), [by_name(WORKS)["a"]])
    assert "**(a) one file of 4 GiB, HTTPS to the sink**" in told
    assert "asyncup is that of commit abc1234." in told
    assert "SeaweedFS" not in told
    assert told.count("(performance-a.svg)") == told.count(".svg") == 1
    assert "4 rounds: median (least to most)" in told
    seconds, cpu_seconds = "6.50 (5.85 to 8.45) | 1.08", "4.90 (4.41 to 6.37) | 0.70"
    assert f"| asyncup --direct | {seconds} | {cpu_seconds} | 1.23 | 100 |" in told.splitlines()
    assert "Not counted: rclone, round 4: exit 1." in told
    assert "The sink took 0.60 CPU seconds a GiB." in told
    assert "| (a) HTTPS, asyncup --direct: CPU / that of curl | 1.25 | 1.23 | reached |" in told
    assert "1.08 | **not reached** |" in told
    assert "aws-cli" not in told


def test_page(tmp_path: Path) -> None:
    """What is written by hand stays; what was measured before goes."""
    page = tmp_path / "page.md"
    text = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    page.write_text(text, encoding="utf-8")
    report.write(page, "first\n")
    once = page.read_text(encoding="utf-8")
    report.write(page, "second\n")
    assert page.read_text(encoding="utf-8") == once.replace("first", "second")
    assert once.partition(report.BEGIN)[0] == text.partition(report.BEGIN)[0]
    assert once.partition(report.END)[2] == text.partition(report.END)[2]


def test_picture() -> None:
    """A picture is XML, and has a bar in each panel for each tool that was measured."""
    drawn = plot.draw(Table(some_runs(), "a", "https"), by_name(WORKS)["a"])
    root = ET.fromstring(drawn)  # noqa: S314 - our own
    space = "{http://www.w3.org/2000/svg}"
    assert len(root.findall(f"{space}rect")) == 3 * len(SECONDS)
    texts = [each.text for each in root.findall(f"{space}text")]
    assert [tool for tool in ALL if tool in texts] == [tool for tool in ALL if tool in SECONDS]
    assert texts[0] == "one file of 4 GiB, HTTPS: less is better"
    bars = {rect.get("class") for rect in root.findall(f"{space}rect")}
    assert bars == {"ours", "command", "library"}
    right = max(
        float(str(b.get("x"))) + float(str(b.get("width"))) for b in root.findall(f"{space}rect")
    )
    assert right < float(str(root.get("width")))
    assert "prefers-color-scheme: dark" in drawn


def test_no_picture_of_nothing() -> None:
    """A page shows no picture of a work of which no run counts, whatever else was measured."""
    runs = [*some_runs(), ran("asyncup", 1.0, work="b", fault="exit 1")]
    assert plot.name_of(Table(runs, "a", "https")) == "performance-a.svg"
    assert plot.name_of(Table(runs, "b", "https")) is None
    assert plot.name_of(Table(runs, "c", "https")) is None


def test_tools_that_are_left_out_need_not_be_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who measures one tool needs no other; what was measured of others stays."""
    path = tmp_path / "speed.json"
    missing = Tool("rclone", lambda _: [], ("/nothing/here", "--version"))
    monkeypatch.setattr("benchmarks.speed.__main__.TOOLS", (by_tool["asyncup --version"], missing))
    asked = ("--only", "start", "--rounds", "1", "--quick", "--force", "--out", str(path))
    monkeypatch.setattr("sys.argv", ["speed", "--tool", "asyncup --version", *asked])
    assert main() == 0
    assert [run.fault for run in Results.load(path).runs] == [""]


def test_versions_of_what_is_left_out(tmp_path: Path) -> None:
    """They are known from before, and are asked for only of what is measured."""
    path = tmp_path / "speed.json"
    Results(SETTING, "2026-11-27", some_runs()).save(path)
    fewer = replace(SETTING, versions={"asyncup": "asyncup 1"})
    assert go_on(path, fewer, "2026-11-27", afresh=False).setting == SETTING
    newer = replace(SETTING, versions={"asyncup": "asyncup 2"})
    with pytest.raises(UsageError, match="other versions"):
        go_on(path, newer, "2026-11-27", afresh=False)


def test_what_was_measured_is_kept(tmp_path: Path) -> None:
    """After each run all are in the file, and are read back as they were."""
    path = tmp_path / "below" / "speed.json"
    results = go_on(path, SETTING, "2026-11-27", afresh=False)
    assert results.runs == []
    for run in some_runs()[:2]:
        results.runs.append(run)
        results.save(path)
        assert go_on(path, SETTING, "2026-11-28", afresh=False) == results
    assert go_on(path, SETTING, "2026-11-28", afresh=True).runs == []
    assert [each.name for each in path.parent.iterdir()] == ["speed.json"]


def test_settings_are_not_mixed(tmp_path: Path) -> None:
    """Runs of another machine, version or size are neither added to nor thrown away."""
    path = tmp_path / "speed.json"
    Results(SETTING, "2026-11-27", some_runs()).save(path)
    other = Setting({**MACHINE, "cores": "4"}, SETTING.versions, SETTING.works)
    with pytest.raises(UsageError, match="another machine"):
        go_on(path, other, "2026-11-27", afresh=False)
    assert len(Results.load(path).runs) == 3 * len(SECONDS)
    path.write_text(json.dumps({"schema": 0}), encoding="utf-8")
    with pytest.raises(UsageError, match="not of schema 1"):
        go_on(path, SETTING, "2026-11-27", afresh=False)


def test_a_machine_at_work(tmp_path: Path) -> None:
    """Where others are at work, or the disk is too small, nothing is measured."""
    machine.check_quiet(0.5, cores=2)
    with pytest.raises(UsageError, match=r"its load is 0\.51"):
        machine.check_quiet(0.51, cores=2)
    machine.check_disk([], tmp_path)
    huge = [by_name(WORKS)["a"]] * 1_000_000
    with pytest.raises(UsageError, match=r"\d+ GiB are free"):
        machine.check_disk(huge, tmp_path)


def test_commit_and_changes(tmp_path: Path) -> None:
    """What was measured is known by its commit, and each change since by another hash."""
    git = ["git", "-c", "user.name=n", "-c", "user.email=e", "-C", str(tmp_path)]
    (tmp_path / "code").mkdir()
    file = tmp_path / "code" / "file"
    assert machine.commit(tmp_path / "code") == ""
    file.write_text("1")
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-qm", "first"]):
        subprocess.run([*git, *arguments], check=True)
    clean = machine.commit(tmp_path / "code")
    (tmp_path / "elsewhere").write_text("1")
    assert machine.commit(tmp_path / "code") == clean
    told = {clean}
    for text in ("2", "3"):
        file.write_text(text)
        told.add(machine.commit(tmp_path / "code"))
        (file.with_name("new")).write_text(text)
        told.add(machine.commit(tmp_path / "code"))
    assert len(told) == 5
    assert all(each.startswith(f"{clean} and changes ") for each in told - {clean})
    assert machine.commit(tmp_path / "code") in told


def test_tell_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With no round, what was measured before is told, on any machine."""
    path = tmp_path / "speed.json"
    runs = some_runs()
    random.Random(1).shuffle(runs)
    Results(SETTING, "2026-11-27", runs).save(path)
    monkeypatch.setattr("sys.argv", ["speed", "--rounds", "0", "--out", str(path)])
    assert main() == 0
    assert "| asyncup --direct | 6.50 (5.85 to 8.45) |" in capsys.readouterr().out
