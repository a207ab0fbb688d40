# SPDX-License-Identifier: Apache-2.0
"""From a result of the upscaler to the inspector: the pictures side by side, and a verdict."""

import warnings
from collections.abc import Sequence

from jaxtyping import Float, Int64
from torch import Tensor

from .images import Image, ImageWarning, to_profile, up
from .images.kinds import as_image
from .pictures.inspector import InspectorInput, Photo
from .references import Reference
from .references.matches import Matches
from .references.usefulness import usefulness
from .upscaler import Result


def inspect_result(
    result: Result,
    lr: object,
    references: object = (),
    *,
    name: str = "Result",
    names: Sequence[str] = (),
    facts: Sequence[tuple[str, str]] = (),
) -> InspectorInput:
    """Collect what `pictures.inspector.inspector_page` shows. Colours are converted to sRGB.

    Args:
        result: from `Upscaler.upscale`.
        lr: the picture that was given to it.
        references: all pictures that the reference was prepared from, in that order, or the
            `Reference` itself; empty or None for a picture upscaled alone.
        name: what the page is called, such as a file name.
        names: of the references; numbered where left out.
        facts: more for the head of the page, such as `("Model", "transfer")`.

    Raises:
        OptionError: a match lies outside of the references, so they are others.
        ShapeError: the result is not a multiple of `lr`.
        SearchTransferError: whatever the conversions in `images` raise.

    Examples:
        >>> import torch
        >>> from searchtransfer import Upscaler
        >>> from searchtransfer.images import degrade
        >>> from searchtransfer.pictures.inspector import inspector_page, provenance
        >>> photo = torch.rand(3, 64, 80)
        >>> small = degrade(photo[:, 8:56, 12:72], 4)
        >>> result = Upscaler.from_pretrained("transfer").upscale(small, photo)
        >>> picture = inspect_result(result, small, [photo], names=["photo.png"])
        >>> provenance(picture, 21, 22).match
        Rectangle(row=28, column=32, height=4, width=4)
        >>> page = inspector_page(picture)  # write it to a file ending in .html
    """
    small, large = as_image(lr, "lr"), as_image(result.image, "result")
    scale = max(1, large.size[0] // small.size[0])
    photos = [
        Photo(names[number] if number < len(names) else f"reference {number + 1}", colour)
        for number, colour in enumerate(_colours(references))
    ]
    traced = bool((result.matches.photo >= 0).any())
    height, width = large.size
    about = [("Result", f"{width} pixels wide, {height} high; {scale} times the small image")]
    if traced:
        about += [
            ("References", str(len(photos))),
            ("Mean score", f"{result.score.mean().item():.2f}"),
        ]
    notes = []
    if large.alpha is not None:
        notes.append("The picture has transparency, which is not shown here.")
    if large.bits == 16:
        notes.append("The picture has 16 bits a channel; 8 are shown here.")
    zoom: Float[Tensor, "h w"] | None = result.matches.zoom
    if zoom is not None and bool(((zoom - 1).abs() < 0.1).all()):
        zoom = None
    if zoom is not None:
        notes.append(
            "The references show some things turned, tilted or at another size. The frames show "
            "the place and the size of each match, upright, up to a pixel."
        )
    return InspectorInput(
        name=name,
        result=_srgb(large, "result"),
        bicubic=_srgb(Image(up(small.colour, scale).clamp(0, 1), metadata=small.metadata), "lr"),
        photos=tuple(photos),
        scale=scale,
        score=result.score,
        photo=result.matches.photo,
        pixel=_framed(result.matches, photos),
        zoom=zoom,
        summary=usefulness(result.score, result.matches),
        facts=(*about, *facts),
        notes=tuple(notes),
    )


def _framed(matches: Matches, photos: Sequence[Photo]) -> Int64[Tensor, "h w 2"]:
    """The first pixel of the upright square around each match, as far as the photo reaches."""
    side = (matches.scale / matches.zoom)[..., None]
    first = (matches.position - (side - 1) / 2).round().long()
    for number, photo in enumerate(photos):
        here = matches.photo == number
        last = first.new_tensor(photo.size) - matches.scale
        first[here] = first[here].minimum(last).clamp(min=0)
    return first


def _colours(references: object) -> list[Float[Tensor, "3 _ _"]]:
    if references is None:
        return []
    if isinstance(references, Reference):
        return list(references.photos)
    pictures = references if isinstance(references, (list, tuple)) else [references]
    return [
        _srgb(as_image(picture, f"reference {number}"), f"reference {number}")
        for number, picture in enumerate(pictures)
    ]


def _srgb(picture: Image, name: str) -> Float[Tensor, "3 h w"]:
    with warnings.catch_warnings():
        # Reading the files has already told of a profile that cannot be used.
        warnings.simplefilter("ignore", ImageWarning)
        return to_profile(picture, None, name).colour.detach().float().cpu()
