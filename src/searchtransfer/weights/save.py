# SPDX-License-Identifier: Apache-2.0
"""Writing weights: safetensors with a description, whole or not at all."""

from pathlib import Path

import safetensors.torch
from torch import nn

from ..errors import OutputError, WeightsError
from ..files import OnExists, check_file, shown, write_file
from .description import Described, Description
from .file import WeightsFile
from .load import check_tensors, load_weights


def save_weights(module: nn.Module, path: str | Path, *, overwrite: bool = False) -> None:
    """Write a module's weights and description.

    The file appears under its name only when it is complete.

    Args:
        module: has `architecture`, `scale` and `config`, as TTSR has.
        path: ends in `.safetensors`.
        overwrite: replace an existing file.

    Raises:
        OutputError: the file exists, has another suffix, or its folder cannot be written to.
        WeightsError: a weight is NaN or infinite, or the module does not describe itself.
    """
    path = Path(path)
    if path.suffix != ".safetensors":
        raise OutputError(
            f"weights {shown(path)}: are written as .safetensors, give it that suffix"
        )
    on_exists: OnExists = "overwrite" if overwrite else "error"
    check_file(path, on_exists=on_exists, what="weights", allow="overwrite=True")
    if not isinstance(module, Described):
        raise WeightsError(
            f"{path}: a {type(module).__name__} lacks architecture, scale or config, "
            "which the file must state"
        )
    state = {key: value.detach().cpu().contiguous() for key, value in module.state_dict().items()}
    check_tensors(state, {key: value.shape for key, value in state.items()}, path)
    content = safetensors.torch.save(state, Description.of(module).to_header())
    write_file(path, content, on_exists=on_exists, what="weights")


def convert(
    source: str | Path, target: str | Path, module: nn.Module, *, overwrite: bool = False
) -> WeightsFile:
    """Turn a checkpoint into a safetensors file with a description.

    Args:
        source: any file `read_weights` reads; it is never changed.
        target: the `.safetensors` file to write.
        module: a network of the shape of the checkpoint; receives its weights.
        overwrite: replace an existing target.

    Returns:
        What was read from the source.

    Raises:
        WeightsError: the source cannot be read safely, or does not fit the module exactly.
        OutputError: the target is the source, exists, or cannot be written.
    """
    if Path(target).exists() and Path(source).exists() and Path(target).samefile(source):
        raise OutputError(f"{target}: is the source itself, which is never overwritten")
    file = load_weights(module, source)
    save_weights(module, target, overwrite=overwrite)
    return file
