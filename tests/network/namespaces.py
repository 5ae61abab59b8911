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
DEVICE = "wan"

_CLONE_NEWNET = 0x40000000  # sched.h
# What most senders in the world use, whatever is the default of this machine.
_ROUTE = ("congctl", "cubic")
_SETTINGS = (
    # What a connection has learnt of the path is not for the next test.
    "net.ipv4.tcp_no_metrics_save=1",
    "net.ipv6.conf.all.disable_ipv6=1",
)


def missing() -> str | None:
    """Say what this machine lacks for namespaces and devices of our own; None if nothing."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return "root, to make network namespaces"
    if not TUN.exists():
        return f"{TUN}, for a link whose packets a process carries"
    try:
        subprocess.run(["ip", "netns", "list"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        return "`ip netns`, of the package iproute2"
    return None


@contextmanager
def namespace(name: str) -> Iterator[str]:
    """Make a namespace with nothing in it but loopback, and remove it with all its processes."""
    ip("netns", "add", name)
    try:
        ip("-n", name, "link", "set", "lo", "up")
        subprocess.run([*within(name), "sysctl", "-q", "-w", *_SETTINGS], check=True)
        yield name
    finally:
        listed = subprocess.run(["ip", "netns", "pids", name], capture_output=True, check=True)
        for pid in listed.stdout.split():
            os.kill(int(pid), signal.SIGKILL)
        ip("netns", "delete", name)


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
        with Path("/run/netns", name).open(encoding="ascii") as namespace:
            if libc.setns(namespace.fileno(), _CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), f"enter the namespace {name}")

    def run() -> T:
        enter()
        return call()

    # It changes the thread that calls it, so that one ends with the call.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(run).result()
