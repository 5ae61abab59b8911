"""Run a command and measure it: `python -I -S launch.py RESULT COMMAND...`.

This process is small and does nothing else: Linux counts what a process had in memory before it
became the command as the command's (getrusage(2), `ru_maxrss`), so who starts it has to be small.
"""

import json
import os
import sys
import time
from pathlib import Path


def main() -> None:
    """Write as JSON: exit status, seconds, CPU seconds (user and system) and peak bytes in memory.

    CPU and memory are those of the command and of all processes that it waited for; memory is that
    of the largest one.
    """
    result, *command = sys.argv[1:]
    begin = time.perf_counter()
    child = os.fork()
    if not child:
        try:
            os.execv(command[0], command)  # noqa: S606 - that is what this is for
        finally:
            os._exit(127)
    _, status, usage = os.wait4(child, 0)
    wall = time.perf_counter() - begin
    unit = 1 if sys.platform == "darwin" else 1 << 10
    told = {
        "status": os.waitstatus_to_exitcode(status),
        "wall": wall,
        "cpu": usage.ru_utime + usage.ru_stime,
        "peak": usage.ru_maxrss * unit,
    }
    Path(result).write_text(json.dumps(told), encoding="utf-8")


main()
