# SPDX-License-Identifier: Apache-2.0
"""From a result of the upscaler to the inspector: the pictures side by side, and a verdict."""

from collections.abc import Sequence

from ..given import check_kind
from ..images import Image, up
from ..images.kinds import as_image
from ..pictures.inspector import InspectorInput, Photo
from ..upscaler import Result
from .colours import reference_colours, srgb


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
        >>> provenance(picture, 21, 22).match.middle  # rows 28 to 31, columns 32 to 35
        (29.5, 33.5)
        >>> page = inspector_page(picture)  # write it to a file ending in .html
    """
    check_kind("inspector: result", result, Result, "which Upscaler.upscale makes")
    small, large = as_image(lr, "lr"), as_image(result.whole, "result")
    scale = max(1, large.size[0] // small.size[0])
    photos = [
        Photo(names[number] if number < len(names) else f"reference {number + 1}", colour)
        for number, colour in enumerate(reference_colours(references))
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
    return InspectorInput(
        name=name,
        result=srgb(large, "result"),
        bicubic=srgb(Image(up(small.colour, scale).clamp(0, 1), metadata=small.metadata), "lr"),
        photos=tuple(photos),
        scale=scale,
        score=result.score,
        photo=result.matches.photo,
        position=result.matches.position,
        jacobian=result.matches.jacobian,
        summary=result.verdict,
        facts=(*about, *facts),
        notes=tuple(notes),
    )
