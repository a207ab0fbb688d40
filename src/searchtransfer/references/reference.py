# SPDX-License-Identifier: Apache-2.0
"""Reference: a set of photos, and everything about them that can be computed once."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from numbers import Integral
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from ..errors import DTypeError, NonFiniteError, OptionError, ShapeError, WeightsError
from ..given import check_flag, check_path, check_tensor
from ..operators.precision import own_precision
from ..process.devices import usable_device
from .photo import Photo

SCALES = (2, 3, 4, 8)


@dataclass(frozen=True, eq=False, repr=False)
class Reference:
    """Reference photos, ready to be searched.

    Build it once with `Reference.build`, use it for any number of images and from any number of
    threads, `save` and `load` it. What is computed from the photos is kept, up to a bound that
    depends on their sizes alone; pickles and files hold the photos only.

    Examples:
        >>> reference = Reference.build([torch.rand(3, 40, 60), torch.rand(3, 35, 30)], scale=4)
        >>> [list(photo.shape) for photo in reference.photos]
        [[3, 40, 60], [3, 35, 30]]
    """

    photos: tuple[Float[Tensor, "3 _ _"], ...]
    """The photos at full size, values in [0, 1]; any sizes."""
    scale: int
    """How many times larger than the low-resolution image the photos are to make it."""
    prepared: tuple[Photo, ...] = field(init=False, repr=False)
    """The photos with what is computed from each."""

    def __post_init__(self) -> None:
        photos = (Photo(photo, number, self.scale) for number, photo in enumerate(self.photos))
        object.__setattr__(self, "prepared", tuple(photos))

    @classmethod
    def build(
        cls, photos: Sequence[Float[Tensor, "3 _ _"]], scale: int = 4, *, copy: bool = True
    ) -> "Reference":
        """Check and copy one or many photos of any sizes.

        Args:
            photos: each `[3, H, W]` in [0, 1], H and W at least `scale`.
            scale: 2, 3, 4 or 8.
            copy: False where nobody will change the tensors, and memory matters.

        Raises:
            ShapeError: no photos, or one that is not `[3, H, W]` or smaller than one cell.
            DTypeError: a photo is not floating point.
            NonFiniteError: a photo holds NaN or infinity.
            OptionError: the scale is not supported.
        """
        if not isinstance(scale, Integral) or scale not in SCALES:
            raise OptionError(f"Reference: scale must be one of {SCALES}, got {scale!r}")
        if not isinstance(photos, Sequence) or isinstance(photos, str):
            raise DTypeError(
                f"Reference: photos must be a list of tensors, got {type(photos).__name__}; put "
                "brackets around a single one"
            )
        check_flag("Reference: copy", copy)
        if not photos:
            raise ShapeError("Reference: there must be at least one photo, got none")
        checked = (_checked(x, f"photo {i}", scale, copy) for i, x in enumerate(photos))
        return cls(tuple(checked), scale)

    @classmethod
    def of_prepared(cls, photos: Sequence[Photo]) -> "Reference":
        """Of photos that are prepared, at least one; matches name them by their own numbers."""
        made = cls(tuple(photo.pixels for photo in photos), photos[0].scale)
        object.__setattr__(made, "prepared", tuple(photos))
        return made

    def prepare(self) -> "Reference":
        """Compute now what a search needs of the photos, and return the same reference."""
        with own_precision(self.photos[0].device):
            for photo in self.prepared:
                photo.prepare()
        return self

    def to(self, device: torch.device | str) -> "Reference":
        """The same reference on another device; itself if it is there.

        Raises:
            OptionError: there is no such device here.
        """
        found = usable_device(device)
        if all(photo.device == found for photo in self.photos):
            return self
        return Reference(tuple(photo.to(found) for photo in self.photos), self.scale)

    def __repr__(self) -> str:
        sizes = ", ".join(f"{photo.shape[2]} x {photo.shape[1]}" for photo in self.photos[:3])
        more = ", ..." if len(self.photos) > 3 else ""
        return f"<Reference of {len(self.photos)} photos ({sizes}{more}), scale {self.scale}>"

    def save(self, path: str | Path, *, overwrite: bool = False) -> None:
        """Write photos, scale and version to one safetensors file, atomically.

        Raises:
            OutputError: the file exists and overwrite is False, or its folder cannot be written.
        """
        from .file import save

        check_path("reference", path)
        check_flag("Reference: overwrite", overwrite)
        save(self.photos, self.scale, Path(path), overwrite=overwrite)

    @classmethod
    def load(cls, path: str | Path) -> "Reference":
        """Read what `save` wrote.

        Raises:
            WeightsError: the file is missing, damaged, or not a reference of a known version.
        """
        from .file import load

        check_path("reference", path)
        photos, scale = load(Path(path))
        try:
            return cls.build(photos, scale)
        except (ShapeError, DTypeError, NonFiniteError, OptionError) as error:
            raise WeightsError(f"{path}: is no valid reference: {error}") from None


def _checked(photo: Tensor, name: str, scale: int, copy: bool) -> Float[Tensor, "3 h w"]:
    """A photo in single precision."""
    check_tensor(f"Reference: {name}", photo)
    if photo.dim() != 3 or photo.shape[0] != 3:
        raise ShapeError(f"Reference: {name} must be [3, H, W], got {list(photo.shape)}")
    if min(photo.shape[1:]) < scale:
        raise ShapeError(
            f"Reference: {name} must be at least {scale} x {scale} pixels for scale {scale}, "
            f"got {photo.shape[2]} x {photo.shape[1]}"
        )
    if not photo.is_floating_point():
        raise DTypeError(
            f"Reference: {name} must be floating point in [0, 1], got {photo.dtype}; "
            "divide integers by their maximum"
        )
    single = photo.detach().to(torch.float32, memory_format=torch.contiguous_format, copy=copy)
    if not bool(torch.isfinite(single).all()):
        raise NonFiniteError(
            f"Reference: {name} holds NaN or infinity, or values beyond single precision"
        )
    return single
