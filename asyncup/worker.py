"""`python -m asyncup.worker`: reads and sends parts for the process that has started it.

It is told what to do on standard input, and answers on standard output. When its input ends, it
ends at once, whatever it does: nobody is there any more.
"""

import signal
from contextlib import suppress


def main() -> None:
    """Work until nobody is there any more."""
    # They reach all processes of a terminal: what is to be done about them, one decides. First of
    # all, because imports take long enough to be in the middle of them.
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2"):
        with suppress(AttributeError):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    import asyncio

    asyncio.run(_work())


async def _work() -> None:
    import os

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
        await Workbench(channel, s3, signatory.adopt).run()
        # No thread that still reads is waited for, and no connection that is to be closed.
        os._exit(0)


if __name__ == "__main__":
    main()
