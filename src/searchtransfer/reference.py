# SPDX-License-Identifier: Apache-2.0
"""Reference: everything about a set of reference photos that can be computed once."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from numbers import Integral
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64
from torch import Tensor

from .devices import usable_device
from .errors import DTypeError, NonFiniteError, OptionError, ShapeError, WeightsError
from .images.resize import down_phases, enlarging_weights
from .operators import Keys
from .operators.descriptors import describe
from .operators.detail import REACH, Views, around

SCALES = (2, 3, 4, 8)

Kept = TypeVar("Kept")


class View(NamedTuple):
    """One way of looking at a reference: which photo, from which pixel on."""

    photo: int
    dy: int
    dx: int
    low: Float[Tensor, "3 h w"]
    """The photo without its first dy rows and dx columns, reduced by the scale."""


@dataclass(frozen=True)
class Reference:
    """Reference photos, reduced from every sub-cell position and described; ready to be searched.

    Build it once with `Reference.build`, use it for any number of images, `save` and `load` it.

    Examples:
        >>> reference = Reference.build([torch.rand(3, 40, 60), torch.rand(3, 35, 30)], scale=4)
        >>> len(reference.views)  # 16 sub-cell positions of each
        32
        >>> list(reference.views[0].low.shape)
        [3, 10, 15]
    """

    photos: tuple[Float[Tensor, "3 _ _"], ...]
    """The photos at full size, values in [0, 1]; any sizes."""
    scale: int
    """How many times larger than the low-resolution image the photos show things."""
    sub_cell: bool = True
    """Reduce the photos from every sub-cell position; False: from their first pixel only."""

    @classmethod
    def build(
        cls, photos: Sequence[Float[Tensor, "3 _ _"]], scale: int = 4, *, sub_cell: bool = True
    ) -> "Reference":
        """Prepare one or many photos of any sizes.

        Args:
            photos: each `[3, H, W]` in [0, 1], H and W at least `scale`. They are not copied, so
                do not change them afterwards.
            scale: 2, 3, 4 or 8.
            sub_cell: look at the photos from all `scale**2` sub-cell positions; one is faster, and
                much worse.

        Raises:
            ShapeError: no photos, or one that is not `[3, H, W]` or smaller than one cell.
            DTypeError: a photo is not floating point.
            NonFiniteError: a photo holds NaN or infinity.
            OptionError: the scale is not supported.
        """
        if not isinstance(scale, Integral) or scale not in SCALES:
            raise OptionError(f"Reference: scale must be one of {SCALES}, got {scale!r}")
        if not photos:
            raise ShapeError("Reference: there must be at least one photo, got none")
        for number, photo in enumerate(photos):
            _check(photo, f"photo {number}", scale)
        return cls(tuple(photo.detach().float().contiguous() for photo in photos), scale, sub_cell)

    @cached_property
    def views(self) -> list[View]:
        """The `scale**2` views of each photo, photo by photo; without those that have no cell."""
        return [
            View(number, phase // self.scale, phase % self.scale, low)
            for number, photo in enumerate(self.photos)
            for phase, low in enumerate(down_phases(photo, self.scale))
            if low.numel() and (phase == 0 or self.sub_cell)
        ]

    @cached_property
    def keys(self) -> Keys:
        """The descriptors of all views, prepared for searching."""
        return Keys([describe(view.low) for view in self.views], patch_size=1)

    @cached_property
    def values(self) -> Views:
        """Photos and views as `operators.detail` gathers from them."""
        pixel_starts = _ends([photo.numel() // 3 for photo in self.photos])
        around = (REACH, REACH, REACH, REACH)
        low = [F.pad(view.low[None], around, mode="replicate")[0] for view in self.views]
        low_starts = _ends([x.numel() // 3 for x in low])
        pitch = [self.photos[view.photo].shape[2] for view in self.views]
        return Views(
            pixels=torch.cat([photo.flatten(1) for photo in self.photos], dim=1),
            low=torch.cat([x.flatten(1) for x in low], dim=1),
            size=self._integers([[x.low.shape[1], x.low.shape[2]] for x in self.views]),
            pixel_start=self._integers(
                [
                    pixel_starts[view.photo] + view.dy * width + view.dx
                    for view, width in zip(self.views, pitch, strict=True)
                ]
            ),
            pixel_pitch=self._integers(pitch),
            low_start=self._integers(
                [s + REACH * x.shape[2] + REACH for s, x in zip(low_starts, low, strict=True)]
            ),
            enlarge=enlarging_weights(self.scale).to(self.photos[0]),
            scale=self.scale,
        )

    @property
    def _starts(self) -> list[int]:
        """Position of the first cell of each view, counted through all views."""
        return _ends([view.low.shape[1] * view.low.shape[2] for view in self.views])

    def view_and_index(
        self, position: Int64[Tensor, "h w"]
    ) -> tuple[Int64[Tensor, "h w"], Int64[Tensor, "h w"]]:
        """Split a position through all views into the view and the cell inside it."""
        starts = self._integers(self._starts)
        view = torch.bucketize(position, starts[1:], right=True)
        return view, position - starts[view]

    def patches_at(
        self, view: Int64[Tensor, "h w"], index: Int64[Tensor, "h w"]
    ) -> Float[Tensor, "3 h w k k"]:
        """The 5 x 5 cells around each match."""
        columns = self.values.size[view, 1]
        row = torch.div(index, columns, rounding_mode="floor")
        return around(self.values, view, row, index - row * columns)

    def locate(
        self, view: Int64[Tensor, "h w"], index: Int64[Tensor, "h w"]
    ) -> tuple[Int64[Tensor, "h w"], Int64[Tensor, "h w 2"]]:
        """The photo that a match is in, and row and column there of the first pixel of its cell."""
        table = self._integers([[x.photo, x.dy, x.dx, x.low.shape[2]] for x in self.views])
        photo, dy, dx, columns = table[view].unbind(-1)
        row = torch.div(index, columns, rounding_mode="floor") * self.scale + dy
        column = index % columns * self.scale + dx
        return photo, torch.stack([row, column], dim=-1)

    @cached_property
    def _kept(self) -> dict[object, Any]:
        return {}

    def once(self, owner: Hashable, compute: Callable[[], Kept]) -> Kept:
        """What a model computes from the photos alone: computed the first time, kept with them.

        Args:
            owner: whose it is; the same one is given the same again.
            compute: makes it.
        """
        if owner not in self._kept:
            self._kept[owner] = compute()
        kept: Kept = self._kept[owner]
        return kept

    def to(self, device: torch.device | str) -> "Reference":
        """The same reference on another device.

        Raises:
            OptionError: there is no such device here.
        """
        found = usable_device(device)
        return replace(self, photos=tuple(photo.to(found) for photo in self.photos))

    def __repr__(self) -> str:
        sizes = ", ".join(f"{photo.shape[2]} x {photo.shape[1]}" for photo in self.photos[:3])
        more = ", ..." if len(self.photos) > 3 else ""
        return f"<Reference of {len(self.photos)} photos ({sizes}{more}), scale {self.scale}>"

    def save(self, path: str | Path, *, overwrite: bool = False) -> None:
        """Write photos, settings and version to one safetensors file, atomically.

        Views and descriptors are not written: they follow from the photos.

        Raises:
            OutputError: the file exists and overwrite is False, or its folder cannot be written.
        """
        from .reference_file import save

        save(self.photos, self.scale, self.sub_cell, Path(path), overwrite=overwrite)

    @classmethod
    def load(cls, path: str | Path) -> "Reference":
        """Read what `save` wrote.

        Raises:
            WeightsError: the file is missing, damaged, or not a reference of a known version.
        """
        from .reference_file import load

        photos, scale, sub_cell = load(Path(path))
        try:
            return cls.build(photos, scale, sub_cell=sub_cell)
        except (ShapeError, DTypeError, NonFiniteError, OptionError) as error:
            raise WeightsError(f"{path}: is no valid reference: {error}") from None

    def _integers(self, values: object) -> Tensor:
        return torch.tensor(values, dtype=torch.int64, device=self.photos[0].device)


def _ends(counts: list[int]) -> list[int]:
    """Where each of several buffers begins when they are put one after the other."""
    starts = [0]
    for count in counts[:-1]:
        starts.append(starts[-1] + count)
    return starts


def _check(photo: Tensor, name: str, scale: int) -> None:
    if photo.dim() != 3 or photo.shape[0] != 3:
        raise ShapeError(f"Reference: {name} must be [3, H, W], got {list(photo.shape)}")
    if min(photo.shape[1:]) < scale:
        raise ShapeError(
            f"Reference: {name} must be at least {scale} x {scale} pixels for scale {scale}, "
            f"got {photo.shape[1]} x {photo.shape[2]}"
        )
    if not photo.is_floating_point():
        raise DTypeError(
            f"Reference: {name} must be floating point in [0, 1], got {photo.dtype}; "
            "divide integers by their maximum"
        )
    if not bool(torch.isfinite(photo).all()):
        raise NonFiniteError(f"Reference: {name} holds NaN or infinity")
