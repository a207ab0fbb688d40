# SPDX-License-Identifier: Apache-2.0
"""Batches of windows from prepared crops."""

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float
from safetensors import SafetensorError, safe_open
from torch import Tensor

from ...errors import DataError
from ...images.resize import up
from ...models.evidence import AGREEMENT, faded
from ...networks.fusion_net import MAPS, Evidence
from ...operators.agreement import shown

Fields = dict[str, Tensor]
"""`hr`, `low`, `bicubic`, `taught` in [0, 1], `noise` in grey levels, those of `Evidence`, and
`shown`, what these were faded by. Where the reference tells some of the noise, `low`, `bicubic` and
`noise` are without; `raw`, `raw_bicubic` and `raw_noise` are not."""

VERSION = 2
"""Of what is stored; raised with every change of its meaning, so that older crops are refused."""

_SHARP = ("hr", "taught", "detail", "transferred")
_EIGHT_BITS = ("hr", "taught", "raw")
_MARGIN = 2  # cells that the bicubic filter sees around a window


class Crop(NamedTuple):
    """A prepared crop, or a window of it."""

    kind: str
    """`scene`, `cufed`, `made`, `useless` or `alone`; see `sources.py`."""
    fields: Fields

    @property
    def useful(self) -> bool:
        """The reference shows the same things."""
        return self.kind not in ("useless", "alone")


class Batch(NamedTuple):
    """Windows to train on; pictures as differences from bicubic."""

    low: Float[Tensor, "b 3 h w"]
    evidence: Evidence
    truth: Float[Tensor, "b 3 hs ws"]
    taught: Float[Tensor, "b 3 hs ws"]
    """What the teacher makes of it."""
    noise: Float[Tensor, "b 1 h w"]
    """Of the windows, in grey levels."""
    raw: Float[Tensor, "b 3 h w"]
    """The windows as they are without a reference that tells some of the noise,"""
    raw_noise: Float[Tensor, "b 1 h w"]
    """what noise they have,"""
    told: Float[Tensor, "b 3 hs ws"]
    """and what the difference is once enlarged."""
    helped: Float[Tensor, " b"]
    """The part of each window that a useful reference shows."""


def crop_file(folder: Path, number: int) -> Path:
    """Where a crop is stored."""
    return folder / f"{number:06d}.safetensors"


def crop_files(folder: Path) -> list[Path]:
    """All prepared crops.

    Raises:
        DataError: there are none.
    """
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise DataError(f"{folder}: no crops are in it; `searchtransfer train` makes them")
    return files


def read_crop(path: Path, side: int | None = None, rng: np.random.Generator | None = None) -> Crop:
    """A whole crop, or a random square window of `side` cells.

    Without a teacher, `taught` is the truth.

    Raises:
        DataError: the file is damaged, of another version, or smaller than the window.
    """
    try:
        with torch.device("cpu"), safe_open(path, "pt") as file:
            about = json.loads(file.metadata()["crop"])
            kind, noise = about["kind"], float(about["noise"])
            slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118
            height, width = slices["raw"].get_shape()[1:]
            scale = slices["hr"].get_shape()[1] // height
            if side is None:
                rows, columns = range(height), range(width)
            elif rng is None or min(height, width) < side:
                raise DataError(f"{path}: {height} x {width} cells, the window has {side}")
            else:
                top = int(rng.integers(height - side + 1))
                left = int(rng.integers(width - side + 1))
                rows, columns = range(top, top + side), range(left, left + side)
            fields = {name: _cut(x, name, rows, columns, scale) for name, x in slices.items()}
            fields["raw_bicubic"] = _bicubic(slices["raw"], "raw", rows, columns, scale)
            fields["raw_noise"] = torch.full_like(fields["raw"][:1], noise)
            told = "low" in slices
            seen = "low" if told else "raw"
            fields["bicubic"] = _bicubic(slices[seen], seen, rows, columns, scale)
            if not told:
                fields |= {"low": fields["raw"], "noise": fields["raw_noise"]}
            if "maps" in slices:
                if (maps := slices["maps"].get_shape()[0]) != MAPS:
                    raise DataError(f"{path}: {maps} maps, expected {MAPS}; prepare it again")
                surely = shown(slices["maps"][AGREEMENT].float())
                fields["shown"] = surely[rows.start : rows.stop, columns.start : columns.stop][None]
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise DataError(f"{path}: cannot be read as a prepared crop: {error}") from None
    fields.setdefault("taught", fields["hr"])
    if "maps" not in fields:
        return without_evidence(Crop(kind, fields))
    evidence = Evidence(*(fields[name] for name in Evidence._fields))
    return Crop(kind, fields | faded(evidence, fields["shown"][0])._asdict())


