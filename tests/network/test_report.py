"""The comparison with peers says what was measured, and changes no more of its page than that."""

from pathlib import Path

from benchmarks.network import report
from benchmarks.network.measuring import Measured
from benchmarks.network.scenarios import SCENARIOS
from benchmarks.network.tools import ASYNCUP
from tests.servers import ROOT

DONE = Measured("0", equal=True, seconds=20.0, wire=1.05, payload=1.001, connections=8)
WRONG = Measured("0", equal=False, seconds=10.0, wire=1.0, payload=1.0, connections=8)
LATE = Measured("not in time", equal=False, seconds=900.0, wire=0.5, payload=0.5, connections=1)


def row(*rounds: Measured) -> str:
    """Return what is told of some rounds of 200 MB."""
    clean = SCENARIOS[0]
    told = report.tell([clean], [ASYNCUP], {(clean.name, ASYNCUP.name): rounds}, 900)
    assert told.count(f"**{clean.title}**") == 1
    (last,) = [line for line in told.splitlines() if line.startswith("| asyncup |")][1:]
    return last


def test_one_round() -> None:
    """One round is told as it was."""
    assert row(DONE) == "| asyncup | 1 of 1 | 20.0 | 80.0 | 1.001 | 1.050 | 8 |"


def test_spread() -> None:
    """Of several, the middle, the least and the most are told."""
    slower = Measured("0", equal=True, seconds=40.0, wire=1.05, payload=1.001, connections=8)
    assert "| 30.0 (20.0 to 40.0) | 60.0 (40.0 to 80.0) |" in row(DONE, slower)


def test_failures_are_told() -> None:
    """A tool that says it is done, and is not, has failed, as one that never ends."""
    told = row(DONE, WRONG, LATE)
    assert "| 1 of 3, exit 0, not in time | 20.0 (10.0 to 900.0) | 80.0 |" in told


def test_page(tmp_path: Path) -> None:
    """What is written by hand stays; what was measured before goes."""
    page = tmp_path / "page.md"
    page.write_text((ROOT / "docs" / "networks.md").read_text(encoding="utf-8"), encoding="utf-8")
    report.write(page, "first\n")
    once = page.read_text(encoding="utf-8")
    report.write(page, "second\n")
    assert page.read_text(encoding="utf-8") == once.replace("first", "second")
    assert once.startswith("# Networks that cannot be trusted")
