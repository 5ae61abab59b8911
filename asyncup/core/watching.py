"""What may be announced of a directory that is watched, and of the files that are let go.

As with `asyncup.core.events`, times are in seconds, and a `source` is a path as Python has it.
"""

from dataclasses import dataclass

from asyncup.core.errors import AsyncupError
from asyncup.core.events import Event
from asyncup.core.model import ObjectURI


@dataclass(frozen=True, slots=True)
class WatchStarted(Event):
    """All that lay in the directory was looked at; from now on it is about what changes.

    Told again when a directory that was gone, or has become another one, was looked through.
    """

    directory: str


@dataclass(frozen=True, slots=True)
class WatchLost(Event):
    """The directory is not there, cannot be read, or is another one: it is waited for."""

    directory: str
    reason: str


@dataclass(frozen=True, slots=True)
class WatchPolls(Event):
    """The system does not tell of changes: all is looked through every `interval` seconds."""

    directory: str
    reason: str
    interval: float


@dataclass(frozen=True, slots=True)
class FileDeferred(Event):
    """A file that failed is tried again after `delay`, or sooner if it changes."""

    source: str
    failures: int
    delay: float


@dataclass(frozen=True, slots=True)
class SourceDeleted(Event):
    """A file is at S3, proven, and was deleted here."""

    source: str
    uri: ObjectURI


@dataclass(frozen=True, slots=True)
class SourceMoved(Event):
    """A file is at S3, proven, and lies at `destination` now."""

    source: str
    uri: ObjectURI
    destination: str


@dataclass(frozen=True, slots=True)
class SourceKept(Event):
    """A file was to be deleted or moved, and stays where it is; nothing is lost by that."""

    source: str
    uri: ObjectURI
    error: AsyncupError
