# SPDX-License-Identifier: Apache-2.0
"""Device, precision and the other processes, by way of Accelerate."""

from datetime import timedelta

from accelerate import Accelerator, InitProcessGroupKwargs
from accelerate.state import AcceleratorState

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
