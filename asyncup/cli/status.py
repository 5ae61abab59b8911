"""`asyncup status` and `asyncup resume`: what is running or not finished, and going on with it."""

import os
import shlex
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from asyncup.cli.audience import Audience
from asyncup.cli.ending import refuse
from asyncup.cli.noted import chooses
from asyncup.cli.settings import Params
from asyncup.core.errors import (
    AsyncupError,
    GaveUp,
    Interrupted,
    JournalLocked,
    SourceMissing,
    UsageError,
)
from asyncup.core.events import Event
from asyncup.core.outcome import PARTIAL
from asyncup.core.standing import Command, CommandFound, State, UnfinishedUploadFound, read_note
from asyncup.edges.journal_view import JournalView
from asyncup.edges.notes import read_notes, remove_note
from asyncup.edges.places import default_state_dir
from asyncup.ui.renderer import Output
from asyncup.ui.standing import command_lines, upload_line
from asyncup.ui.text import Level, Line, clean

_WATCH_SECONDS = 2.0
_NOTHING = "nothing is running, and nothing is unfinished"
_NOTHING_LEFT = "nothing that is not running is unfinished"
_ENDING = (Interrupted.exit_code, GaveUp.exit_code)

Found = tuple[Command, CommandFound]
Warn = Callable[[Line], None]


def status(params: Params, audience: Audience) -> int:
    """Tell what is running and what is not finished, and return the exit status.

    Raises:
        UsageError: what is to be forgotten is not there.
    """
    state_dir = params["state_dir"] or default_state_dir()
    _forget(state_dir, params["forget"] or ())
    show = _shower(state_dir, params, audience)
    # Whoever watches ends it by Ctrl-C.
    with suppress(KeyboardInterrupt):
        is_empty = show()
        while params["watch"] and not audience.output.is_lost:
            time.sleep(_WATCH_SECONDS)
            is_empty = show()
        if is_empty and not params["json"]:
            Output(sys.stderr).write(_NOTHING)
    return 0


def _shower(state_dir: Path, params: Params, audience: Audience) -> Callable[[], bool]:
    """Return what shows all there is, once, and returns whether that was nothing at all."""
    if params["watch"] and audience.lines is None and sys.stdout.isatty():
        return lambda: _draw(state_dir, audience)
    told: set[Line] = set()

    def warn(line: Line) -> None:
        # Whoever watches is told once.
        if line not in told:
            Output(sys.stderr).write_line(line)
        told.add(line)

    return lambda: _tell(state_dir, audience, warn)


def _forget(state_dir: Path, names: Sequence[str]) -> None:
    for name in names:
        if not remove_note(state_dir, name):
            raise UsageError(
                f"forget {name}: nothing unfinished is called so, or it is running",
                hint="asyncup status shows what there is",
            )


def _tell(state_dir: Path, audience: Audience, warn: Warn) -> bool:
    """Tell all there is, line by line; return whether that is nothing."""
    found = list(_found(state_dir, warn))
    for each in found:
        if audience.lines is not None:
            audience.lines(each)
        else:
            # However it stands, that is the answer, and no warning.
            for line in _lines(each):
                Output(audience.output).write(clean(line.text))
    return not found


def _draw(state_dir: Path, audience: Audience) -> bool:
    """Let the terminal show all there is, and nothing else; nothing is left to say."""
    from asyncup.ui.rows import marks_for
    from asyncup.ui.watching import screenful

    warnings: list[Line] = []
    lines = [line for each in _found(state_dir, warnings.append) for line in _lines(each)]
    shown = [*(lines or [Line(Level.INFO, _NOTHING)]), *warnings]
    width, height = shutil.get_terminal_size()
    drawn = screenful(shown, width, height, marks_for(sys.stdout.encoding))
    Output(audience.output).write(drawn)
    return False


def _found(state_dir: Path, warn: Warn) -> Iterator[Event]:
    for _, found in _commands(state_dir, warn):
        yield found
    with JournalView(state_dir, lambda text: warn(Line(Level.INFO, text))) as journal:
        yield from journal.unfinished()


def _commands(state_dir: Path, warn: Warn) -> list[Found]:
    commands = []
    for name, text, is_running in read_notes(state_dir):
        read = read_note(text, is_running=is_running)
        if read is None:
            how = f"asyncup status --forget {shlex.quote(name)} drops it"
            warn(Line(Level.WARNING, f"the note of command {name} cannot be read; {how}"))
        else:
            commands.append(read)
    return sorted(commands, key=lambda each: each[1].started)


def _lines(found: Event) -> Iterator[Line]:
    if isinstance(found, CommandFound):
        yield from command_lines(found, shlex.join(["asyncup", *found.arguments]))
    elif isinstance(found, UnfinishedUploadFound):
        yield upload_line(found)


def resume(params: Params, run: Callable[[Sequence[str]], int]) -> int:
    """Run again, one after the other, what is not finished; return the exit status.

    `run` takes the arguments of a command and returns its exit status.

    Raises:
        UsageError: there is no command of a name.
    """
    state_dir = params["state_dir"] or default_state_dir()
    chosen = _chosen(params["names"] or (), _commands(state_dir, Output(sys.stderr).write_line))
    shown = [f"--{name}" for name in ("plain", "quiet", "json") if params[name]]
    codes: list[int] = []
    for command, found in chosen:
        more = [flag for flag in shown if flag not in command.arguments]
        arguments = [*command.arguments[:1], *more, *command.arguments[1:]]
        # The note that is kept of it, and how to go on, are of the command as it was given.
        sys.argv[1:] = command.arguments
        try:
            _check(found)
            _go_there(command)
        except AsyncupError as error:
            codes.append(refuse(error, arguments))
        else:
            codes.append(run(arguments))
        if codes[-1] in _ENDING:
            break
    if not chosen and not params["json"]:
        Output(sys.stderr).write(_NOTHING_LEFT)
    return _exit_code(codes)


def _chosen(names: Sequence[str], found: list[Found]) -> list[Found]:
    if not names:
        return [each for each in found if each[1].state is not State.RUNNING]
    by_name = {command.name: (command, told) for command, told in found}
    if unknown := [name for name in names if name not in by_name]:
        raise UsageError(
            f"resume {', '.join(unknown)}: nothing unfinished is called so",
            hint="asyncup status shows what there is",
        )
    return [by_name[name] for name in dict.fromkeys(names)]


def _check(found: CommandFound) -> None:
    """Refuse what cannot be gone on with by anybody else."""
    if found.state is State.RUNNING:
        raise JournalLocked(f"resume {found.name}: process {found.pid} is at work on it")
    if found.obstacle is not None:
        shown = shlex.join(["asyncup", *found.arguments])
        raise UsageError(f"resume {found.name}: {found.obstacle}", hint=shown)


def _go_there(command: Command) -> None:
    """Let things be as they were where the command was given."""
    try:
        os.chdir(command.directory)
    except OSError as error:
        raise SourceMissing(
            f"resume {command.name}: go to {command.directory}: {error.strerror}"
        ) from error
    for name in [name for name in os.environ if chooses(name)]:
        del os.environ[name]
    os.environ.update(command.environment)


def _exit_code(codes: Sequence[int]) -> int:
    """Return the status of all: 0 if all are done, that of what ended it, or 1 if they differ."""
    if codes and codes[-1] in _ENDING:
        return codes[-1]
    return next(iter(codes), 0) if len(set(codes)) <= 1 else PARTIAL
