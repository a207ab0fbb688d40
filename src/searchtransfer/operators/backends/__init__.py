# SPDX-License-Identifier: Apache-2.0
"""Ways to compute the same search.

`literal` is the article line by line and the oracle for all others; `tiled` runs on any device in
bounded memory; `native` is compiled, for float32 on the CPU. A backend is a function
`best_match(query, keys, patch_size, muted)` that gets finite features of moderate magnitude (see
`features`) and returns score and position; it never finds a block that is muted.
"""

import logging
from collections.abc import Callable, Sequence

from jaxtyping import Bool, Float, Int64
from torch import Tensor

from ...errors import BackendError
from ...given import check_word
from . import literal, native, tiled

Muted = Sequence[Bool[Tensor, "_ _"] | None]
BestMatch = Callable[
    [Float[Tensor, "c h w"], Sequence[Float[Tensor, "c _ _"]], int, Muted],
    tuple[Float[Tensor, "h w"], Int64[Tensor, "h w"]],
]

IN_TORCH: dict[str, BestMatch] = {"literal": literal.best_match, "tiled": tiled.best_match}

BACKENDS = (*IN_TORCH, "native")

log = logging.getLogger(__name__)


def check_backend(name: str) -> None:
    """Raise `OptionError` unless it is a backend's name or `"auto"`."""
    check_word("search: backend", name, ("auto", *BACKENDS))


def choose(name: str, query: Tensor, keys: Sequence[Tensor], patch_size: int) -> str:
    """The name of a backend; for `"auto"` the compiled one where it can run, else tiled.

    Raises:
        OptionError: there is no such backend.
        BackendError: the backend asked for cannot run on these inputs; the message says why.
    """
    check_backend(name)
    if name in ("auto", "native"):
        reason = native.why_not(query, keys, patch_size)
        if name == "native" and reason:
            raise BackendError(f"search: backend 'native' cannot run here: {reason}")
        log.debug("search runs on %s", f"'tiled': {reason}" if reason else "'native'")
        return "tiled" if reason else "native"
    return name
