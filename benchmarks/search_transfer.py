# SPDX-License-Identifier: Apache-2.0
"""The whole SearchTransfer, search and three levels of transfer, beside the article's module.

    python benchmarks/search_transfer.py [--size 83x125] [--vgg WEIGHTS] [--pair A B] [--repeat 5]

Values have 64, 128 and 256 channels at 4, 2 and 1 times the key grid, as TTSR's have; their content
does not matter to the time. Figures are medians of interleaved runs in one process.
"""

import argparse
import statistics
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
import torch.nn.functional as F
from article import article
from search import pair_of, seconds
from torch import Tensor

from searchtransfer import SearchTransfer

CHANNELS = {4: 64, 2: 128, 1: 256}
"""Of the value at each scale."""


def article_module(query: Tensor, key: Tensor, values: dict[int, Tensor]) -> list[Tensor]:
    """Search, then for each level unfold, gather, fold and divide by the overlap."""
    score, index = article(query, key)
    size = query.shape[1:]
    textures = [score.view(1, 1, *size)]
    for scale, value in values.items():
        geometry = {"kernel_size": 3 * scale, "padding": scale, "stride": scale}
        output = (size[0] * scale, size[1] * scale)
        blocks = F.unfold(value, **geometry)
        chosen = blocks.gather(2, index[None, None].expand(1, blocks.shape[1], -1))
        ones = F.unfold(torch.ones(1, 1, *value.shape[2:]), **geometry)
        count = F.fold(ones[:, :, index], output, **geometry)
        textures.append(F.fold(chosen, output, **geometry) / count)
    return textures


def ours(module: SearchTransfer, query: Tensor, key: Tensor, values: dict[int, Tensor]) -> object:
    """The same by this package."""
    return module(query[None], key[None], *values.values())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", default="83x125", help="feature cells, rows x columns")
    parser.add_argument("--vgg", type=Path, help="safetensors file with VGG19 up to relu3_1")
    parser.add_argument("--pair", type=Path, nargs=2, help="two photos: query and key")
    parser.add_argument("--random", action="store_true", help="256 random channels instead")
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()
    torch.set_grad_enabled(False)
    module = SearchTransfer()
    for name, (query, key) in pair_of(options).items():
        height, width = key.shape[1:]
        values = {s: torch.rand(1, c, s * height, s * width) for s, c in CHANNELS.items()}
        ways: dict[str, Callable[[], object]] = {
            "article": partial(article_module, query, key, values),
            "native": partial(ours, module, query, key, values),
        }
        times: dict[str, list[float]] = {way: [] for way in ways}
        found: dict[str, list[Tensor]] = {}
        for _ in range(options.repeat):
            for way, run in ways.items():
                took, result = seconds(run)
                times[way].append(took)
                found[way] = list(result)
        medians = {way: statistics.median(t) for way, t in times.items()}
        print(f"{name}: {list(query.shape)} against {list(key.shape)}, three levels")
        for way, took in medians.items():
            print(f"  {way:8} {1000 * took:8.1f} ms  {medians['article'] / took:6.1f}x")
        worst = max((a - b).abs().max().item() for a, b in zip(*found.values(), strict=True))
        print(f"  largest difference of score and textures: {worst:.1e}")


if __name__ == "__main__":
    main()
