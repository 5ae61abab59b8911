"""A report: one page of HTML that tells how a run went, to whoever opens it afterwards.

It needs nothing but itself: no network, no other file, and no script to be read. What it may do is
bounded by a policy of its own (https://www.w3.org/TR/CSP3), by which a browser loads nothing and
runs no other script, whatever a file is called.
"""

from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from asyncup import __version__
from asyncup.core.chronicle import Chronicle, Outcome
from asyncup.core.sizes import format_duration, format_size
from asyncup.ui.chart import Chart
from asyncup.ui.markup import Markup, joined, tag
from asyncup.ui.pictures import parts, slots_and_retries, throughput
from asyncup.ui.report_style import SCRIPT, STYLE
from asyncup.ui.report_tables import error_table, file_table
from asyncup.ui.text import counted

BEGINNING = "<!DOCTYPE html>\n<!-- A report of asyncup -->\n"
"""By which one is told from any other page."""

_DONE, _GO_ON = "done", "stopped"
_ENDS = {
    0: (_DONE, "All is done."),
    1: ("", "Some files failed or could not be read, or an output was lost; the others are done."),
    3: ("", "The source, or the disk for chunk files, stood in the way."),
    4: ("", "S3 refused, could not be reached, or there were no credentials for it."),
    5: ("", "Another run that is alive is at work on the same object."),
    75: (_GO_ON, "S3 was out of reach for too long; nothing is lost. Run it again to go on."),
    130: (_GO_ON, "It was stopped; nothing is lost. Run it again to go on."),
}
"""What an exit status means, and how that is to look."""

_ENDS_OF_VERIFYING = {
    0: (_DONE, "All is proven."),
    1: ("", "Some objects differ, are missing or could not be compared; the others are proven."),
    3: ("", "The source stood in the way."),
    4: ("", "An object is not proven, or S3 refused or could not be reached."),
    75: (_GO_ON, "S3 was out of reach for too long; what is told as verified is proven."),
    130: (_GO_ON, "It was stopped; what is told as verified is proven."),
}

_MOST_DRAWN = 16
"""Files whose parts are drawn."""

