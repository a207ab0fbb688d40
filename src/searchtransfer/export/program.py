# SPDX-License-Identifier: Apache-2.0
"""From a graph to a program of `torch.export`, and to the bytes of a file."""

import io
import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch.export import ExportedProgram

from .. import __version__
from ..errors import MissingExtraError
from .graphs import Graph
from .operators import in_plain_operators

OPSET = 18
"""Of ONNX: the first with all that is needed."""

METADATA = "searchtransfer.json"
"""Where a `.pt2` file keeps what an `.onnx` file has in its metadata."""


def program_of(graph: Graph) -> ExportedProgram:
    """Trace a graph, with free sizes, into torch's own operators."""
    with _quiet(), torch.no_grad():
        program: ExportedProgram = torch.export.export(
            graph.module,
            args=(),
            kwargs=dict(graph.examples),
            dynamic_shapes=dict(graph.sizes),
        )
        plain: ExportedProgram = program.run_decompositions(in_plain_operators())
    return plain


def as_pt2(graph: Graph, licence: str) -> bytes:
    """A `.pt2` file: `torch.export.load` reads it, and torch alone runs it."""
    buffer = io.BytesIO()
    about = json.dumps(metadata_of(graph, licence))
    with _quiet():
        torch.export.save(program_of(graph), buffer, extra_files={METADATA: about})
    return buffer.getvalue()


def as_onnx(graph: Graph, licence: str) -> bytes:
    """An `.onnx` file of standard operators, checked by ONNX's own checker.

    Raises:
        MissingExtraError: the libraries of ONNX are not installed.
    """
    try:
        import onnx
        import onnxscript  # noqa: F401  (what torch translates with)
    except ImportError as error:
        raise MissingExtraError(
            f"export to ONNX needs {error.name}; install it with: "
            "pip install 'searchtransfer[onnx]'"
        ) from error
    with _quiet():
        made = torch.onnx.export(
            program_of(graph),
            dynamo=True,
            opset_version=OPSET,
            input_names=list(graph.examples),
            output_names=list(graph.outputs),
            verbose=False,
        )
    if made is None:
        raise RuntimeError("torch.onnx.export returned nothing")
    model = made.model_proto
    model.producer_name, model.producer_version = "searchtransfer", __version__
    onnx.helper.set_model_props(model, metadata_of(graph, licence))
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString())


def metadata_of(graph: Graph, licence: str) -> dict[str, str]:
    """What a file says about itself."""
    return {**graph.about, "package_version": __version__, "licence": licence}


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the notices of the libraries that translate."""
    log = logging.getLogger("torch.onnx")
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(before)
