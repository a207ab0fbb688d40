# SPDX-License-Identifier: Apache-2.0
"""Ways to compute the same search.

`literal` is the article line by line and the oracle for all others; `tiled` runs on any device in
bounded memory. A backend is a function `best_match(query, keys, patch_size)` that gets finite
features of moderate magnitude (see `features.balanced`) and returns score and position.
"""

import logging
from collections.abc import Callable, Sequence

from jaxtyping import Float, Int64
from torch import Tensor

from ...errors import OptionError
from . import literal, tiled

BestMatch = Callable[
    [Float[Tensor, "c h w"], Sequence[Float[Tensor, "c _ _"]], int],
    tuple[Float[Tensor, "h w"], Int64[Tensor, "h w"]],
]

BACKENDS: dict[str, BestMatch] = {"literal": literal.best_match, "tiled": tiled.best_match}

log = logging.getLogger(__name__)


def choose(name: str, query: Tensor, keys: Sequence[Tensor], patch_size: int) -> BestMatch:
    """The backend of that name; for `"auto"` the fastest that can run here.

    Raises:
        OptionError: there is no such backend.
    """
    if name == "auto":
        log.debug("search runs on 'tiled': query %s, %d keys", list(query.shape), len(keys))
        return tiled.best_match
    if name not in BACKENDS:
        raise OptionError(
            f"search: backend must be one of {', '.join(['auto', *BACKENDS])}, got {name!r}"
        )
    return BACKENDS[name]
