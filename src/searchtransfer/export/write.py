# SPDX-License-Identifier: Apache-2.0
"""Writing a network as a graph that other runtimes read."""

from collections.abc import Callable
from pathlib import Path

from ..errors import OutputError
from ..files import OnExists, check_file, shown, write_file
from .graphs import Graph
from .program import as_onnx, as_pt2
from .sources import graph_of, licence_of, weights_of

FORMATS: dict[str, Callable[[Graph, str], bytes]] = {".onnx": as_onnx, ".pt2": as_pt2}
"""By the ending of the file."""


def export(
    source: str | Path,
    target: str | Path,
    *,
    licence: str | None = None,
    on_exists: OnExists = "error",
) -> None:
    """Write a network, or the operator, as an ONNX file or a program of `torch.export`.

    Sizes are free: `searchtransfer.export.graphs` says which inputs there are and how their sides
    depend on each other. The file says what it is: architecture, scale, arguments, licence.

    Args:
        source: name of packaged weights ("fusion-x4"), "search-transfer", or a file of weights.
        target: ends in `.onnx` or `.pt2`; it appears when it is complete.
        licence: of the weights; None for that of the package's own, "unknown" for others'.
        on_exists: "error" or "overwrite".

    Raises:
        OptionError: the source is neither a name nor a file.
        WeightsError: the weights are damaged, or of nothing that can be exported.
        OutputError: the target has another ending, exists, or cannot be written.
        MissingExtraError: the libraries of ONNX are not installed.
    """
    source, target = str(source), Path(target)
    make = FORMATS.get(target.suffix.lower())
    if make is None:
        raise OutputError(
            f"graph {shown(target)}: graphs are written as {' or '.join(FORMATS)}, give it one of "
            "these endings"
        )
    weights = weights_of(source)
    check_file(target, on_exists=on_exists, inputs=[weights] if weights else [], what="graph")
    write_file(
        target,
        make(graph_of(source), licence_of(source, licence)),
        on_exists=on_exists,
        what="graph",
    )
