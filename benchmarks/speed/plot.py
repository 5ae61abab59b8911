"""What was measured of one work, as a picture (SVG) that is fine on light and on dark pages."""

from collections.abc import Iterator
from xml.sax.saxutils import escape

from benchmarks.speed.results import Figure, Spread, Table, cpu, peak, spread, wall
from benchmarks.speed.tools import COMMAND_NAMES
from benchmarks.speed.works import ALL, MIB, OURS, Work

_DRAWN = {"a", "b", "c", "d"}
_LABELS, _PANEL, _GAP, _TEXT = 130, 200, 24, 44
_ROW, _BAR, _TOP = 22, 14, 58

_STYLE = """
text { font: 12px system-ui, sans-serif; fill: #24292f }
.title { font-size: 14px; font-weight: 600 }
.ours { fill: #1f6feb }
.command { fill: #8c959f }
.library { fill: #b8c0c8 }
.whisker { stroke: #24292f }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .ours { fill: #58a6ff }
  .command { fill: #6e7681 }
  .library { fill: #484f58 }
  .whisker { stroke: #e6edf3 }
}
"""

_PANELS: tuple[tuple[str, Figure, float, str], ...] = (
    ("seconds", wall, 1, ".1f"),
    ("CPU seconds", cpu, 1, ".1f"),
    ("MiB of memory", peak, MIB, ".0f"),
)


def name_of(table: Table) -> str | None:
    """Return the name of the file that a picture is in, None if there is none of this."""
    is_drawn = table.scheme == "https" and table.server == "sink" and table.work in _DRAWN
    if not is_drawn or not _drawn_tools(table):
        return None
    return f"performance-{table.work}.svg"


def draw(table: Table, work: Work) -> str:
    """Return the picture: a bar for each tool, long as its median, with the least and the most."""
    tools = _drawn_tools(table)
    width = _LABELS + len(_PANELS) * (_PANEL + _GAP)
    height = _TOP + _ROW * len(tools)
    title = escape(f"{work.told}, {table.scheme.upper()}: less is better")
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">',
        f"<title>{title}</title>",
        f"<style>{_STYLE}</style>",
        _text(0, 16, title, "title"),
        *(
            _text(_LABELS - 8, _TOP + row * _ROW + _BAR - 2, escape(tool), anchor="end")
            for row, tool in enumerate(tools)
        ),
    ]
    for column, panel in enumerate(_PANELS):
        lines += _panel(table, tools, panel, _LABELS + column * (_PANEL + _GAP))
    return "\n".join([*lines, "</svg>", ""])


def _drawn_tools(table: Table) -> list[str]:
    return [tool for tool in ALL if spread(table.of(tool), wall)]


def _panel(
    table: Table, tools: list[str], panel: tuple[str, Figure, float, str], left: int
) -> Iterator[str]:
    name, figure, unit, form = panel
    found = {tool: each for tool in tools if (each := spread(table.of(tool), figure))}
    most = max((each.most for each in found.values()), default=0) or 1
    yield _text(left, _TOP - 14, name)
    for row, tool in enumerate(tools):
        yield from _bar(found[tool], tool, (_PANEL - _TEXT) / most, left, _TOP + row * _ROW)
        end = left + found[tool].most * (_PANEL - _TEXT) / most
        value = f"{found[tool].median / unit:{form}}"
        yield _text(end + 6, _TOP + row * _ROW + _BAR - 2, value)


def _bar(found: Spread, tool: str, scale: float, left: int, top: int) -> Iterator[str]:
    kind = "ours" if tool in OURS else "command" if tool in COMMAND_NAMES else "library"
    yield (
        f'<rect class="{kind}" x="{left}" y="{top}" width="{found.median * scale:.1f}" '
        f'height="{_BAR}" rx="2"/>'
    )
    begin, end = left + found.least * scale, left + found.most * scale
    middle = top + _BAR / 2
    yield f'<path class="whisker" d="M {begin:.1f} {middle:.1f} H {end:.1f}"/>'


def _text(x: float, y: float, content: str, kind: str = "", anchor: str = "start") -> str:
    named = f' class="{kind}"' if kind else ""
    return f'<text{named} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{content}</text>'
