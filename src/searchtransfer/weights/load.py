# SPDX-License-Identifier: Apache-2.0
"""Weights into a module: strictly, and only after every check has passed."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from ..errors import WeightsError
from ..foreign import short
from .description import Described
from .file import WeightsFile, read_weights

_DTYPES = (torch.float32, torch.float64, torch.float16, torch.bfloat16)
_SHOWN = 5


def load_weights(module: nn.Module, path: str | Path) -> WeightsFile:
    """Load a file into a module; on any error the module is left as it was.

    Half and double precision are converted to the module's dtype.

    Args:
        module: receives the weights; its `architecture` and `scale`, if any, must be the file's.
        path: a safetensors file or PyTorch checkpoint.

    Returns:
        What was read.

    Raises:
        WeightsError: the file cannot be read safely, or does not fit the module exactly.
    """
    file = read_weights(path)
    load_state(module, file)
    return file


def load_state(module: nn.Module, file: WeightsFile) -> None:
    """Load what `read_weights` returned into a module; arguments and errors as `load_weights`."""
    if file.description is not None and isinstance(module, Described):
        file.description.require(module.architecture, module.scale, file.path)
    expected = {key: value.shape for key, value in module.state_dict().items()}
    check_tensors(file.tensors, expected, file.path)
    module.load_state_dict(file.tensors, strict=True)


def check_tensors(
    tensors: Mapping[str, Tensor], expected: Mapping[str, torch.Size], path: Path
) -> None:
    """Compare tensors with what a module expects.

    Raises:
        WeightsError: keys are missing or unexpected, shapes differ, a dtype is not floating, or a
            value is NaN or infinite; the first five of each kind are named.
    """
    faults = [
        _listing("missing", [short(k) for k in expected if k not in tensors]),
        _listing("unexpected", [short(k) for k in tensors if k not in expected]),
        _listing(
            "misshapen",
            [
                f"{short(k)} {list(tensors[k].shape)[:8]}, expected {list(shape)}"
                for k, shape in expected.items()
                if k in tensors and tensors[k].shape != shape
            ],
        ),
    ]
    if any(faults):
        raise WeightsError(f"{path}: does not fit the network. {' '.join(filter(None, faults))}")
    for key, value in tensors.items():
        if value.dtype not in _DTYPES or value.layout != torch.strided:
            raise WeightsError(
                f"{path}: {short(key)} is {value.dtype} ({value.layout}); weights must be dense "
                "float32, float64, float16 or bfloat16"
            )
        if not torch.isfinite(value).all():
            raise WeightsError(
                f"{path}: {short(key)} holds NaN or infinity; the training that wrote it had failed"
            )


def _listing(what: str, names: Iterable[str]) -> str:
    names = list(names)
    if not names:
        return ""
    more = f"; and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{len(names)} {what}: {'; '.join(names[:_SHOWN])}{more}."
