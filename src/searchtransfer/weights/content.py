# SPDX-License-Identifier: Apache-2.0
"""What is in a file that claims to hold weights, judged by its first bytes."""

import stat
from pathlib import Path
from typing import Literal

from ..errors import WeightsError

Kind = Literal["safetensors", "torch"]

MAX_HEADER = 2**20
"""Bytes of a safetensors header, which lists the tensors; those of real files have some 30 kB."""

_SUFFIXES = (".safetensors", ".pt", ".pth", ".ckpt")


def recognise(path: Path) -> Kind:
    """Tell a safetensors file from a torch file, and both from everything else.

    Raises:
        WeightsError: there is no such file, or it is no regular file, empty, a Git LFS pointer,
            a web page, or nothing known.
    """
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise WeightsError(_folder_message(path))
        if not stat.S_ISREG(mode):
            raise WeightsError(f"{path}: is no regular file; name a file that holds weights")
        with path.open("rb") as file:
            head = file.read(512)
    except FileNotFoundError:
        raise WeightsError(f"{path}: there is no such file") from None
    except (OSError, ValueError) as error:  # ValueError: a name that holds NUL
        reason = getattr(error, "strerror", None) or error
        raise WeightsError(f"{path}: cannot be read: {reason}") from None
    if not head:
        raise WeightsError(f"{path}: is empty; download it again")
    if head.startswith(b"version https://git-lfs"):
        raise WeightsError(
            f"{path}: is a Git LFS pointer, not the weights; run `git lfs pull` where it came from"
        )
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith((b"<!doctype", b"<html", b"<?xml")):
        raise WeightsError(
            f"{path}: is a web page, not weights; the download was answered by a page, repeat it"
        )
    if head[8:9] == b"{" and (header := int.from_bytes(head[:8], "little")) > MAX_HEADER:
        raise WeightsError(
            f"{path}: is a truncated or damaged safetensors file (it states a header of {header} "
            f"bytes, at most {MAX_HEADER} are read); copy it again"
        )
    # Safetensors first: its eight bytes of header length can begin like a pickle, with 128.
    if head[8:9] == b"{":
        return "safetensors"
    if head.startswith((b"PK\x03\x04", b"\x80")):
        return "torch"
    raise WeightsError(
        f"{path}: is neither a safetensors nor a PyTorch file (it begins with {head[:8].hex(' ')})"
    )


def _folder_message(path: Path) -> str:
    inside = sorted(p.name for p in path.iterdir() if p.suffix in _SUFFIXES)
    if inside:
        return f"{path}: is a folder; name one of the files in it: {', '.join(inside[:5])}"
    return f"{path}: is a folder, and no weights are in it (looked for {', '.join(_SUFFIXES)})"
