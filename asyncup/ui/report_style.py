"""The style of a report, for light and dark screens and for paper, and its one script."""

STYLE = """
:root {
  color-scheme: light dark;
  --paper: #fff; --sheet: #f6f7f9; --ink: #1b1f24; --soft: #59636e; --rule: #d5dae0;
  --sent: #3b82c4; --slots: #8250df; --failure: #d1242f; --kept: #8c959f; --offline: #d1242f1f;
  --done: #1a7f37; --stopped: #9a6700;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #0f1216; --sheet: #171b21; --ink: #e6e9ed; --soft: #98a2ad; --rule: #30373f;
    --sent: #539bf5; --slots: #b083f0; --failure: #f4605a; --kept: #768390; --offline: #f4605a2b;
    --done: #57ab5a; --stopped: #d4a72c;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; max-width: 76rem; padding: 1.5rem 1rem 3rem; background: var(--paper);
  color: var(--ink); font: 15px/1.5 system-ui, sans-serif; font-variant-numeric: tabular-nums;
}
h1 { margin: 0; font-size: 1.5rem; overflow-wrap: anywhere; }
h2 { margin: 2.25rem 0 .5rem; font-size: 1.1rem; }
p { margin: .25rem 0 .75rem; color: var(--soft); }
.verdict { margin: .35rem 0 1rem; font-weight: 600; color: var(--failure); }
.verdict.done { color: var(--done); }
.verdict.stopped { color: var(--stopped); }
dl {
  display: grid; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); gap: 1px;
  margin: 0; border: 1px solid var(--rule); border-radius: 6px; background: var(--sheet);
  overflow: hidden;
}
dl > div { padding: .5rem .75rem; outline: 1px solid var(--rule); }
dt { font-size: .8rem; color: var(--soft); }
dd { margin: 0; overflow-wrap: anywhere; }
figure { margin: 0; overflow-x: auto; }
figcaption { font-size: .85rem; color: var(--soft); }
figcaption span { margin-right: 1rem; }
figcaption span::before {
  content: ""; display: inline-block; width: .7em; height: .7em; margin-right: .4em;
  background: var(--swatch);
}
figcaption .sent { --swatch: var(--sent); }
figcaption .slots { --swatch: var(--slots); }
figcaption .failure { --swatch: var(--failure); }
figcaption .kept { --swatch: var(--kept); }
figcaption .offline { --swatch: var(--offline); }
svg { display: block; width: 100%; min-width: 40rem; height: auto; font-size: 11px; }
svg text { fill: var(--soft); }
svg .name { fill: var(--ink); }
svg line { stroke: var(--rule); }
svg .sent { fill: var(--sent); fill-opacity: .55; }
svg .slots { fill: none; stroke: var(--slots); stroke-width: 1.5; }
svg .failure { fill: var(--failure); }
svg .offline { fill: var(--offline); }
svg .lane { fill: var(--sent); }
svg .open { fill-opacity: .6; }
svg .kept { fill: var(--kept); }
svg .hints rect { fill: transparent; }
svg .hints rect:hover { fill: var(--ink); fill-opacity: .08; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .875rem; }
th, td { padding: .3rem .6rem; border-bottom: 1px solid var(--rule); text-align: left; }
th { color: var(--soft); font-weight: 600; white-space: nowrap; vertical-align: bottom; }
td { vertical-align: top; }
.number { text-align: right; white-space: nowrap; }
td.text { min-width: 11rem; overflow-wrap: anywhere; }
td.failed { color: var(--failure); }
td.stopped { color: var(--stopped); }
td.uploaded, td.verified { color: var(--done); }
td.text:first-child { min-width: 17rem; }
td small { display: block; color: var(--soft); }
small small { font-size: inherit; }
th button {
  border: 0; padding: 0; background: none; color: inherit; font: inherit; cursor: pointer;
}
th[aria-sort="ascending"] button::after { content: " \\2191"; }
th[aria-sort="descending"] button::after { content: " \\2193"; }
footer { margin-top: 2.5rem; font-size: .8rem; color: var(--soft); }
@media print { body { max-width: none; } figure, .wide { overflow: visible; } }
"""

SCRIPT = """
const value = (row, column) => row.cells[column].dataset.sort ?? row.cells[column].textContent;
const compare = (one, other) => one - other || one.localeCompare(other, undefined, {numeric: true});
for (const table of document.querySelectorAll("table.sortable")) {
  for (const head of table.tHead.rows[0].cells) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const order = head.ariaSort === "ascending" ? "descending" : "ascending";
      for (const each of table.tHead.rows[0].cells) each.ariaSort = null;
      head.ariaSort = order;
      const sign = order === "ascending" ? 1 : -1;
      const at = (row) => value(row, head.cellIndex);
      const rows = [...table.tBodies[0].rows];
      table.tBodies[0].append(...rows.sort((a, b) => sign * compare(at(a), at(b))));
    });
  }
}
"""
