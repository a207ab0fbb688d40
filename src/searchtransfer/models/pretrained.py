# SPDX-License-Identifier: Apache-2.0
"""Models by name, by file, by folder, or by the id of a repository on the Hugging Face hub."""

import difflib
from collections.abc import Callable
from dataclasses import replace
from numbers import Integral, Real
from pathlib import Path
from typing import Literal, get_args

from torch import nn

from ..errors import OptionError, WeightsError
from ..foreign import shown
from ..given import check_path, check_word
from ..models import FusionModel, Model, TransferModel, TTSRModel
from ..process.budget import MEMORY
from ..references import SCALES
from ..references.plan import SearchMode
from ..wear import Wear, parse_wear
from ..weights import read_weights
from ..weights.packaged import PACKAGED, packaged
from ..weights.repository import MAIN, WORN, download, is_hub_id
from .fusion import load_network

MODELS: dict[str, Callable[[TransferModel], Model]] = {
    "transfer": lambda transfer: transfer,
    "fusion": lambda transfer: _packaged_fusion(transfer),
}
"""Models by name that need no file, each made from one that has the scale and the way to search."""

FROM_WEIGHTS: dict[str, Callable[[str | Path, TransferModel], Model]] = {
    "fusion": lambda path, transfer: FusionModel.load(path, transfer),
    "ttsr": lambda path, transfer: TTSRModel.load(path, transfer.scale, transfer.search),
}
"""Models by name that can be made from a file of weights, and such a model."""

Look = Literal["faithful", "vivid"]
"""How what no reference shows is painted: near the truth, or sharp."""
LOOKS: tuple[Look, ...] = get_args(Look)


def next_scale(scale: int | float) -> int:
    """The smallest scale of the models that reaches a wish, which may be between them.

    Raises:
        OptionError: none does, or the wish is not above 1.
    """
    if isinstance(scale, bool) or not isinstance(scale, Real) or not 1 < scale <= max(SCALES):
        raise OptionError(f"scale must be above 1, up to {max(SCALES)}, got {scale!r}")
    return next(x for x in SCALES if x >= scale)


DEFAULT_MODEL = "fusion"
"""The best of the package, at each scale."""


def _packaged_fusion(transfer: TransferModel) -> FusionModel:
    """The networks of a scale: for clean images, and for worn ones if that is another."""
    name = f"fusion-x{transfer.scale}"
    worn = f"{name}-worn"
    return FusionModel.load(packaged(name), transfer, packaged(worn) if worn in PACKAGED else None)


def load_model(
    source: str | Path | None,
    scale: int = 4,
    search: SearchMode = "auto",
    weights: str | Path | None = None,
    wear: str | Wear = "auto",
    memory: int = MEMORY,
    look: Look = "faithful",
    revision: str | None = None,
) -> Model:
    """Make a model.

    Args:
        source: its name; or a file of weights, a folder with one, or "owner/name" on the hub, whose
            description says what they are of. None: the best for the scale, or that of `weights`.
        scale: how many times larger the result is.
        search: the way to search.
        weights: file of weights for a model that is named.
        wear: what the images have been through; see `searchtransfer.wear.parse_wear`.
        memory: bytes that an image may take; see `searchtransfer.process.budget`.
        look: "vivid" paints what no reference shows so that it looks sharp; only "fusion" can, at
            scale 4, with its packaged weights.
        revision: branch, tag or commit, of a repository on the hub.

    Raises:
        OptionError: no such model, scale, search, wear or look; weights are missing, or not wanted;
            a revision of what is no repository.
        WeightsError: the weights cannot be read, or are of another model or scale.
        MissingExtraError: the hub is asked for and its library is not installed.
    """
    if isinstance(scale, bool) or not isinstance(scale, Integral):
        raise OptionError(f"scale must be a whole number, got {scale!r}")
    check_word("look", look, LOOKS)
    for name, path in (("model", source), ("weights", weights)):
        if path is not None:
            check_path(name, path)
    transfer = TransferModel(
        int(scale),
        search=search,
        wear=parse_wear(wear) if isinstance(wear, str) else wear,
        memory=memory,
    )
    if source is None:
        source = DEFAULT_MODEL if weights is None else weights
        weights = None
    if look != LOOKS[0]:
        _refuse_revision(str(source), revision)
        return _vivid(look, source, weights, transfer)
    names = list(dict.fromkeys([*MODELS, *FROM_WEIGHTS]))
    if source not in names:
        if weights is not None:
            raise OptionError(f"weights go with the name of a model, got model {str(source)!r}")
        return _from_files(_find(str(source), names, revision), transfer)
    _refuse_revision(str(source), revision)
    name = str(source)
    if weights is not None:
        if name not in FROM_WEIGHTS:
            raise OptionError(f"model {name!r} takes no weights, got {shown(weights)}")
        return FROM_WEIGHTS[name](weights, transfer)
    if name not in MODELS:
        raise OptionError(
            f"model {name!r} needs a file of weights (weights=FILE, or --weights FILE); "
            "none are downloaded"
        )
    return MODELS[name](transfer)


