# SPDX-License-Identifier: Apache-2.0
"""The pairs of the data sets that a configuration names."""

from ..errors import ConfigError
from ..pairs import Pair, cufed_groups, cufed_pairs, list_pairs, scene_pairs, single_photos
from .config import Source


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
        raise ConfigError(f"{key}.path: there is no {source.path}")
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
