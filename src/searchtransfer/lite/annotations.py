# SPDX-License-Identifier: Apache-2.0
"""In the place of jaxtyping: annotations of shapes that say which class it is, and nothing else."""

from typing import Any


class _Shaped:
    def __class_getitem__(cls, item: tuple[Any, str]) -> Any:
        return item[0]


Bool = BFloat16 = Float = Float32 = Float64 = Int64 = _Shaped
