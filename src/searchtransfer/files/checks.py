# SPDX-License-Identifier: Apache-2.0
"""What can be known of a file before it is written."""

import contextlib
import os
import stat
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from ..errors import OptionError, OutputError
from ..foreign import shown

OnExists = Literal["error", "overwrite"]
StrPath = str | os.PathLike[str]

ALLOW = "--on-exists overwrite, in Python on_exists='overwrite'"
"""How most callers let a file be replaced."""


def check_file(
    path: StrPath,
    *,
    on_exists: OnExists = "error",
    inputs: Iterable[StrPath] = (),
    what: str = "output",
    allow: str = ALLOW,
) -> None:
    """Find out whether a file can be written; nothing is changed.

    Args:
        path: the file.
        on_exists: `"error"` or `"overwrite"`; an input is never overwritten.
        inputs: files that are read for it.
        what: what to call it in errors.
        allow: the option that lets it be replaced, for the error.

    Raises:
        OutputError: the path exists, is an input, or its folder cannot be written to.
        OptionError: on_exists is another word.
    """
    check_word(on_exists)
    name = f"{what} {shown(path)}"
    state = _state(path, name)
    for source in inputs:
        if _same_file(path, source):
            raise OutputError(
                f"{name}: is the same file as input {shown(source)}; an input is never "
                "overwritten, choose another name"
            )
    if state is not None:
        if Path(path).is_dir():
            raise OutputError(f"{name}: is a folder, expected a file name")
        if not stat.S_ISREG(state.st_mode) and not Path(path).is_file():
            raise OutputError(f"{name}: exists and is no regular file")
        if on_exists == "error":
            raise OutputError(
                f"{name}: exists already; choose another name, or allow overwriting ({allow})"
            )
    _check_folder(Path(path), name)


def check_word(on_exists: str) -> None:
    """Raise `OptionError` unless it is one of the two words."""
    if not isinstance(on_exists, str) or on_exists not in ("error", "overwrite"):
        raise OptionError(f"on_exists must be 'error' or 'overwrite', got {on_exists!r}")


def target_of(path: StrPath, on_exists: OnExists) -> Path:
    """The file that is replaced: a symbolic link is followed and stays, unless it must be new."""
    return Path(os.path.realpath(path)) if on_exists == "overwrite" else Path(path)


def _state(path: StrPath, name: str) -> os.stat_result | None:
    try:
        if not os.fspath(path):
            raise OutputError(f"{name}: the name is empty")
        with contextlib.suppress(FileNotFoundError):
            return os.lstat(path)
    except NotADirectoryError:
        raise OutputError(f"{name}: its folder is a file") from None
    except (OSError, ValueError) as error:  # too long, or with a zero byte
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise OutputError(f"{name}: this name cannot be used ({reason})") from None
    return None


def _same_file(path: StrPath, source: StrPath) -> bool:
    """Same name, symbolic or hard link, or the same name in other case where that is the same."""
    try:
        return Path(path).samefile(source)
    except (OSError, ValueError):
        return os.path.realpath(path) == os.path.realpath(source)


def _check_folder(path: Path, name: str) -> None:
    for folder in {path.parent, Path(os.path.realpath(path)).parent}:
        if not folder.exists():
            raise OutputError(f"{name}: its folder {shown(folder)} does not exist; create it first")
        if not folder.is_dir():
            raise OutputError(f"{name}: its folder {shown(folder)} is a file")
        try:
            # Permission bits say little (root, network and read-only mounts): only trying tells.
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            raise OutputError(
                f"{name}: its folder {shown(folder)} cannot be written to ({error.strerror})"
            ) from error
