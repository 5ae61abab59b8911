"""A file that is appended to line by line, by this run and maybe by others."""

import os
import stat
from pathlib import Path

# Windows has the one, the others the other.
_PLAIN = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_APPENDING = os.O_APPEND | os.O_CREAT | _PLAIN


class LinesFile:
    """A file that is open for appending; what died in the middle of a line spoils no other.

    Raises:
        OSError: on making, if nothing can be appended to it.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._file = os.open(path, os.O_RDWR | _APPENDING, 0o666)
            self._is_torn = self._ends_torn()
        except PermissionError:
            self._file = os.open(path, os.O_WRONLY | _APPENDING, 0o666)
            # Nobody knows: an empty line is better than two in one.
            self._is_torn = self._holds_lines()

    @property
    def status(self) -> os.stat_result:
        """What the system says of the file, whatever its name leads to by now."""
        return os.fstat(self._file)

    def _holds_lines(self) -> bool:
        status = self.status
        return stat.S_ISREG(status.st_mode) and status.st_size > 0

    def _ends_torn(self) -> bool:
        """Return whether the file does not end with a line's end: a run died as it wrote."""
        if not self._holds_lines():
            return False
        os.lseek(self._file, -1, os.SEEK_END)
        return os.read(self._file, 1) != b"\n"

    def append(self, line: str) -> None:
        """Write a line, without waiting for the disk.

        Raises:
            OSError: it is not written, or not all of it.
        """
        data = f"{line}\n".encode()
        if self._is_torn:
            data = b"\n" + data
        # Until all of it is written, whatever comes next begins a line of its own.
        self._is_torn = True
        self._write(data)
        self._is_torn = False

    def _write(self, data: bytes) -> None:
        # In one piece where the system lets it: other runs may append to the same file.
        while data:
            data = data[os.write(self._file, data) :]

    def sync(self) -> None:
        """Wait until all is on the disk.

        Raises:
            OSError: it is not, or there is no disk.
        """
        os.fsync(self._file)

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)
