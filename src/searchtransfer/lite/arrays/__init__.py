# SPDX-License-Identifier: Apache-2.0
"""As much of torch as the pipeline uses, on NumPy arrays; `docs/design/runtimes.md` says why.

Names, arguments and results are torch's, so that the same files run on both; the tests compare each
with torch's own. What is missing raises an error with its name.
"""

import numpy as np

from . import functional as functional
from . import nn as nn
from .device import Device
from .functions import *
from .process import *
from .process import _C as _C
from .tensor import Tensor as Tensor

Size = tuple[int, ...]
SymInt = memory_format = type("Absent", (), {})
"""Classes of which there are no instances here."""
dtype = np.dtype
device = Device
bool = np.dtype(np.bool_)
uint8, int32, int64 = (np.dtype(x) for x in (np.uint8, np.int32, np.int64))
float16, float32, float64 = (np.dtype(x) for x in (np.float16, np.float32, np.float64))
bfloat16 = np.dtype(np.uint16)
"""Only its room is needed: the compiled kernel writes and reads it."""
OutOfMemoryError = MemoryError
inf, nan = float("inf"), float("nan")
strided = contiguous_format = channels_last = "strided"


def __getattr__(name: str) -> object:
    raise AttributeError(
        f"searchtransfer.lite.arrays has no {name!r} yet: what the pipeline uses of torch is "
        "written there, and this is new"
    )
