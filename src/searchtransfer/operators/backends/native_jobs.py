# SPDX-License-Identifier: Apache-2.0
"""The structs of `_native/kernel.h`, field by field, and how they are filled from tensors.

A field that holds an address says which dtype lies there, and is given a tensor: no address leaves
this module unchecked.
"""

import ctypes
from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from ...errors import BackendError


def _fields(names: str) -> list[tuple[str, Any]]:
    return [(name, ctypes.c_int64) for name in names.split()]


class Job(ctypes.Structure):
    """A struct of fields of 64 bits; tensors are given as themselves and stored as addresses."""

    FLOAT32: ClassVar[str] = ""
    FLOAT64: ClassVar[str] = ""
    INT64: ClassVar[str] = ""
    BFLOAT16: ClassVar[str] = ""
    BOOL: ClassVar[str] = ""

    def __init__(self, **fields: Any) -> None:
        self.keep = list(fields.values())  # the memory behind the addresses, as long as the struct
        super().__init__(**{name: self._plain(name, value) for name, value in fields.items()})

    @classmethod
    def _plain(cls, name: str, value: Any) -> Any:
        dtype = cls._dtype(name)
        if dtype is not None:
            return address(value, dtype, f"{cls.__name__}.{name}")
        if isinstance(value, ctypes.Array):
            return ctypes.addressof(value)
        return value

    @classmethod
    def _dtype(cls, name: str) -> torch.dtype | None:
        for dtype in ("float32", "float64", "int64", "bfloat16", "bool"):
            if name in getattr(cls, dtype.upper()).split():
                found: torch.dtype = getattr(torch, dtype)
                return found
        return None


def address(tensor: Tensor | None, dtype: torch.dtype, name: str) -> int:
    """Where the numbers of a tensor lie, for C to read or write; 0 for None.

    Raises:
        BackendError: they do not lie one after the other in this dtype in the memory of the CPU.
    """
    if tensor is None:
        return 0
    if tensor.device.type != "cpu" or tensor.dtype != dtype or not tensor.is_contiguous():
        order = "" if tensor.is_contiguous() else "not "
        raise BackendError(
            f"kernel: {name} must be contiguous, {dtype}, on the CPU; "
            f"got {order}contiguous, {tensor.dtype}, on {tensor.device}"
        )
    return tensor.data_ptr()


class Map(Job):
    """A feature map as the kernel sees it."""

    _fields_ = _fields("cells heads walked panels rounded scale tail tails height width first")
    FLOAT32 = "cells heads walked panels scale tail tails"
    BFLOAT16 = "rounded"


class Search(Job):
    """All keys against one query."""

    _fields_ = [
        ("query", Map),
        *_fields("keys key_count patch_size cell_step walked_step heads depth panel_depth walk"),
        *_fields("rounded_depth bounds"),
        *_fields("slack best counts query_block key_block threads"),
    ]
    FLOAT32 = "slack"
    INT64 = "best counts"


class Seeding(Job):
    """First matches from guesses."""

    _fields_ = [("search", Search), *_fields("coarse")]
    INT64 = "coarse"


class Probe(Job):
    """Survivors at each depth, on a sample."""

    _fields_ = [("search", Search), *_fields("query_stride key_stride survivors")]
    INT64 = "survivors"


class Scoring(Job):
    """Scores of the matches found."""

    _fields_ = [("search", Search), *_fields("query_energy key_energy score position")]
    FLOAT32 = "score"
    FLOAT64 = "query_energy key_energy"
    INT64 = "position"


class Layout(Job):
    """Planes to cells."""

    _fields_ = _fields("source cells energy channels height width radius step threads")
    FLOAT32 = "source cells"
    FLOAT64 = "energy"


class Panelling(Job):
    """Cells to panels."""

    _fields_ = _fields("cells panels height width radius step plane threads")
    FLOAT32 = "cells panels"


class Rotation(Job):
    """Cells in another basis."""

    _fields_ = _fields("cells basis heads energy rows columns step depth threads")
    FLOAT32 = "cells basis heads"
    FLOAT64 = "energy"


class Halving(Job):
    """The first components at half the size."""

    _fields_ = _fields("heads cells energy height width radius threads")
    FLOAT32 = "heads cells"
    FLOAT64 = "energy"


class Norms(Job):
    """Norms of blocks, and what each depth leaves of them."""

    _fields_ = _fields(
        "cell_energy head_energy growth energy scale tails height width radius levels key threads"
    )
    FLOAT32 = "scale tails"
    FLOAT64 = "cell_energy head_energy growth energy"


class Rounding(Job):
    """Cells in bfloat16, with bounds of their error."""

    _fields_ = [
        *_fields("cells energy rounded"),
        ("error", ctypes.c_double),
        *_fields("height width radius plane kept bounds depth key threads"),
    ]
    FLOAT32 = "cells"
    FLOAT64 = "energy"
    BFLOAT16 = "rounded"


class Distinct(Job):
    """Blocks that are copies of an earlier one are switched off."""

    _fields_ = _fields("keys key_count radius cell_step threads")


class Transfer(Job):
    """Texture from index."""

    _fields_ = _fields(
        "value index texture channels height width key_height key_width scale radius constant "
        "threads"
    )
    FLOAT32 = "value texture"
    INT64 = "index"


class Sampling(Job):
    """A picture between its pixels, around matches."""

    _fields_ = _fields(
        "picture centre jacobian steps map values height width count step_count cubic threads"
    )
    FLOAT32 = "picture centre jacobian steps map values"


class Comparing(Job):
    """The descriptors of what is sampled around matches, against others."""

    _fields_ = [("sampling", Sampling), *_fields("filters weights query shown score coefficients")]
    FLOAT32 = "filters weights query score"
    BOOL = "shown"


class Shifting(Job):
    """Matches moved to where they are most like."""

    _fields_ = [
        ("comparing", Comparing),
        *_fields("slopes luma centre score"),
        ("longest", ctypes.c_double),
        ("shortest", ctypes.c_double),
        *_fields("lumas rounds"),
    ]
    FLOAT32 = "slopes luma centre score"


def array_of(maps: Sequence[Map]) -> ctypes.Array[Map]:
    """The maps as one C array, which keeps their memory alive."""
    array = (Map * len(maps))(*maps)
    array.keep = list(maps)  # type: ignore[attr-defined]
    return array
