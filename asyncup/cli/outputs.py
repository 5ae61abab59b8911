"""The files that a command keeps beside its uploads: each for one thing, and none a source."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from asyncup.cli.settings import Params
from asyncup.core.errors import UsageError
from asyncup.core.names import printable
from asyncup.edges.log_file import names_of
from asyncup.edges.replaced_file import draft_of


def check_outputs(params: Params) -> None:
    """Look whether each file that is to be written is for one thing only.

    Raises:
        UsageError: two options name one file, or one names a source.
    """
    options: dict[Path, str] = {}
    for option, path in _outputs(params):
        if path.exists() and not path.is_file():
            # A device or a pipe has room for all of them.
            continue
        if (other := options.setdefault(path, option)) != option:
            raise UsageError(
                f"write {option} to {printable(str(path))}: {other} goes there",
                hint="name a file for each of them",
            )
    for source in params.get("paths") or ():
        if (named := options.get(_real(source))) is not None:
            raise UsageError(
                f"write {named} to {printable(str(source))}: it is a source",
                hint=f"name another file with {named}",
            )


def outputs_among_sources(params: Params) -> Callable[[Path], str | None]:
    """Return what says of a path why it is no source: it is written while sources are read."""
    options = {path: option for option, path in _outputs(params)}
    names = {path.name for path in options}

    def reason_to_leave(path: Path) -> str | None:
        if path.name not in names or (option := options.get(_real(path))) is None:
            return None
        return f"it belongs to {option}"

    return reason_to_leave


def _outputs(params: Params) -> Iterator[tuple[str, Path]]:
    """Yield every file that may be written, after all links, and the option that names it."""
    if (path := params.get("log_file")) is not None:
        for each in names_of(_real(path), params["log_file_size"]):
            yield "--log-file", each
    for option, name in (("--metrics-file", "metrics_file"), ("--report", "report")):
        if (path := params.get(name)) is not None:
            yield option, _real(path)
            yield option, draft_of(_real(path))
    if (path := params.get("receipts")) is not None:
        yield "--receipts", _real(path)


def _real(path: str | Path) -> Path:
    # Path.resolve raises RuntimeError where links go round in circles; this leaves them.
    return Path(os.path.realpath(path))
