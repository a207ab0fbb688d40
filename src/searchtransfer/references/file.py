# SPDX-License-Identifier: Apache-2.0
"""The file format of a reference: its photos and settings in one safetensors file.

Photos whose values are whole multiples of 1/255 or 1/65535 are stored as such integers, which is
lossless and a quarter or half the size; others as float32.
"""

from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_bytes
from torch import Tensor

from ..errors import WeightsError
from ..files import OnExists, check_file, write_file
from ..weights.content import recognise

FORMAT = "searchtransfer-reference"
VERSION = "1"


def save(photos: Sequence[Tensor], scale: int, path: Path, *, overwrite: bool) -> None:
    """Write photos and settings, atomically.

    Raises:
        OutputError: the file exists and overwrite is False, or its folder cannot be written.
    """
    on_exists: OnExists = "overwrite" if overwrite else "error"
    check_file(path, on_exists=on_exists, what="reference", allow="overwrite=True")
    tensors = {f"photo.{i}": _packed(photo.cpu()) for i, photo in enumerate(photos)}
    header = {"format": FORMAT, "version": VERSION, "scale": str(scale)}
    write_file(path, to_bytes(tensors, metadata=header), on_exists=on_exists, what="reference")


def load(path: Path) -> tuple[list[Tensor], int]:
    """Read photos and scale.

    Raises:
        WeightsError: the file is missing, damaged, or not a reference of a known version.
    """
    if recognise(path) != "safetensors":
        raise WeightsError(f"{path}: is no safetensors file, so it is no reference")
    try:
        with torch.device("cpu"), safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            if header.get("format") != FORMAT:
                raise WeightsError(f"{path}: is a safetensors file, but not a reference")
            if header.get("version") != VERSION:
                raise WeightsError(
                    f"{path}: has reference format {header.get('version')!r}, and this program "
                    f"reads {VERSION!r}; update it or build the reference again"
                )
            names = {f"photo.{i}" for i in range(len(file.keys()))}
            if not names or set(file.keys()) != names:
                raise WeightsError(
                    f"{path}: holds {sorted(file.keys())[:5]}, expected photo.0, ..."
                )
            photos = [_unpacked(file.get_tensor(f"photo.{i}"), path) for i in range(len(names))]
            return photos, int(header["scale"])
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise WeightsError(f"{path}: is a damaged reference file: {error}") from None


def _packed(photo: Tensor) -> Tensor:
    for levels, dtype in ((255, torch.uint8), (65535, torch.uint16)):
        integers = (photo * levels).round()
        if torch.equal(integers / levels, photo) and photo.min() >= 0 and photo.max() <= 1:
            return integers.to(torch.int32).to(dtype)
    return photo.clone()  # its own memory: safetensors refuses tensors that share some


def _unpacked(stored: Tensor, path: Path) -> Tensor:
    levels = {torch.uint8: 255, torch.uint16: 65535, torch.float32: 1}
    if stored.dtype not in levels:
        raise WeightsError(f"{path}: holds a photo of dtype {stored.dtype}")
    return stored.to(torch.float32) / levels[stored.dtype]
