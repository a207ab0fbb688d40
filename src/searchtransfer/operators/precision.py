# SPDX-License-Identifier: Apache-2.0
"""Operators that answer the same whatever precision their caller computes in."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import wraps
from typing import ParamSpec, TypeVar

import torch
from torch import Tensor

P = ParamSpec("P")
R = TypeVar("R")


def own_precision(device: torch.device) -> AbstractContextManager[object]:
    """Within this, autocast is off; not every device has it at all."""
    kind = device.type
    if torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind):
        return torch.autocast(kind, enabled=False)
    return nullcontext()


def in_own_precision(function: Callable[P, R]) -> Callable[P, R]:
    """Inside, autocast is off: a search in bfloat16 finds other places.

    The device is that of the first tensor among the arguments.
    """

    @wraps(function)
    def inner(*args: P.args, **kwargs: P.kwargs) -> R:
        tensors = (x for x in (*args, *kwargs.values()) if isinstance(x, Tensor))
        first = next(tensors, None)
        if first is None:
            return function(*args, **kwargs)
        with own_precision(first.device):
            return function(*args, **kwargs)

    return inner
