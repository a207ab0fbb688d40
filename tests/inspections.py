# SPDX-License-Identifier: Apache-2.0
"""Inputs of the inspector for tests: random pictures and random matches."""

import torch
from pictures import texture
from torch import Tensor

from searchtransfer.images import degrade
from searchtransfer.pictures.inspector import InspectorInput, Photo
from searchtransfer.references.matches import Matches
from searchtransfer.upscaler import Result


def random_places(
    size: tuple[int, int], photos: tuple[tuple[int, int], ...], scale: int, seed: int = 0
) -> tuple[Tensor, Tensor]:
    """A random photo, and the first pixel of a random match in it, for each cell."""
    generator = torch.Generator().manual_seed(seed)
    photo = torch.randint(len(photos), size, generator=generator)
    last = torch.tensor(photos)[photo] - scale + 1
    return photo, (torch.rand(*size, 2, generator=generator) * last).long()


WAYS = torch.tensor(
    [
        [[1.0, 0.0], [0.0, 1.0]],
        [[0.0, -1.27], [1.25, 0.0]],  # larger, turned
        [[0.8, 0.0], [0.0, -0.8]],  # smaller, mirrored
        [[-2.0, 0.25], [0.1, -1.1]],  # upside down, tilted
    ]
)


def inspected(
    size: tuple[int, int] = (6, 8),
    photos: tuple[tuple[int, int], ...] = ((30, 41), (25, 27)),
    scale: int = 4,
    seed: int = 0,
    names: tuple[str, ...] = ("first.png", "second.png", "third.png"),
    turned: bool = False,
) -> InspectorInput:
    """A result whose matches are random, in photos of these sizes; none for an empty tuple."""
    height, width = size
    large = [texture(height * scale, width * scale, seed + i) for i in (10, 11)]
    colours = [texture(h, w, seed + i) for i, (h, w) in enumerate(photos)]
    if not photos:
        photo = torch.full(size, -1)
        position, score = torch.full((*size, 2), -1.0), torch.zeros(size)
    else:
        photo, pixel = random_places(size, photos, scale, seed)
        position = pixel + (scale - 1) / 2
        score = torch.rand(size, generator=torch.Generator().manual_seed(seed)) * 2 - 1
    generator = torch.Generator().manual_seed(seed)
    ways = torch.randint(len(WAYS), size, generator=generator) if turned else torch.zeros(size)
    if turned:
        position = position + torch.rand(*size, 2, generator=generator) - 0.5
    return InspectorInput(
        name="small.png",
        result=large[0],
        bicubic=large[1],
        photos=tuple(Photo(n, c) for n, c in zip(names, colours, strict=False)),
        scale=scale,
        score=score,
        photo=photo,
        position=position,
        jacobian=WAYS[ways.long()],
        summary="The reference was of use.",
        facts=(("Model", "transfer"),),
    )


def found_in_place(size: tuple[int, int] = (48, 60), scale: int = 4) -> tuple[Tensor, Tensor]:
    """A small image, and a photo whose part from row 8, column 12 on it shows."""
    photo = texture(size[0] + 16, size[1] + 20)
    return degrade(photo[:, 8 : 8 + size[0], 12 : 12 + size[1]], scale), photo


def result_of(matches: Matches, score: Tensor, scale: int = 4) -> Result:
    """A result of which only the matches matter."""
    height, width = score.shape
    return Result(torch.rand(3, height * scale, width * scale), score, matches)
