"""The README is true: its tables are those of the code and of what was measured."""

import re
from collections.abc import Mapping

import asyncup
from asyncup.core import errors
from tests.pages import read, rows, section, table

MEASURED = read("docs/networks.md") + read("docs/performance.md")
COMPARISONS = {"README.md": "Beside others", "README.zh-CN.md": "与其他工具的比较"}
STATUSES = {"README.md": "Exit status", "README.zh-CN.md": "退出码"}
IN_CHINESE = {"not in 170 s": "超时", "exit 1": "退出码 1"}


def outcomes(title: str) -> Mapping[str, str]:
    """Return what a page has measured under a title: seconds, or how it ended, of each tool."""
    (_, *found) = MEASURED.split(f"**{title}**")
    assert found, title
    return {
        row["tool"]: row.get("object equal", "").partition(", ")[2] or row["seconds"].split()[0]
        for row in table(found[0])
    }


def comparison(page: str) -> list[list[str]]:
    """Return what was measured beside others: the names of the tools first, then their figures."""
    lines = rows(section(page, COMPARISONS[page]))
    return lines[max(number for number, row in enumerate(lines) if row[1] == "asyncup") :]


def statuses(page: str) -> list[int]:
    """Return the exit statuses that are told."""
    return [int(row[0]) for row in rows(section(page, STATUSES[page])) if row[0].isdigit()]


def test_every_exit_status_is_told() -> None:
    """The table of statuses has those of the errors."""
    kinds = [each for each in vars(errors).values() if isinstance(each, type)]
    codes = {each.exit_code for each in kinds if issubclass(each, errors.AsyncupError)}
    assert set(statuses("README.md")) == codes | {0}


def test_what_is_said_of_others_was_measured() -> None:
    """Every figure of the comparison is the one of the page that it was taken from."""
    (_, *tools), *told = comparison("README.md")
    for title, *figures in told:
        measured = outcomes(title)
        assert figures == [measured[tool] for tool in tools], title


def test_the_translation_tells_the_same() -> None:
    """Figures and exit statuses are the same in both languages."""
    figures = [[IN_CHINESE.get(each, each) for each in row[1:]] for row in comparison("README.md")]
    assert [row[1:] for row in comparison("README.zh-CN.md")] == figures
    assert statuses("README.zh-CN.md") == statuses("README.md")


def test_both_lead_to_each_other() -> None:
    """Whoever reads the other language finds it in the third line."""
    assert "(README.zh-CN.md)" in read("README.md").splitlines()[2]
    assert "(README.md)" in read("README.zh-CN.md").splitlines()[2]


def test_changelog_begins_with_this_version() -> None:
    """The newest entry is that of the package's version."""
    (newest, *_) = re.findall(r"^## (\S+)", read("CHANGELOG.md"), re.MULTILINE)
    assert newest == asyncup.__version__
