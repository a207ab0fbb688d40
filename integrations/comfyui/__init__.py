# SPDX-License-Identifier: Apache-2.0
"""A node for ComfyUI: make an image sharp with the texture of reference photos.

Put this folder into `custom_nodes`, and `pip install searchtransfer` into ComfyUI's environment.
"""

from functools import lru_cache
from typing import Any, ClassVar

import torch

from searchtransfer import Upscaler

MODELS = ("fusion", "transfer")
SCALES = ("4", "2", "3", "8")


@lru_cache(maxsize=4)
def _upscaler(model: str, scale: int) -> Upscaler:
    return Upscaler.from_pretrained(model, scale=scale)


class SearchTransferUpscale:
    """Images in and out are ComfyUI's: `[B, H, W, C]` floats in [0, 1], on any device."""

    RETURN_TYPES: ClassVar[tuple[str, ...]] = ("IMAGE",)
    RETURN_NAMES: ClassVar[tuple[str, ...]] = ("image",)
    FUNCTION = "upscale"
    CATEGORY = "image/upscaling"
    DESCRIPTION = "Makes small images sharp with the texture of photos of the same things."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, dict[str, Any]]:
        """The inputs: small images, reference photos (every one serves every image), options."""
        return {
            "required": {
                "image": ("IMAGE",),
                "model": (list(MODELS), {"default": MODELS[0]}),
                "scale": (list(SCALES), {"default": SCALES[0]}),
            },
            "optional": {"reference": ("IMAGE",)},
        }

    def upscale(
        self,
        image: torch.Tensor,
        model: str,
        scale: str,
        reference: torch.Tensor | None = None,
    ) -> tuple[torch.Tensor]:
        """The images, `scale` times as large, in the order they came in."""
        upscaler = _upscaler(model, int(scale))
        photos = None if reference is None else upscaler.prepare(list(_planes_first(reference)))
        sharp = [upscaler.upscale(one, photos).image for one in _planes_first(image)]
        return (torch.stack(sharp).movedim(1, -1).clamp(0, 1).to(image.device),)


def _planes_first(images: torch.Tensor) -> torch.Tensor:
    """`[B, C, H, W]`, where this package computes."""
    return images.movedim(-1, 1).float().cpu()


NODE_CLASS_MAPPINGS = {"SearchTransferUpscale": SearchTransferUpscale}
NODE_DISPLAY_NAME_MAPPINGS = {"SearchTransferUpscale": "Upscale with references"}
