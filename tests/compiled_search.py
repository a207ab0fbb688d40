# SPDX-License-Identifier: Apache-2.0
"""What torch's compiler makes of the tiled search, as JSON; a process of its own.

The tests wrap every function of the package, which the compiler does not see through.
"""

import json
import sys
from typing import Any

import torch
from torch._dynamo.testing import CompileCounter
from torch._inductor import metrics

from searchtransfer.operators.backends import tiled

HALO = 2
SIZES = ((5, 9, 8, 6), (7, 12, 11, 4), (3, 20, 9, 5))


def rows(n: int, width: int, key_width: int, channels: int, muted: bool) -> tuple[Any, ...]:
    """What `improved` takes: some rows of a query with as many of a key."""
    generator = torch.Generator().manual_seed(n)
    query = torch.randn(n + HALO, width + HALO, channels, generator=generator)
    key = torch.randn(n + HALO, channels, key_width + HALO, generator=generator)
    scale = torch.rand(n, key_width, generator=generator)
    mute = torch.rand(n, key_width, generator=generator) < 0.3 if muted else None
    best = torch.full((n, width), 0.5)
    where = torch.full((n, width), 10**6)
    return query, key, scale, mute, 4 * key_width, key_width, best, where


def same(ours: tuple[torch.Tensor, ...], theirs: tuple[torch.Tensor, ...]) -> bool:
    """Places, and scores but for rounding."""
    return torch.equal(ours[1], theirs[1]) and torch.allclose(ours[0], theirs[0], atol=1e-5)


def graphs(muted: bool) -> dict[str, Any]:
    """Of rows of several sizes."""
    torch._dynamo.reset()
    counter = CompileCounter()
    compiled = torch.compile(tiled.improved, fullgraph=True, dynamic=True, backend=counter)
    given = [rows(*size, muted) for size in SIZES]
    equal = all(same(compiled(*x), tiled.improved(*x)) for x in given)
    return {"graphs": counter.frame_count, "same": equal}


def whole() -> dict[str, Any]:
    """A search with its loops."""
    torch._dynamo.reset()
    generator = torch.Generator().manual_seed(0)
    query, key = (torch.randn(6, n, 8, generator=generator) for n in (4, 5))
    compiled = torch.compile(tiled.best_match, fullgraph=True, backend="aot_eager")
    return {"same": same(compiled(query, [key], 3), tiled.best_match(query, [key], 3))}


@torch.no_grad()
def fused() -> dict[str, Any]:
    """By a compiler of C++: kernels beside the product."""
    torch._dynamo.reset()
    metrics.reset()
    compiled = torch.compile(tiled.improved, fullgraph=True, dynamic=False)
    given = rows(*SIZES[0], False)
    equal = same(compiled(*given), tiled.improved(*given))
    return {"kernels": metrics.generated_kernel_count, "same": equal}


if __name__ == "__main__":
    result = {"plain": graphs(False), "muted": graphs(True), "whole": whole()}
    if "--fused" in sys.argv:
        result["fused"] = fused()
    print(json.dumps(result))
