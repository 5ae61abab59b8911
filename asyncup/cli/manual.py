"""The man page, made of what `--help` is made of: `python -m asyncup.cli.manual > man/asyncup.1`.

The macros are those of man(7).
"""

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import typer

from asyncup import __version__
from asyncup.cli.config_template import default_of
from asyncup.cli.main import app

STATUSES = {
    0: "all is done",
    1: "some files failed or could not be read, or standard output, a receipt or the report could "
    "not be written; the others are done",
    2: "the command, the configuration or the environment is wrong, such as a profile that is not "
    "there; nothing was begun",
    3: "the source, or the disk for chunk files, stands in the way",
    4: "S3 refused, could not be reached within all attempts, or there are no credentials for it, "
    "or half of them",
    5: "another run that is alive is at work on the same object",
    75: "S3 was out of reach for longer than --give-up-after; nothing is lost, run again to go on",
    130: "stopped by Ctrl-C, SIGTERM or SIGHUP; run again to go on",
}

_ENVIRONMENT = {
    "ASYNCUP_...": "Every option of asyncup put can be set by a variable of its name, such as "
    "ASYNCUP_PART_SIZE. It counts more than the configuration file, and less than the option; for "
    "an option that is repeatable, it has a value on each line.",
    "AWS_PROFILE, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, ...": "Credentials, region and "
    "endpoint, as in every AWS tool.",
    "NO_COLOR": "No colors on the terminal.",
}

_FILES = {
    "asyncup.toml": "The configuration, in the working directory, else in the user's configuration "
    "directory (~/.config/asyncup on Linux). asyncup config init writes one.",
    "~/.aws/config, ~/.aws/credentials": "Profiles and credentials, as in every AWS tool.",
}

_EXAMPLES = {
    "Upload a file; run it again after any interruption:": "asyncup put film.mov s3://films/",
    "Find out whether uploads to a place would work:": "asyncup doctor s3://films/",
    "See first what a directory comes to:": "asyncup put photos s3://films/ --dry-run",
    "Prove it later, without a download:": "asyncup verify photos s3://films/",
    "Look for what was never finished, and delete it:": "asyncup pending s3://films/\n"
    "asyncup abort s3://films/ --all --older-than 7d",
}


def manual() -> str:
    """Return the man page."""
    group: Any = typer.main.get_command(app)
    commands = dict(_commands(group, ()))
    of_put = commands["put",].params
    lines = [*_head(group, commands), *_options_of_all(group), ".SH COMMANDS"]
    for path, command in commands.items():
        lines += _command(path, command, of_put)
    return "\n".join([*lines, *_options_of_put(of_put), *_end()]) + "\n"


def _head(group: Any, commands: Mapping[tuple[str, ...], Any]) -> Iterator[str]:  # noqa: ANN401 - typer's, private
    brief, _, more = _told(group.help).partition("\n\n")
    yield r".\" Made by `make man` of what --help is made of."
    yield f'.TH ASYNCUP 1 "" "asyncup {__version__}" "User Commands"'
    # Neither hyphens nor spaces that are not in the text.
    yield from (".nh", ".ad l")
    yield from (".SH NAME", f"asyncup \\- {_text(brief[:1].lower() + brief[1:].rstrip('.'))}")
    yield ".SH SYNOPSIS"
    for path, command in commands.items():
        arguments = [each.metavar or each.name.upper() for each in _arguments(command)]
        yield from (
            f".B asyncup {_text(' '.join(path))}",
            _text(f"[OPTION]... {' '.join(arguments)}"),
        )
        yield ".br"
    yield from (".SH DESCRIPTION", _text(more))


def _options_of_all(group: Any) -> Iterator[str]:  # noqa: ANN401 - typer's, private
    context = typer.Context(group, **group.context_settings)
    yield from (".SH OPTIONS", "Of every command:")
    yield from _option(group.get_help_option(context))
    yield from (".PP", "In the place of a command:")
    for option in _options(group.params):
        yield from _option(option)


