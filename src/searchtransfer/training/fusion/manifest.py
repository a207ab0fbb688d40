# SPDX-License-Identifier: Apache-2.0
"""What the crops of a folder were made with, so that no others are ever taken for them."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ...errors import ConfigError
from ...files import write_file
from .config import FusionConfig
from .crops import VERSION
from .sources import settled
from .split import Split
from .teacher import teacher_files

NAME = "crops.json"
HELD_OUT_NAME = "held-out.json"


@dataclass(frozen=True)
class Manifest:
    """All that a crop depends on beside its number and the photos."""

    version: int
    scale: int
    """How many times smaller the small pictures are."""
    seed: int
    teacher: str | None
    """SHA-256 of the teacher's files, and in how many ways it was shown a crop, if not in one."""
    held_out: float
    """The share of `data.held_out`."""
    views: dict[str, Any]
    """`data.views`."""
    degradations: dict[str, Any]
    """`data.degradations`."""

    @classmethod
    def of(cls, config: FusionConfig) -> "Manifest":
        """What a configuration asks for.

        Raises:
            DataError: the teacher's files are not there.
        """
        files, ways, data = config.teacher.files, config.teacher.symmetries, config.data
        teacher = None if files is None else _digest(files) + (f" x {ways}" if ways > 1 else "")
        return cls(
            VERSION,
            config.model.scale,
            config.seed,
            teacher,
            data.held_out,
            data.views.model_dump(mode="json"),
            data.degradations.model_dump(mode="json"),
        )

    def settle(self, folder: Path) -> None:
        """Note it in a folder without crops; make sure that it is that of a folder with some.

        Raises:
            ConfigError: the crops were made with other settings, or nothing says with which.
            OutputError: the folder cannot be written to.
        """
        if not (folder / NAME).exists():
            if any(folder.glob("*/*.safetensors")):
                raise ConfigError(
                    f"{folder}: holds crops, but no {NAME} that says what they were made with; "
                    "remove them, or set data.prepared to another place"
                )
            folder.mkdir(parents=True, exist_ok=True)
            _write(folder / NAME, asdict(self))
            return
        before = _read(folder / NAME)
        changes = [
            f"{_KEYS[name]} was {before.get(name)} and is {value}"
            for name, value in asdict(self).items()
            if before.get(name) != value
        ]
        if changes:
            raise ConfigError(
                f"{folder}: its crops were made with other settings: {'; '.join(changes)}. "
                "Set them back, or set data.prepared to another place"
            )


def held_out(folder: Path, share: float, photos: Path, scale: int) -> Split:
    """What is held out, as it was when the first crop of a folder was made."""
    path = folder / HELD_OUT_NAME
    if path.exists():
        named = _read(path).get("named", [])
        return settled(photos, Split(share, frozenset(map(str, named))), scale)
    split = settled(photos, Split(share), scale)
    _write(path, {"named": sorted(split.named)})
    return split


def _write(path: Path, content: dict[str, Any]) -> None:
    write_file(path, json.dumps(content).encode(), on_exists="overwrite", what="manifest")


def _read(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text("utf-8")))
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise ConfigError(
            f"{path}: cannot be read ({error}); remove the crops, or set data.prepared to another "
            "place"
        ) from None


_KEYS = {
    "version": "the version of what is stored",
    "scale": "model.scale",
    "seed": "seed",
    "teacher": "the teacher (teacher.files, by SHA-256, and teacher.symmetries)",
    "held_out": "data.held_out",
    "views": "data.views",
    "degradations": "data.degradations",
}


def _digest(stem: Path) -> str:
    digest = hashlib.sha256()
    for file in teacher_files(stem):
        digest.update(file.read_bytes())
    return digest.hexdigest()
