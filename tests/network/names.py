"""A name server (RFC 1035) that knows one name, and may not want to tell."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import Enum
from pathlib import Path
from shutil import rmtree

from tests.network.link import Link
from tests.network.namespaces import ETC, RUN, inside

NAME = "store.example"


class Mood(Enum):
    """What a name server does with a question: the value is the answer's RCODE."""

    ANSWER = 0
    FAIL = 2
    DENY = 3
    SILENCE = None


class NameServer:
    """Runs at the far end of the link."""

    def __init__(self, link: Link) -> None:
        self._mood = Mood.ANSWER
        self._address = socket.inet_aton(link.address)
        self._socket = inside(link.server, lambda: _bound((link.address, 53)))
        self._thread = threading.Thread(target=self._serve)
        self._asked = threading.Event()
        self._thread.start()

    def turn(self, mood: Mood) -> None:
        """Deal with all questions so from now on."""
        self._mood = mood
        self._asked.clear()

    def wait_for_question(self) -> None:
        """Wait until somebody has asked since the mood has turned."""
        self._asked.wait()

    def close(self) -> None:
        """Answer no more."""
        # It is not connected, which is an error here, but wakes who waits for the next question.
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                question, asker = self._socket.recvfrom(512)
            except OSError:
                return
            if not question:
                return
            code = self._mood.value
            if code is not None:
                self._socket.sendto(self._answer(question, code), asker)
            self._asked.set()

    def _answer(self, question: bytes, code: int) -> bytes:
        """Answer with the address, or with none where another kind is asked for."""
        name_end = question.index(b"\0", 12) + 1
        is_address = question[name_end : name_end + 2] == b"\0\1"
        answers = int(code == 0 and is_address)
        flags = bytes([0x81, 0x80 | code])
        head = question[:2] + flags + bytes([0, 1, 0, answers, 0, 0, 0, 0])
        record = b"\xc0\x0c\0\1\0\1\0\0\0\0\0\4" + self._address
        return head + question[12 : name_end + 4] + record * answers


def _bound(address: tuple[str, int]) -> socket.socket:
    made = socket.socket(type=socket.SOCK_DGRAM)
    made.bind(address)
    return made


def sweep(etc: Path = ETC) -> None:
    """Remove what killed tests have left: settings of namespaces that are gone."""
    for settings in etc.glob("asyncup-*"):
        if not (RUN / settings.name).exists():
            rmtree(settings)


@contextmanager
def asked_at_the_far_end(link: Link) -> Iterator[None]:
    """Let the client ask for names there; for what enters its namespace while this lasts."""
    sweep()
    settings = ETC / link.client
    settings.mkdir(parents=True)
    try:
        (settings / "resolv.conf").write_text(f"nameserver {link.address}\n", encoding="ascii")
        yield
    finally:
        rmtree(settings)


@contextmanager
def name_server(link: Link) -> Iterator[NameServer]:
    """Run a name server there for as long as the context lasts."""
    server = NameServer(link)
    try:
        yield server
    finally:
        server.close()
