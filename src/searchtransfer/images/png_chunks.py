# SPDX-License-Identifier: Apache-2.0
"""The chunks of a PNG file, taken apart and put together (PNG 3rd edition, section 5)."""

import struct
import zlib
from collections.abc import Iterable, Iterator

from .samples import Note

SIGNATURE = b"\x89PNG\r\n\x1a\n"
Chunk = tuple[bytes, bytes]
"""(type, body)."""


def read_chunks(png: bytes, note: Note) -> list[Chunk]:
    """The chunks in order, up to and with IEND.

    A wrong checksum in a chunk that is not needed for the pixels costs that chunk, with a note.

    Raises:
        ValueError: the file ends before IEND, or a chunk that is needed has a wrong checksum.
    """
    chunks: list[Chunk] = []
    start = len(SIGNATURE)
    while not chunks or chunks[-1][0] != b"IEND":
        if start + 12 > len(png):
            raise ValueError("it ends before its last chunk")
        (length,) = struct.unpack_from(">I", png, start)
        stop = start + 12 + length
        if stop > len(png):
            raise ValueError("it ends in the middle of a chunk")
        kind, body = png[start + 4 : start + 8], png[start + 8 : stop - 4]
        if not kind.isalpha():
            raise ValueError(f"it has a chunk of the impossible type {kind!r}")
        if zlib.crc32(png[start + 4 : stop - 4]) == int.from_bytes(png[stop - 4 : stop], "big"):
            chunks.append((kind, body))
        elif kind[0] & 0x20:  # a small first letter: not needed for the pixels
            note(f"its chunk {kind.decode()} has a wrong checksum and is left out")
        else:
            raise ValueError(f"wrong checksum in its chunk {kind.decode()}")
        start = stop
    return chunks


def png_file(chunks: Iterable[Chunk]) -> bytes:
    """A file of chunks."""
    parts = [SIGNATURE]
    for kind, body in chunks:
        check = zlib.crc32(kind + body)
        parts.append(struct.pack(">I", len(body)) + kind + body + struct.pack(">I", check))
    return b"".join(parts)


def only(chunks: Iterable[Chunk], kinds: Iterable[bytes]) -> Iterator[Chunk]:
    """Those of some types."""
    wanted = set(kinds)
    return (chunk for chunk in chunks if chunk[0] in wanted)
