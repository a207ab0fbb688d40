# SPDX-License-Identifier: Apache-2.0
"""Device, precision and the other processes, by way of Accelerate."""

from datetime import timedelta
from typing import Any, Literal

from accelerate import Accelerator, InitProcessGroupKwargs
from accelerate.state import AcceleratorState
from torch import Tensor

from ..errors import ConfigError
from .config import Run


def accelerator_for(run: Run) -> Accelerator:
    """A fresh one, since an earlier run in this process may have had other options."""
    AcceleratorState._reset_state()
    try:
        return Accelerator(
            cpu=run.device == "cpu",
            mixed_precision=run.mixed_precision,
            # The others wait as long as one process validates.
            kwargs_handlers=[InitProcessGroupKwargs(timeout=timedelta(hours=2))],
        )
    except ValueError as error:
        raise ConfigError(f"run.mixed_precision, run.device: {error}") from None


def over_all(accelerator: Accelerator, mine: Tensor, how: Literal["sum", "mean"]) -> Tensor:
    """The sum or mean of a tensor over all processes, in each of them."""
    theirs: Any = accelerator.reduce(mine, how)  # whose annotation covers trees of tensors too
    result: Tensor = theirs
    return result
