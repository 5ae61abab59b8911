"""Network namespaces of this machine (ip-netns(8)): making, entering and removing them."""

import ctypes
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

TUN = Path("/dev/net/tun")
ETC = Path("/etc/netns")
RUN = Path("/run/netns")
DEVICE = "wan"

_CLONE_NEWNET = 0x40000000  # sched.h
# What most senders in the world use, whatever is the default of this machine.
_ROUTE = ("congctl", "cubic")
_SETTINGS = (
    # What a connection has learnt of the path is not for the next test.
    Path("/proc/sys/net/ipv4/tcp_no_metrics_save"),
    Path("/proc/sys/net/ipv6/conf/all/disable_ipv6"),
)
"""What is set to 1. A namespace sees its own, and not every machine has `sysctl`."""


def missing() -> str | None:
    """Say what this machine lacks for namespaces and devices of our own; None if nothing."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return "root, to make network namespaces"
    if not TUN.exists():
        return f"{TUN}, for a link whose packets a process carries"
    # Who is root may still not be allowed to make any, as in most containers.
    name = f"asyncup-{os.getpid()}-try"
    try:
        for verb in ("add", "delete"):
            subprocess.run(["ip", "netns", verb, name], check=True, capture_output=True)
    except OSError:
        return "`ip`, of the package iproute2"
    except subprocess.CalledProcessError as error:
        return f"to be allowed to make network namespaces: {error.stderr.decode().strip()}"
    return None


@contextmanager
def namespace(name: str) -> Iterator[str]:
    """Make a namespace with nothing in it but loopback, and remove it with all its processes."""
    ip("netns", "add", name)
    try:
        ip("-n", name, "link", "set", "lo", "up")
        inside(name, _set)
        yield name
    finally:
        listed = subprocess.run(["ip", "netns", "pids", name], capture_output=True, check=True)
        for pid in listed.stdout.split():
            os.kill(int(pid), signal.SIGKILL)
        ip("netns", "delete", name)


def _set() -> None:
    for setting in _SETTINGS:
        # Where there is no IPv6, there is none to be disabled.
        if setting.exists():
            setting.write_text("1", encoding="ascii")


def plug_in(name: str) -> None:
    """Bring the device of a namespace up, with the way to everywhere over it."""
    ip("-n", name, "link", "set", DEVICE, "up")
    ip("-n", name, "route", "add", "default", "dev", DEVICE, *_ROUTE)


def pull_out(name: str) -> None:
    """Take the device down, and the way with it: who connects is told at once."""
    ip("-n", name, "link", "set", DEVICE, "down")


def ip(*arguments: str) -> None:
    """Run a command of iproute2."""
    subprocess.run(["ip", *arguments], check=True, stdin=subprocess.DEVNULL)


def within(name: str) -> tuple[str, ...]:
    """Return what to put before a command to run it in a namespace."""
    return ("ip", "netns", "exec", name)


def inside(name: str, call: Callable[[], T]) -> T:
    """Call a function in a namespace; sockets and processes that it makes belong there."""

    def enter() -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        with (RUN / name).open(encoding="ascii") as namespace:
            if libc.setns(namespace.fileno(), _CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), f"enter the namespace {name}")

    def run() -> T:
        enter()
        return call()

    # It changes the thread that calls it, so that one ends with the call.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(run).result()
