# SPDX-License-Identifier: Apache-2.0
"""Pictures as a screen shows them: in sRGB, whatever their kind and profile."""

import warnings

from jaxtyping import Float
from torch import Tensor

from ..images import Image, ImageWarning, to_profile
from ..images.kinds import as_image
from ..references import Reference


def reference_colours(references: object) -> list[Float[Tensor, "3 _ _"]]:
    """The photos of a reference: of `Reference` as they are, of pictures in sRGB.

    Args:
        references: a `Reference`, one picture or several of any kind; None for none.

    Raises:
        SearchTransferError: whatever the conversions in `images` raise.
    """
    if references is None:
        return []
    if isinstance(references, Reference):
        return [photo.cpu() for photo in references.photos]
    pictures = references if isinstance(references, (list, tuple)) else [references]
    names = [f"reference {number}" for number in range(len(pictures))]
    return [srgb(as_image(x, name), name) for x, name in zip(pictures, names, strict=True)]


def srgb(picture: Image, name: str) -> Float[Tensor, "3 h w"]:
    """The colours of a picture in sRGB; `name` is what errors call it."""
    with warnings.catch_warnings():
        # Reading the files has already told of a profile that cannot be used.
        warnings.simplefilter("ignore", ImageWarning)
        return to_profile(picture, None, name).colour.detach().float().cpu()
