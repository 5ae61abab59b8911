"""A page as a real browser shows it: headless Chromium, asked through its debugging protocol.

https://chromedevtools.github.io/devtools-protocol
"""

import asyncio
import json
import os
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
_OPTIONS = (
    "--headless",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--remote-debugging-port=0",
)


class Browser:
    """One page of it.

    Attributes:
        events: what it has told, in order: requests, console, errors.
    """

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._count = 0
        self._session: str | None = None
        self.events: list[dict[str, Any]] = []

    async def call(self, method: str, **params: object) -> dict[str, Any]:
        """Ask for something and return the answer."""
        self._count += 1
        message = {"id": self._count, "method": method, "params": params}
        if self._session is not None:
            message["sessionId"] = self._session
        await self._socket.send_json(message)
        while True:
            told = await self._socket.receive_json()
            if told.get("id") == self._count:
                assert "error" not in told, told
                return dict(told["result"])
            self.events.append(told)

    async def attach(self) -> None:
        """Take a page of its own, and hear of all that it does."""
        target = await self.call("Target.createTarget", url="about:blank")
        attached = await self.call(
            "Target.attachToTarget", targetId=target["targetId"], flatten=True
        )
        self._session = attached["sessionId"]
        for domain in ("Page", "Network", "Log", "Runtime"):
            await self.call(f"{domain}.enable")

    async def open(self, path: Path) -> None:
        """Open a file and wait until all of it is loaded."""
        await self.call("Page.navigate", url=path.as_uri())
        while not any(each.get("method") == "Page.loadEventFired" for each in self.events):
            self.events.append(await self._socket.receive_json())

    async def value(self, expression: str) -> Any:  # noqa: ANN401 - JavaScript has any
        """Return what an expression of JavaScript comes to in the page."""
        told = await self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")


@asynccontextmanager
async def opened(path: Path, profile: Path) -> AsyncIterator[Browser]:
    """Show a page in a browser that keeps what it has to keep in a directory, and end it."""
    assert CHROMIUM is not None
    # Its sandbox is not for root.
    sandbox = ["--no-sandbox"] if os.getuid() == 0 else []
    process = await asyncio.create_subprocess_exec(
        *(CHROMIUM, *_OPTIONS, *sandbox, f"--user-data-dir={profile}"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        async with (
            aiohttp.ClientSession() as client,
            client.ws_connect(await _address(process), max_msg_size=0) as socket,
        ):
            browser = Browser(socket)
            await browser.attach()
            await browser.open(path)
            yield browser
            await browser.call("Page.close")
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        await process.communicate()


async def _address(process: asyncio.subprocess.Process) -> str:
    """Return where it listens, on loopback, which it tells on standard error."""
    assert process.stderr is not None
    told: list[str] = []
    async for line in process.stderr:
        told.append(line.decode(errors="replace"))
        if "DevTools listening on " in told[-1]:
            return told[-1].rpartition(" ")[2].strip()
    raise AssertionError("".join(told))


def requests_of(browser: Browser) -> list[str]:
    """Return the URLs of all that a page has loaded or tried to."""
    sent = [each for each in browser.events if each.get("method") == "Network.requestWillBeSent"]
    return [each["params"]["request"]["url"] for each in sent]


def complaints_of(browser: Browser) -> list[str]:
    """Return what a page's console tells: errors of scripts, what a policy has stopped."""
    methods = ("Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled")
    return [json.dumps(each["params"]) for each in browser.events if each.get("method") in methods]