def turned(crop: Crop, rng: np.random.Generator) -> Crop:
    """One of the eight symmetries of a square; all fields alike."""
    turns, flip = int(rng.integers(4)), bool(rng.integers(2))

    def move(x: Tensor) -> Tensor:
        x = torch.rot90(x, turns, (1, 2))
        return x.flip(2) if flip else x

    return Crop(crop.kind, {name: move(x) for name, x in crop.fields.items()})


def without_evidence(crop: Crop) -> Crop:
    """The same crop as if there were no reference."""
    texture = torch.zeros_like(crop.fields["hr"])
    maps = texture.new_zeros(MAPS, *crop.fields["low"].shape[1:])
    none = {"detail": texture, "transferred": texture, "maps": maps, "shown": maps[:1]}
    raw = {name: crop.fields[f"raw_{name}"] for name in ("bicubic", "noise")}
    return Crop("alone", crop.fields | none | raw | {"low": crop.fields["raw"]})


def hidden(batch: Batch, mask: Bool[Tensor, " b"]) -> Batch:
    """The same windows, some of them as if there were no reference."""
    seen = (~mask).to(batch.low)
    shown = seen[:, None, None, None]
    lost = batch.told * (1 - shown)
    return batch._replace(
        low=torch.where(shown > 0, batch.low, batch.raw),
        noise=torch.where(shown > 0, batch.noise, batch.raw_noise),
        evidence=Evidence(*(x * shown for x in batch.evidence)),
        truth=batch.truth + lost,
        taught=batch.taught + lost,
        helped=batch.helped * seen,
    )


def batch(crops: Sequence[Crop]) -> Batch:
    """Windows of one size side by side."""
    stacked = {name: torch.stack([x.fields[name] for x in crops]) for name in crops[0].fields}
    return Batch(
        stacked["low"],
        Evidence(*(stacked[name] for name in Evidence._fields)),
        stacked["hr"] - stacked["bicubic"],
        stacked["taught"] - stacked["bicubic"],
        stacked["noise"],
        stacked["raw"],
        stacked["raw_noise"],
        stacked["bicubic"] - stacked["raw_bicubic"],
        torch.stack([x.useful * x.fields["shown"].mean() for x in crops]),
    )


def _cut(stored: Any, name: str, rows: range, columns: range, scale: int) -> Tensor:
    s = scale if name in _SHARP else 1
    part: Tensor = stored[
        :, rows.start * s : rows.stop * s, columns.start * s : columns.stop * s
    ].float()
    return part / 255 if name in _EIGHT_BITS else part


def _bicubic(stored: Any, name: str, rows: range, columns: range, scale: int) -> Tensor:
    """The enlarged window, as it is in the enlarged crop."""
    height, width = stored.get_shape()[1:]
    around = [
        range(max(0, x.start - _MARGIN), min(n, x.stop + _MARGIN))
        for x, n in ((rows, height), (columns, width))
    ]
    low = _cut(stored, name, around[0], around[1], scale)
    large = _enlarging(len(around[0]), scale) @ low @ _enlarging(len(around[1]), scale).T
    top, left = (scale * (x.start - y.start) for x, y in zip((rows, columns), around, strict=True))
    return large[:, top : top + scale * len(rows), left : left + scale * len(columns)]


@cache
def _enlarging(cells: int, scale: int) -> Float[Tensor, "{scale*cells} {cells}"]:
    """`up` along one axis, as a matrix."""
    return up(torch.eye(cells, dtype=torch.float32, device="cpu")[:, :, None], scale)[:, :, 0].T
