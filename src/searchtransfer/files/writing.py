# SPDX-License-Identifier: Apache-2.0
"""Writing a file whole or not at all."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from ..errors import OutputError
from ..foreign import shown
from .checks import OnExists, StrPath, check_word, target_of
from .leftovers import begin, clear_leftovers


def write_file(
    path: StrPath, content: bytes, *, on_exists: OnExists = "error", what: str = "output"
) -> None:
    """Write a file; it appears under its name complete, or not at all.

    Args:
        path: the file. A symbolic link is followed when what it points at is to be replaced.
        content: all of it.
        on_exists: `"error"` never replaces a file, not even one that appears meanwhile.
        what: what to call it in errors.

    Raises:
        OutputError: the path exists, or cannot be written; nothing is left behind, and its cause
            is the system's error.
        OptionError: on_exists is another word.
    """
    with whole_file(path, on_exists=on_exists, what=what) as file:
        file.write(content)


@contextmanager
def whole_file(
    path: StrPath, *, on_exists: OnExists = "error", what: str = "output"
) -> Iterator[BinaryIO]:
    """As `write_file`, for content that is written in pieces: the file to write to.

    It gets its name when the block ends; where the block raises, nothing is left behind.
    """
    check_word(on_exists)
    target = target_of(path, on_exists)
    try:
        _clear_once(target.parent.absolute())
        partial, handle = begin(target.parent)
        try:
            with os.fdopen(handle, "w+b") as file:  # the lock lasts until the file has its name
                yield file
                file.flush()
                os.fsync(handle)
                if os.name == "nt":
                    file.close()  # an open file cannot be moved there
                _give_name(partial, target, on_exists)
        finally:  # also on Ctrl-C
            with contextlib.suppress(FileNotFoundError):
                partial.unlink()
        _sync_folder(target.parent)
    except FileExistsError as error:
        raise OutputError(
            f"{what} {shown(path)}: appeared while it was being made; it was left as it is"
        ) from error
    except OSError as error:
        raise OutputError(
            f"{what} {shown(path)}: cannot be written ({error.strerror or error}); "
            "nothing was left behind"
        ) from error


@lru_cache(maxsize=1024)
def _clear_once(folder: Path) -> None:
    """Once for each folder that a process writes into: many small files would list it for ever."""
    clear_leftovers(folder)


def _give_name(partial: Path, target: Path, on_exists: OnExists) -> None:
    if on_exists == "overwrite":
        with contextlib.suppress(FileNotFoundError):
            shutil.copymode(target, partial)
        partial.replace(target)
        return
    try:  # no moment between check and move
        os.link(partial, target)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links: reserve the name, then replace that
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        try:
            partial.replace(target)
        except BaseException:
            target.unlink()
            raise


def _sync_folder(folder: Path) -> None:
    """Make the new name last through a power cut, where folders can be synchronised."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
