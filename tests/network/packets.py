"""IPv4 and TCP, as far as the link looks into them (RFC 791, RFC 9293)."""

import struct
from typing import NamedTuple

FIN, SYN, RST, ACK = 0x01, 0x02, 0x04, 0x10

_TCP = 6
_SEQUENCES = 1 << 32
_IP_HEADER = struct.Struct("!BBHHHBBH4s4s")
_TCP_HEADER = struct.Struct("!HHIIBBHHH")


class Segment(NamedTuple):
    """A TCP segment; `size` is that of its payload, without the numbers of SYN and FIN."""

    source: bytes
    target: bytes
    source_port: int
    target_port: int
    sequence: int
    acknowledged: int
    flags: int
    size: int


def parse(packet: bytes) -> Segment | None:
    """Read a packet; None if it is none of TCP over IPv4."""
    if len(packet) < _IP_HEADER.size or packet[0] >> 4 != 4 or packet[9] != _TCP:
        return None
    start = (packet[0] & 15) * 4
    source_port, target_port, sequence, acknowledged, offset, flags, *_ = _TCP_HEADER.unpack_from(
        packet, start
    )
    size = len(packet) - start - (offset >> 4) * 4
    addresses = packet[12:16], packet[16:20]
    return Segment(*addresses, source_port, target_port, sequence, acknowledged, flags, size)


def reset_for(segment: Segment) -> bytes:
    """Return the packet by which the other end would refuse a segment (RFC 9293, 3.10.7.1).

    The sender takes it, since it bears exactly the number that is expected next (RFC 5961, 3.2).
    """
    if segment.flags & ACK:
        sequence, acknowledged, flags = segment.acknowledged, 0, RST
    else:
        after = segment.size + bool(segment.flags & SYN) + bool(segment.flags & FIN)
        sequence, acknowledged, flags = 0, (segment.sequence + after) % _SEQUENCES, RST | ACK
    ports = segment.target_port, segment.source_port
    addresses = segment.target + segment.source
    length = _TCP_HEADER.size

    def tcp(checksum: int) -> bytes:
        return _TCP_HEADER.pack(*ports, sequence, acknowledged, 5 << 4, flags, 0, checksum, 0)

    def ip(checksum: int) -> bytes:
        total, source, target = _IP_HEADER.size + length, segment.target, segment.source
        return _IP_HEADER.pack(0x45, 0, total, 0, 0, 64, _TCP, checksum, source, target)

    pseudo_header = addresses + struct.pack("!HH", _TCP, length)
    return ip(checksum(ip(0))) + tcp(checksum(pseudo_header + tcp(0)))


def checksum(data: bytes) -> int:
    """Return the Internet checksum (RFC 1071) of an even number of bytes; 0 if one is in it."""
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def advance(position: int, sequence: int) -> int:
    """Return how far a sequence number is ahead of another one, negative if it is behind."""
    ahead = (sequence - position) % _SEQUENCES
    return ahead - _SEQUENCES if ahead >= _SEQUENCES // 2 else ahead
