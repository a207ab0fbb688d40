# SPDX-License-Identifier: Apache-2.0
"""Makes the pictures of `matching.md`, and prints its figures: `python docs/make_matching.py`.

The photo is scikit-image's astronaut (NASA, public domain), made four times smaller. Its reference
is a turned, enlarged and darkened part of the same photo, so that the right place of everything is
known.
"""

import argparse
from pathlib import Path

import torch
from make_pictures import SCALE, picture, tensor, warped, way_back
from PIL import Image
from skimage import data
from torch import Tensor

from searchtransfer import Reference, search
from searchtransfer.images import degrade
from searchtransfer.models import TransferModel
from searchtransfer.operators import unfold
from searchtransfer.operators.descriptors import describe

SIZE = (400, 200)
"""Width and height of the reference."""
CELL = (30, 56)
"""Row and column, beside the nose."""
COMPONENTS = (2, 4, 8, 16, 24, 32)
SHOWN = 4
"""Components of the picture."""
FARTHEST = 2.0
"""Pixels that are drawn white."""


def unit_blocks(features: Tensor) -> Tensor:
    """`[C, H, W]` to `[H*W, 9, C]`: the cells of each block, the block of length one."""
    cells = unfold(features[None], 3, padding=1)[0].view(len(features), 9, -1).permute(2, 1, 0)
    return cells / cells.flatten(1).norm(dim=1).clamp(min=1e-12)[:, None, None]


def rotated(query: Tensor, key: Tensor) -> tuple[Tensor, Tensor]:
    """Both in the directions by which the key's cells differ most, the strongest first."""
    cells = key.flatten(0, 1)
    directions = torch.linalg.eigh(cells.T @ cells).eigenvectors.flip(1)
    return query @ directions, key @ directions


def bounds(query: Tensor, key: Tensor, components: int) -> Tensor:
    """`[M, N]`: what the relevance of each pair can be at most, by the first components."""
    heads = query[..., :components].flatten(1) @ key[..., :components].flatten(1).T
    rests = [x[..., components:].flatten(1).norm(dim=1) for x in (query, key)]
    return heads + rests[0][:, None] * rests[1]


def save(values: Tensor, path: Path, factor: int) -> None:
    """A map, black at 0 and white at 1, each cell a square."""
    image = picture(values.clamp(0, 1).expand(3, -1, -1))
    size = (image.width * factor, image.height * factor)
    image.resize(size, Image.Resampling.NEAREST).convert("L").save(path, optimize=True)


def exactness(low: Tensor, reference: Tensor, folder: Path) -> None:
    """Bounds of one cell with all places, and how many pairs they leave open."""
    small = degrade(reference, SCALE)
    size = small.shape[1:]
    query, key = rotated(unit_blocks(describe(low)), unit_blocks(describe(small)))
    number = CELL[0] * low.shape[2] + CELL[1]
    relevance = query.flatten(1) @ key.flatten(1).T
    best = relevance.amax(1, keepdim=True)
    bound = bounds(query, key, SHOWN)
    is_open = bound >= best
    for name, values in (
        ("relevance", relevance[number]),
        ("bound", bound[number]),
        ("open", is_open[number].float()),
    ):
        save(values.view(size), folder / f"matching-{name}.png", SCALE)
    print(f"{relevance.shape[1]} places; left open for the cell: {int(is_open[number].sum())}")
    match = search(describe(low)[None], describe(small)[None])
    print(
        "the same index as all pairs:", bool((match.index.flatten() == relevance.argmax(1)).all())
    )
    shown = shown_at(true_places(low)).flatten()
    for components in COMPONENTS:
        left = (bounds(query, key, components) >= best).float().sum(1)[shown]
        print(f"{components} of {key.shape[2]} components: {left.mean():.1f} left open a cell")


def true_places(low: Tensor) -> Tensor:
    """`[H, W, 2]`: row and column in the reference where the middle of each cell lies."""
    a, b, c, d, e, f = way_back(SIZE)
    there = torch.tensor([[a, b], [d, e]]).inverse()
    rows, columns = (SCALE * torch.arange(n) + SCALE / 2 for n in low.shape[1:])
    y, x = torch.meshgrid(rows, columns, indexing="ij")
    place = torch.stack([x - c, y - f], -1) @ there.T - 0.5
    return place.flip(-1)


def shown_at(place: Tensor) -> Tensor:
    """Whether the reference shows a place."""
    return ((place >= 0) & (place < place.new_tensor(SIZE[::-1]))).all(-1)


def continuity(low: Tensor, reference: Tensor, folder: Path) -> None:
    """How far from the truth things are found, by whole cells and refined."""
    truth = true_places(low)
    inside = shown_at(truth)
    match = search(describe(low)[None], describe(degrade(reference, SCALE))[None])
    columns = SIZE[0] // SCALE
    whole = torch.stack([match.index[0] // columns, match.index[0] % columns], -1) * SCALE + 1.5
    found = TransferModel().find(low, Reference.build([reference], SCALE)).found.matches
    rows = inside.any(1).nonzero().flatten()
    area = slice(int(rows.min()), int(rows.max()) + 1)
    for name, place in (("whole", whole), ("refined", found.position)):
        far = (place - truth).norm(dim=-1)
        share = (far[inside] < 1).float().mean()
        print(
            f"{name}: median {far[inside].median():.2f} pixels from the truth, "
            f"{100 * share:.0f}% within one"
        )
        drawn = torch.where(inside, far / FARTHEST, 1.0)
        save(drawn[area], folder / f"matching-{name}.png", SCALE)
    jacobian = found.jacobian[inside]
    turned = torch.atan2(jacobian[:, 0, 1], jacobian[:, 0, 0]).rad2deg()
    larger = torch.linalg.det(jacobian).abs().sqrt()
    print(f"turned by {turned.median():.2f} degrees, {larger.median():.3f} times as large")


def make(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    photo = Image.fromarray(data.astronaut())
    low, reference = degrade(tensor(photo), SCALE), tensor(warped(photo, SIZE))
    picture(reference).save(folder / "matching-reference.png", optimize=True)
    square = (2 * low.shape[2], 2 * low.shape[1])
    small = picture(low).resize(square, Image.Resampling.NEAREST)
    small.save(folder / "matching-small.png", optimize=True)
    exactness(low, reference, folder)
    continuity(low, reference, folder)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "pictures")
    make(parser.parse_args().out)
