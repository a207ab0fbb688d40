# SPDX-License-Identifier: Apache-2.0
"""The whole SearchTransfer, search and three levels of transfer, beside the article's module.

    python -m benchmarks.search.module [--size 83x125] [--vgg WEIGHTS] [--pair A B] [--repeat 5]

Values have 64, 128 and 256 channels at 4, 2 and 1 times the key grid, as TTSR's have; their content
does not matter to the time. Figures are medians of interleaved runs in one process.
"""

import statistics
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.common.clock import by_turns
from benchmarks.search.features import features_of, pair_parser
from benchmarks.search.ways import article
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


def ours(
    module: SearchTransfer, query: Tensor, key: Tensor, values: dict[int, Tensor]
) -> list[Tensor]:
    """The same by this package."""
    return list(module(query[None], key[None], *values.values()))


def main() -> None:
    parser = pair_parser(__doc__)
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()
    torch.set_grad_enabled(False)
    module = SearchTransfer()
    query, key = features_of(options)
    height, width = key.shape[1:]
    values = {s: torch.rand(1, c, s * height, s * width) for s, c in CHANNELS.items()}
    ways = {
        "article": partial(article_module, query, key, values),
        "native": partial(ours, module, query, key, values),
    }
    times, found = by_turns(ways, options.repeat)
    medians = {way: statistics.median(t) for way, t in times.items()}
    print(f"{list(query.shape)} against {list(key.shape)}, three levels")
    for way, took in medians.items():
        print(f"  {way:8} {1000 * took:8.1f} ms  {medians['article'] / took:6.1f}x")
    worst = max((a - b).abs().max().item() for a, b in zip(*found.values(), strict=True))
    print(f"  largest difference of score and textures: {worst:.1e}")


if __name__ == "__main__":
    main()
