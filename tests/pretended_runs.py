# SPDX-License-Identifier: Apache-2.0
"""Runs on the pretended device, each at a small and a large size: counts and results as JSON.

A process of its own: torch knows the device from then on.
"""

import json
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import torch
from pretended import DEVICE, Pretended, There
from skimage import data
from torch import Tensor
from torch.utils._pytree import tree_leaves

from searchtransfer import SearchTransfer, Upscaler
from searchtransfer.evaluation import psnr, ssim
from searchtransfer.images import degrade
from searchtransfer.networks import TTSR, FusionNet
from searchtransfer.networks.fusion_net import Evidence
from searchtransfer.operators import (
    fold_mean,
    overlap_count,
    search,
    search_views,
    select_blocks,
    transfer,
    unfold,
)
from searchtransfer.operators.backends import tiled
from searchtransfer.operators.descriptors import describe
from searchtransfer.references.copy import upright
from searchtransfer.references.field import Field
from searchtransfer.references.refinement import Target, fitted, handed_on, scores
from searchtransfer.references.texture import blocks_of

Run = Callable[..., Any]
SMALL, LARGE = 9, 30
"""Cells on a side."""


def numbers(*size: int) -> Tensor:
    return torch.rand(size, generator=torch.Generator().manual_seed(sum(size)))


def features(n: int) -> tuple[Tensor, Tensor]:
    return numbers(1, 8, n, n), numbers(1, 8, n + 3, n)


def faint(n: int, share: float) -> tuple[Tensor, Tensor]:
    query, key = features(n)
    rows = max(1, round(share * (n + 3)))
    key[:, :, :rows] *= 1e-30
    return query, key


def levels(n: int) -> list[Tensor]:
    return [numbers(1, 4, s * (n + 3), s * n) for s in (4, 2, 1)]


def in_tiles(query: Tensor, key: Tensor) -> Any:
    return tiled.best_match(query[0], [key[0]], 3, working_memory=2**17)


def matched(n: int) -> tuple[Tensor, ...]:
    """A small image, the photo it was reduced from, and matches beside their places."""
    photo = torch.nn.functional.interpolate(
        numbers(1, 3, n + 6, n + 6), scale_factor=4, mode="bicubic"
    )[0]
    colour = degrade(photo.clamp(0, 1), 4)[:, 2 : n + 2, 2 : n + 2].contiguous()
    rows, columns = torch.meshgrid(*[4.0 * torch.arange(n) + 9.5] * 2, indexing="ij")
    centre = torch.stack([rows, columns], -1).flatten(0, 1)
    return colour, photo.clamp(0, 1), centre + 2 * numbers(n * n, 2) - 1


def field_of(centre: Tensor, *shape: int) -> Field:
    size = centre.shape[:-1]
    still = torch.eye(2, device=centre.device).expand(*size, 2, 2)
    one = torch.ones(size, device=centre.device)
    return Field(torch.zeros_like(one, dtype=torch.int64), centre, still.contiguous(), one)


def with_target(move: Callable[[Target, Field], Any]) -> Run:
    def run(colour: Tensor, photo: Tensor, centre: Tensor) -> Any:
        target = Target.of(colour, [upright(photo, 0, 4)])
        return move(target, field_of(centre))

    return run


def textured(colour: Tensor, photo: Tensor, centre: Tensor) -> Any:
    n = colour.shape[1]
    (part,) = blocks_of([upright(photo, 0, 4)], field_of(centre.view(n, n, 2)), 3)
    return part


def pictures(n: int) -> tuple[Tensor, Tensor]:
    return numbers(3, n + 12, n + 12), numbers(3, n + 13, n + 12)[:, 1:]


def networks(n: int) -> tuple[Tensor, ...]:
    return numbers(1, 3, n, n), numbers(1, 3, 4 * n, 4 * n), numbers(1, 7, n, n)


def painted(low: Tensor, detail: Tensor, maps: Tensor) -> Tensor:
    torch.manual_seed(0)
    network = FusionNet(8, 2, 4).to(low.device)
    return network(low, Evidence(detail, detail, maps))


def restored(low: Tensor, large: Tensor, _: Tensor) -> Tensor:
    torch.manual_seed(0)
    network = TTSR((1, 1, 1, 1), 8).to(low.device)
    return network(low, large, large, large)[0]


