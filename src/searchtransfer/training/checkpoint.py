# SPDX-License-Identifier: Apache-2.0
"""Checkpoints: one safetensors file each, whole or absent, the last two kept.

The header carries the state that is no tensor as JSON, and a digest of everything, since a file
that was damaged later may still be a valid safetensors file.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from ..errors import NonFiniteError, WeightsError
from ..files import write_file

FORMAT = "searchtransfer-checkpoint"
VERSION = 1
KEPT = 2
_NAME = re.compile(r"step-(\d{9})\.safetensors")


@dataclass(frozen=True)
class Checkpoint:
    """Everything that training needs to go on."""

    tensors: dict[str, Tensor]
    """Weights, their average, what the optimisers remember; keys `part/name`."""
    state: dict[str, Any]
    """All else, JSON-able: step, seed, seconds, configuration, the optimisers' options."""

    def part(self, name: str) -> dict[str, Tensor]:
        """The tensors of one part, without its name in the keys."""
        prefix = f"{name}/"
        return {k.removeprefix(prefix): v for k, v in self.tensors.items() if k.startswith(prefix)}


def write_checkpoint(folder: Path, step: int, checkpoint: Checkpoint) -> Path:
    """Write the checkpoint of a step, then drop all but the last two.

    Raises:
        NonFiniteError: a tensor holds NaN or infinity; nothing is written.
        OutputError: the folder cannot be written to, or is full; nothing is lost.
    """
    for key, value in checkpoint.tensors.items():
        if value.is_floating_point() and not bool(torch.isfinite(value).all()):
            raise NonFiniteError(f"checkpoint of step {step}: {key} holds NaN or infinity")
    tensors = {k: v.detach().cpu().contiguous() for k, v in checkpoint.tensors.items()}
    state = json.dumps(checkpoint.state, sort_keys=True)
    header = {
        "format": FORMAT,
        "version": str(VERSION),
        "state": state,
        "digest": _digest(tensors, state),
    }
    path = folder / f"step-{step:09}.safetensors"
    content = safetensors.torch.save(tensors, header)
    write_file(path, content, on_exists="overwrite", what="checkpoint")
    for old in checkpoints(folder)[KEPT:]:
        old.unlink(missing_ok=True)
    return path


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint and make sure that it is what was written.

    Raises:
        WeightsError: the file is missing, damaged, of another kind, or of a newer version.
    """
    try:
        with torch.device("cpu"), safe_open(path, framework="pt") as file:
            header: Mapping[str, str] = file.metadata() or {}
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except FileNotFoundError:
        raise WeightsError(f"{path}: there is no such file") from None
    except (SafetensorError, OSError, ValueError) as error:
        raise WeightsError(f"{path}: is a truncated or damaged checkpoint ({error})") from None
    if header.get("format") != FORMAT:
        raise WeightsError(f"{path}: is no checkpoint of a training run")
    if not header.get("version", "").isdecimal() or int(header["version"]) > VERSION:
        raise WeightsError(
            f"{path}: is of version {header.get('version')}, this package reads up to {VERSION}; "
            "update searchtransfer"
        )
    state = header.get("state", "")
    if header.get("digest") != _digest(tensors, state):
        raise WeightsError(f"{path}: is damaged, its content does not have the digest it states")
    return Checkpoint(tensors, json.loads(state))


def checkpoints(folder: Path) -> list[Path]:
    """The checkpoints in a folder, the latest first."""
    if not folder.is_dir():
        return []
    return sorted((p for p in folder.iterdir() if _NAME.fullmatch(p.name)), reverse=True)


def latest_checkpoint(folder: Path) -> tuple[Checkpoint | None, dict[Path, str]]:
    """The latest checkpoint that can be used, and what is wrong with later ones.

    Raises:
        WeightsError: there are checkpoints, and none can be used.
    """
    faults: dict[Path, str] = {}
    for path in checkpoints(folder):
        try:
            return read_checkpoint(path), faults
        except WeightsError as error:
            faults[path] = str(error)
    if faults:
        listed = "".join(f"\n  {fault}" for fault in faults.values())
        raise WeightsError(
            f"no checkpoint can be used:{listed}\nremove them to begin from the start"
        )
    return None, faults


def set_aside(damaged: Iterable[Path]) -> None:
    """Rename damaged checkpoints, so that they do not count among the last two."""
    for path in damaged:
        path.replace(path.with_name(f"{path.name}.damaged"))


def _digest(tensors: Mapping[str, Tensor], state: str) -> str:
    digest = hashlib.sha256(state.encode())
    for key in sorted(tensors):
        value = tensors[key]
        digest.update(f"{key} {value.dtype} {list(value.shape)}".encode())
        digest.update(value.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