def _options_of_put(of_put: Iterable[Any]) -> Iterator[str]:
    yield from (".SH OPTIONS OF PUT", "Sizes are written as 16MiB, 1.5GB or a number of bytes,")
    yield _text("times as 90s, 5m, 1h30m or 7d.")
    panel = None
    for option in _options(of_put):
        if option.rich_help_panel != panel:
            panel = option.rich_help_panel
            yield f".SS {_text(panel)}"
        yield from _option(option)


def _end() -> Iterator[str]:
    told = {
        "ENVIRONMENT": _ENVIRONMENT,
        "FILES": _FILES,
        "EXIT STATUS": {str(status): text for status, text in STATUSES.items()},
    }
    for title, entries in told.items():
        yield f".SH {title}"
        for name, text in entries.items():
            yield from (".TP", f".B {_text(name)}", _text(text))
    yield ".SH EXAMPLES"
    for text, example in _EXAMPLES.items():
        yield from (".PP", _text(text), ".PP", ".nf", ".RS 4", _text(example), ".RE", ".fi")


def _commands(group: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:  # noqa: ANN401 - typer's, private
    for name, command in group.commands.items():
        if command.hidden:
            continue
        if hasattr(command, "commands"):
            yield from _commands(command, (*path, name))
        else:
            yield (*path, name), command


def _command(path: tuple[str, ...], command: Any, of_put: Any) -> Iterator[str]:  # noqa: ANN401 - typer's, private
    yield f".SS asyncup {_text(' '.join(path))}"
    for paragraph in _told(command.help).split("\n\n"):
        yield from (".PP", _text(" ".join(paragraph.split())))
    for argument in _arguments(command):
        if argument.help:
            name = argument.metavar or argument.name.upper()
            yield from (".TP", f".I {_text(name)}", _text(argument.help))
    if path == ("put",):
        yield from (".PP", "Its options are told below.")
    else:
        yield from _own_options(command, of_put)


def _own_options(command: Any, of_put: Iterable[Any]) -> Iterator[str]:  # noqa: ANN401 - typer's, private
    """Yield the options that the command does not share with put, and the names of the others."""
    known = {(*_names(each), each.help) for each in of_put}
    shared = []
    for option in _options(command.params):
        if (*_names(option), option.help) in known:
            shared.append(_names(option)[0])
        else:
            yield from _option(option)
    if shared:
        yield from (".PP", _text(f"It takes these options of put, too: {', '.join(shared)}."))


def _options(params: Iterable[Any]) -> list[Any]:
    return [each for each in params if each.param_type_name == "option" and not each.hidden]


def _names(option: Any) -> list[str]:  # noqa: ANN401 - typer's, private
    # Those of --help are a set there, in any order.
    return sorted(option.opts, key=lambda each: not each.startswith("--"))


def _arguments(command: Any) -> list[Any]:  # noqa: ANN401 - typer's, private
    return [each for each in command.params if each.param_type_name == "argument"]


def _option(option: Any) -> Iterator[str]:  # noqa: ANN401 - typer's, private
    names = ", ".join(rf"\fB{_text(each)}\fR" for each in (*_names(option), *option.secondary_opts))
    metavar = rf" \fI{_text(option.metavar)}\fR" if option.metavar else ""
    yield from (".TP", f"{names}{metavar}", _text(_told(option.help) + _default(option)))


def _default(option: Any) -> str:  # noqa: ANN401 - typer's, private
    if isinstance(option.show_default, str):
        return f" [default: {option.show_default}]"
    if option.is_flag:
        both = (option.opts, option.secondary_opts) if option.secondary_opts else None
        return f" [default: {both[not option.default][0].lstrip('-')}]" if both else ""
    default = default_of(option)
    return f" [default: {default.strip(chr(34))}]" if default and default != '""' else ""


def _told(text: str | None) -> str:
    """Return a text of the help without rich's escapes."""
    return (text or "").replace(r"\[", "[").strip()


def _text(text: str) -> str:
    """Return a text as roff has it."""
    escaped = text.replace("\\", r"\e").replace("-", r"\-").replace("'", r"\(aq")
    return re.sub(r"(?m)^([.'])", r"\\&\1", escaped.replace("~", r"\(ti").replace("^", r"\(ha"))


if __name__ == "__main__":
    sys.stdout.write(manual())
