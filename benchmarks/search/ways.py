# SPDX-License-Identifier: Apache-2.0
"""Ways to search: the article's module as written, in chunks, FAISS on the blocks, and ours."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from searchtransfer import search

Search = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""From `[C, H, W]` each to the score and the index of each query cell."""

CHUNK = 1024
"""Query blocks at a time in the chunked version."""


def unit_blocks(features: Tensor) -> Tensor:
    """`[1, 9C, N]`, normalised over each block."""
    return F.normalize(F.unfold(features[None], 3, padding=1), dim=1)


def article(query: Tensor, key: Tensor) -> tuple[Tensor, Tensor]:
    """Unfold, normalise, one product, maximum: all relevances at once."""
    relevance = torch.bmm(unit_blocks(key).transpose(1, 2), unit_blocks(query))
    score, index = torch.max(relevance, dim=1)
    return score[0], index[0]


def chunked(query: Tensor, key: Tensor) -> tuple[Tensor, Tensor]:
    """The same, some query blocks at a time, best memory order."""
    keys = unit_blocks(key)[0]
    best = [(part.T @ keys).max(dim=1) for part in unit_blocks(query)[0].split(CHUNK, dim=1)]
    return torch.cat([b.values for b in best]), torch.cat([b.indices for b in best])


def faiss_flat(query: Tensor, key: Tensor) -> tuple[Tensor, Tensor]:
    """FAISS IndexFlatIP on the unfolded blocks; building the index is part of the search."""
    import faiss

    faiss.omp_set_num_threads(torch.get_num_threads())
    keys, queries = (unit_blocks(x)[0].T.contiguous().numpy() for x in (key, query))
    index = faiss.IndexFlatIP(keys.shape[1])
    index.add(keys)
    score, position = index.search(queries, 1)
    return torch.from_numpy(score[:, 0]), torch.from_numpy(position[:, 0])


def ours(backend: str) -> Search:
    """One of this package."""

    def run(query: Tensor, key: Tensor) -> tuple[Tensor, Tensor]:
        match = search(query[None], key[None], backend=backend)
        return match.score.flatten(), match.index.flatten()

    return run


WAYS: dict[str, Search] = {
    "article": article,
    "chunked": chunked,
    "faiss": faiss_flat,
    "literal": ours("literal"),
    "tiled": ours("tiled"),
    "native": ours("native"),
}
