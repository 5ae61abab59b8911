"""Sources, patterns and a destination in; files and their keys out, each with a reason if left.

Nothing is held: a directory of a million files is walked as its files are taken.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from asyncup.core.errors import SourceUnsuitable
from asyncup.core.events import FileSkipped, UploadFailed
from asyncup.core.model import ObjectURI
from asyncup.core.names import printable
from asyncup.core.options import Limits
from asyncup.core.selection import Filters, key_problem
from asyncup.edges.files import Found, Left, Walk
from asyncup.edges.threads import DaemonThreads
from asyncup.engine.stream import AsyncReader

_BATCH = 256


@dataclass(frozen=True, slots=True)
class Job:
    """One thing to upload and where to; `size` in bytes, None for a stream.

    `name` is the path as Python has it, which need not be UTF-8; or what the stream is.
    `is_changed` says that it may have become another one since S3 was asked what is there: then
    that an object has its size says nothing.
    """

    source: Path | AsyncReader
    name: str
    uri: ObjectURI
    size: int | None
    is_changed: bool = False


Selected = Job | FileSkipped | UploadFailed


@dataclass(frozen=True, slots=True)
class Named:
    """A source as the user named it.

    `relative` is its part of the key; it has to be a file then. None is to go by its kind.
    """

    path: Path
    relative: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What a command names, to be walked.

    The key of a file is the destination, `key_prefix`, and its path relative to its source.

    Args:
        sources: in this order; they are taken from the iterable one by one, those that are left
            already among them. None says that the next one may take its time, so that those
            before it are not to wait for it.
        destination: a prefix, or with `exact` the key of the one file there is.
        exact: the destination is to be the key itself.
        several: two sources could lead to the same key; the second one is refused then.
        walk: how directories are walked.
        filters: which files are wanted.
        limits: what keys the server takes.
        key_prefix: put before each key's relative part as it is.
        reason_to_leave: says of a path why it is none of the user's files, None if it is one.
    """

    sources: Iterable[Named | Left | None]
    destination: ObjectURI
    exact: bool = False
    several: bool = True
    walk: Walk = field(default_factory=Walk)
    filters: Filters = field(default_factory=Filters)
    limits: Limits = field(default_factory=Limits)
    key_prefix: str = ""
    reason_to_leave: Callable[[Path], str | None] = lambda _: None

    @property
    def prefix(self) -> ObjectURI:
        """What all keys begin with."""
        return self.destination.as_prefix() / self.key_prefix

    async def __aiter__(self) -> AsyncIterator[Selected]:
        """Yield what is to be uploaded and what is not, without holding up the event loop."""
        walking, loop, threads = self._files(), asyncio.get_running_loop(), DaemonThreads()
        while batch := await loop.run_in_executor(threads, _batch, walking):
            for each in batch:
                if each is not None:
                    yield each

    def _files(self) -> Iterator[Selected | None]:
        """Yield the same, and None from the sources; blocks while it reads directories."""
        taken: dict[str, Path] = {}
        for source in self.sources:
            if source is None:
                yield None
            else:
                for found in self._walked(source):
                    yield self.judge(found, taken)

    def _walked(self, source: Named | Left) -> Iterable[Found | Left]:
        if isinstance(source, Left):
            return [source]
        return self.walk.files(source.path, relative=source.relative)

    def judge(self, found: Found | Left, taken: dict[str, Path]) -> Selected:
        """Say what is to be done about what was found; `taken` are keys that are not free."""
        name = str(found.path)
        if reason := self.reason_to_leave(found.path):
            return FileSkipped(name, reason)
        if isinstance(found, Left):
            return _left(found)
        if reason := self.filters.reason_to_skip(found.relative, found.size):
            return FileSkipped(name, reason, filtered=True)
        uri = self._uri(found.relative)
        if problem := key_problem(uri.key, self.limits):
            return UploadFailed(name, None, SourceUnsuitable(f"skip {printable(name)}: {problem}"))
        if self.several and uri.key in taken:
            return _twice(found, taken[uri.key], uri)
        if self.several:
            taken[uri.key] = found.path
        return Job(found.path, name, uri, found.size)

    def _uri(self, relative: str) -> ObjectURI:
        return self.destination if self.exact else self.prefix / relative


def _batch(walking: Iterator[Selected | None]) -> list[Selected | None]:
    """Take some at once, for fewer changes of threads; None is the last one."""
    batch: list[Selected | None] = []
    for each in islice(walking, _BATCH):
        batch.append(each)
        if each is None:
            break
    return batch


def _left(found: Left) -> Selected:
    name = str(found.path)
    if found.error is None:
        return FileSkipped(name, found.reason, filtered=found.filtered)
    return UploadFailed(name, None, found.error)


def _twice(found: Found, first: Path, uri: ObjectURI) -> Selected:
    """Leave out what would go where something else goes already."""
    name = str(found.path)
    if found.path == first:
        return FileSkipped(name, "named twice", filtered=True)
    problem = f"{printable(str(first))} goes to the same key, {uri}"
    hint = "name one of them, or give them different prefixes"
    return UploadFailed(
        name, None, SourceUnsuitable(f"skip {printable(name)}: {problem}", hint=hint)
    )
