# SPDX-License-Identifier: Apache-2.0
"""The compiled module: whether it is there, its constants, and the one way to call it."""

from importlib import import_module
from types import ModuleType

import torch
from torch import Tensor

from ..interruption import check
from .native_jobs import Job

VERSION = 3
"""Of the border between Python and C (`_native/kernel.h`)."""


def _import() -> tuple[ModuleType | None, str]:
    """The module, or why it is missing."""
    try:
        module = import_module("._kernel", __package__)
    except ImportError as error:
        return None, str(error)
    constants = module.constants() if hasattr(module, "constants") else {}
    if constants.get("KERNEL_VERSION") != VERSION:
        return None, "it was built from other sources; build it again: pip install ."
    return module, ""


kernel_module, MISSING = _import()

_constants: dict[str, int] = kernel_module.constants() if kernel_module else {}

PANEL = _constants.get("PANEL", 1)
"""Columns of a panel; cells are padded to as many floats, the widest vector."""

SPARE = _constants.get("SPARE", 1)
"""Floats behind each array of key columns that whole vectors may read."""

LEVEL = _constants.get("LEVEL", 1)
"""Tail norms are kept at multiples of this depth."""

PLANE = _constants.get("PLANE", 1)
"""Rotated components that lie side by side, one stage of an evaluation."""

TILE = _constants.get("ROUNDED_STEP", 1)
"""Numbers of a rounded cell that a matrix tile multiplies at once."""

MOST_ROUNDED = _constants.get("MOST_ROUNDED", 1)
"""The longest rounded cell."""

MOST_PATCH = _constants.get("MOST_PATCH", 1)
"""The largest patch size."""

MOST_STEPS = _constants.get("MOST_STEPS", 1)
"""Places around a match that is compared."""

LUMAS = _constants.get("LUMAS", 1)
"""Those of them that may speak of luma."""

COEFFICIENTS = _constants.get("COEFFICIENTS", 1)
"""Those of the longest descriptor that is compared."""

UNSEEN = _constants.get("UNSEEN", 0)
"""A packed best (`_native/best.h`) below every other: score -inf, the last position."""

ROUND = 2.0**-24
"""Unit roundoff of float32."""


def padded(size: int, multiple: int = PANEL) -> int:
    """The next multiple."""
    return -(-size // multiple) * multiple


def lanes() -> dict[str, int]:
    """The instruction sets of the built kernel that run here, best first, and their vector size."""
    return dict(kernel_module.kernels()) if kernel_module else {}


def has_tiles(kernel: str | None) -> bool:
    """Whether an instruction set (None: the best) multiplies rounded cells in matrix tiles."""
    return (kernel or next(iter(lanes()))) == "amx"


def buffer(*size: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """Room for what C writes; whatever the process has made its default dtype and device."""
    return torch.empty(size, dtype=dtype, device="cpu")


def filled(*size: int, value: int, dtype: torch.dtype = torch.int64) -> Tensor:
    """A buffer that C reads before it writes."""
    return torch.full(size, value, dtype=dtype, device="cpu")


def run(operation: str, kernel: str | None, job: Job) -> None:
    """One operation of the kernel. Between rows it asks `check`, which may raise to stop it.

    Raises:
        MemoryError: memory ran out.
    """
    check()
    getattr(kernel_module, operation)(kernel, bytes(job), check)