def has_look(look: Look, model: str, scale: int) -> bool:
    """Whether a model of the package can be asked for a look."""
    return look == LOOKS[0] or (model == "fusion" and f"fusion-x{scale}-{look}" in PACKAGED)


def _vivid(
    look: Look, source: str | Path, weights: str | Path | None, transfer: TransferModel
) -> Model:
    if look not in LOOKS:
        raise OptionError(f"look must be one of {', '.join(LOOKS)}, got {look!r}")
    name = f"fusion-x{transfer.scale}-vivid"
    if weights is not None or not has_look(look, str(source), transfer.scale):
        raise OptionError(
            "look 'vivid' is one of model 'fusion' at scale 4 with its packaged weights, got "
            f"{shown(source)} at scale {transfer.scale}; leave the look out (--look)"
        )
    return replace(_packaged_fusion(transfer), vivid=load_network(packaged(name)))


def model_files(source: str | Path | None, scale: int, weights: str | Path | None) -> list[Path]:
    """The files of this machine that `load_model` reads for these arguments; none is opened."""
    files = [] if weights is None else [Path(weights)]
    name = source or (DEFAULT_MODEL if weights is None else None)
    if name == "fusion" and weights is None and name in MODELS:
        files += [packaged(x) for x in PACKAGED if x.startswith(f"fusion-x{scale}")]
    elif name is not None and name not in MODELS:
        path = Path(name)
        files += sorted(path.glob("*.safetensors")) if path.is_dir() else [path]
    return [file for file in files if file.is_file()]


def _find(source: str, names: list[str], revision: str | None) -> list[Path]:
    """The files that something stands for that is no name of a model."""
    path = Path(source)
    if not source or not is_hub_id(source):
        _refuse_revision(source, revision)
    if source and path.is_dir():
        return _only_weights(path)
    if source and path.is_file():
        return [path]
    if is_hub_id(source):
        return _only_weights(download(source, revision))
    folder = path.parent if source and path.parent.is_dir() else None
    here = [] if folder is None else [str(folder / x.name) for x in folder.iterdir()]
    near = difflib.get_close_matches(source, [*names, *here], n=1)
    hint = f"; did you mean {shown(near[0])}?" if near else ""
    raise OptionError(
        f"model must be one of {', '.join(names)}, a file or folder of weights that is there, or "
        f"owner/name on the hub, got {shown(source)}{hint}"
    )


def _refuse_revision(source: str, revision: str | None) -> None:
    if revision is not None:
        raise OptionError(
            f"revision {revision!r} is of a repository (owner/name) on the hub, and "
            f"{shown(source)} is none; leave it out"
        )


def _only_weights(folder: Path) -> list[Path]:
    """The one file of weights of a folder; or that of a model, and the one for worn pictures."""
    found = sorted(folder.glob("*.safetensors"))
    if [x.name for x in found] == [MAIN, WORN]:
        return found
    if len(found) != 1:
        raise WeightsError(
            f"weights {shown(folder)}: expected one .safetensors file in it, or {MAIN} and {WORN}, "
            f"found {len(found)}; name the file"
        )
    return found


def _from_files(files: list[Path], transfer: TransferModel) -> Model:
    model = _from_file(files[0], transfer)
    if len(files) == 1:
        return model
    first, second = (_described(path) for path in files)
    if first != second or first[0] != "fusion":
        raise WeightsError(
            f"weights {shown(files[1])}: are of {second[0]} x{second[1]}, and {files[0].name} "
            f"beside them of {first[0]} x{first[1]}; both must be of fusion, and of one scale"
        )
    return FusionModel.load(files[0], transfer, files[1])


def _described(path: Path) -> tuple[str, int]:
    description = read_weights(path).description
    return ("nothing", 0) if description is None else (description.architecture, description.scale)


def _from_file(path: Path, transfer: TransferModel) -> Model:
    description = read_weights(path).description
    if description is None or description.architecture not in FROM_WEIGHTS:
        said = "nothing" if description is None else repr(description.architecture)
        raise WeightsError(
            f"weights {shown(path)}: its description should say which model it is of "
            f"({', '.join(FROM_WEIGHTS)}), it says {said}; name the model (-n), and give the file "
            "as its weights (--weights)"
        )
    return FROM_WEIGHTS[description.architecture](path, transfer)


def networks_of(model: Model) -> dict[str, nn.Module]:
    """The networks of a model by the names of their files.

    Raises:
        OptionError: it has none.
    """
    if isinstance(model, FusionModel):
        worn = {} if model.worn is None else {WORN: model.worn}
        return {MAIN: model.network, **worn}
    if isinstance(model, TTSRModel):
        return {MAIN: model.network}
    raise OptionError(f"model {model.name!r} has no weights that could be saved")
