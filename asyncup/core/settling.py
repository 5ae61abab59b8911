"""Which files of a watched directory stand still, so that they may go up, and when to look again.

Nobody tells that a file is whole. It is taken to be when its size and time stayed the same for
a while, or when its writer says so by a marker. What is seen, and when, are arguments.
"""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import Self

from asyncup.core.errors import UsageError
from asyncup.core.model import Fingerprint

OLD = 3600.0
"""Seconds. What was not touched for so long stands still as soon as it is seen: a clock of a file
server that is not quite right matters little then.
"""

MOST = 50_000
"""Files that are waited for at once, and failures that are remembered."""

FIRST_DELAY, LONGEST_DELAY = 60.0, 3600.0
"""Seconds until a file that failed is tried again, at first and at most."""

ROUND, WITHOUT_HINTS = 600.0, 30.0
"""Seconds between two times that all is looked through: where the system tells of changes, and
where it was to, and does not.
"""

TEMPORARY = (".*", "*~", "*.part", "*.partial", "*.filepart", "*.crdownload", "*.tmp", "*.swp")
"""Names, as patterns of gitignore, that programs give to what is not whole yet, or not meant."""


@dataclass(frozen=True, slots=True)
class Marker:
    """How the file is called by which the writer of another one says that it is whole."""

    before: str
    after: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `{}.done`: the file's own name in place of `{}`, in the same directory.

        Raises:
            UsageError: it is no such name.
        """
        before, braces, after = text.partition("{}")
        if not braces or "{}" in after or "/" in text or not before + after:
            raise UsageError(
                f"marker {text!r} does not say how a file is marked", hint="such as '{}.done'"
            )
        return cls(before, after)

    def of(self, name: str) -> str:
        """Return the name of what marks a file."""
        return f"{self.before}{name}{self.after}"

    def marked_by(self, name: str) -> str | None:
        """Return the name of the file that this one marks, None if it is no marker."""
        inner = name[len(self.before) : len(name) - len(self.after)]
        return inner if inner and self.of(inner) == name else None


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchOptions:
    """When the files of a watched directory are taken; times in seconds.

    Args:
        settle: a file has to stay the same for this long.
        marker: or has to be marked, and then need not.
        poll: all is looked through this often; None is to rely on what the system tells, and to
            look through all every `ROUND` to be sure.
        once: until nothing is left to be waited for, and not without end.

    Raises:
        UsageError: values that cannot work.
    """

    settle: float = 10.0
    marker: Marker | None = None
    poll: float | None = None
    once: bool = False

    def __post_init__(self) -> None:
        if self.settle < 0:
            raise UsageError(f"settle {self.settle} is negative")
        if self.poll is not None and self.poll <= 0:
            raise UsageError(f"poll {self.poll} is not above 0")

    @property
    def every(self) -> float:
        """How often all is looked through."""
        return ROUND if self.poll is None else self.poll


class Verdict(Enum):
    """What is to be done about a file that was seen: nothing, look again, take it, or not yet."""

    LEAVE = auto()
    WAIT = auto()
    TAKE = auto()
    FULL = auto()


@dataclass(slots=True)
class _Waiting:
    fingerprint: Fingerprint
    due: float


@dataclass(frozen=True, slots=True)
class _Failed:
    fingerprint: Fingerprint | None
    failures: int
    due: float


class Settling:
    """Remembers what was seen of files until they are taken, and what has failed.

    Args:
        settle: seconds for which a file has to stay the same.
        most: files that may wait at once; others are to be shown later.
    """

    def __init__(self, settle: float, most: int = MOST) -> None:
        self._settle = settle
        self._most = most
        self._waiting: dict[str, _Waiting] = {}
        self._taken: dict[str, Fingerprint] = {}
        self._failed: OrderedDict[str, _Failed] = OrderedDict()

    @property
    def is_waiting(self) -> bool:
        """Whether there are files of which it is not known yet whether they stand still."""
        return bool(self._waiting)

    def see(self, path: str, seen: Fingerprint, now: float, *, is_whole: bool) -> Verdict:
        """Say what is to be done about a file that is there.

        `is_whole` says that it need not be waited for: it is marked, or old.
        """
        if path in self._taken:
            return Verdict.LEAVE
        failed = self._failed.get(path)
        if failed is not None and failed.fingerprint == seen:
            return self._take(path, seen) if now >= failed.due else Verdict.LEAVE
        waiting = self._waiting.get(path)
        if is_whole or (waiting is not None and waiting.fingerprint == seen and now >= waiting.due):
            return self._take(path, seen)
        if waiting is not None and waiting.fingerprint == seen:
            return Verdict.WAIT
        if waiting is None and len(self._waiting) >= self._most:
            return Verdict.FULL
        self._waiting[path] = _Waiting(seen, now + self._patience(failed))
        return Verdict.WAIT

    def _patience(self, failed: _Failed | None) -> float:
        """Return for how long a file has to stand still: longer, if that was not enough before."""
        doublings = 0 if failed is None else min(failed.failures, 20)
        return max(self._settle, min(LONGEST_DELAY, float(self._settle * 2**doublings)))

    def _take(self, path: str, seen: Fingerprint) -> Verdict:
        self._waiting.pop(path, None)
        self._taken[path] = seen
        return Verdict.TAKE

    def gone(self, path: str) -> None:
        """Forget a file that is not there any more, or not wanted."""
        self._waiting.pop(path, None)
        self._failed.pop(path, None)

    def done(self, path: str) -> Fingerprint | None:
        """Let go of a file that was taken and has not failed; return as what it was taken."""
        self._failed.pop(path, None)
        return self._taken.pop(path, None)

    def failed(self, path: str, now: float) -> tuple[int, float] | None:
        """Note a failure; return how many there were, and the seconds until the next attempt.

        None says that it was told already: what cannot even be read is met again and again.
        """
        taken, before = self._taken.pop(path, None), self._failed.pop(path, None)
        if before is not None and taken is None and before.fingerprint is None and now < before.due:
            self._failed[path] = before
            return None
        failures = 1 if before is None else before.failures + 1
        delay = min(LONGEST_DELAY, FIRST_DELAY * 2 ** min(failures - 1, 20))
        self._waiting.pop(path, None)
        self._failed[path] = _Failed(taken, failures, now + delay)
        if len(self._failed) > self._most:
            # It is tried again when all is looked through the next time.
            self._failed.popitem(last=False)
        return failures, delay

    def due(self, now: float) -> list[str]:
        """Return the files that are to be looked at again."""
        waiting = [path for path, each in self._waiting.items() if each.due <= now]
        return waiting + [path for path, each in self._resting() if each.due <= now]

    def _resting(self) -> Iterator[tuple[str, _Failed]]:
        """Yield the files that have failed and are not under way again."""
        for path, failed in self._failed.items():
            if path not in self._taken and path not in self._waiting:
                yield path, failed

    def next_due(self) -> float | None:
        """Return the moment of the next of these, None if there is none."""
        moments = [each.due for each in self._waiting.values()]
        moments += [each.due for _, each in self._resting()]
        return min(moments, default=None)
