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
from .teacher import teacher_files

NAME = "crops.json"


@dataclass(frozen=True)
class Manifest:
    """All that a crop depends on beside its number and the photos."""

    version: int
    seed: int
    teacher: str | None
    """SHA-256 of the teacher's files."""

    @classmethod
    def of(cls, config: FusionConfig) -> "Manifest":
        """What a configuration asks for.

        Raises:
            DataError: the teacher's files are not there.
        """
        files = config.teacher.files
        return cls(VERSION, config.seed, None if files is None else _digest(files))

    def settle(self, folder: Path) -> None:
        """Note it in a folder without crops; make sure that it is that of a folder with some.

        Raises:
            ConfigError: the crops were made with other settings, or nothing says with which.
            OutputError: the folder cannot be written to.
        """
        path = folder / NAME
        try:
            before: dict[str, Any] = dict(json.loads(path.read_text("utf-8")))
        except FileNotFoundError:
            if any(folder.glob("*/*.safetensors")):
                raise ConfigError(
                    f"{folder}: holds crops, but no {NAME} that says what they were made with; "
                    "remove them, or set data.prepared to another place"
                ) from None
            folder.mkdir(parents=True, exist_ok=True)
            write_file(
                path, json.dumps(asdict(self)).encode(), on_exists="overwrite", what="manifest"
            )
            return
        except (OSError, ValueError, TypeError) as error:
            raise ConfigError(f"{path}: cannot be read: {error}") from None
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


_KEYS = {
    "version": "the version of what is stored",
    "seed": "seed",
    "teacher": "the teacher (teacher.files, by SHA-256)",
}


def _digest(stem: Path) -> str:
    digest = hashlib.sha256()
    for file in teacher_files(stem):
        digest.update(file.read_bytes())
    return digest.hexdigest()
