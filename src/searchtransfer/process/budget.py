# SPDX-License-Identifier: Apache-2.0
"""A budget of memory: what a job may take beyond its inputs and outputs, in bytes.

Search and pieces share it: copies of the references, with their keys, take two thirds at most, and
a piece of the picture one third. Both are planned from sizes, so that the same pair is always made
in the same way.
"""

import math
import re

from ..errors import OptionError

MEMORY = 1536 * 2**20
"""Bytes, when nothing else is said."""

BYTES_A_PIXEL = 84
"""Of a copy that is searched: its pixels, what is made of them (24 bytes), and keys; the last two
twice where the image is worn."""

LEAST = 64 * 2**20
"""Bytes below which nothing sensible can be planned."""

SMALLEST_SIDE = 32
"""Cells on a side of a piece: below, what surrounds it takes more than the piece."""

_UNITS = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30}


def checked(memory: int) -> int:
    """A budget that can be planned with.

    Raises:
        OptionError: it is none.
    """
    if isinstance(memory, bool) or not isinstance(memory, int) or memory < LEAST:
        raise OptionError(
            f"memory must be a whole number of bytes, at least {LEAST // 2**20} MiB, got {memory!r}"
        )
    return memory


def parse_memory(words: str) -> int:
    """Read bytes as people write them: `1.5GiB`, `800M`, `2000000000`; units are powers of 1024.

    Raises:
        OptionError: it is something else, or too little.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmg]?)(?:i?b)?", words.strip().lower())
    if found is None:
        raise OptionError(f"memory must be as in 1.5GiB or 800M, got {words!r}")
    return checked(int(float(found[1]) * _UNITS[found[2]]))


def for_copies(memory: int) -> int:
    """Bytes that copies of references may take."""
    return memory * 2 // 3


def side_of_piece(memory: int, bytes_a_cell: int, halo: int) -> int:
    """Cells on a side of a square piece.

    Args:
        memory: the budget.
        bytes_a_cell: that a cell of the piece takes, those around included.
        halo: cells around the piece on either side.
    """
    return max(SMALLEST_SIDE, math.isqrt(memory // 3 // bytes_a_cell) - 2 * halo)
