# SPDX-License-Identifier: Apache-2.0
"""What a BMP file has beside the pixels that its reader gives."""

_PLAIN = 40
"""Bytes of the second header, up to which there is no mask for alpha."""


def has_unmarked_byte(data: bytes) -> bool:
    """Whether pixels of 32 bits have a fourth byte that differs, and may be meant as alpha."""
    header, bits = (int.from_bytes(data[at : at + 2], "little") for at in (14, 28))
    compression = int.from_bytes(data[30:34], "little")
    if header != _PLAIN or bits != 32 or compression != 0:
        return False
    width, height = (int.from_bytes(data[x : x + 4], "little", signed=True) for x in (18, 22))
    start = int.from_bytes(data[10:14], "little")
    fourth = data[start + 3 : start + 4 * abs(width * height) : 4]
    return fourth.count(fourth[:1]) < len(fourth)
