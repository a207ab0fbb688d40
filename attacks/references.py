# SPDX-License-Identifier: Apache-2.0
"""Hostile files of references."""

import struct
from collections.abc import Iterator

import torch
from attack import Attack
from safetensors.torch import save

_HEADER = {"format": "searchtransfer-reference", "version": "1", "scale": "4"}


def good() -> bytes:
    """A sound file, small."""
    return save({"photo.0": torch.zeros(3, 16, 16, dtype=torch.uint8)}, _HEADER)


def attacks() -> Iterator[Attack]:
    """All of them."""
    photo = torch.zeros(3, 16, 16)
    headers = {
        "other-format": {"format": "x"},
        "later-version": {"version": "9"},
        "scale-text": {"scale": "four"},
        "scale-digits": {"scale": "9" * 5000},
        "scale-negative": {"scale": "-4"},
        "scale-large": {"scale": "1000000"},
    }
    photos = {
        "no-photo": {"x": photo},
        "gap": {"photo.0": photo, "photo.2": photo.clone()},
        "grey": {"photo.0": photo[:1].contiguous()},
        "flat": {"photo.0": torch.zeros(5)},
        "empty": {"photo.0": torch.zeros(3, 0, 5)},
        "huge-and-empty": {"photo.0": torch.zeros(3, 0, 2**40)},
        "nan": {"photo.0": torch.full((3, 4, 4), torch.nan)},
        "double": {"photo.0": photo.double()},
        "truth": {"photo.0": photo.bool()},
    }
    contents = {n: save({"photo.0": photo}, _HEADER | x) for n, x in headers.items()}
    contents |= {n: save(x, _HEADER) for n, x in photos.items()}
    contents |= {
        "truncated": good()[:-10],
        "huge-header": struct.pack("<Q", 2**50) + good()[8:],
        "without-header": save({"photo.0": photo}),
        "nothing": b"",
        "text": b"a reference",
    }
    yield from (Attack(f"{n}.safetensors", x, "WeightsError") for n, x in contents.items())
