# SPDX-License-Identifier: Apache-2.0
"""What every operator asks of its arguments."""

import torch
from torch import Tensor

from ..errors import BackendError, DTypeError, OptionError, ShapeError

FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


def check_not_traced(who: str) -> None:
    """Refuse `torch.jit.trace`: its graph would keep sizes as constants and be wrong at others."""
    if torch._C._get_tracing_state():
        raise BackendError(
            f"{who} cannot be traced by torch.jit.trace: it would answer for this one size only, "
            "and needs this package where it runs; use torch.export.export or torch.compile"
        )


def check_odd(who: str, patch_size: int) -> None:
    """Refuse a patch size that is not an odd number of cells."""
    whole = isinstance(patch_size, int) and not isinstance(patch_size, bool)
    if not whole or patch_size < 1 or patch_size % 2 == 0:
        raise OptionError(f"{who}: patch_size must be a positive odd number, got {patch_size}")


def check_features(who: str, features: Tensor, layout: str) -> None:
    """Refuse what is no floating point tensor of this layout, such as `[B, C, H, W]`."""
    if not isinstance(features, Tensor):
        raise DTypeError(f"{who} must be a tensor {layout}, got {type(features).__name__}")
    if features.dim() != len(layout.split(",")):
        raise ShapeError(f"{who} must be {layout}, got {list(features.shape)}")
    if features.dtype not in FLOATS:
        raise DTypeError(
            f"{who} must be float16, bfloat16, float32 or float64, got {features.dtype}; "
            "convert it with .float()"
        )
    if features.layout != torch.strided:
        raise DTypeError(f"{who} must be dense, got {features.layout}; convert it with .to_dense()")
