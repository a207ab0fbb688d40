# SPDX-License-Identifier: Apache-2.0
"""The search in compiled code: exact, pruned, inside the cache. CPU and float32.

A walk along row diagonals (see `_native/walk.h`) on a few principal components of the features; a
proven bound tells which pairs the full product could still prefer, and only those are evaluated.
How many components, or all of them, is decided by a cost model from a measured sample. The index is
the exact argmax up to rounding in every case. `docs/design/native-search.md` has the derivation.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from .native_attempt import Attempt, Statistics, checked_depth, query_features, walk_only
from .native_jobs import Transfer
from .native_kernel import MISSING, MOST_PATCH, kernel_module, lanes, run
from .native_keys import DEFAULTS, NativeKeys, Options, prepare

__all__ = [
    "NativeKeys",
    "Options",
    "Statistics",
    "best_match",
    "instruction_sets",
    "measured_match",
    "prepare",
    "transfer",
    "walk_only",
    "why_not",
    "why_not_tensor",
]


def why_not(query: Tensor, keys: Sequence[Tensor] | NativeKeys, patch_size: int) -> str | None:
    """Why this backend cannot run, in one sentence; None when it can."""
    for tensor in [query] if isinstance(keys, NativeKeys) else [query, *keys]:
        if reason := why_not_tensor(tensor):
            return reason
    if patch_size > MOST_PATCH:
        return f"its largest patch_size is {MOST_PATCH}, and {patch_size} is asked for"
    if isinstance(keys, NativeKeys):
        cells = keys.cell_count
        if keys.patch_size != patch_size:
            return f"the keys were prepared for patch_size {keys.patch_size}, not {patch_size}"
    else:
        cells = sum(key.shape[-2] * key.shape[-1] for key in keys)
    if cells >= 2**32 - 1:
        return f"it numbers key cells with 32 bits, and there are {cells}"
    return None


def why_not_tensor(tensor: Tensor) -> str | None:
    """Why compiled code cannot take this tensor, in one sentence; None when it can."""
    if kernel_module is None:
        return f"the compiled kernel is not installed ({MISSING})"
    if tensor.device.type != "cpu":
        return f"it runs on the CPU only, and the features are on {tensor.device}"
    if tensor.dtype != torch.float32:
        return f"it takes float32 only, and the features are {tensor.dtype}"
    return None


def instruction_sets() -> list[str]:
    """The instruction sets that the built kernel has for this machine, the one in use first."""
    return list(lanes())


def best_match(
    query: Float[Tensor, "c h w"],
    keys: Sequence[Float[Tensor, "c _ _"]] | NativeKeys,
    patch_size: int,
    options: Options = DEFAULTS,
) -> tuple[Float[Tensor, "h w"], Int64[Tensor, "h w"]]:
    """Highest relevance of every query block, and the key block that has it.

    Key blocks are numbered through all keys, in order; ties go to the lowest number. A zero query
    block has score 0 and position 0. The arguments must satisfy `why_not`.
    """
    score, position, _ = measured_match(query, keys, patch_size, options)
    return score, position


def measured_match(
    query: Float[Tensor, "c h w"],
    keys: Sequence[Float[Tensor, "c _ _"]] | NativeKeys,
    patch_size: int,
    options: Options = DEFAULTS,
) -> tuple[Float[Tensor, "h w"], Int64[Tensor, "h w"], Statistics]:
    """`best_match`, and what it did."""
    if not isinstance(keys, NativeKeys):
        keys = prepare(keys, patch_size, options=options)
    attempt = Attempt(query_features(query, keys, options), keys, options)
    attempt.seed()
    depth = (
        attempt.cheapest_depth() if options.depth is None else checked_depth(options.depth, keys)
    )
    attempt.search(depth)
    score, position = attempt.scored()
    return score, position, Statistics(depth, *attempt.counts.tolist())


def transfer(
    texture: Float[Tensor, "c th tw"],
    value: Float[Tensor, "c sh sw"],
    index: Int64[Tensor, "h w"],
    key_size: tuple[int, int],
    scale: int,
    patch_size: int,
    overlap_constant: bool,
    options: Options = DEFAULTS,
) -> None:
    """Fill in the texture in one pass: bit for bit what folding the chosen blocks gives.

    Args:
        texture: `[C, scale*H, scale*W]`, contiguous; what was in it is lost.
        value: `[C, scale*Hr, scale*Wr]`, float32 on the CPU.
        index: `[H, W]` key cells, `row * Wr + column`, all inside the key grid.
        key_size: `(Hr, Wr)`.
        scale: value pixels in a cell, along each side.
        patch_size: side of a block in cells.
        overlap_constant: divide by patch_size^2 instead of the number of contributions.
    """
    channels = value.shape[0]
    height, width = index.shape
    job = Transfer(
        value=value.detach().resolve_neg().contiguous(),
        index=index.resolve_neg().contiguous(),
        texture=texture,
        channels=channels,
        height=height,
        width=width,
        key_height=key_size[0],
        key_width=key_size[1],
        scale=scale,
        radius=patch_size // 2,
        constant=int(overlap_constant),
        threads=options.threads or torch.get_num_threads(),
    )
    run("transfer", options.kernel, job)
