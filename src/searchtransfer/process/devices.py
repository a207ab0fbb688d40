# SPDX-License-Identifier: Apache-2.0
"""Devices, tried before anything is computed on them."""

from functools import cache

import torch
from torch import Tensor

from ..errors import OptionError

MORE = 16
"""Elsewhere than on the CPU so many times as much is worked on at a time."""


def usable_device(device: torch.device | str | int | None) -> torch.device:
    """The device that something asks for, None for the CPU.

    Raises:
        OptionError: there is no such device, it is not in this machine, or it holds no numbers.
    """
    # Only trying tells: torch raises an AssertionError, a RuntimeError or others, by the device.
    try:
        found = torch.device("cpu" if device is None else device)
        torch.zeros(1, dtype=torch.float32, device=found).item()
    except Exception as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        known = "'cpu' or 'cuda'" if torch.cuda.is_available() else "'cpu'"
        raise OptionError(
            f"device {str(device)!r} cannot be used here ({reason}); use {known}"
        ) from error
    return found


def has_float64(device: torch.device) -> bool:
    """Whether it computes in double precision; Apple's GPUs do not."""
    return _has_float64(device.type)


@cache
def _has_float64(kind: str) -> bool:
    try:
        torch.zeros(1, dtype=torch.float64, device=kind)
    except (TypeError, RuntimeError):
        return False
    return True


def wide(tensor: Tensor) -> Tensor:
    """In double precision, where its device has that; else as it is.

    Choices between places that are nearly equally good are made of numbers that were computed so
    and rounded once: then they are the same in another order of sums, on another machine.
    """
    return tensor.double() if has_float64(tensor.device) else tensor


def doubled(tensor: Tensor) -> Tensor:
    """In double precision: on its device or, where that has none, on the CPU."""
    return (tensor if has_float64(tensor.device) else tensor.cpu()).double()


def at_once(cells: int, device: torch.device) -> int:
    """How many cells are worked on at a time: as many as a CPU's caches hold, or more elsewhere.

    Each round begins with a wait there, for the copies that are looked at differ in size.
    """
    return cells if device.type == "cpu" else MORE * cells
