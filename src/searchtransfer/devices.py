# SPDX-License-Identifier: Apache-2.0
"""Devices, tried before anything is computed on them."""

import torch

from .errors import OptionError


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
