# SPDX-License-Identifier: Apache-2.0
"""Which files of a folder are pictures, by their names; and words for those that are not taken."""

import os
from pathlib import Path
from typing import NamedTuple

from ..foreign import shown
from .formats import FORMATS

EXTENSIONS = frozenset(extension for format in FORMATS for extension in format.extensions)


class LeftOut(NamedTuple):
    """A file of a folder that is not taken, and why."""

    path: Path
    reason: str


def why_not(path: Path) -> str | None:
    """Why a file is no picture that can be read, as far as its name says; None if it is one."""
    if path.suffix.lower() not in EXTENSIONS:
        return "not an image format that is read here" if path.suffix else "no extension"
    return None if path.is_file() else "no regular file"


def left_out_text(files: list[LeftOut]) -> str:
    """How many files are left out, and each of them with the reason, in one line."""
    names = _names([file.path for file in files])
    named = ", ".join(f"{shown(x)} ({file.reason})" for x, file in zip(names, files, strict=True))
    return f"{len(files)} left out: {named}"


def _names(paths: list[Path]) -> list[Path]:
    """The paths as they are below the folder that they have in common."""
    if len({path.parent for path in paths}) == 1:
        return [Path(path.name) for path in paths]
    try:
        root = os.path.commonpath([path.parent for path in paths])
    except ValueError:  # some begin at the root, others here
        return paths
    return [path.relative_to(root) if root else path for path in paths]
