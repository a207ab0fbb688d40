# SPDX-License-Identifier: Apache-2.0
"""The structs of `_native/kernel.h`, field by field, and how they are filled from tensors."""

import ctypes
from collections.abc import Sequence
from typing import Any

from torch import Tensor


def _fields(names: str) -> list[tuple[str, Any]]:
    return [(name, ctypes.c_int64) for name in names.split()]


class Job(ctypes.Structure):
    """A struct of fields of 64 bits; tensors are given as themselves and stored as addresses."""

    def __init__(self, **fields: Any) -> None:
        self.keep = list(fields.values())  # the memory behind the addresses, as long as the struct
        super().__init__(**{name: _plain(value) for name, value in fields.items()})


def _plain(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.data_ptr()
    if isinstance(value, ctypes.Array):
        return ctypes.addressof(value)
    return 0 if value is None else value


class Map(Job):
    """A feature map as the kernel sees it."""

    _fields_ = _fields("cells heads walked panels rounded scale tail tails height width first")


class Search(Job):
    """All keys against one query."""

    _fields_ = [
        ("query", Map),
        *_fields("keys key_count patch_size cell_step walked_step heads depth panel_depth walk"),
        *_fields("rounded_depth bounds"),
        *_fields("slack best counts query_block key_block threads"),
    ]


class Seeding(Job):
    """First matches from guesses."""

    _fields_ = [("search", Search), *_fields("coarse")]


class Probe(Job):
    """Survivors at each depth, on a sample."""

    _fields_ = [("search", Search), *_fields("query_stride key_stride survivors")]


class Scoring(Job):
    """Scores of the matches found."""

    _fields_ = [("search", Search), *_fields("query_energy key_energy score position")]


class Layout(Job):
    """Planes to cells."""

    _fields_ = _fields("source cells energy channels height width radius step threads")


class Panelling(Job):
    """Cells to panels."""

    _fields_ = _fields("cells panels height width radius step plane threads")


class Rotation(Job):
    """Cells in another basis."""

    _fields_ = _fields("cells basis heads energy rows columns step depth threads")


class Halving(Job):
    """The first components at half the size."""

    _fields_ = _fields("heads cells energy height width radius threads")


class Norms(Job):
    """Norms of blocks, and what each depth leaves of them."""

    _fields_ = _fields(
        "cell_energy head_energy growth energy scale tails height width radius levels key threads"
    )


class Rounding(Job):
    """Cells in bfloat16, with bounds of their error."""

    _fields_ = [
        *_fields("cells energy rounded"),
        ("error", ctypes.c_double),
        *_fields("height width radius plane kept bounds depth key threads"),
    ]


class Distinct(Job):
    """Blocks that are copies of an earlier one are switched off."""

    _fields_ = _fields("keys key_count radius cell_step threads")


class Transfer(Job):
    """Texture from index."""

    _fields_ = _fields(
        "value index texture channels height width key_height key_width scale radius constant "
        "threads"
    )


def array_of(maps: Sequence[Map]) -> ctypes.Array[Map]:
    """The maps as one C array, which keeps their memory alive."""
    array = (Map * len(maps))(*maps)
    array.keep = list(maps)  # type: ignore[attr-defined]
    return array
