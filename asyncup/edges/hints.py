"""What is remembered of servers, in a file for each endpoint in the state directory.

A hint only spares requests, so there are none where they cannot be kept.
"""

from contextlib import suppress
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path

from asyncup.core.capabilities import Capabilities, Remembered, hints_text, read_hints
from asyncup.edges.replaced_file import replace_file


class Hints:
    """The hints of one endpoint; `state_dir` None: none, but for what is learned meanwhile."""

    def __init__(self, state_dir: Path | None, endpoint: str) -> None:
        self._path = None if state_dir is None else _path(state_dir, endpoint)
        self._remembered = Remembered(endpoint)
        if self._path is not None:
            with suppress(OSError, UnicodeDecodeError):
                text = self._path.read_text(encoding="utf-8")
                self._remembered = read_hints(text, endpoint)

    def of(self, bucket: str) -> Capabilities:
        """Return what counts now of what is known of a bucket."""
        return self._remembered.of(bucket, _now())

    @property
    def answers_continue(self) -> bool:
        """Whether the server is to be asked before a body is sent."""
        return self._remembered.answers_continue(_now())

    def learn(self, bucket: str, known: Capabilities) -> None:
        """Take note of what a bucket was seen to do, until this process ends."""
        self._remembered = self._remembered.learn(bucket, known, _now())

    def keep(self) -> bool:
        """Let later runs know it; return whether they will."""
        if self._path is None:
            return False
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            replace_file(self._path, hints_text(self._remembered))
        except OSError:
            return False
        return True


def _path(state_dir: Path, endpoint: str) -> Path:
    name = blake2b(endpoint.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
    return state_dir / "servers" / f"{name}.json"


def _now() -> datetime:
    return datetime.now(UTC)
