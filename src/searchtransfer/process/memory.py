# SPDX-License-Identifier: Apache-2.0
"""Lack of memory: told from other errors, and answered by smaller pieces."""

import contextlib
import errno
import gc
import logging
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import torch

from ..errors import OutOfMemoryError

T = TypeVar("T")

SMALLEST_TILE = 32
"""Cells on a side; below, what surrounds a tile needs more memory than the tile."""

_SENTENCES = (
    "defaultcpuallocator",  # "can't allocate memory" on Linux, "not enough memory" on Windows
    "cannot allocate memory",
    "std::bad_alloc",
    "can't start new thread",  # no memory for its stack
    "could not create a primitive",  # oneDNN, of a convolution, where its code finds no room
)
"""Parts of what torch and other libraries say where they raise no type of its own for it."""

log = logging.getLogger(__name__)


def lacks_memory(error: BaseException | None) -> bool:
    """Whether an error, or one that it was raised from, says that memory could not be had."""
    while error is not None:
        if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
            return True
        if isinstance(error, OSError) and error.errno == errno.ENOMEM:
            return True
        if isinstance(error, RuntimeError):
            said = str(error).lower()
            if any(sentence in said for sentence in _SENTENCES):
                return True
        error = error.__cause__
    return False


def memory_limit() -> float:
    """Bytes that this process may have; infinite where the system does not say."""
    limits = []
    with contextlib.suppress(AttributeError, ValueError, OSError):
        limits.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    with contextlib.suppress(ImportError):
        import resource

        limits.append(resource.getrlimit(resource.RLIMIT_AS)[0])
    for name in ("memory.max", "memory/memory.limit_in_bytes"):  # of a container
        with contextlib.suppress(OSError, ValueError):
            limits.append(int(Path("/sys/fs/cgroup", name).read_text()))
    return float(min((x for x in limits if x > 0), default=math.inf))


def with_smaller_tiles(make: Callable[[int], T], tile: int, size: tuple[int, int]) -> T:
    """Make something in tiles, in smaller and smaller ones as long as memory lacks.

    Args:
        make: called with the cells on a side of a tile, 0 for one piece.
        tile: to begin with.
        size: rows and columns of cells of the whole.

    Raises:
        OutOfMemoryError: there is not enough even for the smallest.
        Exception: what else `make` raises.
    """
    while True:
        side = min(tile or max(size), max(size))
        try:
            return make(tile)
        except Exception as error:
            if not lacks_memory(error):
                raise
            if side <= SMALLEST_TILE:
                raise OutOfMemoryError(
                    f"not enough memory for a picture of {size[1]} x {size[0]} pixels with these "
                    f"references, in tiles of {side} pixels; set memory (--memory) lower, "
                    "use search='refine' (--search refine), smaller or fewer references, or cut "
                    "the picture"
                ) from error
        # Only here is what the failed attempt held given back with its error.
        gc.collect()
        tile = max(SMALLEST_TILE, side // 2)
        log.warning("not enough memory in tiles of %d pixels, trying %d", side, tile)