OPERATORS: dict[str, tuple[Run, Callable[[int], Any]]] = {
    "search": (search, features),
    "literal search": (lambda q, k: search(q, k, backend="literal"), features),
    "search of views": (lambda q, k: search_views(q, [k, k]), features),
    "search in tiles": (in_tiles, features),
    "few faint blocks": (search, lambda n: faint(n, 0)),
    "many faint blocks": (search, lambda n: faint(n, 0.5)),
    "transfer": (
        lambda v, i: transfer(v, i, (i.shape[1] + 3, i.shape[2]), scale=2),
        lambda n: (levels(n)[1], torch.zeros(1, n, n, dtype=torch.int64)),
    ),
    "SearchTransfer": (
        lambda q, k, *v: SearchTransfer()(q, k, *v),
        lambda n: (*features(n), *levels(n)),
    ),
    "blocks": (
        lambda x: fold_mean(unfold(x, 3, padding=1), x.shape[2:], 3, padding=1),
        lambda n: (numbers(1, 2, n, n),),
    ),
    "choice of blocks": (select_blocks, lambda n: (numbers(1, 9, n), torch.arange(n)[None])),
    "overlaps": (
        lambda x: overlap_count(x.shape[2:], 3, device=x.device),
        lambda n: features(n)[:1],
    ),
    "descriptors": (describe, lambda n: (numbers(3, n, n),)),
    "scores": (with_target(scores), matched),
    "affine fits": (with_target(fitted), matched),
    "matches of neighbours": (with_target(lambda t, x: handed_on(t, x, (1,))), matched),
    "texture": (textured, matched),
    "FusionNet": (painted, networks),
    "TTSR": (restored, lambda n: networks(n + -n % 4)),
    "PSNR": (psnr, pictures),
    "SSIM": (ssim, pictures),
}


def there(values: Any) -> Any:
    return tuple(x.to(DEVICE) for x in values)


def here(found: Any) -> list[Tensor]:
    return [
        torch.as_tensor(x.here if isinstance(x, There) else x)
        for x in tree_leaves(tuple(found) if isinstance(found, tuple) else found)
    ]


def measured(run: Run, given: Any) -> dict[str, Any]:
    """Counts without those of the inputs, and how far the results are from the CPU's."""
    plain = here(run(*given))
    with Pretended() as pretended:
        inputs = there(given)
        pretended.counts.clear()
        found = run(*inputs)
        counts = dict(pretended.counts)
    off = [
        (a.double() - b.double()).abs().max().item()
        for a, b in zip(plain, here(found), strict=True)
    ]
    return {"counts": counts, "off": max(off)}


def operators() -> Iterator[tuple[str, Any]]:
    with torch.no_grad():
        for name, (run, make) in OPERATORS.items():
            measured(run, make(SMALL))  # constants are moved once
            yield name, [measured(run, make(n)) for n in (SMALL, LARGE)]


def photo(side: int) -> list[Tensor]:
    """The same part of both views of a scene, the first reduced."""
    left, right = (
        torch.from_numpy(x.copy()).permute(2, 0, 1) / 255 for x in data.stereo_motorcycle()[:2]
    )
    left, right = (x[:, 100 : 100 + side, 200 : 200 + side].contiguous() for x in (left, right))
    return [degrade(left, 4), right]


def whole(model: str, side: int, alone: bool = False) -> dict[str, Any]:
    """A picture by a model: how far from that of the CPU, and where it is."""
    small, other = photo(side)
    reference = None if alone else other
    plain = Upscaler.from_pretrained(model).upscale(small, reference).image
    with Pretended() as pretended:
        upscaler = Upscaler.from_pretrained(model, device=DEVICE)
        result = upscaler.upscale(small, reference).image
        counts, place = dict(pretended.counts), str(result.device)
        result = result.cpu()
    off = (result - plain).abs()
    return {"counts": counts, "off": off.max().item(), "mean": off.mean().item(), "place": place}


def models() -> Iterator[tuple[str, Any]]:
    yield "fusion", [whole("fusion", side) for side in (44, 88)]
    yield "fusion alone", [whole("fusion", side, alone=True) for side in (32, 64)]


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    print(json.dumps({"operators": dict(operators()), "models": dict(models())}, indent=1))
