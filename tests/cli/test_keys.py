"""Keys while an upload goes on: each does what the help says, and the terminal is given back."""

import os
from collections.abc import Callable
from pathlib import Path

from tests.cli.kit import tree
from tests.cli.terminal import Terminal
from tests.proxy import let_pass, proxy_to
from tests.s3 import Bucket

JOB = """
set -m; "$@"
echo "stopped: $(stty -a | grep -ow -e '-*icanon' -e '-*echo' | xargs)"
fg
echo "ended: $?"
"""


def showing(text: str) -> Callable[[str], bool]:
    """Return what waits for a text on the screen."""
    return lambda screen: text in screen


def test_keys(bucket: Bucket, tmp_path: Path) -> None:
    """A pause, slots, the limit, details, help, Ctrl-Z and `fg`, and a stop: all in one upload."""
    place = tree(tmp_path / "d", {"large.bin": os.urandom(25 << 20)})
    arguments = [
        *("put", str(place), str(bucket.place), "--part-size=5MiB", "--concurrency=3"),
        *("--limit-rate=1GiB/s", "--stop-grace=0.1s"),
    ]
    with proxy_to(bucket.server.endpoint_url, let_pass(2)) as proxy:
        env = {**bucket.env, "AWS_ENDPOINT_URL": proxy.url}
        terminal = Terminal(100, 40, arguments, env, shell=JOB)
        before = terminal.settings
        terminal.read_until(lambda text: "40%   2/5 parts" in text and "p pause" in text)
        for keys, shown in (
            (b"p", "asyncup · paused"),
            (b"++p", "going on after a pause: 5 parts in flight at once from now on"),
            (b"-", "as asked for: 4 parts in flight at once from now on"),
            (b"a", "as asked for: 3 parts in flight at once from now on"),
            (b"[", "halved: at most 512 MiB/s from now on"),
            (b"]", "doubled: at most 1 GiB/s from now on"),
            (b"\x1b[B", "▸ "),
            (b"\r", "upload ID"),
            (b"?", "halve or double the limit of the rate"),
            # Nothing is left of the panels, and the shell has its terminal.
            (b"\x1a", "stopped: icanon echo"),
            (b"?", "upload ID"),
        ):
            terminal.type(keys)
            terminal.read_until(showing(shown))
            assert ("╭" in terminal.text) is (b"\x1a" not in keys)
        assert terminal.settings != before
        terminal.type(b"q")
        assert terminal.finish() == 0

    assert terminal.settings_at_end == before
    assert terminal.lines[-1] == ""
    assert "ended: 130" in terminal.lines
    assert not set("╭─╮│╰╯█░") & set(terminal.text)
    assert terminal.shows_cursor
    assert "to go on: asyncup put" in terminal.text
