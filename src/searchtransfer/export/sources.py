# SPDX-License-Identifier: Apache-2.0
"""What `export` can be asked for: packaged weights, files of weights, the operator itself."""

from pathlib import Path

from ..errors import OptionError, WeightsError
from ..files import shown
from ..models.fusion import load_network
from ..networks import SearchTransfer, load_ttsr
from ..weights import read_weights
from ..weights.packaged import PACKAGED, packaged
from .graphs import Graph, fusion_graph, search_transfer_graph, ttsr_graph

OPERATOR = "search-transfer"
"""The SearchTransfer operator, which has no weights."""

OPERATOR_CHANNELS = (64, 128, 256)
"""Of TTSR's three levels."""

SHORT = {"fusion": "fusion-x4"}
"""Models by the name that they have elsewhere: at the scale that is theirs unless told."""

OWN_LICENCE = "Apache-2.0"
"""Of the package and the weights that come with it."""

UNKNOWN_LICENCE = "unknown"
"""What a file says of weights of which nobody said anything."""


def names() -> list[str]:
    """What needs no file of weights."""
    return [OPERATOR, *SHORT, *PACKAGED]


def weights_of(source: str) -> Path | None:
    """The file of weights that a source stands for; None for the operator.

    Raises:
        OptionError: it is neither a name nor a file.
    """
    if source == OPERATOR:
        return None
    source = SHORT.get(source, source)
    if source in PACKAGED:
        return packaged(source)
    if not Path(source).is_file():
        raise OptionError(
            f"model must be one of {', '.join(names())}, or a file of weights that is there, "
            f"got {shown(source)}"
        )
    return Path(source)


def licence_of(source: str, said: str | None) -> str:
    """The licence that goes into the file: what was said, or that of the package's own parts."""
    return said or (OWN_LICENCE if source in names() else UNKNOWN_LICENCE)


def graph_of(source: str) -> Graph:
    """The graph of what a source names.

    Raises:
        OptionError: it is neither a name nor a file.
        WeightsError: the file is damaged, or holds no network that can be exported.
    """
    path = weights_of(source)
    if path is None:
        return search_transfer_graph(SearchTransfer(), OPERATOR_CHANNELS)
    description = read_weights(path).description
    architecture = "ttsr" if description is None else description.architecture
    if architecture == "fusion":
        return fusion_graph(load_network(path))
    if architecture == "ttsr":
        return ttsr_graph(load_ttsr(path))
    raise WeightsError(
        f"weights {shown(path)}: hold {architecture!r}, of which there is no graph; fusion and "
        "ttsr can be exported"
    )
