"""Memory that is read into again and again: by one reader at a time."""

from asyncup.edges.blocks import BLOCK, Blocks


class Watched(bytearray):
    """A block that lets another thread take one in the middle of the first look at it."""

    blocks: Blocks | None = None
    meanwhile: bytearray | None = None

    def pop(self, index: int = -1) -> int:
        """Take the last byte off."""
        blocks, self.blocks = self.blocks, None
        if blocks is not None:
            self.meanwhile = blocks.take()
        return super().pop(index)


def test_a_block_has_one_reader_at_a_time() -> None:
    """Two threads that take a block in the same moment do not read into the same bytes."""
    blocks = Blocks(BLOCK, 2)
    block = Watched(BLOCK)
    block.blocks = blocks
    blocks.give_back(block)
    assert blocks.take() is block
    assert block.meanwhile is not None
    assert block.meanwhile is not block


def test_what_somebody_looks_at_is_left_alone() -> None:
    """The block used last is taken of those that nobody has a view of; others keep their turn."""
    blocks = Blocks(BLOCK, 3)
    first, second, third = (blocks.take() for _ in range(3))
    for block in (first, second, third):
        blocks.give_back(block)
    with memoryview(third), memoryview(second):
        assert blocks.take() is first
        assert all(blocks.take() is not each for each in (second, third))
    assert blocks.take() is third
    assert blocks.take() is second
