# SPDX-License-Identifier: Apache-2.0
"""TTSR: the texture transformer for image super-resolution (Yang et al., CVPR 2020)."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from ..errors import DTypeError, OptionError, ShapeError
from ..operators.checks import check_features
from ..operators.transfer import Overlap
from ..weights.arguments import (
    MAX_BLOCKS,
    MAX_CHANNELS,
    Argument,
    OneOf,
    Real,
    Several,
    Whole,
    faults_of,
)
from ..weights.pretrained import Pretrained
from .main_net import MainNet, begin_with_nothing
from .search_transfer import SearchTransfer
from .texture_extractor import TextureExtractor


class Restoration(NamedTuple):
    """What TTSR returns, in the published order."""

    sr: Float[Tensor, "b 3 h4 w4"]
    """The large image, RGB in [-1, 1]."""
    s: Float[Tensor, "b 1 h w"]
    """Soft attention: the highest relevance of each cell, in [-1, 1]."""
    t3: Float[Tensor, "b c3 h w"]
    """Texture at quarter size."""
    t2: Float[Tensor, "b c2 h2 w2"]
    """Texture at half size."""
    t1: Float[Tensor, "b c1 h4 w4"]
    """Texture at full size."""


class TTSR(Pretrained):
    """Reference-based super-resolution by a factor of 4.

    The state dict has the keys and, with default arguments, the shapes of the released checkpoints.

    Args:
        blocks: residual blocks of the shallow features and of stages 1, 2 and 3.
        features: channels of the main network; even.
        residual_scale: factor on every residual branch.
        texture_channels: channels of the extractor at full, half and quarter size.
        overlap: `"constant"`, the released code's division by 9, which released weights expect;
            `"mean"`, the article's true average, the better choice for training anew.
        global_skip: add the enlarged image to the output, so that only what it lacks is learned; at
            first the network then returns just that image. No part of the published network, and
            off for released weights. It shortens training where there is no time for 200 epochs.

    Raises:
        OptionError: an argument is outside its range.
    """

    architecture: ClassVar[str] = "ttsr"
    scale: ClassVar[int] = 4
    arguments: ClassVar[Mapping[str, Argument]] = {
        "blocks": Several(4, Whole(0, MAX_BLOCKS)),
        "features": Whole(2, MAX_CHANNELS),
        "residual_scale": Real(),
        "texture_channels": Several(3, Whole(1, MAX_CHANNELS)),
        "overlap": OneOf(("mean", "constant")),
        "global_skip": OneOf((False, True)),
    }

    def __init__(
        self,
        blocks: Sequence[int] = (16, 16, 8, 4),
        features: int = 64,
        residual_scale: float = 1.0,
        texture_channels: Sequence[int] = (64, 128, 256),
        overlap: Overlap = "constant",
        global_skip: bool = False,
    ) -> None:
        super().__init__()
        config = {
            "blocks": blocks,
            "features": features,
            "residual_scale": residual_scale,
            "texture_channels": texture_channels,
            "overlap": overlap,
            "global_skip": global_skip,
        }
        faults = faults_of(config, self.arguments)
        if faults:
            raise OptionError(f"TTSR: {'; '.join(faults)}")
        if features < 2 or features % 2:
            raise OptionError(f"TTSR: features must be even and at least 2, got {features}")
        several = {"blocks": tuple(blocks), "texture_channels": tuple(texture_channels)}
        self.config: dict[str, Any] = config | several
        self.MainNet = MainNet(blocks, features, residual_scale, texture_channels)
        self.LTE = TextureExtractor(texture_channels)
        self.SearchTransfer = SearchTransfer(overlap)
        self.global_skip = global_skip
        if global_skip:
            begin_with_nothing(self.MainNet)

    def forward(
        self,
        lr: Float[Tensor, "b 3 h w"],
        lr_up: Float[Tensor, "b 3 _ _"],
        ref: Float[Tensor, "b 3 hr wr"],
        ref_down_up: Float[Tensor, "b 3 _ _"],
    ) -> Restoration:
        """Restore a small image with the texture of a reference.

        Args:
            lr: `[B, 3, H, W]`, the small image; RGB in [-1, 1] like all others. Any size from 1x1.
            lr_up: `[B, 3, 4H, 4W]`, the small image enlarged by Pillow's bicubic filter.
            ref: `[B, 3, Hr, Wr]`, the reference, any size from 1x1. Where a side is no multiple of
                4, its last row or column is repeated until it is.
            ref_down_up: the reference at a quarter of its size, enlarged again; the size of `ref`.

        Returns:
            `(sr, s, t3, t2, t1)`. Gradients reach the extractor through `s` and the textures.

        Raises:
            ShapeError: ranks, channels, batch or image sizes do not fit each other.
            DTypeError: an image is not floating, or their dtypes differ.
        """
        _check_images(lr, lr_up, ref, ref_down_up)
        query = self.LTE((lr_up + 1) / 2).level3
        key = self.LTE((ref_down_up + 1) / 2).level3
        values = self.LTE((ref + 1) / 2)
        # In the precision of the images, also where layers run in half of it.
        query, key = query.to(lr.dtype), key.to(lr.dtype)
        found = self.SearchTransfer(query, key, *(value.to(lr.dtype) for value in values))
        s, t1, t2, t3 = found.score, *(t.to(values.level3.dtype) for t in found[1:])
        return Restoration(self.restore(lr, lr_up, s, t3, t2, t1), s, t3, t2, t1)

    def restore(
        self,
        lr: Float[Tensor, "b 3 h w"],
        lr_up: Float[Tensor, "b 3 _ _"],
        s: Float[Tensor, "b 1 h w"],
        t3: Float[Tensor, "b c3 h w"],
        t2: Float[Tensor, "b c2 _ _"],
        t1: Float[Tensor, "b c1 _ _"],
    ) -> Float[Tensor, "b 3 _ _"]:
        """What follows search and transfer; all but `lr_up` as in `Restoration`."""
        sr: Tensor = self.MainNet(lr, s, t3, t2, t1)
        return (lr_up + sr).clamp(-1, 1) if self.global_skip else sr


def _check_images(lr: Tensor, lr_up: Tensor, ref: Tensor, ref_down_up: Tensor) -> None:
    images = {"lr": lr, "lr_up": lr_up, "ref": ref, "ref_down_up": ref_down_up}
    for name, image in images.items():
        check_features(f"TTSR: {name}", image, "[B, 3, H, W]")
        if image.shape[1] != 3 or 0 in image.shape[2:]:
            raise ShapeError(f"TTSR: {name} must be [B, 3, H, W], got {list(image.shape)}")
        if not image.is_floating_point() or image.dtype != lr.dtype:
            raise DTypeError(
                f"TTSR: all images must have one floating dtype, got {name} {image.dtype} "
                f"beside lr {lr.dtype}"
            )
        if image.shape[0] != lr.shape[0]:
            raise ShapeError(f"TTSR: lr has batch size {lr.shape[0]}, {name} {image.shape[0]}")
    enlarged = torch.Size(4 * n for n in lr.shape[2:])
    if lr_up.shape[2:] != enlarged:
        raise ShapeError(
            f"TTSR: lr_up must be four times lr, {list(enlarged)}, got {list(lr_up.shape[2:])}"
        )
    if ref_down_up.shape != ref.shape:
        raise ShapeError(
            "TTSR: ref_down_up must have the size of ref, "
            f"{list(ref.shape[2:])}, got {list(ref_down_up.shape[2:])}"
        )
