"""`python -m asyncup.worker`: reads and sends parts for the process that has started it.

It is told what to do on standard input, and answers on standard output. When its input ends, it
ends at once, whatever it does: nobody is there any more.
"""

import os
import select
import signal
from contextlib import suppress
from threading import Thread


def main() -> None:
    """Work until nobody is there any more."""
    # They reach all processes of a terminal: what is to be done about them, one decides. First of
    # all, because imports take long enough to be in the middle of them.
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2"):
        with suppress(AttributeError):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    end_with_input()
    import asyncio

    asyncio.run(_work())


def end_with_input() -> None:
    """End this process when standard input ends, also while it imports or its loop stands still.

    No thread that still reads is waited for then, and no connection is closed.
    """
    hung_up = select.poll()
    # It goes on to be watched when another file takes its number.
    hung_up.register(os.dup(0), 0)

    def watch() -> None:
        hung_up.poll()
        os._exit(0)

    Thread(target=watch, daemon=True).start()


async def _work() -> None:
    from asyncup.core.messages import OpenS3
    from asyncup.core.options import Options
    from asyncup.edges.channel import standard_streams
    from asyncup.edges.s3 import open_s3
    from asyncup.edges.s3_credentials import ToldCredentials
    from asyncup.edges.s3_signatory import ToldSignatory
    from asyncup.edges.workbench import Workbench

    channel = await standard_streams()
    told = await channel.receive()
    if not isinstance(told, OpenS3):
        return
    signatory = ToldSignatory(ToldCredentials(told.s3))
    options = Options(concurrency=told.concurrency, stall_timeout=told.stall_timeout)
    async with open_s3(told.s3, options, agent=told.agent, signatory=signatory) as s3:
        if not told.asks_first:
            s3.send_at_once()
        await Workbench(channel, s3, signatory.adopt).run()
        os._exit(0)


if __name__ == "__main__":
    main()
