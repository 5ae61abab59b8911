"""What the system tells of changes below a directory; the only door to watchfiles.

It is a hint where to look, and no more: what is there, the directory tells. The system drops what
it cannot queue (inotify(7), IN_Q_OVERFLOW), which watchfiles does not pass on
(https://github.com/samuelcolvin/watchfiles/issues/348), so all has to be looked through from time
to time anyway.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Protocol

from asyncup.edges.threads import DaemonThreads

MOST = 1000
"""Paths that are told one by one; where there are more, all is to be looked through."""

_STEP, _DEBOUNCE = 100, 1000
"""Milliseconds: between two looks at what has come, and in which changes are told together."""

Hints = Callable[[set[str] | None], None]
"""Is told the paths at which something has changed, or None: anything may have."""


class Watcher(Protocol):
    """Tells of changes from when it is called until it is cancelled.

    The first hint is None: no change after it is missed, so all may be looked through.
    """

    async def __call__(self, directory: Path, hint: Hints, /) -> str:
        """Tell of changes; return, in words, why there is nothing to tell any more."""


async def tell_changes(directory: Path, hint: Hints) -> str:
    """Tell what changes below a directory until cancelled; return why that is not to be had.

    Links to directories may be followed or not; whoever looks there decides.
    """
    loop, stop = asyncio.get_running_loop(), Event()

    def tell(paths: set[str] | None) -> None:
        if not stop.is_set():
            hint(paths)

    try:
        return await loop.run_in_executor(
            DaemonThreads(),
            _listen,
            directory,
            lambda paths: loop.call_soon_threadsafe(tell, paths),
            stop,
        )
    finally:
        stop.set()


def _listen(directory: Path, hint: Callable[[set[str] | None], object], stop: Event) -> str:
    from watchfiles import watch

    try:
        changes = watch(
            directory,
            watch_filter=None,
            debounce=_DEBOUNCE,
            step=_STEP,
            stop_event=stop,
            rust_timeout=_STEP,
            # Also if nothing changes, the first one says that changes are seen from now on.
            yield_on_timeout=True,
            force_polling=False,
            # It would ignore whatever is wrong, and what comes after it in the directory as well.
            ignore_permission_denied=False,
        )
        is_first = True
        for batch in changes:
            if is_first or len(batch) > MOST:
                hint(None)
            elif batch:
                hint({path for _, path in batch})
            is_first = False
    except (OSError, RuntimeError) as error:
        # More directories than may be watched, one that cannot be read, a name that is not UTF-8.
        return str(error)
    return "stopped"