_OFFLINE = ("offline", "S3 out of reach")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What is known of a run beside its events; `elapsed` in seconds.

    `asked` is what was to be uploaded, where to, and so on, by what it is. There were
    `more_warnings` than the `warnings` that are told. `is_verifying` says that nothing was to be
    sent, only compared.
    """

    asked: Mapping[str, Sequence[str]]
    began: datetime
    ended: datetime
    elapsed: float
    exit_code: int
    warnings: Sequence[str] = ()
    more_warnings: int = 0
    is_verifying: bool = False


def page(chronicle: Chronicle, run: Run) -> str:
    """Return the whole page."""
    ends = _ENDS_OF_VERIFYING if run.is_verifying else _ENDS
    kind, words = ends.get(run.exit_code, ("", "It failed."))
    what = "object" if run.is_verifying else "file"
    body = joined(
        tag("h1", f"asyncup: {counted(chronicle.tally.done, what)} {_done(run)}"),
        tag("p", words, class_=f"verdict {kind}"),
        _facts(chronicle, run),
        *([] if run.is_verifying else _pictures(chronicle, run.elapsed)),
        error_table(chronicle),
        _warnings(run),
        file_table(chronicle, has_parts=not run.is_verifying),
        tag("footer", f"asyncup {__version__}"),
    )
    return f"{BEGINNING}{_document(tag('main', body))}\n"


def _document(main: Markup) -> Markup:
    allowed = f"style-src {_source(STYLE)}; script-src {_source(SCRIPT)}"
    policy = f"default-src 'none'; base-uri 'none'; form-action 'none'; {allowed}"
    head = [
        Markup('<meta charset="utf-8">'),
        Markup(f'<meta http-equiv="Content-Security-Policy" content="{policy}">'),
        Markup('<meta name="viewport" content="width=device-width, initial-scale=1">'),
        tag("title", "asyncup report"),
        tag("style", Markup(STYLE)),
    ]
    script = tag("script", Markup(SCRIPT))
    return tag("html", tag("head", *head), tag("body", main, script), lang="en")


def _source(text: str) -> str:
    """Return what a policy calls a piece of a page that is exactly this text."""
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode('ascii')}'"


def _facts(chronicle: Chronicle, run: Run) -> Markup:
    told: dict[str, Sequence[str]] = {
        **run.asked,
        "Began": [f"{run.began:%Y-%m-%d %H:%M:%S} UTC"],
        "Ended": [f"{run.ended:%Y-%m-%d %H:%M:%S} UTC", f"after {format_duration(run.elapsed)}"],
        "Exit status": [str(run.exit_code)],
        "Files": list(_files(chronicle, run)),
        **dict(_proven(chronicle) if run.is_verifying else _bytes(chronicle, run.elapsed)),
        **dict(_outages(chronicle)),
        "Proof": [f"{n} by {proof}" for proof, n in chronicle.proofs.most_common()],
    }
    return tag("dl", *(_fact(name, lines or ["none"]) for name, lines in told.items()))


def _fact(name: str, lines: Sequence[str]) -> Markup:
    return tag("div", tag("dt", name), tag("dd", *(tag("div", line) for line in lines)))


def _done(run: Run) -> str:
    return "verified" if run.is_verifying else "uploaded"


def _files(chronicle: Chronicle, run: Run) -> Iterator[str]:
    tally = chronicle.tally
    for count, what in (
        (tally.done, _done(run)),
        (tally.skipped, "skipped"),
        (tally.failed, "failed"),
        (tally.interrupted, "stopped or never begun"),
    ):
        if count:
            yield f"{count} {what}"


def _bytes(chronicle: Chronicle, elapsed: float) -> Iterator[tuple[str, Sequence[str]]]:
    state = chronicle.progress
    sent = state.committed - state.bytes_kept
    total = format_size(chronicle.bytes_found)
    yield "At S3", [f"{format_size(state.committed)} of {total}"]
    if state.bytes_kept:
        yield "Kept from earlier runs", [format_size(state.bytes_kept)]
    rate = format_size(sent / elapsed if elapsed else 0)
    yield "Sent by this run", [format_size(sent), f"{rate}/s on average"]
    retries = counted(state.retries, "retry", "retries")
    yield "Sent in vain", [format_size(state.bytes_resent), f"by {retries}"]


def _proven(chronicle: Chronicle) -> Iterator[tuple[str, Sequence[str]]]:
    total = format_size(chronicle.bytes_found)
    yield "Proven", [f"{format_size(chronicle.bytes_proven)} of {total}"]


def _outages(chronicle: Chronicle) -> Iterator[tuple[str, Sequence[str]]]:
    if chronicle.outages:
        long = format_duration(chronicle.seconds_offline)
        yield "S3 out of reach", [counted(chronicle.outages, "time"), f"for {long} in all"]


def _pictures(chronicle: Chronicle, elapsed: float) -> Iterator[Markup]:
    if not chronicle.timeline.bins:
        return
    chart = Chart(chronicle.timeline, elapsed)
    legend = [("sent", "bytes sent"), ("failure", "some of them in vain"), _OFFLINE]
    yield _section("Throughput", throughput(chart), legend)
    legend = [("sent", "parts in flight"), ("failure", "retries"), _OFFLINE]
    if chronicle.progress.slots is not None:
        legend.insert(1, ("slots", "slots"))
    yield _section("Slots and retries", slots_and_retries(chart), legend)
    drawn = [story for story in chronicle.files if story.lanes.by_first_part]
    if drawn:
        drawn.sort(key=lambda story: (-story.outcome, -(story.size or 0)))
        shown = sorted(drawn[:_MOST_DRAWN], key=lambda story: story.began)
        legend = [("sent", "on its way"), ("failure", "an attempt failed"), ("kept", "kept")]
        more = sum(chronicle.left_out[each] for each in Outcome if each is not Outcome.SKIPPED)
        yield _section("Parts", parts(shown, chart), [*legend, _OFFLINE])
        if more := more + len(drawn) - len(shown):
            yield tag("p", f"and {counted(more, 'more file')}")


def _section(title: str, picture: Markup, legend: Sequence[tuple[str, str]]) -> Markup:
    words = [tag("span", text, class_=kind) for kind, text in legend]
    return tag("section", tag("h2", title), tag("figure", tag("figcaption", *words), picture))


def _warnings(run: Run) -> Markup:
    if not run.warnings:
        return Markup()
    lines = [tag("li", text) for text in run.warnings]
    if run.more_warnings:
        lines.append(tag("li", f"and {run.more_warnings} more"))
    return tag("section", tag("h2", "Warnings"), tag("ul", *lines))
