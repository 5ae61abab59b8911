"""What is typed on a terminal, as keys: a character as itself, others by their names."""

import re
from dataclasses import dataclass

_NAMES = {
    b"\r": "enter",
    b"\n": "enter",
    b"\x1b[A": "up",
    b"\x1b[B": "down",
    b"\x1bOA": "up",
    b"\x1bOB": "down",
}

_SEQUENCE = rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|O[@-~])"
"""What a key sends that is no character: ECMA-48 (5.4), and the keypad of a VT100."""

_TOKEN = re.compile(rb"%b|.|\n" % _SEQUENCE)
_BEGUN = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*|O)?\Z")


@dataclass(frozen=True, slots=True)
class KeyHint:
    """What a key does: in a word or two for the border, and in a sentence for the help."""

    key: str
    word: str
    told: str


class Keys:
    """Makes keys of bytes; a sequence that is not whole waits for its rest."""

    def __init__(self) -> None:
        self._rest = b""

    def of(self, data: bytes) -> list[str]:
        """Return the keys that bytes end; those that nobody asks for are left out."""
        data = self._rest + data
        begun = _BEGUN.search(data)
        self._rest = b"" if begun is None else begun[0]
        whole = data.removesuffix(self._rest)
        return [key for token in _TOKEN.findall(whole) if (key := _key(token)) is not None]


def _key(token: bytes) -> str | None:
    is_character = len(token) == 1 and token.isascii() and token.decode().isprintable()
    return token.decode() if is_character else _NAMES.get(token)
