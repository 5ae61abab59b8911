"""Notes of commands beside the journal: a file for each that is not finished, and its lock.

A note only tells; what is done, S3 and the journal decide. So there is none where none can be kept.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from asyncup.edges.locks import Lock
from asyncup.edges.replaced_file import ReplacedFile, replace_file

_PATIENCE = 1.0
"""Seconds that a run waits for who looks whether its lock is held, which takes no time."""


class NoteFile(ReplacedFile):
    """The note of a command, and the lock that says that the command is alive, until it is closed.

    An empty text removes it.

    Attributes:
        before: what an earlier run has left, empty if nothing.
    """

    def __init__(self, path: Path, lock: Lock) -> None:
        super().__init__(path)
        self._lock = lock
        self.before = ""
        with suppress(OSError, UnicodeDecodeError):
            self.before = path.read_text(encoding="utf-8")

    def _let_go(self) -> None:
        # In the thread that writes: a disk that hangs holds up nobody else.
        _let_go(self.path, self._lock)

    def _replace(self, texts: Sequence[str]) -> None:
        if texts[-1]:
            super()._replace(texts)
        else:
            self.path.unlink(missing_ok=True)


def open_note(state_dir: Path, name: str) -> NoteFile | None:
    """Return the note of a command, None where it cannot be kept or such a command is running."""
    directory = _directory(state_dir)
    try:
        state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        directory.mkdir(mode=0o700, exist_ok=True)
        lock = Lock(directory / f"{name}.lock")
        if not lock.acquire(_PATIENCE):
            return None
        return NoteFile(directory / f"{name}.json", lock)
    except OSError:
        return None


def read_notes(state_dir: Path) -> Iterator[tuple[str, str, bool]]:
    """Yield the name and the text of each note, and whether its command is running.

    The text of one that cannot be read is empty, or has what is no text replaced.
    """
    for path in sorted(_directory(state_dir).glob("*.json")):
        try:
            text = path.read_text(encoding="utf-8", errors="replace")
            yield path.stem, text, Lock(path.with_suffix(".lock")).is_held()
        except FileNotFoundError:
            # Of one that ends just now.
            continue
        except OSError:
            yield path.stem, "", False


def remove_note(state_dir: Path, name: str) -> bool:
    """Forget a command that is not running; return whether there was one."""
    with _unlocked(state_dir, name) as path:
        if path is None:
            return False
        path.unlink(missing_ok=True)
    return True


def change_note(state_dir: Path, name: str, change: Callable[[str], str]) -> None:
    """Make another text of the note of a command that is not running; an empty one removes it.

    Raises:
        OSError: it cannot be read, or not be written.
    """
    with _unlocked(state_dir, name) as path:
        if path is None:
            return
        text = path.read_text(encoding="utf-8", errors="replace")
        changed = change(text)
        if changed == text:
            return
        if changed:
            replace_file(path, changed)
        else:
            path.unlink()


@contextmanager
def _unlocked(state_dir: Path, name: str) -> Iterator[Path | None]:
    """Give the note of a command, and keep that from running; None if it is, or there is none."""
    paths = {path.stem: path for path in _directory(state_dir).glob("*.json")}
    path = paths.get(name)
    if path is None or not (lock := Lock(path.with_suffix(".lock"))).acquire():
        yield None
        return
    try:
        yield path
    finally:
        _let_go(path, lock)


def _let_go(path: Path, lock: Lock) -> None:
    """Let go of the lock of a note; its file goes when that has."""
    if path.exists():
        lock.release()
    else:
        lock.remove()


def _directory(state_dir: Path) -> Path:
    return state_dir / "commands"
