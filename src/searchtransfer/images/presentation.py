# SPDX-License-Identifier: Apache-2.0
"""What a result can do beside holding data: save itself, show itself, and say what it is."""

import io
import os
from dataclasses import replace
from typing import Any, Literal

from torch import Tensor

from .convert import to_pil
from .image import Image
from .kinds import as_image
from .writing import write_image

SHOWN_SIDE = 1600
"""Pixels; a notebook is shown a larger picture reduced to this."""


class Presentable:
    """Methods for a class that has a sharp picture as `image`, and a `score`."""

    image: Any
    score: Tensor

    def save(
        self,
        path: str | os.PathLike[str],
        *,
        metadata: Literal["keep", "strip"] = "keep",
        on_exists: Literal["error", "overwrite"] = "error",
    ) -> None:
        """Write the picture to a file; see `images.write_image`.

        Raises:
            ImageFileError, OutputError, OptionError: as `images.write_image`.
        """
        write_image(as_image(self.image, "result"), path, metadata=metadata, on_exists=on_exists)

    def _repr_png_(self) -> bytes:
        """The picture as a notebook shows it: 8 bits, at most 1600 pixels on a side."""
        picture = to_pil(replace(as_image(self.image, "result"), bits=8))
        picture.thumbnail((SHOWN_SIDE, SHOWN_SIDE))
        file = io.BytesIO()
        picture.save(file, "PNG")
        return file.getvalue()

    def __repr__(self) -> str:
        found = self.score.float()
        return (
            f"{type(self).__name__}(image={in_short(self.image)}, score={in_short(found)} "
            f"of mean {found.mean().item():.2f})"
        )


def in_short(value: object) -> str:
    """A picture or an array by its kind, dtype and size, without its numbers."""
    if isinstance(value, Image):
        return repr(value)
    shape = getattr(value, "shape", None)
    if shape is not None:
        dtype = str(getattr(value, "dtype", "")).removeprefix("torch.")
        return f"<{type(value).__name__} {list(shape)} {dtype}>"
    size, mode = getattr(value, "size", None), getattr(value, "mode", "")
    return f"<{type(value).__name__}{f' {mode} {size[0]} x {size[1]}' if size else ''}>"
