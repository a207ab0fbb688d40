# SPDX-License-Identifier: Apache-2.0
"""Which files of a folder are pictures, by their names; and words for those that are not taken."""

from pathlib import Path
from typing import NamedTuple

from ..foreign import shown
from .formats import FORMATS

EXTENSIONS = frozenset(extension for format in FORMATS for extension in format.extensions)
_NAMED = 5
"""Files that a sentence names; of more it says the number."""


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
    """How many files are left out, and which, in one line."""
    named = ", ".join(f"{shown(file.path.name)} ({file.reason})" for file in files[:_NAMED])
    more = f" and {len(files) - _NAMED} more" if len(files) > _NAMED else ""
    return f"{len(files)} left out: {named}{more}"
