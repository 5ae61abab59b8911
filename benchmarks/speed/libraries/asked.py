"""What a library is asked to do: `python -m benchmarks.speed.libraries.with_...` and what follows.

Nothing here costs memory or time that counts.
"""

import sys
from pathlib import Path

BUCKET = "speed-test"
PART_SIZE = 16 << 20
IN_FLIGHT = 8


def read() -> tuple[str, Path, dict[str, Path]]:
    """Read the command line: URL CERTIFICATE PREFIX SOURCE; a file or a directory.

    Returns:
        The URL, the file of certificates to trust, and files by their keys.
    """
    url, certificate, prefix, source = sys.argv[1:]
    path = Path(source)
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    return url, Path(certificate), {prefix + file.name: file for file in files}
