"""Files that the installed command takes over a bad link."""

import json
import os
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from asyncup.core.model import ObjectURI
from tests.cli.kit import COMMAND, Ended, starter
from tests.network.link import Link
from tests.network.namespaces import within
from tests.network.store import Store
from tests.starter import Started


class Running:
    """A command that runs and tells its events as JSON."""

    def __init__(self, process: Started, log: Path) -> None:
        self.process = process
        self._log = log
        self._lines: list[str] = []

    @classmethod
    def begin(
        cls, arguments: Sequence[str], env: Mapping[str, str], log: Path, under: Sequence[str] = ()
    ) -> "Running":
        """Start the command, `under` another one if given; what it says of errors is logged."""
        command, whole_env = [COMMAND, *arguments], {**os.environ, **env}
        with log.open("wb") as errors:
            started = starter(*under).start(command, whole_env, stderr=errors.fileno())
        return cls(started, log)

    def wait_for(self, *kinds: str) -> Mapping[str, Any]:
        """Wait for an event of such a type and return it.

        Raises:
            AssertionError: the command ended before.
        """
        assert self.process.stdout is not None
        while line := self.process.stdout.readline().decode():
            self._lines.append(line)
            event: Mapping[str, Any] = json.loads(line)
            if event["type"] in kinds:
                return event
        raise AssertionError(f"no {kinds} before the end; it told:\n{self.told()}")

    def told(self) -> str:
        """Return the end of what it has told so far."""
        return "".join([*self._lines[-5:], self._log.read_text()])

    def finish(self, within: float | None = None) -> Ended:
        """Wait until it ends, `within` so many seconds if given.

        Raises:
            TimeoutExpired: it goes on.
        """
        out, _ = self.process.communicate(timeout=within)
        told = "".join(self._lines) + out.decode()
        return Ended(self.process.returncode, told, self._log.read_text())

    def close(self) -> None:
        """End it if it still runs."""
        with self.process:
            self.process.kill()


def resent(ended: Ended) -> int:
    """Return the bytes of parts that travelled in vain, by what the command told."""
    (completed,) = ended.events("upload_completed")
    return int(completed["result"]["resent"])


class Upload:
    """A file on this side of the link, and its place on the other.

    Attributes:
        data: what is in the file.
    """

    def __init__(self, link: Link, store: Store, directory: Path, place: ObjectURI) -> None:
        self._link = link
        self._store = store
        self._directory = directory
        self._place = place
        self._begun: list[Running] = []
        self.data = b""

    def make(self, size: int) -> None:
        """Make the file anew, with bytes that nobody else has sent, and always the same."""
        self.data = random.Random(str(self._place)).randbytes(size)
        (self._directory / "file").write_bytes(self.data)

    def start(self, *options: str, env: Mapping[str, str] | None = None) -> Running:
        """Begin to upload the file."""
        arguments = [
            *("put", str(self._directory / "file"), str(self._place)),
            *("--json", "--part-size=5MiB", f"--split-dir={self._directory / 'split'}"),
        ]
        running = Running.begin(
            [*arguments, *options],
            {**self._store.env, **(env or {})},
            self._directory / f"stderr-{len(self._begun)}",
            within(self._link.client),
        )
        self._begun.append(running)
        return running

    def run(self, *options: str, env: Mapping[str, str] | None = None) -> Ended:
        """Upload the file."""
        return self.start(*options, env=env).finish()

    def check(self, ended: Ended) -> None:
        """Check that a command has ended well, and the object is the file."""
        assert ended.code == 0, ended.out[-1000:] + ended.err
        # What there is to tell is in the events.
        assert ended.err == ""
        assert self._store.objects(self._place) == {"file": self.data}
        assert self._store.pending(self._place) == []

    def by_name(self, name: str) -> Mapping[str, str]:
        """Return the environment that reaches the server by a name instead of its address."""
        url = self._store.env["AWS_ENDPOINT_URL"].replace(self._link.address, name)
        return {"AWS_ENDPOINT_URL": url}

    def end(self) -> None:
        """End what still runs."""
        for running in self._begun:
            running.close()
