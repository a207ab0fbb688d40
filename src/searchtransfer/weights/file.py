# SPDX-License-Identifier: Apache-2.0
"""Reading tensors from a file without running anything that is in it."""

import pickle
import warnings
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from ..errors import WeightsError
from ..foreign import short
from .content import recognise
from .description import Description

# In order of preference: of two sets of weights in one file the averaged one is the better.
_WRAPPERS = ("params_ema", "params", "state_dict", "model", "model_state_dict")


@dataclass(frozen=True)
class WeightsFile:
    """The tensors of a file under the names a module knows them by."""

    path: Path
    tensors: dict[str, Tensor]
    description: Description | None
    """None for files of others, among them all released TTSR checkpoints."""
    wrapper: str | None = None
    """The entry of the file that held the tensors ("params_ema"), if they were wrapped."""
    dropped: tuple[str, ...] = ()
    """Keys left out because they repeat others: TTSR's frozen `LTE_copy`."""


def read_weights(path: str | Path) -> WeightsFile:
    """Read a safetensors file or a PyTorch checkpoint, recognised by content.

    Wrappers (`params_ema`, `params`, `state_dict`) are opened, the prefix `module.` and TTSR's
    repeated `_copy` keys are taken away.

    Args:
        path: the file; nothing is ever downloaded.

    Raises:
        WeightsError: the file is missing, damaged, unsafe, or holds something else than tensors.
    """
    path = Path(path)
    if recognise(path) == "safetensors":
        tensors, description = _read_safetensors(path)
        wrapper = None
    else:
        tensors, wrapper = _unwrap(_read_torch(path), path)
        description = None
    tensors = _without_module_prefix(tensors)
    dropped = tuple(k for k in tensors if any(part.endswith("_copy") for part in k.split(".")))
    kept = {key: value for key, value in tensors.items() if key not in dropped}
    if not kept:
        raise WeightsError(f"{path}: holds no tensors")
    return WeightsFile(path, kept, description, wrapper, dropped)


def _read_safetensors(path: Path) -> tuple[dict[str, Tensor], Description | None]:
    try:
        with torch.device("cpu"), safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            description = Description.from_header(header, path)
            return {key: file.get_tensor(key) for key in file.keys()}, description  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise WeightsError(
            f"{path}: is a truncated or damaged safetensors file ({error}); copy it again"
        ) from None


def _read_torch(path: Path) -> object:
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                if any(e.compress_type != zipfile.ZIP_STORED for e in archive.infolist()):
                    raise WeightsError(f"{path}: is a compressed archive, which torch never writes")
        # An open file, since torch chooses its reader by the suffix of a name.
        with path.open("rb") as file, warnings.catch_warnings(), torch.device("cpu"):
            warnings.simplefilter("ignore")  # on old pickle protocols; what matters is raised
            return torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise WeightsError(
            f"{path}: holds more than tensors, or is damaged; reading the rest could run a "
            "stranger's code, so it is refused. Where you trust the file, load it there and save "
            "its state_dict() as safetensors"
        ) from None
    except (RuntimeError, EOFError, OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise WeightsError(
            f"{path}: is a truncated or damaged PyTorch file ({reason}); copy it again"
        ) from None


def _unwrap(content: object, path: Path) -> tuple[dict[str, Tensor], str | None]:
    wrapper = None
    if isinstance(content, Mapping):
        for name in _WRAPPERS:
            if isinstance(content.get(name), Mapping):
                content, wrapper = content[name], name
                break
    if not isinstance(content, Mapping):
        raise WeightsError(f"{path}: holds a {type(content).__name__}, not a state dict of tensors")
    for key, value in content.items():
        if not isinstance(key, str) or not isinstance(value, Tensor):
            raise WeightsError(
                f"{path}: {short(repr(key))} is a {type(value).__name__}, not a tensor; expected a "
                f"state dict, plain or inside one of {', '.join(_WRAPPERS)}"
            )
    return dict(content), wrapper


def _without_module_prefix(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Undo the prefix of DataParallel, which is on all keys or on none."""
    if all(key.startswith("module.") for key in tensors):
        return {key.removeprefix("module."): value for key, value in tensors.items()}
    return tensors
