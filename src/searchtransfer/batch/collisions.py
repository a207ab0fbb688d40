# SPDX-License-Identifier: Apache-2.0
"""Whether an output would replace what is read, or two outputs would share a name."""

import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from ..errors import OutputError
from ..foreign import shown


def check_collisions(made: Iterable[tuple[Path, Path]], read: Mapping[Path, str]) -> None:
    """Raise where outputs meet.

    Args:
        made: each output with the input that it is made from.
        read: what each file that is read is, such as "reference".

    Raises:
        OutputError: two inputs would become one file, or a file that is read would be replaced.
    """
    made_from: dict[str, Path] = {}
    names = {name_of(path): (what, path) for path, what in read.items()}
    files = {identity: named for named in names.values() if (identity := _identity(named[1]))}
    faults = []
    for target, source in made:
        key = name_of(target)
        if key in made_from:
            faults.append(
                f"{shown(target)} would be made from both {shown(made_from[key])} and "
                f"{shown(source)}"
            )
        made_from[key] = source
        identity = _identity(target)
        if hit := names.get(key) or (identity and files.get(identity)):
            faults.append(f"{shown(target)} is the {hit[0]} {shown(hit[1])} itself")
    if faults:
        more = f" (and {len(faults) - 5} more)" if len(faults) > 5 else ""
        raise OutputError(
            f"outputs collide: {'; '.join(faults[:5])}{more}; choose another output, a suffix "
            "(--suffix), or inputs of different names"
        )


def name_of(path: Path) -> str:
    """The same for two names of one file."""
    name = os.path.realpath(path)
    return name.casefold() if sys.platform in ("win32", "darwin") else name


def _identity(path: Path) -> tuple[int, int] | None:
    """The same for two hard links of one file; None where there is none."""
    try:
        state = path.stat()
    except (OSError, ValueError):
        return None
    return state.st_dev, state.st_ino
