"""Pages of HTML as they are read, and names that would like to be more than names."""

import re
from xml.etree import ElementTree as ET

from asyncup.ui.report_page import BEGINNING

HOSTILE = [
    "<script>alert(1)</script>",
    "</td><td onmouseover='alert(1)'>",
    '"><img src=x onerror=alert(1)>',
    "&lt;b&gt;",
    "--><!--",
    "]]>",
    "\x00\x1b[2J\x7f",
    "\u202egnp.exe",
    "caf\udce9",
    "日本語 🦊 \u2028",
]


class Page:
    """A page, read by the rules of XML: these forgive nothing."""

    def __init__(self, text: str) -> None:
        assert text.startswith(BEGINNING)
        self.root = ET.fromstring(re.sub(r"(<meta [^>]*)>", r"\1/>", text))  # noqa: S314 - it is ours

    def all(self, name: str, kind: str | None = None) -> list[ET.Element]:
        """Return all elements of a name, or those of a class."""
        return [each for each in self.root.iter(name) if kind in {None, each.get("class")}]

    def texts(self, name: str, kind: str | None = None) -> list[str]:
        """Return what these say."""
        return ["".join(each.itertext()) for each in self.all(name, kind)]

    def facts(self) -> dict[str, list[str]]:
        """Return what the summary says, by name."""
        return {
            str(each.findtext("dt")): ["".join(line.itertext()) for line in each.findall("dd/div")]
            for each in self.root.iter("div")
            if each.find("dt") is not None
        }

    def table(self, title: str) -> list[list[str]]:
        """Return the rows of a table, the first of them its head."""
        for section in self.root.iter("section"):
            if section.findtext("h2") == title:
                rows = section.iter("tr")
                return [["".join(cell.itertext()) for cell in row] for row in rows]
        return []

    def pictures(self) -> dict[str, ET.Element]:
        """Return the pictures, by what they are."""
        return {str(each.get("aria-label")): each for each in self.all("svg")}
