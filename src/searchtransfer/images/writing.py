# SPDX-License-Identifier: Apache-2.0
"""Writing an image file: checked before any work, then whole or not at all."""

import contextlib
import os
import secrets
import shutil
import stat
import tempfile
import warnings
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Literal

from ..errors import ImageFileError, OptionError, OutputError, SearchTransferError
from .encoding import encode
from .formats import Format, format_of, shown
from .image import Bits, Image, ImageWarning, Metadata

OnExists = Literal["error", "overwrite"]
Path_ = str | os.PathLike[str]

PARTIAL = ".searchtransfer-"
"""Unfinished files begin so; one that a power cut left behind can be deleted."""


def check_output(
    path: Path_,
    *,
    size: tuple[int, int],
    alpha: bool = False,
    bits: Bits = 8,
    on_exists: OnExists = "error",
    inputs: Iterable[Path_] = (),
) -> None:
    """Find out before any work whether a picture can be written; nothing is changed.

    Args:
        path: the file to be written; its extension chooses the format.
        size: `(H, W)` of the picture in pixels.
        alpha: whether it has an alpha channel.
        bits: its depth.
        on_exists: `"error"` or `"overwrite"`; an input is never overwritten.
        inputs: files that are read for it.

    Raises:
        ImageFileError: unknown extension; the format cannot hold the size, alpha or depth.
        OutputError: the path exists, is an input, or its folder cannot be written to.
        OptionError: on_exists is another word.
    """
    _check_option("on_exists", on_exists, ("error", "overwrite"))
    _check_format(path, size, alpha, bits)
    check_place(path, on_exists, inputs)


def write_image(
    image: Image,
    path: Path_,
    *,
    metadata: Literal["keep", "strip"] = "keep",
    on_exists: OnExists = "error",
) -> None:
    """Write a PNG, JPEG, TIFF or WebP file; it appears under its name complete, or not at all.

    Values are clamped to [0, 1], then rounded to the picture's bits. JPEG is written with quality
    95 and full chroma, the other three without loss. WebP, which has no grey, holds grey as RGB.

    Args:
        image: the picture.
        path: the file; its extension chooses the format.
        metadata: `"strip"` leaves out EXIF, XMP and resolution. The ICC profile always stays: the
            colours would be wrong without it.
        on_exists: `"error"` never replaces a file, not even one that appears meanwhile.

    Raises:
        ImageFileError: unknown extension; the format cannot hold the size, alpha or depth.
        OutputError: the path exists, or cannot be written.
        NonFiniteError: the picture holds NaN or infinity.
        OptionError: metadata or on_exists is another word.

    Warns:
        ImageWarning: a piece of metadata that the format cannot hold is left out.
    """
    _check_option("metadata", metadata, ("keep", "strip"))
    _check_option("on_exists", on_exists, ("error", "overwrite"))
    kind = _check_format(path, image.size, image.alpha is not None, image.bits)
    check_place(path, on_exists)
    if metadata == "strip":
        image = replace(image, metadata=Metadata(icc=image.metadata.icc))
    notes: list[str] = []
    try:
        data = encode(image, kind, notes.append)
    except (OSError, ValueError) as error:
        if isinstance(error, SearchTransferError):
            raise
        raise OutputError(f"output {shown(path)}: {kind.name} cannot be made ({error})") from error
    write_whole(data, path, on_exists)
    for note in notes:
        warnings.warn(f"output {shown(path)}: {note}", ImageWarning, stacklevel=2)


def _check_option(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        words = " or ".join(repr(word) for word in allowed)
        raise OptionError(f"{name} must be {words}, got {value!r}")


def _check_format(path: Path_, size: tuple[int, int], alpha: bool, bits: Bits) -> Format:
    kind = format_of(path)
    height, width = size
    name = f"output {shown(path)}"
    if alpha and not kind.alpha:
        raise ImageFileError(
            f"{name}: {kind.name} cannot hold transparency; write PNG, TIFF or WebP, "
            "or remove the alpha channel first"
        )
    if bits == 16 and not kind.deep:
        raise ImageFileError(
            f"{name}: {kind.name} cannot hold 16 bits; write PNG or TIFF, or ask for 8 bits"
        )
    if max(size) > kind.longest_side:
        raise ImageFileError(
            f"{name}: {height} x {width} pixels are too many for {kind.name}, whose sides are at "
            f"most {kind.longest_side}; write another format"
        )
    needed = height * width * (3 + alpha) * bits // 8
    if needed > kind.most_bytes:
        raise ImageFileError(
            f"{name}: {needed / 2**30:.1f} GiB of pixels are too many for {kind.name}, "
            f"at most {kind.most_bytes / 2**30:.1f} GiB; write PNG"
        )
    return kind


def check_place(path: Path_, on_exists: OnExists, inputs: Iterable[Path_] = ()) -> None:
    """Find out whether a file of any kind can be written; nothing is changed.

    Args:
        path: the file.
        on_exists: `"error"` or `"overwrite"`; an input is never overwritten.
        inputs: files that are read for it.

    Raises:
        OutputError: the path exists, is an input, or its folder cannot be written to.
    """
    name = f"output {shown(path)}"
    try:
        exists = os.path.lexists(path)
        state = os.lstat(path) if exists else None
        if not exists:
            with contextlib.suppress(FileNotFoundError):
                os.lstat(path)  # says why a name cannot be used: too long, a file for a folder
    except NotADirectoryError:
        raise OutputError(f"{name}: its folder is a file") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise OutputError(f"{name}: this name cannot be used ({reason})") from None
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
            raise OutputError(f"{name}: exists already; choose another name, or allow overwriting")
    folder = Path(path).parent
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
        ) from None


def _same_file(path: Path_, source: Path_) -> bool:
    """Same name, symbolic or hard link, or the same name in other case where that is the same."""
    try:
        return Path(path).samefile(source)
    except (OSError, ValueError):
        return os.path.realpath(path) == os.path.realpath(source)


def write_whole(data: bytes, path: Path_, on_exists: OnExists) -> None:
    """Write to a file beside the target, then move it to its name in one step.

    Raises:
        OutputError: the path exists, or cannot be written.
    """
    # A symbolic link is followed: what it points at is replaced, not the link.
    target = Path(os.path.realpath(path)) if on_exists == "overwrite" else Path(path)
    partial = target.parent / f"{PARTIAL}{secrets.token_hex(8)}.part"
    try:
        try:
            with partial.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            if on_exists == "overwrite":
                with contextlib.suppress(FileNotFoundError):
                    shutil.copymode(target, partial)
                partial.replace(target)
            else:
                _move_to_new(partial, target)
        finally:  # also on Ctrl-C
            with contextlib.suppress(FileNotFoundError):
                partial.unlink()
        _sync_folder(target.parent)
    except FileExistsError:
        raise OutputError(
            f"output {shown(path)}: appeared while it was being made; it was left as it is"
        ) from None
    except OSError as error:
        raise OutputError(
            f"output {shown(path)}: cannot be written ({error.strerror or error}); "
            "nothing was left behind"
        ) from error


def _move_to_new(partial: Path, target: Path) -> None:
    """Give a file its name unless that is taken, without a moment between check and move."""
    try:
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
