"""`asyncup config`: to make a configuration file, to look one over, and to see what is in force."""

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from asyncup.cli.commands import Command, Group
from asyncup.cli.config import FILE_NAME, find, options_of_file, values_of
from asyncup.cli.streams import write_out
from asyncup.cli.usage import warn_of_variables
from asyncup.core.errors import UsageError
from asyncup.core.names import printable

app = typer.Typer(cls=Group, help="Make a configuration file, look it over, see what is in force.")

_STDOUT = Path("-")

_Output = typer.Option("--output", "-o", help="Write here; - is standard output", metavar="FILE")
_Force = Annotated[bool, typer.Option("--force", help="Replace the file if it is there")]
_Json = Annotated[bool, typer.Option("--json", help="As one JSON object, for scripts")]
_File = Annotated[
    Path | None,
    typer.Argument(
        metavar="[FILE]",
        help="Instead of asyncup.toml here or in the user's configuration directory",
        show_default=False,
    ),
]


@app.command(cls=Command)
def init(
    context: typer.Context,
    output: Annotated[Path, _Output] = Path(FILE_NAME),
    force: _Force = False,
) -> int:
    """Write a configuration file with every option and its default, all of them comments."""
    from asyncup.cli.config_template import template

    _write(output, template(options_of_file(context)), force=force)
    return 0


@app.command(
    cls=Command,
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    options_metavar="[--json] [OPTIONS OF PUT]",
)
def show(context: typer.Context, as_json: _Json = False) -> int:
    """Show every option in force, and which flag, variable, file or profile it comes from.

    Takes the options of asyncup put, to see what they would change.
    """
    warn_of_variables(context)
    put = context.find_root().command.commands["put"]  # type: ignore[attr-defined] # typer's own
    given = put.make_context("put", list(context.args), parent=context.find_root())
    from asyncup.cli.config_show import show as run

    return run(given, as_json=as_json)


@app.command(cls=Command)
def check(context: typer.Context, file: _File = None) -> int:
    """Say everything that is wrong with a configuration file: status 2, or 0 if it is fine."""
    path = find(file)
    if path is None:
        from asyncup.edges.places import user_config_file

        raise UsageError(
            f"no configuration file: neither {FILE_NAME} here nor {user_config_file()}",
            hint="asyncup config init writes one",
        )
    checked = values_of(context, path)
    _check_together(context, path, checked.params)
    count = len(checked.params)
    write_out(f"{path}: fine, {count} option{'' if count == 1 else 's'} set\n")
    return 0


@app.command(cls=Command)
def from_multi2s3(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="CONFIG.PY", help="The file that multi2s3 read")],
    output: Annotated[Path, _Output] = _STDOUT,
    force: _Force = False,
) -> int:
    """Write a configuration file that does what the Config.py of multi2s3 did; it is not run.

    Status 1 if something in it cannot be told: what, the new file says as well.
    """
    from asyncup.cli.multi2s3 import translated
    from asyncup.core.python2 import decoded
    from asyncup.ui.renderer import Output
    from asyncup.ui.text import Level, Line

    try:
        text = decoded(file.read_bytes())
    except OSError as error:
        raise UsageError(f"read {file}: {error.strerror}") from error
    made = translated(context, file.name, text)
    _write(output, made.text, force=force)
    if output != _STDOUT:
        write_out(f"the same without it: {made.command}\n")
    for problem in made.problems:
        Output(sys.stderr).write_line(Line(Level.WARNING, f"{file}: {problem}"))
    return 1 if made.problems else 0


def _check_together(context: typer.Context, path: Path, params: dict[str, Any]) -> None:
    """Look at what has to fit together.

    Raises:
        UsageError: it does not.
    """
    from asyncup.cli.settings import attributes_of

    everything = {option.name: option.default for option in options_of_file(context).values()}
    try:
        attributes_of(everything | params)
    except UsageError as error:
        raise UsageError(f"{path}: {error}", hint="asyncup put --help") from error


def _write(output: Path, text: str, *, force: bool) -> None:
    """Write a new file, or to standard output.

    Raises:
        UsageError: there is such a file, or it cannot be written.
    """
    if output == _STDOUT:
        write_out(text)
        return
    from asyncup.edges.replaced_file import replace_file

    name = printable(str(output))
    # What a link leads to is replaced, not the link.
    place = Path(os.path.realpath(output))
    try:
        if not force:
            # Made ours by this, whoever else makes one at the same time.
            output.open("x").close()
        elif place.exists() and not place.is_file():
            raise UsageError(f"write {name}: it is there, and no file")
        try:
            replace_file(place, text)
        except OSError:
            if not force:
                output.unlink()
            raise
    except FileExistsError as error:
        raise UsageError(f"{name} is there already", hint="--force replaces it") from error
    except OSError as error:
        raise UsageError(f"write {name}: {error.strerror}") from error
    write_out(f"wrote {name}\n")
