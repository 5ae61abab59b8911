"""Ceph's S3, the RADOS Gateway, on a cluster of one node: a monitor, a disk in memory, the gateway.

All of it is on loopback and without Ceph's own authentication. What is stored is gone at the end.
"""

import contextlib
import json
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.servers import (
    HOST,
    NoServer,
    Server,
    environment,
    free_port,
    make_bucket,
    new_server,
    run,
)

_PROGRAMS = ("ceph-mon", "ceph-osd", "radosgw", "radosgw-admin", "ceph", "monmaptool")
_PACKAGES = "ceph-mon ceph-osd radosgw ceph-common"
_COMMAND_SECONDS = 60.0

_CONFIGURATION = """
[global]
fsid = {fsid}
mon host = {monitor}
public addr = {host}
cluster addr = {host}
ms bind msgr1 = false
auth cluster required = none
auth service required = none
auth client required = none
run dir = {directory}
admin socket = {directory}/$name.asok
crash dir = {directory}
log file =
log to stderr = true
mon cluster log to file = false
pid file =

# One disk holds one copy of everything.
mon allow pool size one = true
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0

[mon]
public addr = {monitor}
mon data = {directory}/mon
# A full disk of the developer's is no business of a cluster in memory.
mon data avail crit = 1

[osd]
osd data = {directory}/osd
osd objectstore = memstore

[client]
# The gateway insists on encryption, which needs Ceph's authentication, unless told otherwise.
ms mon client mode = crc
rgw data = {directory}/rgw
rgw frontends = beast endpoint={host}:{gateway_port}
"""


@contextlib.contextmanager
def serve_ceph(directory: Path, bucket: str) -> Iterator[Server]:
    """Run a cluster of one node and its S3 gateway."""
    _need_programs()
    server = new_server()
    node = _Node(directory)
    node.configure(gateway_port=int(server.endpoint_url.rpartition(":")[2]))
    with node.monitor(), node.disk():
        node.add_user(server)
        with run(node.command("radosgw", "-f", "-n", "client.rgw"), directory) as gateway:
            gateway.wait_until(lambda: make_bucket(server, bucket))
            yield server


@dataclass(frozen=True, slots=True)
class _Node:
    directory: Path
    cluster: str = field(default_factory=lambda: str(uuid.uuid4()))
    address: str = field(default_factory=lambda: f"v2:{HOST}:{free_port()}")

    def configure(self, *, gateway_port: int) -> None:
        """Write the configuration, and make the directories that it names."""
        for name in ("mon", "osd", "rgw"):
            (self.directory / name).mkdir()
        text = _CONFIGURATION.format(
            fsid=self.cluster,
            host=HOST,
            monitor=self.address,
            gateway_port=gateway_port,
            directory=self.directory,
        )
        (self.directory / "ceph.conf").write_text(text, encoding="utf-8")

    @contextlib.contextmanager
    def monitor(self) -> Iterator[None]:
        """Run the monitor, which knows who belongs to the cluster."""
        members = str(self.directory / "monmap")
        known = ("--fsid", self.cluster, "--addv", "a", f"[{self.address}]")
        self.ask("monmaptool", "--create", "--enable-all-features", *known, members)
        self.ask("ceph-mon", "--mkfs", "-i", "a", "--monmap", members)
        with run(self.command("ceph-mon", "-f", "-i", "a"), self.directory) as process:
            process.wait_until(self._has_monitor)
            yield

    @contextlib.contextmanager
    def disk(self) -> Iterator[None]:
        """Run the one disk."""
        disk = str(uuid.uuid4())
        self.ask("ceph", "osd", "new", disk)
        self.ask("ceph-osd", "--mkfs", "-i", "0", "--osd-uuid", disk)
        with run(self.command("ceph-osd", "-f", "-i", "0"), self.directory) as process:
            process.wait_until(self._is_up)
            yield

    def _has_monitor(self) -> bool:
        return not self._call("ceph", "--connect-timeout", "2", "mon", "stat").returncode

    def _is_up(self) -> bool:
        return bool(json.loads(self.ask("ceph", "osd", "stat", "-f", "json"))["num_up_osds"])

    def add_user(self, server: Server) -> None:
        """Let the keys of a server in."""
        self.ask(
            *("radosgw-admin", "user", "create", "--uid=test", "--display-name=test"),
            *(f"--access-key={server.access_key}", f"--secret-key={server.secret_key}"),
        )

    def command(self, program: str, *arguments: str) -> list[str]:
        """Return the command line of a program of Ceph's."""
        return [program, "-c", str(self.directory / "ceph.conf"), *arguments]

    def ask(self, program: str, *arguments: str) -> str:
        """Run a program of Ceph's to its end, and return what it prints."""
        done = self._call(program, *arguments)
        if done.returncode:
            raise NoServer(f"{program} {' '.join(arguments)}: {done.stderr}")
        return done.stdout

    def _call(self, program: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            self.command(program, *arguments),
            env=environment(self.directory),
            capture_output=True,
            text=True,
            check=False,
            timeout=_COMMAND_SECONDS,
        )


def _need_programs() -> None:
    missing = [program for program in _PROGRAMS if shutil.which(program) is None]
    if missing:
        raise NoServer(
            f"no {', '.join(missing)} on this machine: on Debian and Ubuntu, as root, "
            f"apt-get install --no-install-recommends {_PACKAGES}"
        )
