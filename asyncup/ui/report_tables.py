"""The tables of a report: what went wrong and how often, and what became of each file."""

from collections.abc import Iterator, Sequence
from itertools import compress

from asyncup.core.chronicle import Chronicle, ErrorStory, FileStory, Outcome
from asyncup.core.sizes import format_duration, format_size
from asyncup.core.spelling import told_without_secrets
from asyncup.ui.markup import Content, Markup, tag

_TEXT, _NUMBER = "text", "number"
_ERRORS = (
    ("error", _TEXT),
    ("times", _NUMBER),
    ("first after", _NUMBER),
    ("last after", _NUMBER),
    ("what it said last", _TEXT),
)
_FILES = (
    ("file", _TEXT),
    ("became", _TEXT),
    ("size", _NUMBER),
    ("proof", _TEXT),
    ("parts", _NUMBER),
    ("attempts", _NUMBER),
    ("sent in vain", _NUMBER),
    ("began after", _NUMBER),
    ("took", _NUMBER),
)

_OF_PARTS = {"parts", "attempts", "sent in vain"}


def error_table(chronicle: Chronicle) -> Markup:
    """Return a row for each kind of error, those that were met most often first."""
    if not chronicle.errors:
        return Markup()
    often = sorted(chronicle.errors.items(), key=lambda item: -item[1].count)
    rows = [tag("tr", *_error_row(name, story)) for name, story in often]
    return tag("section", tag("h2", "Errors"), _table(_ERRORS, rows))


def file_table(chronicle: Chronicle, *, has_parts: bool = True) -> Markup:
    """Return a row for each file that is held in full, and say how many others there were.

    Where nothing was sent, nothing is said of parts: not `has_parts`.
    """
    told = [has_parts or name not in _OF_PARTS for name, _ in _FILES]
    columns = list(compress(_FILES, told))
    rows = [tag("tr", *compress(_file_row(story), told)) for story in chronicle.files]
    more = [f"{n} that {_HAVE[each]}" for each, n in sorted(chronicle.left_out.items())]
    left_out = f"Not listed: {', '.join(more)}." if more else ""
    return tag("section", tag("h2", "Files"), _table(columns, rows), tag("p", left_out))


_HAVE = {
    Outcome.SKIPPED: "were skipped",
    Outcome.UPLOADED: "were uploaded",
    Outcome.VERIFIED: "were verified",
    Outcome.STOPPED: "were stopped",
    Outcome.FAILED: "failed",
}


def _table(columns: Sequence[tuple[str, str]], rows: Sequence[Markup]) -> Markup:
    heads = [tag("th", name, scope="col", class_=kind) for name, kind in columns]
    table = tag("table", tag("thead", tag("tr", *heads)), tag("tbody", *rows), class_="sortable")
    return tag("div", table, class_="wide")


def _error_row(name: str, story: ErrorStory) -> Iterator[Markup]:
    yield tag("td", name)
    yield _number(story.count, str(story.count))
    yield _number(story.first, format_duration(story.first))
    yield _number(story.last, format_duration(story.last))
    yield tag("td", *_told(story.said, story.hint), class_=_TEXT)


def _file_row(story: FileStory) -> Iterator[Markup]:
    key = Markup() if story.uri is None else tag("small", str(story.uri))
    yield tag("td", story.source, key, class_=_TEXT)
    outcome = story.outcome.name.lower()
    why = [] if story.reason is None else [tag("small", *_told(story.reason, story.hint))]
    yield tag("td", outcome, *why, class_=f"{_TEXT} {outcome}")
    yield _number(story.size, "" if story.size is None else format_size(story.size))
    yield tag("td", "" if story.proof is None else str(story.proof))
    kept = f" ({story.kept} kept)" if story.kept else ""
    yield _number(story.parts, "" if story.parts is None else f"{story.parts}{kept}")
    yield _number(story.attempts, str(story.attempts or ""))
    yield _number(story.resent, format_size(story.resent) if story.resent else "")
    yield _number(story.began, format_duration(story.began))
    yield _number(story.ended - story.began, format_duration(story.ended - story.began))


def _number(value: float | None, words: str) -> Markup:
    """Return a cell that is sorted by its value; what nobody knows comes before all else."""
    return tag("td", words, class_=_NUMBER, data_sort="-1" if value is None else f"{value:.3f}")


def _told(said: str, hint: str | None) -> Iterator[Content]:
    """Yield what was the matter, and what mends it."""
    yield told_without_secrets(said)
    if hint is not None:
        yield tag("small", f"hint: {hint}")
