"""The pages of the documentation, taken apart: blocks, sections, tables, links."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGES = (
    "README.md",
    "README.zh-CN.md",
    "CHANGELOG.md",
    *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")),
)

_BLOCK = re.compile(
    r"(?:^<!-- not run: (?P<why>.+) -->\n)?^```(?P<language>\w*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_HEADING = re.compile(r"^(#+) (.+)$", re.MULTILINE)
_LINK = re.compile(r"\]\(([^)\s]+)\)")


@dataclass(frozen=True, slots=True)
class Block:
    """What stands between fences, in which language, and the reason if it is not to be run."""

    where: str
    language: str
    text: str
    why_not_run: str | None


def read(page: str) -> str:
    """Return a page, by its path from the root."""
    return (ROOT / page).read_text(encoding="utf-8")


def blocks(page: str) -> Iterator[Block]:
    """Yield all blocks of a page."""
    text = read(page)
    for found in _BLOCK.finditer(text):
        line = text.count("\n", 0, found.start("language")) + 1
        yield Block(f"{page}:{line}", found["language"], found["text"], found["why"])


def texts(page: str, language: str) -> list[str]:
    """Return what the blocks of a language say."""
    return [block.text for block in blocks(page) if block.language == language]


def prose(page: str) -> str:
    """Return a page without its blocks, whose comments look like headings."""
    return _BLOCK.sub("", read(page))


def section(page: str, title: str) -> str:
    """Return what stands below a heading, to the next one that is not below it."""
    text = prose(page)
    headings = list(_HEADING.finditer(text))
    (begin,) = [each for each in headings if each[2] == title]
    later = [each for each in headings if each.start() > begin.start()]
    ends = [each.start() for each in later if len(each[1]) <= len(begin[1])]
    return text[begin.end() : ends[0] if ends else None]


def anchors(page: str) -> set[str]:
    """Return what GitHub makes of the headings, for links to them."""
    titles = [each[2].lower() for each in _HEADING.finditer(prose(page))]
    return {re.sub(r"[^\w\- ]", "", title).replace(" ", "-") for title in titles}


def links(page: str) -> list[str]:
    """Return where the links and pictures of a page lead, but those to the web."""
    return [each for each in _LINK.findall(prose(page)) if "://" not in each]


def rows(text: str) -> list[list[str]]:
    """Return the cells of the tables in a text, heads included."""
    lines = re.findall(r"^\|(.+)\|$", text, re.MULTILINE)
    return [
        [cell.strip() for cell in re.split(r"(?<!\\)\|", line)]
        for line in lines
        if not re.fullmatch(r"[-|]+", line)
    ]


def table(text: str) -> Sequence[Mapping[str, str]]:
    """Return the first table in a text, each cell by the head of its column."""
    found = re.search(r"(?:^\|.+\|\n)+", text, re.MULTILINE)
    head, *cells = rows(found[0] if found else "")
    return [dict(zip(head, row, strict=True)) for row in cells]
