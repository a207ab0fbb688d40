# SPDX-License-Identifier: Apache-2.0
"""The pairs of the data sets that a configuration names."""

from collections.abc import Iterable

from ..errors import ConfigError
from ..foreign import shown
from ..images.pairs import (
    WHERE_CUFED_IS,
    Pair,
    cufed_groups,
    cufed_pairs,
    list_pairs,
    scene_pairs,
    single_photos,
)
from .config import Source
from .data.sizes import shorter_side


def find_pairs(source: Source, key: str) -> list[Pair]:
    """The pairs of a data set.

    Args:
        source: layout and place.
        key: of the source in the configuration, for messages.

    Raises:
        ConfigError: there is nothing at that place.
        DataError: it has another layout.
    """
    if not source.path.exists():
        said = f"{key}.path: there is no {shown(source.path)}"
        if source.layout in ("cufed", "groups"):
            said += f"; {WHERE_CUFED_IS}, and --set {key}.path=FOLDER says where it lies"
        raise ConfigError(said)
    match source.layout:
        case "cufed":
            pairs = cufed_pairs(source.path)
        case "groups":
            pairs = cufed_groups(source.path)
        case "scenes":
            pairs = scene_pairs(source.path, source.neighbours)
        case "singles":
            pairs = single_photos(source.path)
        case "list":
            pairs = list_pairs(source.path)
    return pairs * source.repeat


def require_size(pairs: Iterable[Pair], smallest: int, key: str, what: str) -> None:
    """Refuse a data set all of whose photos are too small to be used.

    Args:
        pairs: whose targets are looked at, until one is large enough or cannot be judged.
        smallest: pixels that a side must have.
        key: of the setting, for messages.
        what: needs that size, for messages.

    Raises:
        ConfigError: all are smaller.
    """
    largest = 0
    for pair in pairs:
        side = shorter_side(pair.target)
        if side is None or side >= smallest:
            return
        largest = max(largest, side)
    raise ConfigError(
        f"{key}: all photos have a side below the {smallest} pixels that {what} needs; "
        f"the largest has {largest}"
    )
