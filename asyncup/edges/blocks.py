"""Memory that bytes are read into, again and again."""

BLOCK = 256 << 10
"""Bytes read at once; measured: larger ones leave the processor's cache before they are sent."""

LARGE = 4 * BLOCK
"""Bytes read at once by who needs a thread for it: that costs more than the cache brings."""

_MOST_SPARE = 32
_MOST_LARGE = 16


class Blocks:
    """Memory to read into, used again as soon as nobody looks at what was read before.

    Fresh memory costs about as much as the reading does: the kernel has to clear it first.

    Args:
        size: bytes of each.
        most: so many are kept for others at most; and so many made, where there is a `beyond`.
        beyond: where those come from that would be more.
    """

    def __init__(self, size: int, most: int, beyond: "Blocks | None" = None) -> None:
        self._size = size
        self._most = most
        self._beyond = beyond
        self._made = 0
        self._spare: list[bytearray] = []

    def take(self) -> bytearray:
        """Return a block that nobody has a view of, the one used last if it can be had.

        Each thread may have a loop that reads: what is looked at is in nobody else's reach.
        """
        in_use: list[bytearray] = []
        try:
            while True:
                block = self._spare.pop()
                try:
                    # Python refuses to change the size of what anybody has a view of.
                    block.append(block.pop())
                except BufferError:
                    in_use.append(block)
                else:
                    return block
        except IndexError:
            return self._make()
        finally:
            self._spare.extend(reversed(in_use))

    def _make(self) -> bytearray:
        if self._beyond is not None and self._made >= self._most:
            return self._beyond.take()
        self._made += 1
        return bytearray(self._size)

    def give_back(self, block: bytearray) -> None:
        """Let a block be used again, some time after the last view of it has gone."""
        if len(self._spare) < self._most:
            self._spare.append(block)


_SPARE = Blocks(BLOCK, _MOST_SPARE)
_SPARE_LARGE = Blocks(LARGE, _MOST_LARGE, beyond=_SPARE)
"""The blocks that all who read share: however many they are, the large ones are few."""


def take_block(size: int) -> bytearray:
    """Return memory for so many bytes, or for a block of them; it may have room for more."""
    return (_SPARE if size <= BLOCK else _SPARE_LARGE).take()


def give_back(block: bytearray) -> None:
    """Let what was taken be used again, some time after the last view of it has gone."""
    (_SPARE if len(block) == BLOCK else _SPARE_LARGE).give_back(block)
